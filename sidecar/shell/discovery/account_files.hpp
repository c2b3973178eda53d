// The files of a ServiceAccount, read when they are needed and never kept: the kubelet rotates
// them.
//
// Each is one file, replaced as a whole, so reading it needs no lock. Blocking, but small and in
// memory. Errors name the path and never cite what stands in it.
#pragma once

#include <string>

#include "lib/base/expected.hpp"
#include "lib/kube/in_cluster.hpp"

namespace socketmesh::shell {

// At most this much is read of any of them; a bundle of CAs is the largest.
inline constexpr std::size_t kAccountFileBytesMax = 1U << 20U;

Expected<std::string> read_token(const kube::InClusterAccess& access);
Expected<std::string> read_ca(const kube::InClusterAccess& access);
Expected<std::string> read_namespace(const kube::InClusterAccess& access);

}  // namespace socketmesh::shell
