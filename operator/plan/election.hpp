// Which replica of the operator leads: a Lease that the leader renews, as a pure machine.
//
//   switch (step.kind) of election.next(now):
//     kRead:  GET the Lease, then read(...) or absent() or failed()
//     kWrite: create or update it with step.lease, then written(...) or failed()
//     kWait:  nothing until step.at
//
// Clocks of different machines are never compared: a lease runs out when its record has not changed
// for the record's own duration, by the time at which *this* replica saw it change. The leader
// believes in itself only for renew_deadline after the start of its last successful write, which is
// shorter than the duration that others wait; so two never lead at once, however long a call hangs.
// Once lost, an Election does not run again: the process ends, or starts with a new one.
//
// Pure; not thread-safe. The caller makes the calls one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "operator/plan/time.hpp"

namespace socketmesh::op::plan {

// A longer duration in a Lease is taken as this one.
inline constexpr std::int64_t kLeaseDurationMaxS = 3600;

struct ElectionOptions {
  std::string identity;                                // unlike any other replica's
  MonoTime lease_duration = std::chrono::seconds(15);  // others take over after it
  MonoTime renew_deadline = std::chrono::seconds(10);  // the leader gives up after it
  MonoTime retry_period = std::chrono::seconds(2);     // between tries
};

// The spec of a coordination.k8s.io/v1 Lease, and the version it was read at.
struct Lease {
  std::string holder;  // empty: nobody, it was released
  std::int64_t duration_s = 0;
  UnixTime acquired{};
  UnixTime renewed{};
  std::int64_t transitions = 0;
  std::string resource_version;  // empty: does not exist yet

  bool operator==(const Lease&) const = default;
};

class Election {
 public:
  enum class Kind : std::uint8_t { kRead, kWrite, kWait };
  struct Step {
    Kind kind = Kind::kWait;
    Lease lease;    // kWrite: as it shall be; update at its resource_version, create without one
    MonoTime at{};  // kWait: until when
  };

  explicit Election(ElectionOptions options);

  // What to do now. `jitter` in [0, 1) spreads the tries of replicas.
  Step next(MonoTime now, UnixTime wall, double jitter);

  // The outcome of a kRead.
  void read(const Lease& lease, MonoTime now);
  void absent(MonoTime now);
  // The outcome of a kWrite: the version that the record has now.
  void written(std::string resource_version, MonoTime now);
  // The outcome of either: no answer, or somebody else was faster (409), or was refused.
  void failed(MonoTime now);

  // May this replica act? Ask before each write to the cluster: time alone can end it.
  [[nodiscard]] bool leading(MonoTime now) const;
  // When leading() ends without another renewal.
  [[nodiscard]] MonoTime leading_until() const { return leading_until_; }
  // It led, and could not renew in time or saw another holder.
  [[nodiscard]] bool lost(MonoTime now) const;
  // Who leads, as far as this replica knows; empty when nobody.
  [[nodiscard]] const std::string& holder() const { return seen_.holder; }

  // At exit: the record that lets another replica lead at once, if this one leads. Ends leading.
  std::optional<Lease> release(MonoTime now, UnixTime wall);

 private:
  enum class Next : std::uint8_t { kRead, kWrite, kWait };

  void observe(const Lease& lease, MonoTime now);
  [[nodiscard]] bool held_by_other(MonoTime now) const;
  [[nodiscard]] Lease claim(UnixTime wall) const;
  void pause(MonoTime now);

  ElectionOptions options_;
  Next next_ = Next::kRead;
  Lease seen_;              // the record as last seen
  bool seen_last_ = false;  // as far as known, nobody wrote it since
  MonoTime changed_at_{};   // when it was seen to change
  MonoTime try_at_{};
  Lease claimed_;          // what the write under way says
  MonoTime claimed_at_{};  // when it was begun
  bool led_ = false;
  bool ended_ = false;
  MonoTime leading_until_{};
  double jitter_ = 0;
};

}  // namespace socketmesh::op::plan
