// One HTTPS connection to the API server: a GET at a time, its body as it comes.
//
// The server shows a certificate of the cluster's CA for the very host that is dialled. The host
// object hears of each request: responded once, received as often as bytes come, then finished or
// failed; never from inside get(), and nothing after close(). There is no timeout here: who waits
// decides how long (the list-watch does); a peer that vanished is found by TCP keepalive. Lifetime:
// keeps itself alive while an operation is pending; the host outlives close(). One thread.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"

namespace socketmesh::shell {

using ApiTlsContext = std::shared_ptr<boost::asio::ssl::context>;

// Trusts these CAs (PEM) and no others. The error says what is wrong with them.
Expected<ApiTlsContext> make_api_tls_context(const std::string& ca_pem);

class ApiConnection : public std::enable_shared_from_this<ApiConnection> {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    virtual void api_responded(unsigned status, std::string_view retry_after) = 0;
    virtual void api_received(std::string_view bytes) = 0;
    virtual void api_finished() = 0;
    virtual void api_failed(const std::string& why) = 0;
  };

  ApiConnection(boost::asio::io_context& io, TcpEndpoint server, ApiTlsContext context, Host& host);

  // The first one connects. Only when the one before has finished, and reusable() says so.
  void get(const std::string& target, const std::string& token);
  // The last response has ended, and the server keeps the connection open.
  [[nodiscard]] bool reusable() const { return reusable_; }
  void close();

 private:
  using Error = boost::system::error_code;
  using Tcp = boost::asio::ip::tcp;
  using Parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;

  void resolve();
  void connect(std::vector<Tcp::endpoint> endpoints);
  void shake_hands();
  void write();
  void read_header();
  void read_body();
  void on_body(const Error& error);
  void fail(const std::string& step, const Error& error);
  void fail_handshake(const Error& error);

  // Wraps a handler of this connection: keeps it alive, and silent once closed.
  template <typename Handler>
  auto guarded(Handler handler);

  TcpEndpoint server_;
  ApiTlsContext context_;
  Host* host_;  // null once closed
  Tcp::resolver resolver_;
  boost::asio::ssl::stream<Tcp::socket> stream_;
  std::vector<Tcp::endpoint> endpoints_;
  boost::beast::http::request<boost::beast::http::empty_body> request_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::array<char, 8192> chunk_{};
  bool connected_ = false;
  bool reusable_ = false;
};

}  // namespace socketmesh::shell
