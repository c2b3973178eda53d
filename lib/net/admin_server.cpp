#include "lib/net/admin_server.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <utility>

#include "lib/base/assert.hpp"
#include "lib/net/admin_session.hpp"
#include "lib/net/listen.hpp"

namespace socketmesh::net {
namespace {

namespace asio = boost::asio;

// How long to leave the listener alone when accepting fails, as without file descriptors.
constexpr std::chrono::milliseconds kAcceptPause{100};

// Server-Sent Events: every line of the text becomes a `data:` line of one event.
std::string frame_event(std::string_view text) {
  std::string event;
  event.reserve(text.size() + 16);
  while (true) {
    const std::size_t end = text.find('\n');
    event += "data: ";
    event += text.substr(0, end);
    event += '\n';
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  event += '\n';
  return event;
}

}  // namespace

HttpResponse HttpResponse::text(unsigned status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

HttpResponse HttpResponse::json(unsigned status, std::string body) {
  HttpResponse response = text(status, std::move(body));
  response.content_type = "application/json";
  return response;
}

class AdminServer::Impl : public AdminHub, public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, const obs::Logger& logger, AdminOptions options)
      : logger_(logger), options_(std::move(options)), acceptor_(io), pause_(io), ticker_(io) {}

  Expected<void> listen(const TcpEndpoint& endpoint) {
    auto opened = open_listener(acceptor_, endpoint);
    if (!opened) return opened;
    accept();
    return {};
  }

  std::uint16_t port() const {
    boost::system::error_code error;
    const auto endpoint = acceptor_.local_endpoint(error);
    return error ? std::uint16_t{0} : endpoint.port();
  }

  void close() {
    closed_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    ticker_.cancel();
    const std::set<AdminSession*> sessions = sessions_;  // closing one may end another
    for (AdminSession* session : sessions) {
      if (sessions_.contains(session)) session->close();
    }
  }

  // AdminHub
  const AdminOptions& options() const override { return options_; }
  AdminStats& stats() override { return stats_; }
  const Handler* handler(std::string_view path) const override {
    const auto found = handlers_.find(path);
    return closed_ || found == handlers_.end() ? nullptr : &found->second;
  }
  AdminStream* stream(std::string_view path) override {
    const auto found = streams_.find(path);
    return closed_ || found == streams_.end() ? nullptr : &found->second;
  }
  std::shared_ptr<const std::string> make_event(AdminStream& stream) override {
    std::string text;
    try {
      text = stream.producer();
    } catch (const std::exception& failure) {
      handler_failed("stream", failure.what());
    }
    return std::make_shared<const std::string>(frame_event(text));
  }
  bool join(AdminStream& stream, const std::shared_ptr<AdminSession>& session) override {
    if (count_clients() >= options_.limits.streams_max) return false;
    stream.clients.push_back(session);
    if (!ticking_) tick_later();
    return true;
  }
  void handler_failed(std::string_view path, const char* reason) override {
    logger_.error("admin handler failed", {{"path", path}, {"reason", reason}});
  }
  std::shared_ptr<asio::ssl::context> tls() const override { return tls_; }
  void handshake_failed(const std::string& reason) override {
    ++stats_.refused_handshakes;
    logger_.debug("admin client refused", {{"reason", reason}});
  }
  void ended(AdminSession* session) override { sessions_.erase(session); }

  std::map<std::string, Handler, std::less<>> handlers_;
  std::map<std::string, AdminStream, std::less<>> streams_;
  std::shared_ptr<asio::ssl::context> tls_;
  AdminStats stats_;
  std::set<AdminSession*> sessions_;

 private:
  void accept() {
    acceptor_.async_accept([self = shared_from_this()](const boost::system::error_code& error,
                                                       asio::ip::tcp::socket socket) {
      self->on_accept(error, std::move(socket));
    });
  }

  void on_accept(const boost::system::error_code& error, asio::ip::tcp::socket socket) {
    if (closed_) return;
    if (error) {
      pause_.expires_after(kAcceptPause);
      pause_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
        if (!cancelled && !self->closed_) self->accept();
      });
      return;
    }
    ++stats_.connections;
    boost::system::error_code ignored;
    // Events and pipelined answers would wait for the client's delayed acknowledgement.
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    if (sessions_.size() >= options_.limits.connections_max) {
      ++stats_.refused_connections;  // the socket closes as it goes out of scope
    } else {
      const auto session = std::make_shared<AdminSession>(std::move(socket), shared_from_this());
      sessions_.insert(session.get());
      session->run();
    }
    accept();
  }

  std::size_t count_clients() {
    std::size_t count = 0;
    for (auto& [path, stream] : streams_) {
      std::erase_if(stream.clients, [](const auto& client) { return client.expired(); });
      count += stream.clients.size();
    }
    return count;
  }

  void tick_later() {
    ticking_ = true;
    ticker_.expires_after(options_.limits.stream_interval);
    ticker_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
      if (!cancelled && !self->closed_) self->tick();
    });
  }

  void tick() {
    if (count_clients() == 0) {
      ticking_ = false;
      return;
    }
    for (auto& [path, stream] : streams_) {
      if (stream.clients.empty()) continue;
      const auto event = make_event(stream);
      for (const auto& client : stream.clients) {
        if (const auto session = client.lock()) session->push(event);
      }
    }
    tick_later();
  }

  const obs::Logger& logger_;
  const AdminOptions options_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::steady_timer ticker_;
  bool ticking_ = false;
  bool closed_ = false;
};

AdminServer::AdminServer(asio::io_context& io, const obs::Logger& logger, AdminOptions options)
    : impl_(std::make_shared<Impl>(io, logger, std::move(options))) {}

AdminServer::~AdminServer() {
  close();
}

void AdminServer::get(std::string path, Handler handler) {
  SM_ASSERT(path.starts_with('/') && handler);
  impl_->handlers_.insert_or_assign(std::move(path), std::move(handler));
}

void AdminServer::stream(std::string path, Producer producer) {
  SM_ASSERT(path.starts_with('/') && producer);
  AdminStream stream;
  stream.producer = std::move(producer);
  impl_->streams_.insert_or_assign(std::move(path), std::move(stream));
}

void AdminServer::use_tls(std::shared_ptr<asio::ssl::context> context) {
  impl_->tls_ = std::move(context);
}

Expected<void> AdminServer::listen(const TcpEndpoint& endpoint) {
  return impl_->listen(endpoint);
}

std::uint16_t AdminServer::port() const {
  return impl_->port();
}

const AdminStats& AdminServer::stats() const {
  return impl_->stats_;
}

std::size_t AdminServer::connections() const {
  return impl_->sessions_.size();
}

void AdminServer::close() {
  impl_->close();
}

}  // namespace socketmesh::net
