// A hostile network at the level of link RECORDs: drops, duplicates and reorders whole ones in one
// direction of one connection.
//
// TCP does none of this. It is done to prove the receiver's rules: what it has, it drops; at a hole
// it cuts the connection, and the next one goes on from there. Other frames (HELLO, RESUME, PING,
// ACK, ...) pass as they are. A record that was dropped may have been the last one for long, so the
// owner of the connection must end it soon (TCP would): see lost().
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/bytes.hpp"
#include "tests/sim/rng.hpp"
#include "tests/sim/stats.hpp"

namespace socketmesh::sim {

// Chances in a thousand, for each record.
struct RecordFaults {
  std::uint64_t drop = 0;
  std::uint64_t duplicate = 0;
  std::uint64_t reorder = 0;
  bool any() const { return drop + duplicate + reorder > 0; }
};

class RecordMangler {
 public:
  RecordMangler(const RecordFaults& faults, Rng rng, Stats& stats)
      : faults_(faults), rng_(rng), stats_(stats) {}

  // Takes what was written and appends what goes on the wire: whole frames only.
  void feed(Bytes written, std::string& wire);
  // Appends a record that waits to be overtaken.
  void release(std::string& wire);

  bool holding() const { return !held_.empty(); }
  bool lost() const { return lost_; }
  std::size_t waiting() const { return frames_.waiting() + held_.size(); }

 private:
  void record(const std::string& whole, std::string& wire);

  const RecordFaults& faults_;  // the owner's; turned off when the faults of a run end
  Rng rng_;
  Stats& stats_;
  FrameStream frames_;
  std::string held_;
  bool lost_ = false;
};

}  // namespace socketmesh::sim
