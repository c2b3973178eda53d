// `socketmesh-sidecar leave`: one LEAVE frame to the sidecar behind an app socket. Blocking.
#pragma once

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"

namespace socketmesh::shell {

// Returns when the frame is written; the sidecar does the rest. The error names the endpoint.
Expected<void> send_leave(const Endpoint& endpoint);

}  // namespace socketmesh::shell
