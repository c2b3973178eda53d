#include "operator/kube/api_error.hpp"

#include <nlohmann/json.hpp>

#include "lib/kube/decode.hpp"
#include "lib/kube/list_watch.hpp"

namespace socketmesh::op::kube {
namespace {

using Kind = ApiError::Kind;
using nlohmann::json;

constexpr std::size_t kMessageBytesMax = 1024;

Kind kind_of(int status, std::string_view reason) {
  switch (status) {
    case 400:
    case 422:
      return Kind::kInvalid;
    case 401:
      return Kind::kUnauthorized;
    case 403:
      return Kind::kForbidden;
    case 404:
      return Kind::kNotFound;
    case 409:
      return reason == "AlreadyExists" ? Kind::kAlreadyExists : Kind::kConflict;
    case 410:
      return Kind::kGone;
    case 429:
      return Kind::kTooManyRequests;
    default:
      return status >= 500 ? Kind::kServer : Kind::kOtherStatus;
  }
}

// Where to cut a message: between characters.
std::size_t cut_at(const std::string& text) {
  if (text.size() <= kMessageBytesMax) return text.size();
  std::size_t size = kMessageBytesMax;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) --size;
  return size;
}

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kNotFound:
      return "not found";
    case Kind::kAlreadyExists:
      return "already exists";
    case Kind::kConflict:
      return "conflict";
    case Kind::kGone:
      return "gone";
    case Kind::kUnauthorized:
      return "unauthorized";
    case Kind::kForbidden:
      return "forbidden";
    case Kind::kInvalid:
      return "invalid";
    case Kind::kTooManyRequests:
      return "too many requests";
    case Kind::kServer:
      return "server error";
    case Kind::kOtherStatus:
      return "unexpected status";
    case Kind::kTimeout:
      return "timeout";
    case Kind::kUnreachable:
      return "unreachable";
    case Kind::kTls:
      return "TLS refused";
    case Kind::kBadResponse:
      return "bad response";
    case Kind::kClosed:
      return "closed";
  }
  return "unknown";
}

std::string ApiError::to_string() const {
  std::string text(kube::to_string(kind));
  if (status != 0) {
    text += " (" + std::to_string(status);
    if (!reason.empty()) text += " " + reason;
    text += ")";
  }
  return message.empty() ? text : text + ": " + message;
}

bool ApiError::retryable() const {
  switch (kind) {
    case Kind::kConflict:
    case Kind::kGone:
    case Kind::kUnauthorized:
    case Kind::kTooManyRequests:
    case Kind::kServer:
    case Kind::kTimeout:
    case Kind::kUnreachable:
    case Kind::kTls:
    case Kind::kBadResponse:
      return true;
    default:
      return false;
  }
}

ApiError error_from_response(int status, std::string_view body, std::string_view retry_after) {
  ApiError error;
  error.status = status;
  error.retry_after = socketmesh::kube::parse_retry_after(retry_after);
  const auto parsed = socketmesh::kube::parse_json(body);
  if (parsed && parsed->is_object() && text_at(*parsed, "kind") == "Status") {
    error.reason = text_at(*parsed, "reason");
    error.message = text_at(*parsed, "message");
  }
  error.kind = kind_of(status, error.reason);
  if (error.message.empty()) error.message = "the server gave no reason";
  error.message.resize(cut_at(error.message));
  return error;
}

}  // namespace socketmesh::op::kube
