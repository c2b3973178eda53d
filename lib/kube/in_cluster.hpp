// How a pod reaches its API server: the address from its environment, and the files that the
// kubelet mounts and rotates. Only names and checks; reading files is the shell's. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"

namespace socketmesh::kube {

inline constexpr std::string_view kServiceHostVariable = "KUBERNETES_SERVICE_HOST";
inline constexpr std::string_view kServicePortVariable = "KUBERNETES_SERVICE_PORT";

// Where every pod finds its token, CA and namespace, unless it was told otherwise.
inline constexpr std::string_view kServiceAccountFolder =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// Tokens are JWTs of 1 to 2 KiB.
inline constexpr std::size_t kTokenBytesMax = 16U << 10U;

struct InClusterAccess {
  TcpEndpoint server;
  std::string token_file;  // rotated about hourly: read it for each request
  std::string ca_file;     // PEM, perhaps several certificates; rotated seldom
  std::string namespace_file;
};

// `host` and `port` are the values of the two variables; empty when they are not set.
Expected<InClusterAccess> in_cluster_access(std::string_view host, std::string_view port,
                                            std::string_view folder = kServiceAccountFolder);

// What stands in a token file, fit for a header. Errors never cite it.
Expected<std::string> parse_token(std::string_view text);
// A namespace's name, in a file or a configuration; white space around it is dropped.
Expected<std::string> parse_namespace(std::string_view text);
// The name of a Service, or of another object whose name is a DNS-1035 label.
Expected<std::string> parse_service_name(std::string_view text);

}  // namespace socketmesh::kube
