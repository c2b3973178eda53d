#include "sidecar/core/routing/provisional.hpp"

namespace socketmesh::routing {

void Provisional::add(MemberId origin, std::uint64_t seq, std::vector<std::uint64_t> hashes,
                      const std::vector<Target>& targets) {
  if (targets.empty() || hashes.empty()) return;
  if (joins_.size() >= most_joins_) {
    auto oldest = joins_.lower_bound({origin, 0});
    if (oldest == joins_.end()) oldest = joins_.begin();
    for (const auto& [member, endpoint] : oldest->second.waiting) end(oldest->second, endpoint);
    joins_.erase(oldest);
  }
  const auto [join, added] = joins_.try_emplace(Key{origin, seq});
  if (!added) return;
  join->second.hashes = std::move(hashes);
  for (const Target& target : targets) {
    if (!join->second.waiting.emplace(target.member, target.endpoint).second) continue;
    for (const std::uint64_t hash : join->second.hashes) index_.add(hash, target.endpoint);
  }
}

void Provisional::end(const Join& join, EndpointId endpoint) {
  for (const std::uint64_t hash : join.hashes) index_.remove(hash, endpoint);
}

bool Provisional::release(MemberId origin, std::uint64_t seq, MemberId member) {
  const auto join = joins_.find({origin, seq});
  if (join == joins_.end()) return false;
  const auto waiting = join->second.waiting.find(member);
  if (waiting == join->second.waiting.end()) return false;
  end(join->second, waiting->second);
  join->second.waiting.erase(waiting);
  if (join->second.waiting.empty()) joins_.erase(join);
  return true;
}

void Provisional::move_member(MemberId member, EndpointId endpoint) {
  for (auto& [key, join] : joins_) {
    const auto waiting = join.waiting.find(member);
    if (waiting == join.waiting.end()) continue;
    end(join, waiting->second);
    waiting->second = endpoint;
    for (const std::uint64_t hash : join.hashes) index_.add(hash, endpoint);
  }
}

bool Provisional::drop_member(MemberId member) {
  bool changed = false;
  for (auto join = joins_.begin(); join != joins_.end();) {
    const bool is_origin = join->first.first == member;
    for (auto target = join->second.waiting.begin(); target != join->second.waiting.end();) {
      if (!is_origin && target->first != member) {
        ++target;
        continue;
      }
      end(join->second, target->second);
      target = join->second.waiting.erase(target);
      changed = true;
    }
    join = join->second.waiting.empty() ? joins_.erase(join) : std::next(join);
  }
  return changed;
}

}  // namespace socketmesh::routing
