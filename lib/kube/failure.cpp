#include "lib/kube/failure.hpp"

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

}  // namespace socketmesh::kube
