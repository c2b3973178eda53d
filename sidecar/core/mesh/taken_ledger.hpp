// Which of a source's messages have been taken by every destination that they went to.
//
// A source is a stream of numbered messages (a local member's publishes, a peer's frames); a
// destination is a queue with positions of its own (a peer's window, a local member's queue). A
// message that went nowhere is taken at once. Marks are coarse: one stands for up to
// kMessagesPerMark messages, so a watermark may lag by that much while traffic flows, and never
// when it rests. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace socketmesh::mesh {

using EndpointId = std::uint32_t;

class TakenLedger {
 public:
  static constexpr std::uint64_t kMessagesPerMark = 256;

  // Messages `first`..`last` of `source` lie in `destination` up to `position`. Positions and
  // messages only grow.
  void note(EndpointId destination, std::uint64_t position, EndpointId source, std::uint64_t first,
            std::uint64_t last);
  // `destination` has taken (or will never take) all up to `position`. Adds sources whose watermark
  // may have moved to `moved`.
  void advance(EndpointId destination, std::uint64_t position, std::vector<EndpointId>& moved);
  void drop_source(EndpointId source);

  // The highest message of `source` up to which all is taken, when it has sent up to `sent`.
  std::uint64_t taken(EndpointId source, std::uint64_t sent) const;

 private:
  struct Mark {
    std::uint64_t position;
    std::uint64_t first;
    std::uint64_t last;
  };
  using Lane = std::deque<Mark>;
  // By destination, then source; and back.
  std::map<EndpointId, std::map<EndpointId, Lane>> lanes_;
  std::map<EndpointId, std::map<EndpointId, const Lane*>> by_source_;
};

}  // namespace socketmesh::mesh
