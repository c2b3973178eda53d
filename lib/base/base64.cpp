#include "lib/base/base64.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace socketmesh {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kNone = 64;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kValues = make_values();

std::uint32_t byte_at(std::string_view bytes, std::size_t i) {
  return i < bytes.size() ? static_cast<std::uint8_t>(bytes[i]) : 0U;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t group =
        byte_at(bytes, i) << 16U | byte_at(bytes, i + 1) << 8U | byte_at(bytes, i + 2);
    const std::size_t left = bytes.size() - i;
    text.push_back(kAlphabet[group >> 18U]);
    text.push_back(kAlphabet[group >> 12U & 63U]);
    text.push_back(left > 1 ? kAlphabet[group >> 6U & 63U] : '=');
    text.push_back(left > 2 ? kAlphabet[group & 63U] : '=');
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.size() > padding && text[text.size() - 1 - padding] == '=') ++padding;
  const std::string_view digits = text.substr(0, text.size() - padding);

  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  std::uint32_t bits = 0;
  for (const char digit : digits) {
    const std::uint32_t value = kValues[static_cast<std::uint8_t>(digit)];
    if (value == kNone) return std::nullopt;
    group = (group << 6U | value) & 0xffffU;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>(group >> bits & 0xffU));
    }
  }
  // Bits that no byte took must be zero, or two texts would mean the same.
  if ((group & ((1U << bits) - 1U)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace socketmesh
