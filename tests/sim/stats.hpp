// What a run did, in plain totals that add up over seeds and travel through a pipe as they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace socketmesh::sim {

// The order is that of kStatNames.
enum class Stat : std::uint8_t {
  kSidecars,
  kApps,
  kPublished,
  kDelivered,
  kDue,
  kVolatileDelivered,
  kDuplicatesDropped,
  kRequests,
  kRequestsEnded,
  kRequestsTimedOut,
  kAwaitedJoins,
  kJoinsIncomplete,
  kJoinProbes,
  kProvisionalJoins,
  kGapsDeclared,
  kMessagesDeclaredLost,
  kMessagesMissing,
  kVirtualMicroseconds,
  kEvents,
  kBytesCarried,
  kSessionsRecovered,
  kSessionsRefused,
  // Faults injected
  kRecordsDropped,
  kRecordsDuplicated,
  kRecordsReordered,
  kDelaySpikes,
  kConnectionCuts,
  kAppConnectionCuts,
  kSidecarStops,
  kPartitions,
  kOneWayPartitions,
  kForgottenConnections,
  kHeals,
  kSidecarCrashes,
  kSilentCrashes,
  kSidecarRestarts,
  kAppCrashes,
  kPodCrashes,
  kPodLeaves,
  kSidecarLeaves,
  kReaderStalls,
  kDiscoveryHiccups,
  kDialsRefused,
  kPartialWrites,
  kCount,
};

inline constexpr auto kFirstFault = static_cast<std::size_t>(Stat::kRecordsDropped);
inline constexpr auto kStatCount = static_cast<std::size_t>(Stat::kCount);
inline constexpr std::array<const char*, kStatCount> kStatNames = {"sidecars simulated",
                                                                   "apps simulated",
                                                                   "messages published",
                                                                   "messages delivered",
                                                                   "deliveries owed",
                                                                   "volatile delivered",
                                                                   "duplicates dropped by adapters",
                                                                   "requests",
                                                                   "requests ended",
                                                                   "requests timed out",
                                                                   "awaited joins",
                                                                   "awaited joins incomplete",
                                                                   "join probes",
                                                                   "provisional joins",
                                                                   "gaps declared",
                                                                   "messages declared lost",
                                                                   "messages missing",
                                                                   "virtual microseconds",
                                                                   "events",
                                                                   "bytes carried",
                                                                   "sessions recovered",
                                                                   "sessions refused",
                                                                   "records dropped",
                                                                   "records duplicated",
                                                                   "records reordered",
                                                                   "delay spikes",
                                                                   "connections cut",
                                                                   "app connections cut",
                                                                   "sidecars stopped for a while",
                                                                   "partitions",
                                                                   "one-way partitions",
                                                                   "connections forgotten",
                                                                   "heals",
                                                                   "sidecar crashes",
                                                                   "silent crashes",
                                                                   "sidecar restarts",
                                                                   "app crashes",
                                                                   "pod crashes",
                                                                   "pod leaves",
                                                                   "sidecar leaves",
                                                                   "stalled readers",
                                                                   "discovery hiccups",
                                                                   "dials refused",
                                                                   "partial writes"};

class Stats {
 public:
  void add(Stat stat, std::uint64_t n = 1) { values_.at(static_cast<std::size_t>(stat)) += n; }
  std::uint64_t get(Stat stat) const { return values_.at(static_cast<std::size_t>(stat)); }
  std::uint64_t at(std::size_t i) const { return values_.at(i); }
  void merge(const Stats& other) {
    for (std::size_t i = 0; i < kStatCount; ++i) values_.at(i) += other.values_.at(i);
  }

 private:
  std::array<std::uint64_t, kStatCount> values_{};
};

// Refusing every session would be clean, too. Of many ends so many are recoveries, in per cent, in
// the worst mode: where sidecars are killed it is about 90.
inline constexpr std::uint64_t kRecoveredPercentMin = 80;
inline constexpr std::uint64_t kManySessions = 500;

inline bool most_recovered(const Stats& stats) {
  const std::uint64_t recovered = stats.get(Stat::kSessionsRecovered);
  const std::uint64_t all = recovered + stats.get(Stat::kSessionsRefused);
  return all < kManySessions || 100 * recovered >= kRecoveredPercentMin * all;
}

}  // namespace socketmesh::sim
