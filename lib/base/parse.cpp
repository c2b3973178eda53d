#include "lib/base/parse.hpp"

#include <array>
#include <charconv>

#include "lib/base/text.hpp"

namespace socketmesh {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array kDurationUnits = {Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                                       Unit{"ms", 1}};

constexpr std::uint64_t kKi = 1024;
// The first name of each factor is the one that format_size writes.
constexpr std::array kSizeUnits = {Unit{"GiB", kKi* kKi* kKi},
                                   Unit{"Gi", kKi* kKi* kKi},
                                   Unit{"MiB", kKi* kKi},
                                   Unit{"Mi", kKi* kKi},
                                   Unit{"KiB", kKi},
                                   Unit{"Ki", kKi},
                                   Unit{"GB", 1'000'000'000},
                                   Unit{"G", 1'000'000'000},
                                   Unit{"MB", 1'000'000},
                                   Unit{"M", 1'000'000},
                                   Unit{"kB", 1'000},
                                   Unit{"k", 1'000},
                                   Unit{"B", 1},
                                   Unit{"", 1}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes the leading digits off `text`.
std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

// Takes everything up to the next digit off `text`.
std::string_view take_unit(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && !is_digit(text[count])) ++count;
  const std::string_view unit = text.substr(0, count);
  text.remove_prefix(count);
  return unit;
}

}  // namespace

Expected<std::uint64_t> parse_uint(std::string_view text, std::uint64_t max) {
  std::string_view rest = text;
  const std::string_view digits = take_digits(rest);
  if (digits.empty() || !rest.empty()) {
    return Unexpected{in_quotes(text) + " is not a whole number"};
  }
  if (digits.size() > 1 && digits.front() == '0') {
    return Unexpected{in_quotes(text) + " has a leading zero; write it without"};
  }
  std::uint64_t number = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (result.ec != std::errc() || number > max) {
    return Unexpected{in_quotes(text) + " is too large; at most " + std::to_string(max)};
  }
  return number;
}

Expected<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr std::string_view kExpected = " is not a duration; write for example 100ms, 30s, 2m, 1h";
  constexpr auto kMax = static_cast<std::uint64_t>(kDurationMax.count());
  std::string_view rest = text;
  std::uint64_t total = 0;
  std::size_t next_unit = 0;  // units come in the order of the table, each at most once
  do {
    const auto number = parse_uint(take_digits(rest), kMax);
    const std::string_view name = take_unit(rest);
    if (!number) return Unexpected{in_quotes(text) + std::string(kExpected)};
    while (next_unit < kDurationUnits.size() && kDurationUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kDurationUnits.size()) {
      if (name.empty()) return Unexpected{in_quotes(text) + " has no unit; write for example 30s"};
      return Unexpected{in_quotes(text) + std::string(kExpected)};
    }
    const std::uint64_t factor = kDurationUnits[next_unit++].factor;
    if (*number > (kMax - total) / factor) {
      return Unexpected{in_quotes(text) + " is too long; at most a year"};
    }
    total += *number * factor;
  } while (!rest.empty());
  return std::chrono::milliseconds(total);
}

Expected<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kExpected = " is not a size; write for example 4096, 512KiB, 64MiB";
  std::string_view rest = text;
  const auto number = parse_uint(take_digits(rest));
  if (!number) return Unexpected{in_quotes(text) + std::string(kExpected)};
  for (const Unit& unit : kSizeUnits) {
    if (unit.name != rest) continue;
    if (*number > kSizeMax / unit.factor) {
      return Unexpected{in_quotes(text) + " is too large; at most " + std::to_string(kSizeMax)};
    }
    return *number * unit.factor;
  }
  return Unexpected{in_quotes(text) + std::string(kExpected)};
}

std::string format_duration(std::chrono::milliseconds duration) {
  auto rest = static_cast<std::uint64_t>(duration.count());
  std::string text;
  for (const Unit& unit : kDurationUnits) {
    if (rest < unit.factor) continue;
    text += std::to_string(rest / unit.factor) + std::string(unit.name);
    rest %= unit.factor;
  }
  return text.empty() ? "0s" : text;
}

std::string format_size(std::uint64_t bytes) {
  for (const Unit& unit : kSizeUnits) {
    const bool binary = unit.factor % kKi == 0;
    if (!binary || bytes == 0 || bytes % unit.factor != 0) continue;
    return std::to_string(bytes / unit.factor) + std::string(unit.name);
  }
  return std::to_string(bytes) + "B";
}

}  // namespace socketmesh
