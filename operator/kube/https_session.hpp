// One connection of an HttpsListener: TLS, then requests one after another, each within limits.
//
// Everything runs on the connection's strand, but close(). Lives as long as something is under way;
// then it leaves its hub.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "operator/kube/https_hub.hpp"

namespace socketmesh::op::kube {

class HttpsSession : public std::enable_shared_from_this<HttpsSession> {
 public:
  enum class Close : std::uint8_t { kIdle, kNow };  // between requests only; whatever it does

  HttpsSession(std::shared_ptr<HttpsHub> hub, HttpsHub::TlsContext context,
               boost::asio::ip::tcp::socket socket);
  ~HttpsSession();
  HttpsSession(const HttpsSession&) = delete;
  HttpsSession& operator=(const HttpsSession&) = delete;

  void start();
  // From any thread.
  void close(Close how);

 private:
  using Error = boost::system::error_code;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;

  void wait_for_request(std::chrono::milliseconds patience);
  void read_request();
  void read_body();
  void refuse(const Error& error);
  void answer();
  void respond(unsigned status, std::string body, bool keep_alive);
  void on_written(const Error& error);
  void end();

  const std::shared_ptr<HttpsHub> hub_;
  const HttpsHub::TlsContext context_;  // the stream refers to it
  boost::beast::ssl_stream<boost::beast::tcp_stream> stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Response response_;
  bool idle_ = true;  // between requests
};

}  // namespace socketmesh::op::kube
