// One request to the API server and what comes back, piece by piece.
//
// Calls of a Responder come on cpprestsdk's threads, one at a time, in this order: responded() once
// at most, received() for each piece of the body, then finished() or failed() once. Values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace socketmesh::op::kube {

struct ApiRequest {
  std::string method{};  // "GET"
  std::string target{};  // path and query, encoded
  std::string accept = "application/json";
  std::string content_type{};  // of the body; empty: no body
  std::string body{};
};

struct ResponseHead {
  int status = 0;
  std::string retry_after;  // the header's text; empty without
};

struct ExchangeError {
  enum class Kind : std::uint8_t {
    kUnreachable,
    kNotSent,  // the connection broke before the server had the whole request
    kTls,
    kTimeout,    // nothing came for the transport's idle time
    kCancelled,  // by the caller
    kRefused,    // the Responder wanted no more
  };
  Kind kind = Kind::kUnreachable;
  std::string message;
};

class Responder {
 public:
  // Tells the transport to go on reading, or to give up; once, from any thread.
  using Resume = std::function<void(bool go_on)>;

  virtual ~Responder() = default;
  virtual void responded(ResponseHead head) = 0;
  // The bytes are valid until `resume` is called; nothing more is read before.
  virtual void received(std::string_view bytes, Resume resume) = 0;
  virtual void finished() = 0;
  virtual void failed(ExchangeError error) = 0;
};

}  // namespace socketmesh::op::kube
