#include "lib/obs/log.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <utility>

#include "lib/base/utf8.hpp"

namespace socketmesh::obs {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 4> kLevelColumns = {"DEBUG", "INFO ", "WARN ", "ERROR"};
constexpr std::string_view kCut = "...";

void append_time(std::string& out, LogTime time) {
  const auto since = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = static_cast<std::time_t>(since.count() / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  out.append(text.data(), length);
  std::snprintf(text.data(), text.size(), ".%03dZ", static_cast<int>(since.count() % 1000));
  out += text.data();
}

// Escapes so that the result is valid inside quotes in JSON, whatever the bytes.
void append_escaped(std::string& out, std::string_view text) {
  const bool cut = text.size() > kLogValueBytesMax;
  std::string_view rest = text.substr(0, kLogValueBytesMax);
  while (!rest.empty()) {
    const std::size_t length = utf8_sequence_length(rest);
    const char c = rest.front();
    if (length == 0) {
      out += "\uFFFD";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(c));
      out += code.data();
    } else {
      out += rest.substr(0, length);
    }
    rest.remove_prefix(length == 0 ? 1 : length);
  }
  if (cut) out += kCut;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

// A value that needs no quotes in the text form.
bool is_bare(std::string_view text) {
  if (text.empty() || text.size() > kLogValueBytesMax) return false;
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=') return false;
  }
  return true;
}

void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  out += text.data();
}

struct ValueWriter {
  std::string& out;
  LogFormat format;

  void operator()(std::string_view text) const {
    if (format == LogFormat::kText && is_bare(text)) {
      out += text;
    } else {
      append_quoted(out, text);
    }
  }
  void operator()(std::int64_t number) const { out += std::to_string(number); }
  void operator()(std::uint64_t number) const { out += std::to_string(number); }
  void operator()(double number) const { append_double(out, number); }
  void operator()(bool value) const { out += value ? "true" : "false"; }
};

void write_stderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nowhere to complain to
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::string_view to_string(LogLevel level) {
  return kLevelNames.at(static_cast<std::size_t>(level));
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames.at(i) == text) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

std::optional<LogFormat> parse_log_format(std::string_view text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return std::nullopt;
}

std::string format_log_line(LogFormat format, LogTime time, LogLevel level,
                            std::string_view message, std::span<const LogField> fields) {
  const bool json = format == LogFormat::kJson;
  std::string line;
  line.reserve(160);
  if (json) line += R"({"ts":")";
  append_time(line, time);
  if (json) {
    line += R"(","level":")";
    line += to_string(level);
    line += R"(","msg":)";
    append_quoted(line, message);
  } else {
    line += ' ';
    line += kLevelColumns.at(static_cast<std::size_t>(level));
    line += ' ';
    append_escaped(line, message);
  }
  std::size_t omitted = 0;
  for (const LogField& field : fields) {
    const std::size_t before = line.size();
    line += json ? "," : " ";
    if (json) {
      append_quoted(line, field.key());
    } else {
      line += field.key();
    }
    line += json ? ':' : '=';
    std::visit(ValueWriter{line, format}, field.value());
    if (line.size() > kLogLineBytesMax) {
      line.resize(before);  // whole fields only, so that JSON stays JSON
      ++omitted;
    }
  }
  if (omitted > 0) {
    line += json ? R"(,"omitted":)" : " omitted=";
    line += std::to_string(omitted);
  }
  if (json) line += '}';
  return line;
}

Logger::Logger(LogLevel level, LogFormat format, Sink sink)
    : level_(level), format_(format), sink_(sink ? std::move(sink) : Sink(write_stderr)) {}

void Logger::log(LogLevel level, std::string_view message, std::span<const LogField> fields) const {
  if (!enabled(level)) return;
  std::string line =
      format_log_line(format_, std::chrono::system_clock::now(), level, message, fields);
  line += '\n';
  sink_(line);
}

std::optional<std::uint64_t> LogLimiter::admit(Time now) {
  if (!window_start_ || now - *window_start_ >= interval_) {
    window_start_ = now;
    admitted_ = 0;
  }
  if (admitted_ >= burst_) {
    ++hidden_;
    return std::nullopt;
  }
  ++admitted_;
  return std::exchange(hidden_, 0);
}

}  // namespace socketmesh::obs
