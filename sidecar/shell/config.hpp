// The sidecar's configuration: one file, overridden by SOCKETMESH_<SECTION>_<KEY>, checked whole.
//
// What is read is possible: addresses parse and do not collide, sizes and times lie in range, TLS
// files exist and match, and without TLS nothing leaves the machine. Every mistake found is
// reported, each with file, line and key. docs/configuration.md describes the keys. Plain values,
// made once at start; not for hot paths (reads files).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"
#include "lib/config/environment.hpp"
#include "lib/config/problem.hpp"
#include "lib/kube/in_cluster.hpp"
#include "lib/net/tls_files.hpp"
#include "lib/obs/log.hpp"

namespace socketmesh::config {

using std::chrono::milliseconds;

inline constexpr std::size_t kMeshNameBytesMax = 40;  // leaves room for suffixes in Kubernetes
inline constexpr std::size_t kMeshIdBytesMax = 128;
inline constexpr int kReplicasMax = 5;
inline constexpr std::size_t kNodeNameBytesMax = 253;
inline constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

struct MeshConfig {
  std::string name;  // DNS-1035 label, at most kMeshNameBytesMax; only equals link up
  std::string id;    // this sidecar, stable over restarts; 1..kMeshIdBytesMax printable characters
};

struct AppConfig {
  Endpoint listen = UnixEndpoint{"/var/run/socketmesh/app.sock"};  // or TCP on loopback
  std::uint64_t queue_bytes = 64 * kMiB;                           // waiting for one member
};

struct LinkConfig {
  TcpEndpoint listen = {"::", 7400};
  std::uint64_t window_bytes = 64 * kMiB;  // kept for one peer until taken
  milliseconds hold{30'000};               // how long a window outlives its peer's link
  milliseconds peer_timeout{3'000};        // silence after which a peer counts as down
  milliseconds idle_timeout{3'000};        // silence after which a connection is cut
};

struct AdminConfig {
  TcpEndpoint listen = {"::", 7401};
};

struct StaticDiscovery {
  std::vector<TcpEndpoint> peers;  // may contain this sidecar itself, or nothing
};

struct DnsDiscovery {
  TcpEndpoint name;              // every address that the name has, at this port
  milliseconds interval{2'000};  // between lookups
};

// EndpointSlices of a headless Service, watched at the API server of the cluster around.
struct KubernetesDiscovery {
  std::string space;    // the namespace; empty: that of the ServiceAccount
  std::string service;  // its endpoints are the peers
  std::string account = std::string(kube::kServiceAccountFolder);  // token, ca.crt, namespace
};

// Connection state recovery: disconnected sessions and what they miss.
struct RecoveryConfig {
  milliseconds window{120'000};            // how long both are kept
  std::uint64_t memory_bytes = 64 * kMiB;  // of all logs here together
  int replicas = 1;                        // peers that keep a copy, 0..kReplicasMax
  std::string node;                        // machine that this runs on: copies go to another first
};

// Apps on socket.io-mesh-adapter; see sidecar/dropin.
struct DropInConfig {
  bool carry = true;  // else direct
  TcpEndpoint discovery = {"127.0.0.1", 8000};
  TcpEndpoint tunnel = {"127.0.0.1", 8001};
  std::string token_file;  // absolute; empty: no token is asked for
  std::string advertise;   // the host by which other pods reach this one; empty: unknown
  std::string state_file;  // absolute; empty: nothing is kept over restarts
};

struct LogConfig {
  obs::LogLevel level = obs::LogLevel::kInfo;
  obs::LogFormat format = obs::LogFormat::kText;
};

struct SidecarConfig {
  MeshConfig mesh;
  AppConfig app;
  LinkConfig link;
  AdminConfig admin;
  std::variant<StaticDiscovery, DnsDiscovery, KubernetesDiscovery> discovery;
  std::optional<net::TlsFiles> tls;        // absolute paths; absent: plain, loopback only
  std::optional<RecoveryConfig> recovery;  // absent: off
  LogConfig log;
  std::optional<DropInConfig> dropin;

  // Plain links carry no identity: never listen on, nor dial, anything but loopback then. The
  // configuration refuses what it can see; what DNS answers is for the dialler to check.
  [[nodiscard]] bool loopback_only() const { return !tls.has_value(); }

  // Where a value came from, for errors that show only when it is used: "mesh.yaml:7: link.listen",
  // "SOCKETMESH_LINK_LISTEN: link.listen", or "link.listen (default)".
  [[nodiscard]] std::string origin(std::string_view key) const;

  std::map<std::string, std::string, std::less<>> origins;  // of the values that were given
};

using Problems = std::vector<Problem>;

// `hostname` is part of the default mesh.id. Reads the file and those it names, nothing else.
Expected<SidecarConfig, Problems> load_sidecar_config(const std::string& path,
                                                      const Environment& environment,
                                                      const std::string& hostname);

// The same from text; `path` is how errors name it, and what relative TLS paths are relative to.
Expected<SidecarConfig, Problems> parse_sidecar_config(const std::string& path,
                                                       std::string_view text,
                                                       const Environment& environment,
                                                       const std::string& hostname);

}  // namespace socketmesh::config
