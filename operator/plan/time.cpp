#include "operator/plan/time.hpp"

#include <cstdio>

namespace socketmesh::op::plan {
namespace {

namespace chrono = std::chrono;

constexpr std::size_t kSecondsLength = std::string_view("2026-11-23T09:38:51").size();
constexpr std::size_t kMicroDigits = 6;

std::string format_seconds(UnixTime time) {
  const auto since = chrono::floor<chrono::seconds>(time);
  const auto day = chrono::floor<chrono::days>(since);
  const chrono::year_month_day date{chrono::sys_days(day)};
  const chrono::hh_mm_ss clock(since - day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

// A number of exactly these digits, leading zeros allowed.
std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

// ".000123Z" or "Z".
std::optional<UnixTime> parse_fraction(std::string_view text) {
  if (text.empty() || text.back() != 'Z') return std::nullopt;
  text.remove_suffix(1);
  if (text.empty()) return UnixTime::zero();
  if (text.front() != '.' || text.size() < 2) return std::nullopt;
  text.remove_prefix(1);
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::string micros(text.substr(0, kMicroDigits));
  micros.resize(kMicroDigits, '0');
  return UnixTime(*digits(micros));
}

}  // namespace

std::string format_time(UnixTime time) {
  return format_seconds(time) + "Z";
}

std::string format_micro_time(UnixTime time) {
  const auto fraction = time - chrono::floor<chrono::seconds>(time);
  char text[16];
  std::snprintf(text, sizeof text, ".%06dZ", static_cast<int>(fraction.count()));
  return format_seconds(time) + text;
}

std::optional<UnixTime> parse_time(std::string_view text) {
  if (text.size() <= kSecondsLength || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto year = digits(text.substr(0, 4));
  const auto month = digits(text.substr(5, 2));
  const auto day = digits(text.substr(8, 2));
  const auto hour = digits(text.substr(11, 2));
  const auto minute = digits(text.substr(14, 2));
  const auto second = digits(text.substr(17, 2));
  const auto fraction = parse_fraction(text.substr(kSecondsLength));
  if (!year || !month || !day || !hour || !minute || !second || !fraction) return std::nullopt;
  const chrono::year_month_day date{chrono::year(static_cast<int>(*year)), chrono::month(*month),
                                    chrono::day(*day)};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return UnixTime(chrono::sys_days(date).time_since_epoch()) + chrono::hours(*hour) +
         chrono::minutes(*minute) + chrono::seconds(*second) + *fraction;
}

}  // namespace socketmesh::op::plan
