// Limits of the spec. crds/socketmeshes.socketmesh.io.yaml says the same (tests/operator/api keep
// them together); docs/resource.md tells them.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace socketmesh::op::api {

inline constexpr std::int32_t kReplicasMax = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int32_t kPortMax = 65'535;
// What the sidecar listens on in the same network namespace.
inline constexpr std::int32_t kLinkPort = 7400;
inline constexpr std::int32_t kAdminPort = 7401;

inline constexpr std::size_t kImageBytesMax = 512;
inline constexpr std::size_t kHostBytesMax = 253;        // a DNS name
inline constexpr std::size_t kObjectNameBytesMax = 253;  // a DNS subdomain
inline constexpr std::size_t kPathBytesMax = 1024;
inline constexpr std::size_t kContainerNameBytesMax = 63;  // a DNS label; volumes too

// Items of lists in the spec, which also bound what the CRD's rules cost.
inline constexpr std::size_t kContainersMax = 64;
inline constexpr std::size_t kContainerPortsMax = 64;
inline constexpr std::size_t kVolumesMax = 128;
inline constexpr std::size_t kMetricsMax = 16;
inline constexpr std::size_t kSelectorItemsMax = 64;  // requirements, and values of one

// A leaf must live on while a changed Secret travels to the pods (up to 79 s were measured).
inline constexpr std::chrono::milliseconds kLeafValidityMin = std::chrono::minutes(10);
inline constexpr std::chrono::milliseconds kLeafValidityMax = std::chrono::hours(30 * 24);
inline constexpr std::chrono::milliseconds kRotateAfterMin = std::chrono::minutes(1);

inline constexpr std::chrono::milliseconds kRecoveryWindowMin = std::chrono::seconds(1);
inline constexpr std::chrono::milliseconds kRecoveryWindowMax = std::chrono::hours(1);
inline constexpr std::uint64_t kRecoveryMemoryMin = std::uint64_t{1} << 20U;
inline constexpr std::uint64_t kRecoveryMemoryMax = std::uint64_t{64} << 30U;
inline constexpr std::int32_t kRecoveryReplicasMax = 5;

}  // namespace socketmesh::op::api
