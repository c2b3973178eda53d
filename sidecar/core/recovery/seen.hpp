// The highest sequence of each origin that a home's log has, or had: what comes again is known by
// it, and a restored session is told it as marks.
//
// Bounded by time and by number. An origin of which nothing new came for longer than the log and
// its peers keep a message is forgotten: nothing of it can come again. Where there is no room for a
// new origin, none is taken in until whatever could come again has come: what is not known is a gap
// to the log, never a message that it might hold twice. Pure; not thread-safe.
#pragma once

#include <unordered_map>

#include "sidecar/core/recovery/log.hpp"

namespace socketmesh::recovery {

using wire::recovery::Marks;

class Seen {
 public:
  enum class Is : std::uint8_t { kNew, kKnown, kUnknowable };

  // At most `most` origins are remembered, each for `keep` (microseconds) after its newest message.
  Seen(std::size_t most, TimeUs keep) : most_(most), keep_(keep) {}

  // What `id` is, which is in the log from here on if it is new.
  Is note(const MessageId& id, TimeUs now) {
    if (const auto found = origins_.find(id.origin); found != origins_.end()) {
      if (id.seq <= found->second.seq) return Is::kKnown;
      found->second = {id.seq, now};
      return Is::kNew;
    }
    if (now < closed_until_) return Is::kUnknowable;
    if (origins_.size() >= most_) {
      closed_until_ = now + keep_;
      return Is::kUnknowable;
    }
    origins_[id.origin] = {id.seq, now};
    return Is::kNew;
  }
  void raise(const Marks& marks, TimeUs now) {
    for (const wire::recovery::Mark& mark : marks) note({mark.origin, mark.seq}, now);
  }
  void forget(TimeUs now) {
    std::erase_if(origins_, [&](const auto& item) { return item.second.at + keep_ <= now; });
  }

  bool has(const MessageId& id) const { return of(id.origin) >= id.seq; }
  std::uint64_t of(wire::MemberId origin) const {
    const auto found = origins_.find(origin);
    return found == origins_.end() ? 0 : found->second.seq;
  }
  std::size_t size() const { return origins_.size(); }
  template <typename Visit>
  void each(Visit&& visit) const {
    for (const auto& [origin, highest] : origins_) visit(origin, highest.seq);
  }

 private:
  struct Highest {
    std::uint64_t seq = 0;
    TimeUs at = 0;
  };
  std::unordered_map<wire::MemberId, Highest> origins_;
  std::size_t most_;
  TimeUs keep_;
  TimeUs closed_until_ = 0;
};

}  // namespace socketmesh::recovery
