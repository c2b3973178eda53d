// Opens listening sockets, with errors that a person can act on. Thread of the io_context.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"

namespace socketmesh::net {

// The address to bind: `endpoint`'s own, or its name's first one (looked up, blocking: for start-up
// only). "::" is every address, IPv4's too; where the kernel has no IPv6, those are 0.0.0.0.
Expected<boost::asio::ip::tcp::endpoint> resolve_listener(
    const boost::asio::any_io_executor& executor, const TcpEndpoint& endpoint);

// Whether that is "::", whose acceptor has to take both families, whatever net.ipv6.bindv6only
// says.
bool is_every_address(const boost::asio::ip::tcp::endpoint& endpoint);

// Binds and listens on the closed `acceptor`. The error reads
// "127.0.0.1:7401: Address already in use".
Expected<void> open_listener(boost::asio::ip::tcp::acceptor& acceptor, const TcpEndpoint& endpoint);

}  // namespace socketmesh::net
