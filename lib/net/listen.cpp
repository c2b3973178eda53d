#include "lib/net/listen.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/v6_only.hpp>

namespace socketmesh::net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

bool kernel_has_ipv6() {
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  ::close(probe);
  return true;
}

}  // namespace

bool is_every_address(const tcp::endpoint& endpoint) {
  return endpoint.address().is_v6() && endpoint.address().is_unspecified();
}

Expected<tcp::endpoint> resolve_listener(const boost::asio::any_io_executor& executor,
                                         const TcpEndpoint& endpoint) {
  error_code error;
  const auto address = boost::asio::ip::make_address(endpoint.host, error);
  if (!error) {
    tcp::endpoint local(address, endpoint.port);
    if (is_every_address(local) && !kernel_has_ipv6()) local = {tcp::v4(), endpoint.port};
    return local;
  }
  error.clear();
  tcp::resolver resolver(executor);
  const auto results =
      resolver.resolve(endpoint.host, std::to_string(endpoint.port), tcp::resolver::passive, error);
  if (error) return Unexpected{error.message()};
  return results.begin()->endpoint();
}

Expected<void> open_listener(tcp::acceptor& acceptor, const TcpEndpoint& endpoint) {
  const auto local = resolve_listener(acceptor.get_executor(), endpoint);
  if (!local) return Unexpected{endpoint.to_string() + ": " + local.error()};
  error_code error;
  acceptor.open(local->protocol(), error);
  // A restart takes over its port while old connections linger in TIME_WAIT.
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && is_every_address(*local))
    acceptor.set_option(boost::asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(*local, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) return {};
  error_code ignored;
  acceptor.close(ignored);
  return Unexpected{endpoint.to_string() + ": " + error.message()};
}

}  // namespace socketmesh::net
