// A member's id: 8 opaque bytes, kept as the integer that they are in memory; shown as 16 hex
// digits, byte 0 first.
#pragma once

#include <cstdint>
#include <string>

namespace socketmesh::wire {

using MemberId = std::uint64_t;

inline std::string member_id_text(MemberId id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned byte = 0; byte < 8; ++byte) {
    const auto value = static_cast<unsigned>(id >> (8 * byte)) & 0xffU;
    text += kDigits[value >> 4U];
    text += kDigits[value & 0xfU];
  }
  return text;
}

}  // namespace socketmesh::wire
