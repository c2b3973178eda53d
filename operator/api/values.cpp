#include "operator/api/values.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "lib/base/parse.hpp"
#include "operator/api/limits.hpp"

namespace socketmesh::op::api {
namespace {

using nlohmann::json;

std::size_t count_digits(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

bool is_exponent(std::string_view suffix) {
  if (suffix.empty() || (suffix.front() != 'e' && suffix.front() != 'E')) return false;
  suffix.remove_prefix(1);
  if (suffix.starts_with('+') || suffix.starts_with('-')) suffix.remove_prefix(1);
  return !suffix.empty() && count_digits(suffix) == suffix.size();
}

bool is_unit(std::string_view suffix) {
  constexpr std::array<std::string_view, 16> kUnits = {
      "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  return std::find(kUnits.begin(), kUnits.end(), suffix) != kUnits.end();
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

bool is_quantity(const json& value) {
  if (value.is_number_unsigned()) return true;
  if (value.is_number_integer()) return value.get<std::int64_t>() >= 0;
  if (!value.is_string()) return false;
  std::string_view text = value.get_ref<const std::string&>();
  const std::size_t whole = count_digits(text);
  text.remove_prefix(whole);
  std::size_t fraction = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = count_digits(text);
    text.remove_prefix(fraction);
  }
  return whole + fraction > 0 && (is_unit(text) || is_exponent(text));
}

}  // namespace socketmesh::op::api
