// A small HTTP/1.1 server for the admin port: health, metrics, status, the dashboard.
//
//   AdminServer admin(io, logger);
//   admin.get("/healthz", [](const HttpRequest&) { return HttpResponse::text(200, "ok\n"); });
//   admin.stream("/events", [&] { return status_json(); });
//   if (auto listening = admin.listen(endpoint); !listening) ...  // "127.0.0.1:7401: in use"
//
// Serves GET and HEAD by exact path; other paths are 404, other methods 405. Handlers run on the
// io_context and must be quick. Slow, idle, oversized and too many clients are cut, each at a named
// limit, counted by reason; nothing else notices. Every response has security headers: scripts and
// styles come from own routes, never inline, unless the policy is changed in the options.
//
// With use_tls() the port speaks TLS as well: a connection whose first byte begins a TLS handshake
// gets one, any other is plain. Both reach the same routes; what a client must show is the
// context's business.
//
// Threading: one thread runs the io_context; everything is called on it (or before it runs).
// Lifetime: sessions keep the server's insides alive, so the AdminServer may go first; it closes
// all connections then. Callbacks instead of coroutines: see PITFALLS of GCC 12.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"
#include "lib/obs/log.hpp"

namespace boost::asio::ssl {
class context;  // NOLINT(readability-identifier-naming)
}

namespace socketmesh::net {

struct HttpRequest {
  std::string path;   // without the query; never decoded
  std::string query;  // after the '?', raw
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;

  static HttpResponse text(unsigned status, std::string body);
  static HttpResponse json(unsigned status, std::string body);
};

struct AdminLimits {
  std::size_t connections_max = 64;            // above: closed at once
  std::size_t streams_max = 16;                // above: 503
  std::uint32_t header_bytes_max = 8192;       // the start line, and the fields: 431
  std::uint64_t body_bytes_max = 1024;         // above: 413 (no route takes a body)
  std::chrono::milliseconds idle_max{30'000};  // a whole request must arrive within it
  std::chrono::milliseconds handshake_max{5'000};
  std::chrono::milliseconds write_max{10'000};  // and a response leave within it
  std::chrono::milliseconds stream_interval{1000};
  std::uint32_t stream_lag_ticks_max = 5;  // ticks that one event may take to leave; then cut
};

struct AdminOptions {
  AdminLimits limits;
  std::string content_security_policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
};

// Plain counters; only grow.
struct AdminStats {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t refused_connections = 0;  // over connections_max
  std::uint64_t refused_streams = 0;      // over streams_max
  std::uint64_t bad_requests = 0;         // malformed or oversized
  std::uint64_t timeouts = 0;             // idle or slow
  std::uint64_t slow_streams = 0;         // cut: did not read their events
  std::uint64_t handshakes = 0;           // of TLS, that succeeded
  std::uint64_t refused_handshakes = 0;   // of TLS, that failed: no certificate, or a wrong one
};

class AdminServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;
  using Producer = std::function<std::string()>;

  // The logger outlives the server.
  AdminServer(boost::asio::io_context& io, const obs::Logger& logger, AdminOptions options = {});
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Answers GET and HEAD of exactly this path. Before listen().
  void get(std::string path, Handler handler);

  // Holds connections to this path open as Server-Sent Events: one `data:` event at once and one
  // each stream_interval, made once for all clients. The producer runs only while there is one.
  void stream(std::string path, Producer producer);

  // New TLS connections use it; those that are open keep theirs. At any time; null: plain only.
  void use_tls(std::shared_ptr<boost::asio::ssl::context> context);

  // Starts to accept. The error names the address and the reason.
  Expected<void> listen(const TcpEndpoint& endpoint);

  // The port that is listened on, for endpoints with port 0.
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const AdminStats& stats() const;
  // Connections open now.
  [[nodiscard]] std::size_t connections() const;

  // Stops listening and closes every connection. Idempotent.
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace socketmesh::net
