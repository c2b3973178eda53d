#include "lib/kube/failure.hpp"

#include "lib/base/parse.hpp"

namespace socketmesh::kube {

std::string_view to_string(FailureKind kind) {
  static constexpr std::array<std::string_view, kFailureKinds> kNames = {
      "transport", "timeout", "unauthorized", "forbidden", "not_found", "expired",
      "throttled", "server",  "refused",      "malformed", "too_large"};
  return kNames.at(static_cast<std::size_t>(kind));
}

FailureKind failure_of_status(unsigned status) {
  switch (status) {
    case 401:
      return FailureKind::kUnauthorized;
    case 403:
      return FailureKind::kForbidden;
    case 404:
      return FailureKind::kNotFound;
    case 410:
      return FailureKind::kExpired;
    case 429:
      return FailureKind::kThrottled;
    default:
      return status >= 500 && status < 600 ? FailureKind::kServer : FailureKind::kRefused;
  }
}

std::string failure_text(std::string_view text) {
  if (text.size() <= kFailureTextMax) return std::string(text);
  std::size_t size = kFailureTextMax;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) --size;  // UTF-8
  return std::string(text.substr(0, size));
}

bool says_nothing_of_version(const Failure& failure) {
  constexpr unsigned kUnavailable = 503;
  return failure.kind == FailureKind::kUnauthorized || failure.kind == FailureKind::kForbidden ||
         failure.kind == FailureKind::kThrottled || failure.status == kUnavailable;
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text) {
  constexpr std::uint64_t kSecondsMax = 86'400;
  const auto seconds = parse_uint(text, kSecondsMax);
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

}  // namespace socketmesh::kube
