// `socketmesh-operator run`: everything wired together, until a signal or a lost lease.
//
// Call it once, first thing, from the main thread. Exit codes: 0 ended as asked, 1 failed while
// running or lost the lease, 2 could not start: credentials, an address in use.
#pragma once

#include "operator/control/options.hpp"

namespace socketmesh::op::control {

int run(const Options& options);

}  // namespace socketmesh::op::control
