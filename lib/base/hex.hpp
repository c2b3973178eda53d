// Bytes as hexadecimal text, as digests are written. Pure.
#pragma once

#include <string>
#include <string_view>

namespace socketmesh {

// Lower case, two characters a byte.
inline std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xFU];
  }
  return text;
}

}  // namespace socketmesh
