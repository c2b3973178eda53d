// Interest that a socketsJoin() will create, counted at the publisher's sidecar from the moment it
// is routed until each addressed member has answered or is gone, so that an emit right behind it
// reaches them. Pure; not thread-safe.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "sidecar/core/routing/interest_index.hpp"
#include "sidecar/core/wire/member_id.hpp"

namespace socketmesh::routing {

class Provisional {
 public:
  using MemberId = wire::MemberId;
  struct Target {
    MemberId member;
    EndpointId endpoint;  // where messages for that member go
  };

  explicit Provisional(std::size_t most_joins) : most_joins_(most_joins) {}

  // Message (origin, seq) makes `targets` join rooms of these hashes. Over the limit the oldest of
  // that origin's joins ends.
  void add(MemberId origin, std::uint64_t seq, std::vector<std::uint64_t> hashes,
           const std::vector<Target>& targets);
  // `member` has answered. True when that changed routing.
  bool release(MemberId origin, std::uint64_t seq, MemberId member);
  // What goes to `member` goes to `endpoint` from here on.
  void move_member(MemberId member, EndpointId endpoint);
  // `member` is gone, as a target and as an origin.
  bool drop_member(MemberId member);

  template <typename Visit>
  void each_owner(std::uint64_t hash, Visit&& visit) const {
    index_.each_owner(hash, visit);
  }
  bool empty() const { return joins_.empty(); }
  std::size_t size() const { return joins_.size(); }

 private:
  using Key = std::pair<MemberId, std::uint64_t>;
  struct Join {
    std::vector<std::uint64_t> hashes;
    std::map<MemberId, EndpointId> waiting;
  };

  void end(const Join& join, EndpointId endpoint);

  std::size_t most_joins_;
  std::map<Key, Join> joins_;
  InterestIndex index_;
};

}  // namespace socketmesh::routing
