// An API server for tests: real HTTPS on a free port of loopback, its answers the test's.
//
// Every request calls the test's handler with an Exchange, which is answered at once or whenever
// the test wants: whole, or in chunks as a watch is. Runs on the test's io_context, one thread.
#pragma once

#include <sys/socket.h>

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "lib/net/tls.hpp"

namespace socketmesh::shell {

class ApiServer {
 public:
  using Tcp = boost::asio::ip::tcp;
  using Error = boost::system::error_code;

  class Exchange : public std::enable_shared_from_this<Exchange> {
   public:
    Exchange(Tcp::socket socket, boost::asio::ssl::context& tls, ApiServer& server)
        : stream_(std::move(socket), tls), server_(server) {}

    // Of the request that is to be answered.
    std::string target;
    std::string authorization;
    [[nodiscard]] bool is_watch() const { return target.find("watch=1") != std::string::npos; }
    int requests = 0;  // on this connection

    void answer(unsigned status, const std::string& body, const std::string& headers = "") {
      write(head(status, headers + "Content-Length: " + std::to_string(body.size()) + "\r\n") +
            body);
      read_later();
    }
    void begin() { write(head(200, "Transfer-Encoding: chunked\r\n")); }
    void chunk(const std::string& bytes) {
      std::ostringstream text;
      text << std::hex << bytes.size() << "\r\n" << bytes << "\r\n";
      write(text.str());
    }
    void end() {
      write("0\r\n\r\n");
      read_later();
    }
    // Closes the connection without a word.
    void drop() {
      Error ignored;
      stream_.lowest_layer().close(ignored);
    }
    [[nodiscard]] bool open() const { return stream_.lowest_layer().is_open() && !gone_; }

   private:
    friend class ApiServer;

    void start() {
      stream_.async_handshake(boost::asio::ssl::stream_base::server,
                              [self = shared_from_this()](const Error& error) {
                                if (error) {
                                  ++self->server_.handshakes_failed;
                                } else {
                                  self->read_later();
                                }
                              });
    }
    void read_later() {
      request_ = {};
      boost::beast::http::async_read(
          stream_, buffer_, request_, [self = shared_from_this()](const Error& error, std::size_t) {
            self->gone_ = self->gone_ || error.failed();
            if (error) return;
            const auto text = [](auto view) { return std::string(view.data(), view.size()); };
            self->target = text(self->request_.target());
            self->authorization = text(self->request_[boost::beast::http::field::authorization]);
            ++self->requests;
            self->watch_for_close();
            self->server_.handler(*self);
          });
    }
    // While a request is answered nothing comes but the end of the connection.
    void watch_for_close() {
      stream_.next_layer().async_wait(
          Tcp::socket::wait_read, [self = shared_from_this()](const Error& error) {
            char byte = 0;
            const int socket = self->stream_.next_layer().native_handle();
            const bool end = error || ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
            self->gone_ = self->gone_ || end;
          });
    }
    static std::string head(unsigned status, const std::string& headers) {
      return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" +
             headers + "\r\n";
    }
    void write(const std::string& bytes) {
      pending_.push_back(bytes);
      if (pending_.size() == 1) write_next();
    }
    void write_next() {
      boost::asio::async_write(stream_, boost::asio::buffer(pending_.front()),
                               [self = shared_from_this()](const Error& error, std::size_t) {
                                 self->pending_.pop_front();
                                 if (!error && !self->pending_.empty()) self->write_next();
                               });
    }

    boost::asio::ssl::stream<Tcp::socket> stream_;
    ApiServer& server_;
    boost::beast::flat_buffer buffer_;
    boost::beast::http::request<boost::beast::http::empty_body> request_;
    std::deque<std::string> pending_;
    bool gone_ = false;
  };

  // The handler runs for each request; the Exchange lives while its connection does.
  std::function<void(Exchange&)> handler;
  int connections = 0;
  int handshakes_failed = 0;

  ApiServer(boost::asio::io_context& io, const net::TlsFiles& files,
            const std::string& address = "127.0.0.1")
      : acceptor_(io), address_(boost::asio::ip::make_address(address)) {
    use(files);
    listen(0);
  }
  ~ApiServer() { close(); }
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // New connections are shown this certificate.
  void use(const net::TlsFiles& files) {
    tls_ = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
    tls_->use_certificate_chain_file(files.cert);
    tls_->use_private_key_file(files.key, boost::asio::ssl::context::pem);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  // Away: connections are refused, and those that are open are cut.
  void close() {
    Error ignored;
    acceptor_.close(ignored);
    for (const auto& weak : exchanges_) {
      if (const auto exchange = weak.lock()) exchange->drop();
    }
    exchanges_.clear();
  }
  void reopen() { listen(port_); }

 private:
  void listen(std::uint16_t port) {
    acceptor_.open(Tcp::v4());
    acceptor_.set_option(Tcp::acceptor::reuse_address(true));
    acceptor_.bind({address_, port});
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
    accept();
  }
  void accept() {
    acceptor_.async_accept([this](const Error& error, Tcp::socket socket) {
      if (error) return;
      ++connections;
      socket.set_option(Tcp::no_delay(true));
      auto exchange = std::make_shared<Exchange>(std::move(socket), *tls_, *this);
      exchanges_.push_back(exchange);
      exchange->start();
      accept();
    });
  }

  Tcp::acceptor acceptor_;
  boost::asio::ip::address address_;
  std::uint16_t port_ = 0;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::vector<std::weak_ptr<Exchange>> exchanges_;
};

}  // namespace socketmesh::shell
