// One poll of one sidecar: connect, TLS, GET /status, read, within one deadline.
//
// Everything runs on the poll's strand; it lives as long as something is under way.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <memory>
#include <optional>
#include <string>

#include "operator/kube/status_poller.hpp"

namespace socketmesh::op::kube {

class StatusPoll : public std::enable_shared_from_this<StatusPoll> {
 public:
  // `done` is called once, on the strand.
  StatusPoll(PollRequest request, StatusPoller::Done done);

  void start();
  // From any thread; `done` is told of an error, unless it was called before.
  void cancel();

 private:
  using Error = boost::system::error_code;
  using Stream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

  void run();
  Expected<void> set_up_tls();
  void on_connected(const Error& error);
  void on_handshake(const Error& error);
  void on_written(const Error& error);
  void on_header(const Error& error);
  void on_response(const Error& error);
  void fail(const Error& error);
  void end(StatusPoller::Result result);

  const PollRequest request_;
  StatusPoller::Done done_;
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  boost::asio::ssl::context context_;
  std::optional<Stream> stream_;  // once the context is set up
  bool cancelled_ = false;
  std::string refusal_;  // why the sidecar's certificate was refused
  boost::beast::http::request<boost::beast::http::empty_body> question_;
  boost::beast::flat_buffer buffer_;
  boost::beast::http::response_parser<boost::beast::http::string_body> parser_;
};

}  // namespace socketmesh::op::kube
