// A blocking HTTPS client that may misbehave, for tests of servers.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <string>

namespace socketmesh::op::kube {

class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, const std::string& address = "127.0.0.1",
                     int version_max = TLS1_3_VERSION)
      : stream_(io_, context_) {
    SSL_set_max_proto_version(stream_.native_handle(), version_max);
    stream_.next_layer().connect({boost::asio::ip::make_address(address), port});
    const timeval limit{5, 0};  // a test that waits for nothing fails instead of hanging
    setsockopt(stream_.next_layer().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  bool handshake() {
    boost::system::error_code error;
    stream_.handshake(boost::asio::ssl::stream_base::client, error);
    return !error;
  }
  bool send(const std::string& text) {
    boost::system::error_code error;
    boost::asio::write(stream_, boost::asio::buffer(text), error);
    return !error;
  }
  // What comes until the server closes, or `mark` has come.
  std::string read(const std::string& mark = "") {
    std::string text;
    std::array<char, 4096> bytes{};
    boost::system::error_code error;
    while (!error && (mark.empty() || text.find(mark) == std::string::npos)) {
      text.append(bytes.data(), stream_.read_some(boost::asio::buffer(bytes), error));
      EXPECT_NE(error, boost::asio::error::would_block) << "the server neither sent nor closed";
    }
    return text;
  }
  std::string post(const std::string& path, const std::string& body, const std::string& mark) {
    send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body);
    return read(mark);
  }
  // The common name of the server's certificate.
  std::string subject() {
    std::array<char, 256> name{};
    X509* certificate = SSL_get1_peer_certificate(stream_.native_handle());
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                              name.size());
    X509_free(certificate);
    return name.data();
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_client};
  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
};

}  // namespace socketmesh::op::kube
