// One connection of the admin server: requests one after another, or a stream of events; plain, or
// over TLS when the server has a context and the client begins so.
// Private to lib/net. Keeps itself alive while an operation is pending; the hub is outlived by
// none of its sessions, as each holds it. One thread.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/net/admin_server.hpp"

namespace socketmesh::net {

class AdminSession;

// The clients of one stream route, served by one timer.
struct AdminStream {
  AdminServer::Producer producer;
  std::vector<std::weak_ptr<AdminSession>> clients;
};

// What a session needs of its server.
class AdminHub {
 public:
  virtual ~AdminHub() = default;

  virtual const AdminOptions& options() const = 0;
  virtual AdminStats& stats() = 0;
  virtual const AdminServer::Handler* handler(std::string_view path) const = 0;
  virtual AdminStream* stream(std::string_view path) = 0;
  // The event of now, ready to send.
  virtual std::shared_ptr<const std::string> make_event(AdminStream& stream) = 0;
  // False when there are streams_max of them; else push() follows with each tick.
  virtual bool join(AdminStream& stream, const std::shared_ptr<AdminSession>& session) = 0;
  // Null: plain only.
  virtual std::shared_ptr<boost::asio::ssl::context> tls() const = 0;
  virtual void handshake_failed(const std::string& reason) = 0;
  virtual void handler_failed(std::string_view path, const char* reason) = 0;
  virtual void ended(AdminSession* session) = 0;
};

class AdminSession : public std::enable_shared_from_this<AdminSession> {
 public:
  AdminSession(boost::asio::ip::tcp::socket socket, std::shared_ptr<AdminHub> hub);
  ~AdminSession();
  AdminSession(const AdminSession&) = delete;
  AdminSession& operator=(const AdminSession&) = delete;

  void run();
  // Aborts what is pending; the session ends with it.
  void close();
  // One tick's event for a streaming session; cuts it when it lags too far behind.
  void push(const std::shared_ptr<const std::string>& event);

 private:
  using Response = boost::beast::http::response<boost::beast::http::string_body>;
  using TlsStream = boost::asio::ssl::stream<boost::beast::tcp_stream&>;

  // Starts an operation on the stream that the bytes take.
  template <typename Operation>
  void on_stream(Operation operation) {
    if (tls_) {
      operation(*tls_);
    } else {
      operation(stream_);
    }
  }

  void on_first_bytes();
  void shake_hands();
  void on_handshake(const boost::beast::error_code& error, std::size_t used);
  void await_request();
  void read_request();
  void on_request(const boost::beast::error_code& error, std::size_t bytes);
  void answer();
  void answer_stream(AdminStream& stream, bool head);
  void refuse(const boost::beast::error_code& error);
  void respond(const HttpResponse& content, bool head, bool keep_alive);
  void on_written(const boost::beast::error_code& error, bool keep_alive);
  // Writes event_, then calls `then` with the error.
  template <typename Then>
  void write_event(Then then);
  void watch_for_close();
  void end();
  void linger();

  std::shared_ptr<AdminHub> hub_;
  boost::beast::tcp_stream stream_;
  std::shared_ptr<boost::asio::ssl::context> tls_context_;  // that tls_ began with
  std::optional<TlsStream> tls_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  Response response_;

  // Streaming: at most one event on its way and none waiting, so memory is bounded.
  std::shared_ptr<const std::string> event_;
  bool writing_ = false;
  std::uint32_t lag_ticks_ = 0;
  std::size_t lingered_bytes_ = 0;
};

}  // namespace socketmesh::net
