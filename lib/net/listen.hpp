// Opens listening sockets, with errors that a person can act on. Thread of the io_context.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/ip/tcp.hpp>

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"

namespace socketmesh::net {

// Binds and listens on the closed `acceptor`. A host name is resolved, blocking, to its first
// address: for start-up only. The error reads "127.0.0.1:7401: Address already in use".
Expected<void> open_listener(boost::asio::ip::tcp::acceptor& acceptor, const TcpEndpoint& endpoint);

}  // namespace socketmesh::net
