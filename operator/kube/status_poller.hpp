// Asks sidecars for their /status, over mTLS, as the mesh's operator.
//
// The sidecar must show a certificate of the mesh's CA with the mesh's SPIFFE id as URI SAN; its
// address is never compared. Sidecars are not trusted further: header, body and time are bounded,
// and what comes is JSON of limited depth or an error.
//
// Over Boost.Beast, not cpprestsdk: see docs/adr/0005-beast-for-the-webhook.md.
//
// Threading: poll() from any thread; `done` runs on one of the pool's threads (runtime.hpp) and
// must be quick. Polls end in any order. At most kPollsMax run at once, the others wait in order.
// After close() no `done` runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "lib/base/expected.hpp"

namespace socketmesh::op::kube {

inline constexpr std::size_t kPollsMax = 16;
inline constexpr std::size_t kStatusHeaderBytesMax = 8U << 10U;
inline constexpr std::size_t kStatusBodyBytesMax = 1U << 20U;
inline constexpr std::uint16_t kAdminPort = 7401;

// The mesh's credentials, as PEM texts; shared by the polls of a mesh.
struct MeshCredentials {
  std::string ca_pem;  // the bundle, one or more certificates
  std::string cert_pem;
  std::string key_pem;
  std::string spiffe_id;  // "spiffe://socketmesh.io/ns/default/mesh/chat"
};

struct PollError {
  enum class Kind {
    kCredentials,  // those given do not make a TLS context
    kTimeout,
    kUnreachable,  // refused, reset, no route
    kTls,          // its certificate is not of this mesh, or it refused ours
    kStatus,       // an HTTP status other than 200
    kBadResponse,  // no JSON, too large, not HTTP
  };
  Kind kind = Kind::kUnreachable;
  std::string message;
};

struct PollRequest {
  std::string address{};  // an IPv4 or IPv6 address, without brackets
  std::uint16_t port = kAdminPort;
  std::chrono::milliseconds timeout{2'000};  // from its start (not from poll()) to the body's end
  std::shared_ptr<const MeshCredentials> credentials{};
};

class StatusPoller {
 public:
  using Result = Expected<nlohmann::json, PollError>;
  using Done = std::function<void(Result)>;

  StatusPoller();
  ~StatusPoller();  // as close()
  StatusPoller(const StatusPoller&) = delete;
  StatusPoller& operator=(const StatusPoller&) = delete;

  void poll(PollRequest request, Done done);

  // Ends what is under way and drops what waits, and all that comes later. When it returns no
  // `done` runs, and none will. Not from a `done`.
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace socketmesh::op::kube
