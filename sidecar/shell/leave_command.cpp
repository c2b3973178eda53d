#include "sidecar/shell/leave_command.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <variant>

#include "sidecar/core/wire/app_frames.hpp"
#include "sidecar/core/wire/frame.hpp"

namespace socketmesh::shell {
namespace {

using boost::system::error_code;
using Local = boost::asio::local::stream_protocol;
using boost::asio::ip::tcp;

// A sidecar that hangs must not hold up the pod's end.
constexpr timeval kPatience = {.tv_sec = 1, .tv_usec = 0};

template <typename Socket>
error_code write_leave(Socket& socket) {
  wire::Buffer frame;
  {
    const wire::FrameWriter writer(frame, wire::app::kLeave);
  }
  error_code error;
  boost::asio::write(socket, boost::asio::buffer(frame), error);
  return error;
}

template <typename Socket>
void limit_patience(Socket& socket) {
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
}

error_code leave_unix(const UnixEndpoint& endpoint) {
  boost::asio::io_context io;
  Local::socket socket(io, Local());
  limit_patience(socket);
  error_code error;
  socket.connect(Local::endpoint(endpoint.path), error);
  return error ? error : write_leave(socket);
}

error_code leave_tcp(const TcpEndpoint& endpoint) {
  boost::asio::io_context io;
  error_code error;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(endpoint.host, std::to_string(endpoint.port), error);
  if (error) return error;
  tcp::socket socket(io, found.begin()->endpoint().protocol());
  limit_patience(socket);
  socket.connect(found.begin()->endpoint(), error);
  return error ? error : write_leave(socket);
}

}  // namespace

Expected<void> send_leave(const Endpoint& endpoint) {
  const auto* unix_endpoint = std::get_if<UnixEndpoint>(&endpoint);
  const error_code error = unix_endpoint != nullptr ? leave_unix(*unix_endpoint)
                                                    : leave_tcp(std::get<TcpEndpoint>(endpoint));
  if (error) return Unexpected{to_string(endpoint) + ": " + error.message()};
  return {};
}

}  // namespace socketmesh::shell
