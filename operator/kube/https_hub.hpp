// What the connections of one HttpsListener share: handlers, limits, counters, the certificate,
// and who they are. Thread-safe.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "operator/kube/https_listener.hpp"

namespace socketmesh::op::kube {

class HttpsSession;

class HttpsHub : public std::enable_shared_from_this<HttpsHub> {
 public:
  using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

  HttpsHub(const obs::Logger& logger, const HttpsLimits& limits);

  void post(std::string path, HttpsListener::Handler handler);
  Expected<void> set_certificate(const ServerCertificate& certificate);
  Expected<void> listen(const TcpEndpoint& endpoint);
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] HttpsStats stats() const;
  [[nodiscard]] std::size_t connections() const;
  void close(std::chrono::milliseconds grace);

  // For sessions.
  [[nodiscard]] const HttpsLimits& limits() const { return limits_; }
  // nullptr: none for this path.
  [[nodiscard]] const HttpsListener::Handler* find(const std::string& path) const;
  [[nodiscard]] bool closing() const;
  void count(std::uint64_t HttpsStats::* counter);
  [[nodiscard]] const obs::Logger& logger() const { return logger_; }
  void leave(HttpsSession& session);

 private:
  void accept();
  void admit(boost::asio::ip::tcp::socket socket);
  [[nodiscard]] std::vector<std::shared_ptr<HttpsSession>> sessions() const;

  const obs::Logger& logger_;
  const HttpsLimits limits_;
  std::map<std::string, HttpsListener::Handler> handlers_;              // constant once listening
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;  // the acceptor's
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;

  mutable std::mutex mutex_;
  std::condition_variable left_;
  TlsContext context_;
  HttpsStats stats_;
  std::set<HttpsSession*> sessions_;
  std::uint16_t port_ = 0;
  bool closing_ = false;
};

}  // namespace socketmesh::op::kube
