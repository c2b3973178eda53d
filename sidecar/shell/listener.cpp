#include "sidecar/shell/listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <variant>

#include "lib/net/listen.hpp"
#include "sidecar/shell/dialer.hpp"

namespace socketmesh::shell {
namespace {

using boost::asio::generic::stream_protocol;
using boost::asio::ip::tcp;
using boost::system::error_code;
using Local = boost::asio::local::stream_protocol;

constexpr ::mode_t kSocketMode = 0666;

bool out_of_resources(const error_code& error) {
  const int code = error.value();
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

// Makes room for a Unix socket at `path`.
Expected<void> clear_path(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return Unexpected{"there is a file that is not a socket"};

  boost::asio::io_context io;
  Local::socket probe(io);
  error_code error;
  probe.connect(Local::endpoint(path), error);
  if (!error) return Unexpected{"in use: another process answers there"};
  if (error.value() != ECONNREFUSED && error.value() != ENOENT) {
    return Unexpected{error.message()};
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Unexpected{std::string("the old socket cannot be removed: ") + std::strerror(errno)};
  }
  return {};
}

}  // namespace

class Listener::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& io, const obs::Logger& logger, OnAccept on_accept)
      : io_(io), acceptor_(io), pause_(io), logger_(logger), on_accept_(std::move(on_accept)) {}

  Expected<void> listen(const Endpoint& endpoint) {
    name_ = to_string(endpoint);
    const auto* tcp_endpoint = std::get_if<TcpEndpoint>(&endpoint);
    auto bound = tcp_endpoint != nullptr ? bind_tcp(*tcp_endpoint)
                                         : bind_unix(std::get<UnixEndpoint>(endpoint).path);
    if (!bound) return Unexpected{name_ + ": " + bound.error()};
    accept();
    return {};
  }

  std::uint16_t port() const {
    error_code error;
    const auto local = acceptor_.local_endpoint(error);
    if (error || local.protocol().family() == AF_UNIX) return 0;
    tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), local.data(), std::min(local.size(), endpoint.capacity()));
    return endpoint.port();
  }

  void close() {
    on_accept_ = nullptr;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    if (!path_.empty()) ::unlink(path_.c_str());
    path_.clear();
  }

 private:
  Expected<void> bind_tcp(const TcpEndpoint& endpoint) {
    const auto local = net::resolve_listener(io_.get_executor(), endpoint);
    if (!local) return Unexpected{local.error()};
    return bind(stream_protocol::endpoint(*local),
                {.reuse = true, .both_families = net::is_every_address(*local)});
  }

  Expected<void> bind_unix(const std::string& path) {
    if (auto cleared = clear_path(path); !cleared) return cleared;
    auto bound = bind(stream_protocol::endpoint(Local::endpoint(path)), {});
    if (!bound) return bound;
    path_ = path;
    ::chmod(path.c_str(), kSocketMode);
    return {};
  }

  struct BindOptions {
    bool reuse = false;
    bool both_families = false;
  };

  Expected<void> bind(const stream_protocol::endpoint& endpoint, BindOptions options) {
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error && options.reuse) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && options.both_families)
      acceptor_.set_option(boost::asio::ip::v6_only(false), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error) return Unexpected{error.message()};
    return {};
  }

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](const error_code& error, Socket socket) {
      self->on_result(error, std::move(socket));
    });
  }

  void on_result(const error_code& error, Socket socket) {
    if (on_accept_ == nullptr) return;
    if (error && out_of_resources(error)) {
      pause(error);
      return;
    }
    if (!error) {
      paused_ = false;
      const std::string remote = remote_of(socket);
      on_accept_(std::move(socket), remote);
    }
    // Other errors belong to one connection that went away before it was accepted.
    if (on_accept_ != nullptr) accept();
  }

  void pause(const error_code& error) {
    if (!paused_) {
      logger_.error("accepting paused", {{"listen", name_}, {"reason", error.message()}});
    }
    paused_ = true;
    pause_.expires_after(kPause);
    pause_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled && self->on_accept_ != nullptr) self->accept();
    });
  }

  static std::string remote_of(const Socket& socket) {
    error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (error || remote.protocol().family() == AF_UNIX) return "unix";
    tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), remote.data(), std::min(remote.size(), endpoint.capacity()));
    return endpoint_text(endpoint);
  }

  boost::asio::io_context& io_;
  boost::asio::basic_socket_acceptor<stream_protocol> acceptor_;
  boost::asio::steady_timer pause_;
  const obs::Logger& logger_;
  OnAccept on_accept_;
  std::string name_;
  std::string path_;  // of the Unix socket that is ours to remove
  bool paused_ = false;
};

Listener::Listener(boost::asio::io_context& io, const obs::Logger& logger, OnAccept on_accept)
    : impl_(std::make_shared<Impl>(io, logger, std::move(on_accept))) {}

Listener::~Listener() {
  impl_->close();
}

Expected<void> Listener::listen(const Endpoint& endpoint) {
  return impl_->listen(endpoint);
}

std::uint16_t Listener::port() const {
  return impl_->port();
}

void Listener::close() {
  impl_->close();
}

}  // namespace socketmesh::shell
