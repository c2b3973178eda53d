// The SOCKETMESH_* variables of the environment, read in one place and handed on as a value.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace socketmesh::config {

inline constexpr std::string_view kVariablePrefix = "SOCKETMESH_";

// Name -> value, only names with the prefix.
using Environment = std::map<std::string, std::string, std::less<>>;

// Copies from `environ`; call before threads that might change it.
Environment read_environment(const char* const* variables);

// "SOCKETMESH_LINK_PEER_TIMEOUT" for ("link", "peer_timeout"), "SOCKETMESH_DISCOVERY_DNS_NAME" for
// ("discovery.dns", "name").
std::string variable_name(std::string_view section, std::string_view key);

// Variables with our prefix that are not for the configuration: SOCKETMESH_SOCKET is the adapter's,
// and a Kubernetes Service called socketmesh-… makes the kubelet inject SOCKETMESH_…_SERVICE_HOST,
// SOCKETMESH_…_PORT_7400_TCP_ADDR and their like into every pod of the namespace.
bool is_foreign_variable(std::string_view name, std::string_view value);

}  // namespace socketmesh::config
