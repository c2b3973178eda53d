#include "lib/net/admin_session.hpp"

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <exception>

namespace socketmesh::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

// After a refusal, how much of what the client still sends is read, so that the answer reaches it
// before a reset does.
constexpr std::size_t kLingerBytesMax = 64 * 1024;
constexpr std::chrono::milliseconds kLingerMax{1000};

// What is read before it is known whether it is TLS: the most of a first flight or a request.
constexpr std::size_t kFirstBytesMax = 4096;
// A TLS record of a handshake begins so; no HTTP method does.
constexpr unsigned char kTlsHandshakeByte = 0x16;

std::string describe(SSL* session, const beast::error_code& error) {
  const long verified = SSL_get_verify_result(session);
  return verified == X509_V_OK ? error.message() : X509_verify_cert_error_string(verified);
}

}  // namespace

AdminSession::AdminSession(asio::ip::tcp::socket socket, std::shared_ptr<AdminHub> hub)
    : hub_(std::move(hub)), stream_(std::move(socket)) {}

AdminSession::~AdminSession() {
  hub_->ended(this);
}

void AdminSession::close() {
  stream_.close();
}

void AdminSession::run() {
  stream_.expires_after(hub_->options().limits.idle_max);
  if (hub_->tls() == nullptr) {
    read_request();
    return;
  }
  stream_.async_read_some(
      buffer_.prepare(kFirstBytesMax),
      [self = shared_from_this()](const beast::error_code& error, std::size_t bytes) {
        if (error) return;  // the client left, or said nothing
        self->buffer_.commit(bytes);
        self->on_first_bytes();
      });
}

void AdminSession::on_first_bytes() {
  const auto* first = static_cast<const unsigned char*>(buffer_.data().data());
  if (*first == kTlsHandshakeByte) {
    shake_hands();
  } else {
    read_request();
  }
}

void AdminSession::shake_hands() {
  tls_context_ = hub_->tls();
  if (tls_context_ == nullptr) {
    read_request();
    return;
  }
  tls_.emplace(stream_, *tls_context_);
  stream_.expires_after(hub_->options().limits.handshake_max);
  tls_->async_handshake(asio::ssl::stream_base::server, buffer_.data(),
                        beast::bind_front_handler(&AdminSession::on_handshake, shared_from_this()));
}

void AdminSession::on_handshake(const beast::error_code& error, std::size_t used) {
  if (error == beast::error::timeout) {
    ++hub_->stats().timeouts;
  } else if (error) {
    hub_->handshake_failed(describe(tls_->native_handle(), error));
  } else if (used != buffer_.size()) {
    hub_->handshake_failed("the client did not wait for the handshake");
  } else {
    ++hub_->stats().handshakes;
    buffer_.clear();
    await_request();
  }
}

void AdminSession::await_request() {
  stream_.expires_after(hub_->options().limits.idle_max);
  read_request();
}

void AdminSession::read_request() {
  const AdminLimits& limits = hub_->options().limits;
  parser_.emplace();
  parser_->header_limit(limits.header_bytes_max);
  parser_->body_limit(limits.body_bytes_max);
  on_stream([this](auto& stream) {
    http::async_read(stream, buffer_, *parser_,
                     beast::bind_front_handler(&AdminSession::on_request, shared_from_this()));
  });
}

void AdminSession::on_request(const beast::error_code& error, std::size_t /*bytes*/) {
  if (!error) {
    ++hub_->stats().requests;
    answer();
    return;
  }
  if (error == beast::error::timeout) {
    // Silence between requests is a client's right; silence inside one is not.
    if (parser_->got_some()) ++hub_->stats().timeouts;
    return;  // the stream closed itself
  }
  if (error == http::error::end_of_stream ||
      error.category() != http::make_error_code(http::error::bad_method).category()) {
    return;  // the client left
  }
  refuse(error);
}

void AdminSession::refuse(const beast::error_code& error) {
  ++hub_->stats().bad_requests;
  if (error == http::error::header_limit) {
    respond(HttpResponse::text(431, "header too large\n"), false, false);
  } else if (error == http::error::body_limit) {
    respond(HttpResponse::text(413, "body too large\n"), false, false);
  } else {
    respond(HttpResponse::text(400, "bad request\n"), false, false);
  }
}

void AdminSession::answer() {
  const auto& message = parser_->get();
  const bool head = message.method() == http::verb::head;
  const bool keep_alive = message.keep_alive();
  const std::string_view target(message.target().data(), message.target().size());

  if (!target.starts_with('/')) {
    ++hub_->stats().bad_requests;
    respond(HttpResponse::text(400, "bad request\n"), head, false);
    return;
  }
  HttpRequest request;
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);

  AdminStream* stream = hub_->stream(request.path);
  const AdminServer::Handler* handler = hub_->handler(request.path);
  if (stream == nullptr && handler == nullptr) {
    respond(HttpResponse::text(404, "not found\n"), head, keep_alive);
  } else if (!head && message.method() != http::verb::get) {
    respond(HttpResponse::text(405, "only GET and HEAD\n"), false, keep_alive);
  } else if (stream != nullptr) {
    answer_stream(*stream, head);
  } else {
    HttpResponse response;
    try {
      response = (*handler)(request);
    } catch (const std::exception& failure) {
      hub_->handler_failed(request.path, failure.what());
      response = HttpResponse::text(500, "internal error\n");
    }
    respond(response, head, keep_alive);
  }
}

void AdminSession::respond(const HttpResponse& content, bool head, bool keep_alive) {
  response_ = Response();
  response_.version(11);
  response_.result(content.status);
  response_.keep_alive(keep_alive);
  response_.set(http::field::content_type, content.content_type);
  response_.set(http::field::cache_control, "no-store");
  response_.set("X-Content-Type-Options", "nosniff");
  response_.set("Referrer-Policy", "no-referrer");
  response_.set("Cross-Origin-Resource-Policy", "same-origin");
  response_.set("Content-Security-Policy", hub_->options().content_security_policy);
  if (content.status == 405) response_.set(http::field::allow, "GET, HEAD");
  response_.content_length(content.body.size());
  if (!head) response_.body() = content.body;

  stream_.expires_after(hub_->options().limits.write_max);
  on_stream([this, keep_alive](auto& stream) {
    http::async_write(
        stream, response_,
        [self = shared_from_this(), keep_alive](const beast::error_code& error, std::size_t) {
          self->on_written(error, keep_alive);
        });
  });
}

void AdminSession::on_written(const beast::error_code& error, bool keep_alive) {
  if (error == beast::error::timeout) ++hub_->stats().timeouts;
  if (error) return;
  if (keep_alive) {
    await_request();
    return;
  }
  stream_.expires_after(kLingerMax);
  if (!tls_) {
    end();
    return;
  }
  // Tells the client that the answer is whole. A client that does not say as much is left anyway.
  tls_->async_shutdown([self = shared_from_this()](const beast::error_code&) { self->end(); });
}

void AdminSession::end() {
  beast::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  linger();
}

void AdminSession::linger() {
  buffer_.clear();
  stream_.async_read_some(
      buffer_.prepare(4096),
      [self = shared_from_this()](const beast::error_code& error, std::size_t bytes) {
        self->lingered_bytes_ += bytes;
        if (error || self->lingered_bytes_ > kLingerBytesMax) return;
        self->linger();
      });
}

// `then` runs while the session lives.
template <typename Then>
void AdminSession::write_event(Then then) {
  writing_ = true;
  on_stream([this, &then](auto& stream) {
    asio::async_write(stream, asio::buffer(*event_),
                      [self = shared_from_this(), then = std::move(then)](
                          const beast::error_code& error, std::size_t) {
                        self->writing_ = false;
                        then(error);
                      });
  });
}

void AdminSession::answer_stream(AdminStream& stream, bool head) {
  if (!head && !hub_->join(stream, shared_from_this())) {
    ++hub_->stats().refused_streams;
    respond(HttpResponse::text(503, "too many streams\n"), false, false);
    return;
  }
  // Without Content-Length: the body ends with the connection.
  std::string text =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
      "Content-Security-Policy: " +
      hub_->options().content_security_policy + "\r\nConnection: close\r\n\r\n";
  if (!head) text += *hub_->make_event(stream);
  stream_.expires_after(hub_->options().limits.write_max);
  event_ = std::make_shared<const std::string>(std::move(text));
  write_event([this, head](const beast::error_code& error) {
    if (error) return;
    if (head) {
      on_written(error, false);
      return;
    }
    stream_.expires_never();  // from here the ticks tell who is slow
    watch_for_close();
  });
}

void AdminSession::push(const std::shared_ptr<const std::string>& event) {
  if (writing_) {
    if (++lag_ticks_ > hub_->options().limits.stream_lag_ticks_max) {
      ++hub_->stats().slow_streams;
      close();
    }
    return;  // this client misses the tick
  }
  event_ = event;
  lag_ticks_ = 0;
  write_event([](const beast::error_code&) {});  // its failure fails the pending read as well
}

void AdminSession::watch_for_close() {
  buffer_.clear();
  on_stream([this](auto& stream) {
    stream.async_read_some(buffer_.prepare(512), [self = shared_from_this()](
                                                     const beast::error_code& error, std::size_t) {
      if (error) {
        self->close();
      } else {
        self->watch_for_close();  // whatever an event client says is ignored
      }
    });
  });
}

}  // namespace socketmesh::net
