#include "sidecar/shell/discovery/api_connection.hpp"

#include <netinet/tcp.h>
#include <openssl/x509v3.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <limits>

namespace socketmesh::shell {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr unsigned kHttp11 = 11;
constexpr std::uint32_t kHeaderBytesMax = 16U << 10U;
constexpr std::size_t kReadBufferBytesMax = 64U << 10U;

// A server that vanished without a word is given up after about half a minute, whether something
// is on its way to it or not.
constexpr int kKeepIdleSeconds = 15;
constexpr int kKeepIntervalSeconds = 5;
constexpr int kKeepProbes = 3;
constexpr int kUnacknowledgedMilliseconds = 30'000;

void keep_alive(asio::ip::tcp::socket& socket) {
  using Option = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using Interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using Probes = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
  using Unacknowledged = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
  boost::system::error_code ignored;  // a watch without them is still one
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.set_option(Option(kKeepIdleSeconds), ignored);
  socket.set_option(Interval(kKeepIntervalSeconds), ignored);
  socket.set_option(Probes(kKeepProbes), ignored);
  socket.set_option(Unacknowledged(kUnacknowledgedMilliseconds), ignored);
}

// The certificate must be for `server`, an address or a name.
void expect_identity(SSL* ssl, const TcpEndpoint& server) {
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  if (server.is_address()) {
    X509_VERIFY_PARAM_set1_ip_asc(param, server.host.c_str());
    return;
  }
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set1_host(param, server.host.c_str(), server.host.size());
  SSL_set_tlsext_host_name(ssl, server.host.c_str());
}

}  // namespace

Expected<ApiTlsContext> make_api_tls_context(const std::string& ca_pem) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  context->set_verify_mode(asio::ssl::verify_peer);
  boost::system::error_code error;
  context->add_certificate_authority(asio::buffer(ca_pem), error);
  if (error) return Unexpected{"holds no CA certificate in PEM form"};
  return context;
}

ApiConnection::ApiConnection(asio::io_context& io, TcpEndpoint server, ApiTlsContext context,
                             Host& host)
    : server_(std::move(server)),
      context_(std::move(context)),
      host_(&host),
      resolver_(io),
      stream_(io, *context_),
      buffer_(kReadBufferBytesMax) {}

template <typename Handler>
auto ApiConnection::guarded(Handler handler) {
  return [self = shared_from_this(), handler](const Error& error, const auto&... rest) {
    if (self->host_ != nullptr) handler(*self, error, rest...);
  };
}

void ApiConnection::get(const std::string& target, const std::string& token) {
  request_ = {http::verb::get, target, kHttp11};
  request_.set(http::field::host, server_.to_string());
  request_.set(http::field::authorization, "Bearer " + token);
  request_.set(http::field::accept, "application/json");
  request_.set(http::field::user_agent, "socketmesh-sidecar/" SOCKETMESH_VERSION);
  reusable_ = false;
  if (connected_) {
    write();
  } else if (server_.is_address()) {
    connect({{asio::ip::make_address(server_.host), server_.port}});
  } else {
    resolve();
  }
}

void ApiConnection::close() {
  host_ = nullptr;
  reusable_ = false;
  resolver_.cancel();
  Error ignored;
  stream_.lowest_layer().close(ignored);
}

void ApiConnection::resolve() {
  resolver_.async_resolve(
      server_.host, std::to_string(server_.port), Tcp::resolver::numeric_service,
      guarded([](ApiConnection& self, const Error& error, const Tcp::resolver::results_type& r) {
        if (error) {
          self.fail("resolving " + self.server_.host, error);
        } else {
          self.connect({r.begin(), r.end()});
        }
      }));
}

void ApiConnection::connect(std::vector<Tcp::endpoint> endpoints) {
  endpoints_ = std::move(endpoints);
  asio::async_connect(stream_.next_layer(), endpoints_,
                      guarded([](ApiConnection& self, const Error& error, const auto&) {
                        if (error) {
                          self.fail("connecting to " + self.server_.to_string(), error);
                        } else {
                          self.shake_hands();
                        }
                      }));
}

void ApiConnection::shake_hands() {
  Error ignored;
  stream_.next_layer().set_option(Tcp::no_delay(true), ignored);
  keep_alive(stream_.next_layer());
  expect_identity(stream_.native_handle(), server_);
  stream_.async_handshake(asio::ssl::stream_base::client,
                          guarded([](ApiConnection& self, const Error& error) {
                            if (error) {
                              self.fail_handshake(error);
                            } else {
                              self.connected_ = true;
                              self.write();
                            }
                          }));
}

void ApiConnection::write() {
  http::async_write(stream_, request_,
                    guarded([](ApiConnection& self, const Error& error, std::size_t) {
                      // The token need not lie around for as long as the answer takes.
                      self.request_ = {};
                      if (error) {
                        self.fail("sending a request", error);
                      } else {
                        self.read_header();
                      }
                    }));
}

void ApiConnection::read_header() {
  parser_.emplace();
  parser_->header_limit(kHeaderBytesMax);
  // A watch sends as much as there is to tell. (No limit at all, boost::none, is none to Beast 1.74
  // when it compares.)
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  http::async_read_header(
      stream_, buffer_, *parser_, guarded([](ApiConnection& self, const Error& error, std::size_t) {
        if (error) {
          self.fail("reading a response", error);
          return;
        }
        const auto& head = self.parser_->get();
        const auto retry_after = head[http::field::retry_after];
        self.host_->api_responded(head.result_int(), {retry_after.data(), retry_after.size()});
        if (self.host_ == nullptr) return;
        // An eager parser would wait for more before it hands anything on.
        self.parser_->eager(false);
        self.read_body();
      }));
}

void ApiConnection::read_body() {
  if (parser_->is_done()) {
    reusable_ = parser_->keep_alive();
    host_->api_finished();
    return;
  }
  auto& body = parser_->get().body();
  body.data = chunk_.data();
  body.size = chunk_.size();
  http::async_read_some(
      stream_, buffer_, *parser_,
      guarded([](ApiConnection& self, const Error& error, std::size_t) { self.on_body(error); }));
}

void ApiConnection::on_body(const Error& error) {
  const std::size_t size = chunk_.size() - parser_->get().body().size;
  if (size > 0) host_->api_received({chunk_.data(), size});
  if (host_ == nullptr) return;
  if (error && error != http::error::need_buffer) {
    fail("reading a response", error);
  } else {
    read_body();
  }
}

void ApiConnection::fail(const std::string& step, const Error& error) {
  host_->api_failed(step + ": " + error.message());
}

void ApiConnection::fail_handshake(const Error& error) {
  const long verified = SSL_get_verify_result(stream_.native_handle());
  if (verified == X509_V_OK) {
    fail("TLS with " + server_.to_string(), error);
    return;
  }
  host_->api_failed("the certificate of " + server_.to_string() +
                    " is refused: " + X509_verify_cert_error_string(verified));
}

}  // namespace socketmesh::shell
