// Why a call to the API server gave no object. A value; made from a metav1.Status where there is
// one.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace socketmesh::op::kube {

struct ApiError {
  enum class Kind {
    kNotFound,         // 404
    kAlreadyExists,    // 409 with reason AlreadyExists
    kConflict,         // 409: resourceVersion, uid or another field manager
    kGone,             // 410: list again
    kUnauthorized,     // 401
    kForbidden,        // 403
    kInvalid,          // 400, 422: retrying the same body is no use
    kTooManyRequests,  // 429, see retry_after
    kServer,           // 5xx
    kOtherStatus,      // any other status that is no success
    kTimeout,          // the deadline passed; whether the server acted is unknown
    kUnreachable,      // no connection: refused, reset, no such host
    kTls,              // not the server that the CA vouches for, or it refused our certificate
    kBadResponse,      // a body that is no JSON, or too large
    kClosed,           // the client was closed
  };

  Kind kind = Kind::kUnreachable;
  int status = 0;       // HTTP; 0 without a response
  std::string reason;   // metav1.Status.reason: "AlreadyExists", "Expired"; empty without
  std::string message;  // a sentence for people; never holds a body or a token
  std::optional<std::chrono::seconds> retry_after;

  // "conflict (409 Conflict): Operation cannot be fulfilled on ...".
  [[nodiscard]] std::string to_string() const;
  // Whether the same call may succeed later without anybody changing it.
  [[nodiscard]] bool retryable() const;
};

std::string_view to_string(ApiError::Kind kind);

// From a response that is no success: reads `body` as metav1.Status when it is one. `retry_after`
// is the header's text, empty without.
ApiError error_from_response(int status, std::string_view body, std::string_view retry_after);

}  // namespace socketmesh::op::kube
