#include "operator/plan/election.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/assert.hpp"

namespace socketmesh::op::plan {
namespace {

// Tries are spread over retry_period and this share of it.
constexpr double kJitterShare = 0.2;
// What a released lease says: short, so that even a replica that ignores an empty holder waits
// little.
constexpr std::int64_t kReleasedDurationS = 1;

}  // namespace

Election::Election(ElectionOptions options) : options_(std::move(options)) {
  SM_ASSERT(!options_.identity.empty());
  SM_ASSERT(options_.lease_duration > options_.renew_deadline);
  SM_ASSERT(options_.renew_deadline > options_.retry_period * 2);
}

Election::Step Election::next(MonoTime now, UnixTime wall, double jitter) {
  jitter_ = jitter;
  if (ended_ || lost(now)) return {Kind::kWait, {}, MonoTime::max()};
  if (next_ == Next::kWait && now < try_at_) return {Kind::kWait, {}, try_at_};
  // A leader writes anew what it wrote last; everybody else looks first.
  if (next_ == Next::kWait) next_ = leading(now) && seen_last_ ? Next::kWrite : Next::kRead;
  if (next_ == Next::kRead) return {Kind::kRead, {}, {}};
  claimed_ = claim(wall);
  claimed_at_ = now;
  return {Kind::kWrite, claimed_, {}};
}

void Election::read(const Lease& lease, MonoTime now) {
  observe(lease, now);
  if (!held_by_other(now)) {
    next_ = Next::kWrite;
    return;
  }
  if (leading(now)) leading_until_ = now;  // somebody took it by force: obey at once
  pause(now);
}

void Election::absent(MonoTime now) {
  observe({}, now);
  next_ = Next::kWrite;
}

void Election::written(std::string resource_version, MonoTime now) {
  if (ended_) return;
  claimed_.resource_version = std::move(resource_version);
  observe(claimed_, now);
  led_ = true;
  leading_until_ = claimed_at_ + options_.renew_deadline;
  pause(now);
}

void Election::failed(MonoTime now) {
  seen_last_ = false;  // a write without an answer may have been carried out all the same
  pause(now);
}

bool Election::leading(MonoTime now) const {
  return led_ && !ended_ && now < leading_until_;
}

bool Election::lost(MonoTime now) const {
  return led_ && !ended_ && now >= leading_until_;
}

std::optional<Lease> Election::release(MonoTime now, UnixTime wall) {
  const bool releases = leading(now) && seen_last_;
  ended_ = true;
  if (!releases) return std::nullopt;
  Lease lease = seen_;
  lease.holder.clear();
  lease.duration_s = kReleasedDurationS;
  lease.renewed = wall;
  return lease;
}

void Election::observe(const Lease& lease, MonoTime now) {
  seen_last_ = true;
  if (lease == seen_) return;
  seen_ = lease;
  changed_at_ = now;
}

bool Election::held_by_other(MonoTime now) const {
  if (seen_.holder.empty() || seen_.holder == options_.identity) return false;
  const std::chrono::seconds duration(
      std::clamp<std::int64_t>(seen_.duration_s, 0, kLeaseDurationMaxS));
  return now < changed_at_ + duration;
}

Lease Election::claim(UnixTime wall) const {
  Lease lease = seen_;
  if (seen_.holder != options_.identity) {
    lease.acquired = wall;
    if (!seen_.resource_version.empty()) ++lease.transitions;
  }
  lease.holder = options_.identity;
  lease.duration_s =
      std::chrono::duration_cast<std::chrono::seconds>(options_.lease_duration).count();
  lease.renewed = wall;
  return lease;
}

void Election::pause(MonoTime now) {
  next_ = Next::kWait;
  const std::chrono::duration<double, std::micro> pause(
      static_cast<double>(options_.retry_period.count()) * (1 + kJitterShare * jitter_));
  try_at_ = now + std::chrono::duration_cast<MonoTime>(pause);
}

}  // namespace socketmesh::op::plan
