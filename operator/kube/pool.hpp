// The io_context that cpprestsdk's threads run: for the timers and sockets of this folder too.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>

namespace socketmesh::op::kube {

// Needs init_runtime() before: see there.
boost::asio::io_context& pool();

// Whether the caller is one of its threads, which must not block.
bool on_pool_thread();

}  // namespace socketmesh::op::kube
