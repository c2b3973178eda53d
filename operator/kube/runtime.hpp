// What the process needs once, before anything else of operator/kube, and before any other thread:
// a small pool for cpprestsdk, few malloc arenas, and no system trust roots.
//
// cpprestsdk starts 40 threads at its first request unless told otherwise before. All its I/O, the
// callbacks of watches and polls, and the webhook's handlers run on these few threads: nothing that
// runs there may block, and least of all wait for another request.
#pragma once

#include <cstddef>

namespace socketmesh::op::kube {

inline constexpr std::size_t kPoolThreads = 2;

// Once, first thing in main(). Sets SSL_CERT_FILE and SSL_CERT_DIR for this process to nowhere:
// only the CA that is given counts, and reading the system's roots costs 3 MB and 15 ms a
// connection. Further calls do nothing.
void init_runtime();

}  // namespace socketmesh::op::kube
