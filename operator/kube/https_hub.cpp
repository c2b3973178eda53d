#include "operator/kube/https_hub.hpp"

#include <boost/asio/post.hpp>
#include <future>

#include "lib/base/assert.hpp"
#include "lib/net/listen.hpp"
#include "operator/kube/https_session.hpp"
#include "operator/kube/pool.hpp"
#include "operator/kube/tls_setup.hpp"

namespace socketmesh::op::kube {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// After an accept that failed for want of descriptors or memory: they may come back.
constexpr std::chrono::milliseconds kAcceptPause{100};

}  // namespace

HttpsHub::HttpsHub(const obs::Logger& logger, const HttpsLimits& limits)
    : logger_(logger),
      limits_(limits),
      strand_(asio::make_strand(pool())),
      acceptor_(strand_),
      pause_(strand_) {}

void HttpsHub::post(std::string path, HttpsListener::Handler handler) {
  SM_ASSERT(port() == 0);  // read without a lock from then on
  handlers_[std::move(path)] = std::move(handler);
}

Expected<void> HttpsHub::set_certificate(const ServerCertificate& certificate) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION);
  // The API server keeps its connections: resumption would only keep secrets around.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(native, 0);
  if (auto shown = show_certificate(native, certificate.cert_pem, certificate.key_pem); !shown) {
    return shown;
  }
  const std::lock_guard lock(mutex_);
  context_ = std::move(context);
  return {};
}

Expected<void> HttpsHub::listen(const TcpEndpoint& endpoint) {
  {
    const std::lock_guard lock(mutex_);
    SM_ASSERT(context_);
    SM_ASSERT(port_ == 0);
    SM_ASSERT(!closing_);
  }
  if (auto opened = net::open_listener(acceptor_, endpoint); !opened) return opened;
  {
    const std::lock_guard lock(mutex_);
    port_ = acceptor_.local_endpoint().port();
  }
  asio::post(strand_, [self = shared_from_this()] { self->accept(); });
  return {};
}

void HttpsHub::accept() {
  if (!acceptor_.is_open()) return;
  acceptor_.async_accept(asio::make_strand(pool()),
                         [self = shared_from_this()](const error_code& error, tcp::socket socket) {
                           if (error == asio::error::operation_aborted) return;
                           if (!error) {
                             self->admit(std::move(socket));
                             self->accept();
                             return;
                           }
                           self->logger_.warn("webhook cannot accept",
                                              {{"reason", error.message()}});
                           self->pause_.expires_after(kAcceptPause);
                           self->pause_.async_wait([self](const error_code& ended) {
                             if (!ended) self->accept();
                           });
                         });
}

void HttpsHub::admit(tcp::socket socket) {
  std::shared_ptr<HttpsSession> session;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    ++stats_.connections;
    if (sessions_.size() >= limits_.connections_max) {
      ++stats_.refused_connections;
      return;
    }
    session = std::make_shared<HttpsSession>(shared_from_this(), context_, std::move(socket));
    sessions_.insert(session.get());
  }
  session->start();
}

void HttpsHub::leave(HttpsSession& session) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(&session);
  left_.notify_all();
}

void HttpsHub::close(std::chrono::milliseconds grace) {
  SM_ASSERT(!on_pool_thread());  // it would wait for itself
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  std::promise<void> closed;
  asio::post(strand_, [this, &closed] {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    closed.set_value();
  });
  closed.get_future().wait();

  const auto empty = [this] { return sessions_.empty(); };
  for (const auto& session : sessions()) session->close(HttpsSession::Close::kIdle);
  {
    std::unique_lock lock(mutex_);
    if (left_.wait_for(lock, grace, empty)) return;
  }
  for (const auto& session : sessions()) session->close(HttpsSession::Close::kNow);
  std::unique_lock lock(mutex_);
  left_.wait(lock, empty);
}

// Held by the caller, for the last reference takes the lock.
std::vector<std::shared_ptr<HttpsSession>> HttpsHub::sessions() const {
  std::vector<std::shared_ptr<HttpsSession>> all;
  const std::lock_guard lock(mutex_);
  for (HttpsSession* session : sessions_) {
    if (auto held = session->weak_from_this().lock()) all.push_back(std::move(held));
  }
  return all;
}

const HttpsListener::Handler* HttpsHub::find(const std::string& path) const {
  const auto found = handlers_.find(path);
  return found == handlers_.end() ? nullptr : &found->second;
}

bool HttpsHub::closing() const {
  const std::lock_guard lock(mutex_);
  return closing_;
}

void HttpsHub::count(std::uint64_t HttpsStats::* counter) {
  const std::lock_guard lock(mutex_);
  ++(stats_.*counter);
}

std::uint16_t HttpsHub::port() const {
  const std::lock_guard lock(mutex_);
  return port_;
}

HttpsStats HttpsHub::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

std::size_t HttpsHub::connections() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace socketmesh::op::kube
