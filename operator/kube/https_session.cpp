#include "operator/kube/https_session.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>

namespace socketmesh::op::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::size_t kPieceBytes = 4096;  // of a first read
constexpr std::chrono::milliseconds kGoodbyeMax{1'000};

constexpr unsigned kNotFound = 404;
constexpr unsigned kMethodNotAllowed = 405;
constexpr unsigned kBadRequest = 400;
constexpr unsigned kBodyTooLarge = 413;
constexpr unsigned kHeaderTooLarge = 431;
constexpr unsigned kInternalError = 500;

std::string message_body(std::string_view text) {
  return R"({"message":")" + std::string(text) + "\"}\n";
}

}  // namespace

HttpsSession::HttpsSession(std::shared_ptr<HttpsHub> hub, HttpsHub::TlsContext context,
                           asio::ip::tcp::socket socket)
    : hub_(std::move(hub)), context_(std::move(context)), stream_(std::move(socket), *context_) {}

HttpsSession::~HttpsSession() {
  hub_->leave(*this);
}

void HttpsSession::start() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    Error ignored;
    beast::get_lowest_layer(self->stream_)
        .socket()
        .set_option(asio::ip::tcp::no_delay(true), ignored);
    beast::get_lowest_layer(self->stream_).expires_after(self->hub_->limits().handshake_max);
    self->stream_.async_handshake(asio::ssl::stream_base::server, [self](const Error& error) {
      if (!error) {
        self->wait_for_request(self->hub_->limits().request_max);
        return;
      }
      self->hub_->count(error == beast::error::timeout ? &HttpsStats::timeouts
                                                       : &HttpsStats::failed_handshakes);
    });
  });
}

void HttpsSession::close(Close how) {
  asio::post(stream_.get_executor(), [self = shared_from_this(), how] {
    if (how == Close::kNow || self->idle_) beast::get_lowest_layer(self->stream_).close();
  });
}

void HttpsSession::wait_for_request(std::chrono::milliseconds patience) {
  idle_ = true;
  if (hub_->closing()) return end();
  if (buffer_.size() > 0) return read_request();
  beast::get_lowest_layer(stream_).expires_after(patience);
  stream_.async_read_some(buffer_.prepare(kPieceBytes),
                          [self = shared_from_this()](const Error& error, std::size_t count) {
                            if (error == beast::error::timeout)
                              self->hub_->count(&HttpsStats::timeouts);
                            if (error) return;
                            self->buffer_.commit(count);
                            self->read_request();
                          });
}

void HttpsSession::read_request() {
  idle_ = false;
  parser_.emplace();
  parser_->header_limit(hub_->limits().header_bytes_max);
  parser_->body_limit(hub_->limits().body_bytes_max);
  beast::get_lowest_layer(stream_).expires_after(hub_->limits().request_max);
  // Header and body apart: reading both in one, Beast 1.74 loses the refusal of a body that comes
  // with its header.
  http::async_read_header(stream_, buffer_, *parser_,
                          [self = shared_from_this()](const Error& error, std::size_t) {
                            if (error) return self->refuse(error);
                            self->read_body();
                          });
}

void HttpsSession::read_body() {
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](const Error& error, std::size_t) {
                     if (error) return self->refuse(error);
                     self->answer();
                   });
}

void HttpsSession::refuse(const Error& error) {
  if (error == beast::error::timeout) return hub_->count(&HttpsStats::timeouts);
  const bool malformed =
      error.category() == http::make_error_code(http::error::bad_method).category();
  if (!malformed || error == http::error::end_of_stream || error == http::error::partial_message) {
    return;  // it went
  }
  hub_->count(&HttpsStats::bad_requests);
  if (error == http::error::body_limit) {
    respond(kBodyTooLarge, message_body("the body is too large"), false);
  } else if (error == http::error::header_limit) {
    respond(kHeaderTooLarge, message_body("the header is too large"), false);
  } else {
    respond(kBadRequest, message_body("malformed"), false);
  }
}

void HttpsSession::answer() {
  const auto& request = parser_->get();
  const bool keep_alive = request.keep_alive() && !hub_->closing();
  const std::string target(request.target());
  const HttpsListener::Handler* handler = hub_->find(target.substr(0, target.find('?')));
  if (handler == nullptr || request.method() != http::verb::post) {
    hub_->count(&HttpsStats::bad_requests);
    respond(handler == nullptr ? kNotFound : kMethodNotAllowed,
            message_body(handler == nullptr ? "no such path" : "POST only"), keep_alive);
    return;
  }
  hub_->count(&HttpsStats::requests);
  try {
    auto [status, body] = (*handler)(std::move(parser_->get().body()));
    respond(static_cast<unsigned>(status), std::move(body), keep_alive);
  } catch (const std::exception& error) {
    hub_->logger().error("webhook handler failed", {{"path", target}, {"reason", error.what()}});
    respond(kInternalError, message_body("internal error"), keep_alive);
  }
}

void HttpsSession::respond(unsigned status, std::string body, bool keep_alive) {
  parser_.reset();
  response_ = {};
  response_.version(11);  // HTTP/1.1
  response_.result(status);
  response_.set(http::field::content_type, "application/json");
  response_.keep_alive(keep_alive);
  response_.body() = std::move(body);
  response_.prepare_payload();
  beast::get_lowest_layer(stream_).expires_after(hub_->limits().response_max);
  http::async_write(
      stream_, response_,
      [self = shared_from_this()](const Error& error, std::size_t) { self->on_written(error); });
}

void HttpsSession::on_written(const Error& error) {
  if (error == beast::error::timeout) hub_->count(&HttpsStats::timeouts);
  if (error) return;
  const bool keep_alive = response_.keep_alive();
  response_ = {};
  if (!keep_alive) return end();
  if (buffer_.size() == 0) buffer_.shrink_to_fit();  // a large body's room
  wait_for_request(hub_->limits().idle_max);
}

void HttpsSession::end() {
  beast::get_lowest_layer(stream_).expires_after(kGoodbyeMax);
  stream_.async_shutdown([self = shared_from_this()](const Error&) {});
}

}  // namespace socketmesh::op::kube
