#include "operator/api/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include "lib/base/parse.hpp"
#include "operator/api/limits.hpp"

namespace socketmesh::op::api {
namespace {

using nlohmann::json;

constexpr std::uint64_t kExponentMax = 99;

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array kUnits = {
    Unit{"", 1},        Unit{"n", 1e-9},    Unit{"u", 1e-6},    Unit{"m", 1e-3},
    Unit{"k", 1e3},     Unit{"M", 1e6},     Unit{"G", 1e9},     Unit{"T", 1e12},
    Unit{"P", 1e15},    Unit{"E", 1e18},    Unit{"Ki", 0x1p10}, Unit{"Mi", 0x1p20},
    Unit{"Gi", 0x1p30}, Unit{"Ti", 0x1p40}, Unit{"Pi", 0x1p50}, Unit{"Ei", 0x1p60}};

std::size_t count_digits(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

// "e3", "E-3": the factor.
std::optional<double> parse_exponent(std::string_view suffix) {
  if (suffix.empty() || (suffix.front() != 'e' && suffix.front() != 'E')) return std::nullopt;
  suffix.remove_prefix(1);
  const bool small = suffix.starts_with('-');
  if (small || suffix.starts_with('+')) suffix.remove_prefix(1);
  const auto exponent = parse_uint(suffix, kExponentMax);
  if (!exponent) return std::nullopt;
  return std::pow(10.0, (small ? -1.0 : 1.0) * static_cast<double>(*exponent));
}

std::optional<double> parse_unit(std::string_view suffix) {
  const auto* found = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& unit) { return unit.name == suffix; });
  if (found != kUnits.end()) return found->factor;
  return parse_exponent(suffix);
}

}  // namespace

bool is_count_or_percent(const json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= kReplicasMax;
  if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    return number >= 0 && number <= kReplicasMax;
  }
  if (!value.is_string()) return false;
  std::string_view text = value.get_ref<const std::string&>();
  if (!text.ends_with('%')) return false;
  text.remove_suffix(1);
  return parse_uint(text, 100).has_value();
}

std::optional<double> parse_quantity(const json& value) {
  if (value.is_number_integer()) {
    const auto number = value.get<double>();
    return number >= 0 ? std::optional(number) : std::nullopt;
  }
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = value.get_ref<const std::string&>();
  std::size_t size = count_digits(text);
  std::size_t digits = size;
  if (text.substr(size).starts_with('.')) {
    const std::size_t fraction = count_digits(text.substr(size + 1));
    digits += fraction;
    size += 1 + fraction;
  }
  const auto factor = parse_unit(text.substr(size));
  if (digits == 0 || !factor) return std::nullopt;
  const std::string decimal(text.substr(0, size));
  double number = 0;
  std::from_chars(decimal.data(), decimal.data() + size, number, std::chars_format::fixed);
  return number * *factor;
}

}  // namespace socketmesh::op::api
