// The webhook's HTTPS server: POST of JSON to exact paths, with a certificate that can be swapped.
//
//   HttpsListener listener(logger);
//   listener.post("/mutate", [](std::string body) { return review(std::move(body)); });
//   if (auto ok = listener.set_certificate(pems); !ok) ...
//   if (auto ok = listener.listen({"::", 10250}); !ok) ...  // "[::]:10250: in use"
//
// TLS 1.2 or newer; the certificate may be replaced at any time: connections that are open keep
// theirs, new ones get the new one. Clients are not trusted: connections, headers, bodies and
// times are bounded, each by a named limit, and counted.
//
// Over Boost.Beast, not cpprestsdk's listener: see docs/adr/0005-beast-for-the-webhook.md.
//
// Threading: handlers run on the pool's threads (runtime.hpp), several at once, and must be quick
// and never block. Methods may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"
#include "lib/obs/log.hpp"

namespace socketmesh::op::kube {

struct ServerCertificate {
  std::string cert_pem;  // the leaf first, then intermediates
  std::string key_pem;
};

struct HttpsLimits {
  std::size_t connections_max = 128;               // above: closed at once
  std::uint32_t header_bytes_max = 16U << 10U;     // above: 431
  std::uint64_t body_bytes_max = 8U << 20U;        // above: 413; the API server takes 3 MiB, and a
                                                   // review may hold an object twice
  std::chrono::milliseconds handshake_max{5'000};  // from the connection to the end of TLS's
  // From a request's first byte to its last; and from the handshake to the first request's.
  std::chrono::milliseconds request_max{10'000};
  std::chrono::milliseconds idle_max{90'000};      // between requests of one connection
  std::chrono::milliseconds response_max{10'000};  // for a response to leave
};

// Totals; only grow.
struct HttpsStats {
  std::uint64_t connections = 0;
  std::uint64_t refused_connections = 0;  // over connections_max
  std::uint64_t failed_handshakes = 0;
  std::uint64_t requests = 0;      // that reached a handler
  std::uint64_t bad_requests = 0;  // malformed, oversized, or to no handler
  std::uint64_t timeouts = 0;
};

class HttpsHub;

class HttpsListener {
 public:
  // Body in; status and body (application/json) out. An exception is a 500.
  using Handler = std::function<std::pair<int, std::string>(std::string body)>;

  // The logger outlives the listener.
  explicit HttpsListener(const obs::Logger& logger, HttpsLimits limits = {});
  ~HttpsListener();  // as close()
  HttpsListener(const HttpsListener&) = delete;
  HttpsListener& operator=(const HttpsListener&) = delete;

  // Before listen(), else asserted. Other paths are 404, other methods 405.
  void post(std::string path, Handler handler);

  // Checked whole: a pair that does not match changes nothing. Before listen(), and at any time.
  Expected<void> set_certificate(const ServerCertificate& certificate);

  // Once. Needs a certificate. IPv4, IPv6, or a name. The error names the address and the reason.
  Expected<void> listen(const TcpEndpoint& endpoint);
  // The port that is listened on; 0 before listen().
  [[nodiscard]] std::uint16_t port() const;

  [[nodiscard]] HttpsStats stats() const;
  [[nodiscard]] std::size_t connections() const;  // open now

  // Stops accepting, lets requests that are being answered finish for up to `grace`, then closes
  // every connection. When it returns no handler runs, and none will. Idempotent; not from a
  // handler.
  void close(std::chrono::milliseconds grace = std::chrono::milliseconds{2'000});

 private:
  std::shared_ptr<HttpsHub> hub_;
};

}  // namespace socketmesh::op::kube
