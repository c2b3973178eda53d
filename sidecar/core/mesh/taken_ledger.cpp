#include "sidecar/core/mesh/taken_ledger.hpp"

#include <algorithm>

namespace socketmesh::mesh {

void TakenLedger::note(EndpointId destination, std::uint64_t position, EndpointId source,
                       std::uint64_t first, std::uint64_t last) {
  Lane& lane = lanes_[destination][source];
  if (!lane.empty() && last - lane.back().first < kMessagesPerMark) {
    lane.back().position = position;
    lane.back().last = last;
    return;
  }
  if (lane.empty()) by_source_[source][destination] = &lane;
  lane.push_back({position, first, last});
}

void TakenLedger::advance(EndpointId destination, std::uint64_t position,
                          std::vector<EndpointId>& moved) {
  const auto found = lanes_.find(destination);
  if (found == lanes_.end()) return;
  for (auto lane = found->second.begin(); lane != found->second.end();) {
    bool any = false;
    while (!lane->second.empty() && lane->second.front().position <= position) {
      lane->second.pop_front();
      any = true;
    }
    if (any) moved.push_back(lane->first);
    if (lane->second.empty()) {
      by_source_[lane->first].erase(destination);
      lane = found->second.erase(lane);
    } else {
      ++lane;
    }
  }
  if (found->second.empty()) lanes_.erase(found);
}

void TakenLedger::drop_source(EndpointId source) {
  const auto found = by_source_.find(source);
  if (found == by_source_.end()) return;
  for (const auto& [destination, lane] : found->second) {
    const auto lanes = lanes_.find(destination);
    lanes->second.erase(source);
    if (lanes->second.empty()) lanes_.erase(lanes);
  }
  by_source_.erase(found);
}

std::uint64_t TakenLedger::taken(EndpointId source, std::uint64_t sent) const {
  const auto found = by_source_.find(source);
  if (found == by_source_.end()) return sent;
  std::uint64_t lowest = sent;
  for (const auto& [destination, lane] : found->second)
    lowest = std::min(lowest, lane->front().first - 1);
  return lowest;
}

}  // namespace socketmesh::mesh
