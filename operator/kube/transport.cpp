#include "operator/kube/transport.hpp"

#include <cpprest/http_client.h>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cerrno>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "operator/kube/access_tls.hpp"
#include "operator/kube/body_stream.hpp"
#include "operator/kube/pool.hpp"
#include "operator/kube/tls_setup.hpp"

namespace socketmesh::op::kube {
namespace {

using Kind = ExchangeError::Kind;
namespace http = web::http;

// The credentials make no TLS context.
struct TlsSetupError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// cpprestsdk gives an error's number without its category: OpenSSL packs a library into the high
// bits, all others are small.
constexpr int kSmallCodeMax = 0xffff;

web::uri base_uri(const TcpEndpoint& endpoint) {
  // By the builder: parsed from a text, an IPv6 host would keep its brackets, and not resolve.
  web::uri_builder builder;
  builder.set_scheme("https").set_host(endpoint.host).set_port(endpoint.port);
  return builder.to_uri();
}

// What to say in Host, where cpprestsdk's own would be wrong: it leaves out an IPv6 address's
// brackets, and takes the name for SNI from it. Empty: its own will do.
std::string host_header(const Access& access) {
  const TcpEndpoint& endpoint = access.server().endpoint;
  if (access.tls_name() != endpoint.host) return access.tls_name();
  return endpoint.host.find(':') != std::string::npos ? endpoint.to_string() : std::string();
}

}  // namespace

class Transport::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<const Access> access, std::string user_agent,
       std::chrono::milliseconds idle_max)
      : access_(std::move(access)), user_agent_(std::move(user_agent)), idle_max_(idle_max) {}

  // Apart from the constructor: the callback must not keep us alive, or we never go.
  void open() {
    http::client::http_client_config config;
    config.set_timeout(idle_max_);
    config.set_max_redirects(0);  // the token is for this server alone
    config.set_tlsext_sni_enabled(!is_ip_address(access_->tls_name()));
    config.set_ssl_context_callback([weak = weak_from_this()](boost::asio::ssl::context& context) {
      const auto self = weak.lock();
      if (!self) throw TlsSetupError("the client is gone");
      self->set_up(context.native_handle());
    });
    client_ =
        std::make_unique<http::client::http_client>(base_uri(access_->server().endpoint), config);
  }

  Cancel send(const ApiRequest& request, const std::shared_ptr<Responder>& responder) {
    const pplx::cancellation_token_source source;
    const auto body = std::make_shared<BodyStream>(responder);
    try {
      client_->request(make(request, body), source.get_token())
          .then([responder, body](const pplx::task<http::http_response>& task) {
            http::http_response response = task.get();
            responder->responded(head_of(response));
            body->release_head();
            return response.content_ready();
          })
          .then([self = shared_from_this(), responder](
                    const pplx::task<http::http_response>& task) { self->end(task, *responder); });
    } catch (const std::exception& error) {  // a target that is no URI
      boost::asio::post(pool(), [responder, why = std::string(error.what())] {
        responder->failed({Kind::kUnreachable, why});
      });
    }
    return [source] { source.cancel(); };
  }

 private:
  http::http_request make(const ApiRequest& request, const std::shared_ptr<BodyStream>& body) {
    http::http_request made(request.method);
    made.set_request_uri(access_->server().path + request.target);
    made.set_response_stream(concurrency::streams::ostream(concurrency::streams::streambuf<uint8_t>(
        std::shared_ptr<concurrency::streams::details::basic_streambuf<uint8_t>>(body))));
    http::http_headers& headers = made.headers();
    headers.add("Accept", request.accept);
    headers.add("User-Agent", user_agent_);
    if (const std::string host = host_header(*access_); !host.empty()) headers.add("Host", host);
    if (const std::string token = access_->token(); !token.empty()) {
      headers.add("Authorization", "Bearer " + token);
    }
    if (!request.content_type.empty()) made.set_body(request.body, request.content_type);
    return made;
  }

  static ResponseHead head_of(const http::http_response& response) {
    ResponseHead head{response.status_code(), {}};
    response.headers().match("Retry-After", head.retry_after);
    return head;
  }

  void set_up(SSL_CTX* context) {
    const auto done = set_up_client(context, *access_, [weak = weak_from_this()](std::string why) {
      if (const auto self = weak.lock()) {
        const std::lock_guard lock(self->mutex_);
        self->refusal_ = std::move(why);
      }
    });
    if (!done) throw TlsSetupError(done.error());
  }

  void end(const pplx::task<http::http_response>& task, Responder& responder) {
    try {
      task.get();
    } catch (...) {
      responder.failed(explain(std::current_exception()));
      return;
    }
    responder.finished();
  }

  ExchangeError explain(const std::exception_ptr& exception) {
    try {
      std::rethrow_exception(exception);
    } catch (const BodyRefused& error) {
      return {Kind::kRefused, error.what()};
    } catch (const TlsSetupError& error) {
      return {Kind::kTls, error.what()};
    } catch (const http::http_exception& error) {
      return explain_http(error.error_code().value(), error.what());
    } catch (const std::exception& error) {
      return {Kind::kUnreachable, error.what()};
    }
  }

  // cpprestsdk tells by texts at which step it failed; see its http_client_asio.cpp.
  ExchangeError explain_http(int code, const std::string& text) {
    const std::string server = access_->server().url();
    if (code == ECANCELED) return {Kind::kCancelled, "cancelled"};
    if (code == ETIMEDOUT) return {Kind::kTimeout, server + " went silent"};
    if (text.find("connect to") != std::string::npos) {
      return {Kind::kUnreachable, "cannot connect to " + server};
    }
    if (text.find("resolving") != std::string::npos) {
      return {Kind::kUnreachable, "cannot resolve the host of " + server};
    }
    if (text.find("write") != std::string::npos) {
      return {Kind::kNotSent, "lost the connection to " + server + " while sending"};
    }
    if (text.find("handshake") != std::string::npos && code > kSmallCodeMax) {
      const std::lock_guard lock(mutex_);
      std::string why = std::exchange(refusal_, "");
      return {Kind::kTls, server + " is not trusted: " + (why.empty() ? "no TLS server" : why)};
    }
    return {Kind::kUnreachable, "lost the connection to " + server + ": " + text};
  }

  const std::shared_ptr<const Access> access_;
  const std::string user_agent_;
  const std::chrono::milliseconds idle_max_;
  std::unique_ptr<http::client::http_client> client_;
  std::mutex mutex_;
  std::string refusal_;  // why OpenSSL refused the server last; told by the next handshake error
};

Transport::Transport(std::shared_ptr<const Access> access, std::string user_agent,
                     std::chrono::milliseconds idle_max)
    : impl_(std::make_shared<Impl>(std::move(access), std::move(user_agent), idle_max)) {
  pool();  // asserts init_runtime()
  impl_->open();
}

Transport::~Transport() = default;

Transport::Cancel Transport::send(const ApiRequest& request,
                                  const std::shared_ptr<Responder>& responder) {
  return impl_->send(request, responder);
}

}  // namespace socketmesh::op::kube
