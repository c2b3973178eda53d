// An HTTPS server of the tests' own, which answers as a script says, down to the byte.
//
// A thread a connection, blocking, kept alive between requests; the script runs on it. Destroying
// the server cuts all connections.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lib/net/tls.hpp"

namespace socketmesh::op::kube {

class ScriptedServer {
 public:
  using Request = boost::beast::http::request<boost::beast::http::string_body>;
  using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

  // What a script answers with.
  class Connection {
   public:
    explicit Connection(Stream& stream) : stream_(stream) {}
    // False once the client has gone.
    bool write(const std::string& raw) {
      boost::system::error_code error;
      boost::asio::write(stream_, boost::asio::buffer(raw), error);
      return !error;
    }
    void reply(int status, const std::string& body, const std::string& headers = "") {
      write("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" +
            headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
    void begin_chunks(int status = 200) {
      write("HTTP/1.1 " + std::to_string(status) + " X\r\nTransfer-Encoding: chunked\r\n\r\n");
    }
    bool chunk(const std::string& bytes) {
      std::ostringstream size;
      size << std::hex << bytes.size();
      return write(size.str() + "\r\n" + bytes + "\r\n");
    }
    void end_chunks() { write("0\r\n\r\n"); }
    // Until the client closes.
    void wait_closed() {
      std::array<char, 1024> bytes{};
      boost::system::error_code error;
      while (!error) stream_.read_some(boost::asio::buffer(bytes), error);
    }
    void cut() {
      boost::system::error_code ignored;
      stream_.next_layer().shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
    }

   private:
    Stream& stream_;
  };
  using Script = std::function<void(const Request&, Connection&)>;

  struct Options {
    std::string address = "127.0.0.1";
    std::string client_ca{};  // a file: clients must show a certificate of it
  };

  ScriptedServer(const net::TlsFiles& files, Script script)
      : ScriptedServer(files, std::move(script), Options{}) {}
  ScriptedServer(const net::TlsFiles& files, Script script, const Options& options)
      : script_(std::move(script)),
        context_(boost::asio::ssl::context::tls_server),
        acceptor_(io_, {boost::asio::ip::make_address(options.address), 0}) {
    context_.use_certificate_chain_file(files.cert);
    context_.use_private_key_file(files.key, boost::asio::ssl::context::pem);
    if (!options.client_ca.empty()) {
      context_.load_verify_file(options.client_ca);
      context_.set_verify_mode(boost::asio::ssl::verify_peer |
                               boost::asio::ssl::verify_fail_if_no_peer_cert);
    }
    accepting_ = std::thread([this] { accept(); });
  }
  ~ScriptedServer() {
    closing_ = true;
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    accepting_.join();
    {
      const std::lock_guard lock(mutex_);
      for (auto& session : sessions_) ::shutdown(session.socket, SHUT_RDWR);
    }
    for (auto& session : sessions_) session.thread.join();
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  int connections() const { return connections_; }
  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // The name for SNI of the last connection; empty: none was sent.
  std::string sni() const {
    const std::lock_guard lock(mutex_);
    return sni_;
  }

 private:
  struct Session {
    std::thread thread;
    int socket = -1;
  };

  void accept() {
    while (!closing_) {
      boost::system::error_code error;
      boost::asio::ip::tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (error) return;
      ++connections_;
      const std::lock_guard lock(mutex_);
      Session& session = sessions_.emplace_back();
      session.socket = socket.native_handle();
      session.thread = std::thread([this, moved = std::make_shared<boost::asio::ip::tcp::socket>(
                                              std::move(socket))] { serve(*moved); });
    }
  }

  void serve(boost::asio::ip::tcp::socket& socket) {
    namespace http = boost::beast::http;
    auto stream = std::make_shared<Stream>(std::move(socket), context_);
    boost::system::error_code error;
    stream->handshake(boost::asio::ssl::stream_base::server, error);
    {
      const char* name = SSL_get_servername(stream->native_handle(), TLSEXT_NAMETYPE_host_name);
      const std::lock_guard lock(mutex_);
      sni_ = name == nullptr ? "" : name;
    }
    if (error) return hold(stream);
    boost::beast::flat_buffer buffer;
    while (true) {
      Request request;
      http::read(*stream, buffer, request, error);
      if (error) return hold(stream);
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      Connection connection(*stream);
      script_(request, connection);
    }
  }

  // Keeps the descriptor from being used for another socket, so that the destructor's shutdown
  // meets the right one; the client sees the end of the connection.
  void hold(std::shared_ptr<Stream> stream) {
    boost::system::error_code ignored;
    stream->next_layer().shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
    const std::lock_guard lock(mutex_);
    held_.push_back(std::move(stream));
  }

  Script script_;
  boost::asio::io_context io_;
  boost::asio::ssl::context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> closing_ = false;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::string sni_;
  std::vector<std::shared_ptr<Stream>> held_;
  std::list<Session> sessions_;
  std::thread accepting_;
};

}  // namespace socketmesh::op::kube
