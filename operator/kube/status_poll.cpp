#include "operator/kube/status_poll.hpp"

#include <boost/asio/post.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "lib/base/endpoint.hpp"
#include "lib/kube/decode.hpp"
#include "operator/kube/pool.hpp"
#include "operator/kube/tls_setup.hpp"

namespace socketmesh::op::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Kind = PollError::Kind;

constexpr unsigned kOk = 200;

bool is_http_error(const boost::system::error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category();
}

}  // namespace

StatusPoll::StatusPoll(PollRequest request, StatusPoller::Done done)
    : request_(std::move(request)),
      done_(std::move(done)),
      strand_(asio::make_strand(pool())),
      context_(asio::ssl::context::tls_client) {}

void StatusPoll::start() {
  asio::post(strand_, [self = shared_from_this()] { self->run(); });
}

void StatusPoll::cancel() {
  asio::post(strand_, [self = shared_from_this()] {
    self->cancelled_ = true;
    if (self->stream_) beast::get_lowest_layer(*self->stream_).close();
  });
}

void StatusPoll::run() {
  if (cancelled_) return end(Unexpected{PollError{Kind::kUnreachable, "cancelled"}});
  Error error;
  const auto address = asio::ip::make_address(request_.address, error);
  if (error) {
    return end(
        Unexpected{PollError{Kind::kUnreachable, "'" + request_.address + "' is no address"}});
  }
  if (auto ready = set_up_tls(); !ready) {
    return end(Unexpected{PollError{Kind::kCredentials, ready.error()}});
  }
  stream_.emplace(strand_, context_);
  // Holds for all that follows.
  beast::get_lowest_layer(*stream_).expires_after(request_.timeout);
  beast::get_lowest_layer(*stream_).async_connect(
      asio::ip::tcp::endpoint(address, request_.port),
      [self = shared_from_this()](const Error& failure) { self->on_connected(failure); });
}

Expected<void> StatusPoll::set_up_tls() {
  SSL_CTX* native = context_.native_handle();
  const MeshCredentials& mesh = *request_.credentials;
  SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
  if (auto trusted = trust_only(native, mesh.ca_pem); !trusted) return trusted;
  if (auto shown = show_certificate(native, mesh.cert_pem, mesh.key_pem); !shown) return shown;
  verify_peer(native, {PeerName::Kind::kUri, mesh.spiffe_id},
              [this](std::string why) { refusal_ = std::move(why); });
  return {};
}

void StatusPoll::on_connected(const Error& error) {
  if (error) return fail(error);
  stream_->async_handshake(
      asio::ssl::stream_base::client,
      [self = shared_from_this()](const Error& failure) { self->on_handshake(failure); });
}

void StatusPoll::on_handshake(const Error& error) {
  if (error) return fail(error);
  question_.version(11);  // HTTP/1.1
  question_.method(http::verb::get);
  question_.target("/status");
  question_.set(http::field::host, TcpEndpoint{request_.address, request_.port}.to_string());
  question_.set(http::field::user_agent, "socketmesh-operator/" SOCKETMESH_VERSION);
  question_.keep_alive(false);
  http::async_write(*stream_, question_,
                    [self = shared_from_this()](const Error& failure, std::size_t) {
                      self->on_written(failure);
                    });
}

void StatusPoll::on_written(const Error& error) {
  if (error) return fail(error);
  parser_.header_limit(kStatusHeaderBytesMax);
  parser_.body_limit(kStatusBodyBytesMax);
  // Header and body apart: reading both in one, Beast 1.74 forgets the limit of a body that comes
  // with its header.
  http::async_read_header(
      *stream_, buffer_, parser_,
      [self = shared_from_this()](const Error& failure, std::size_t) { self->on_header(failure); });
}

void StatusPoll::on_header(const Error& error) {
  if (error) return fail(error);
  http::async_read(*stream_, buffer_, parser_,
                   [self = shared_from_this()](const Error& failure, std::size_t) {
                     self->on_response(failure);
                   });
}

void StatusPoll::on_response(const Error& error) {
  if (error) return fail(error);
  const auto& response = parser_.get();
  if (response.result_int() != kOk) {
    return end(Unexpected{
        PollError{Kind::kStatus, "HTTP status " + std::to_string(response.result_int())}});
  }
  auto status = socketmesh::kube::parse_json(response.body());
  if (!status) return end(Unexpected{PollError{Kind::kBadResponse, status.error()}});
  end(std::move(status).value());
}

void StatusPoll::fail(const Error& error) {
  PollError failure{Kind::kUnreachable, error.message()};
  if (error == beast::error::timeout) {
    failure = {Kind::kTimeout, "no answer in " + std::to_string(request_.timeout.count()) + " ms"};
  } else if (!refusal_.empty()) {
    failure = {Kind::kTls, refusal_};
  } else if (error.category() == asio::error::get_ssl_category()) {
    failure.kind = Kind::kTls;
  } else if (is_http_error(error) && error != http::error::end_of_stream) {
    failure.kind = Kind::kBadResponse;
  }
  end(Unexpected{std::move(failure)});
}

void StatusPoll::end(StatusPoller::Result result) {
  // No goodbye: the answer is whole, or the sidecar is not worth one.
  if (stream_) beast::get_lowest_layer(*stream_).close();
  done_(std::move(result));
  done_ = {};
}

}  // namespace socketmesh::op::kube
