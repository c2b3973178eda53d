// Why an attempt to list or watch failed: a small fixed set, fit for a metric's label. Values.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace socketmesh::kube {

enum class FailureKind : std::uint8_t {
  kTransport,     // no connection, TLS, or a connection that broke
  kTimeout,       // the server went silent
  kUnauthorized,  // 401
  kForbidden,     // 403
  kNotFound,      // 404: no such resource, or its namespace is gone
  kExpired,       // 410: the resourceVersion is too old; ordinary, answered by a new list
  kThrottled,     // 429
  kServer,        // 5xx
  kRefused,       // any other status that is not 200
  kMalformed,     // what came is not what Kubernetes sends
  kTooLarge,      // over a limit of ListWatchLimits
};

inline constexpr std::size_t kFailureKinds = 11;

// "transport", "timeout", "unauthorized", ...
std::string_view to_string(FailureKind kind);
// The kind that an HTTP status, or the code of an ERROR event, stands for.
FailureKind failure_of_status(unsigned status);

struct Failure {
  FailureKind kind = FailureKind::kTransport;
  unsigned status = 0;  // HTTP status or Status.code; 0 without one
  std::string message;  // for people; at most kFailureTextMax bytes
};

inline constexpr std::size_t kFailureTextMax = 300;

// `text` cut to kFailureTextMax, where a character ends.
std::string failure_text(std::string_view text);

// A refusal of the client or of the moment, which says nothing about the resourceVersion that was
// asked for.
bool says_nothing_of_version(const Failure& failure);

// Seconds of a Retry-After header; nothing for dates and other texts.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text);

// How often each kind happened.
using FailureCounts = std::array<std::uint64_t, kFailureKinds>;

}  // namespace socketmesh::kube
