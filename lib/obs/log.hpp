// A log of one line an event: text for people, JSON for collectors.
//
//   logger.info("peer up", {{"peer", id}, {"rtt_us", 120}});
//   2026-11-23T06:21:16.123Z INFO  peer up peer=b rtt_us=120
//   {"ts":"2026-11-23T06:21:16.123Z","level":"info","msg":"peer up","peer":"b","rtt_us":120}
//
// Messages are constant phrases; what varies goes into fields, so that lines can be counted. No
// secrets and no payloads: log sizes and reasons. Whatever a field holds, a line stays a line:
// control characters are escaped, bad UTF-8 is replaced, long values and long lines are cut.
// Threading: a Logger may be used from any thread; a line is written by one call. Writing to
// stderr blocks when its reader does, so hot paths count and use a LogLimiter.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace socketmesh::obs {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };
enum class LogFormat : std::uint8_t { kText, kJson };

inline constexpr std::size_t kLogValueBytesMax = 1024;
inline constexpr std::size_t kLogLineBytesMax = 8192;

// "debug", "info", "warn", "error"; "text", "json".
std::string_view to_string(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);
std::optional<LogFormat> parse_log_format(std::string_view text);

// A key and a borrowed value; lives as long as the log call.
class LogField {
 public:
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  LogField(std::string_view key, const std::string& value)
      : key_(key), value_(std::string_view(value)) {}
  LogField(std::string_view key, const char* value) : key_(key), value_(std::string_view(value)) {}
  LogField(std::string_view key, bool value) : key_(key), value_(value) {}
  LogField(std::string_view key, double value) : key_(key), value_(value) {}
  template <std::signed_integral T>
  LogField(std::string_view key, T value) : key_(key), value_(static_cast<std::int64_t>(value)) {}
  template <std::unsigned_integral T>
  LogField(std::string_view key, T value) : key_(key), value_(static_cast<std::uint64_t>(value)) {}

  [[nodiscard]] std::string_view key() const { return key_; }
  [[nodiscard]] const Value& value() const { return value_; }

 private:
  std::string_view key_;
  Value value_;
};

using LogTime = std::chrono::system_clock::time_point;

// One line, without the newline. Pure; the Logger's formatting on its own, for tests.
std::string format_log_line(LogFormat format, LogTime time, LogLevel level,
                            std::string_view message, std::span<const LogField> fields);

class Logger {
 public:
  using Fields = std::initializer_list<LogField>;
  // Receives each line with its newline, from the thread that logs.
  using Sink = std::function<void(std::string_view line)>;

  // Writes to stderr unless given a sink.
  explicit Logger(LogLevel level = LogLevel::kInfo, LogFormat format = LogFormat::kText,
                  Sink sink = {});

  void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  // Guards the work of preparing fields.
  [[nodiscard]] bool enabled(LogLevel level) const {
    return level >= level_.load(std::memory_order_relaxed);
  }

  void log(LogLevel level, std::string_view message, std::span<const LogField> fields) const;
  void debug(std::string_view message, Fields fields = {}) const {
    log(LogLevel::kDebug, message, {fields.begin(), fields.size()});
  }
  void info(std::string_view message, Fields fields = {}) const {
    log(LogLevel::kInfo, message, {fields.begin(), fields.size()});
  }
  void warn(std::string_view message, Fields fields = {}) const {
    log(LogLevel::kWarn, message, {fields.begin(), fields.size()});
  }
  void error(std::string_view message, Fields fields = {}) const {
    log(LogLevel::kError, message, {fields.begin(), fields.size()});
  }

 private:
  std::atomic<LogLevel> level_;
  LogFormat format_;
  Sink sink_;
};

// Lets the first `burst` events of each `interval` through and counts the rest, so that a flood
// cannot become a flood of lines. Not thread-safe; one for each kind of event.
//
//   if (const auto hidden = limiter.admit(now)) logger.warn("frame refused", {{"hidden",
//   *hidden}});
class LogLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  LogLimiter(std::uint32_t burst, std::chrono::milliseconds interval)
      : burst_(burst), interval_(interval) {}

  // Nothing when the event is to be kept quiet, else how many were since the last one let through.
  std::optional<std::uint64_t> admit(Time now);

 private:
  std::uint32_t burst_;
  std::chrono::milliseconds interval_;
  std::optional<Time> window_start_;
  std::uint32_t admitted_ = 0;
  std::uint64_t hidden_ = 0;
};

}  // namespace socketmesh::obs
