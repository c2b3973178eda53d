#include "lib/net/listen.hpp"

namespace socketmesh::net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

tcp::endpoint resolve(tcp::acceptor& acceptor, const TcpEndpoint& endpoint, error_code& error) {
  const auto address = boost::asio::ip::make_address(endpoint.host, error);
  if (!error) return {address, endpoint.port};
  error.clear();
  tcp::resolver resolver(acceptor.get_executor());
  const auto results =
      resolver.resolve(endpoint.host, std::to_string(endpoint.port), tcp::resolver::passive, error);
  return error || results.empty() ? tcp::endpoint() : results.begin()->endpoint();
}

}  // namespace

Expected<void> open_listener(tcp::acceptor& acceptor, const TcpEndpoint& endpoint) {
  error_code error;
  const tcp::endpoint local = resolve(acceptor, endpoint, error);
  if (!error) acceptor.open(local.protocol(), error);
  // A restart takes over its port while old connections linger in TIME_WAIT.
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(local, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) return {};
  error_code ignored;
  acceptor.close(ignored);
  return Unexpected{endpoint.to_string() + ": " + error.message()};
}

}  // namespace socketmesh::net
