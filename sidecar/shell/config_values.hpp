// How single values of the configuration are read: parsers for lib/config's Section, each of a
// value's text into the value or a sentence that says what is wrong with it. Pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"
#include "lib/obs/log.hpp"

namespace socketmesh::config {

// A DNS-1035 label of at most kMeshNameBytesMax.
Expected<std::string> parse_mesh_name(std::string_view text);
// 1..kMeshIdBytesMax printable characters.
Expected<std::string> parse_mesh_id(std::string_view text);
// Not empty.
Expected<std::string> parse_path(std::string_view text);
// An address to dial: no port 0, no wildcard.
Expected<TcpEndpoint> parse_peer(std::string_view text);
// A Unix socket, or TCP on loopback.
Expected<Endpoint> parse_app_listen(std::string_view text);
// Names of a namespace and of a Service.
Expected<std::string> parse_namespace(std::string_view text);
Expected<std::string> parse_service(std::string_view text);
// An absolute folder.
Expected<std::string> parse_account(std::string_view text);
Expected<obs::LogLevel> parse_level(std::string_view text);
Expected<obs::LogFormat> parse_format(std::string_view text);

// A size from 1 MiB to 64 GiB.
Expected<std::uint64_t> parse_memory(std::string_view text);
// 0 to kReplicasMax.
Expected<int> parse_replicas(std::string_view text);
// A Kubernetes node's name, or anything printable as short.
Expected<std::string> parse_node_name(std::string_view text);
// A duration from `min` to `max`.
std::function<Expected<std::chrono::milliseconds>(std::string_view)> duration_between(
    std::chrono::milliseconds min, std::chrono::milliseconds max);

}  // namespace socketmesh::config
