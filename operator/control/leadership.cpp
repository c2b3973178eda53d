#include "operator/control/leadership.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "operator/control/clock.hpp"
#include "operator/control/lease_json.hpp"

namespace socketmesh::op::control {
namespace {

using Kind = plan::Election::Kind;

std::chrono::steady_clock::time_point moment(plan::MonoTime time) {
  return std::chrono::steady_clock::time_point(time);
}

}  // namespace

Leadership::Leadership(kube::Client& client, const obs::Logger& logger, std::string ns,
                       plan::ElectionOptions options, Callbacks callbacks)
    : client_(client),
      logger_(logger),
      ref_{kube::kLeases, std::move(ns), kLeaseName},
      callbacks_(std::move(callbacks)),
      election_(std::move(options)) {}

void Leadership::start() {
  note(mono_now());
  thread_ = std::thread([this] { run(); });
}

void Leadership::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool Leadership::leading() const {
  return mono_now().count() < leading_until_us_;
}

plan::MonoTime Leadership::idle() const {
  return mono_now() - plan::MonoTime(moved_us_);
}

void Leadership::run() {
  std::mt19937 random{std::random_device()()};
  std::uniform_real_distribution<double> jitter(0, 1);
  bool led = false;
  for (;;) {
    const plan::MonoTime now = mono_now();
    note(now);
    if (election_.lost(now)) {
      logger_.error("lease lost", {{"lease", ref_.to_string()}});
      return callbacks_.lost();
    }
    if (!led && election_.leading(now)) {
      led = true;
      logger_.info("this replica leads", {{"lease", ref_.to_string()}});
      callbacks_.leads();
    }
    const auto step = election_.next(now, unix_now(), jitter(random));
    if (step.kind == Kind::kRead) {
      look();
    } else if (step.kind == Kind::kWrite) {
      write(step.lease);
    } else {
      // A leader wakes in time to see that it is one no longer.
      const plan::MonoTime until = led ? std::min(step.at, election_.leading_until()) : step.at;
      std::unique_lock lock(mutex_);
      if (wake_.wait_until(lock, moment(until), [this] { return stopping_; })) break;
    }
    const std::lock_guard lock(mutex_);
    if (stopping_) break;
  }
  release();
}

void Leadership::note(plan::MonoTime now) {
  moved_us_ = now.count();
  leading_until_us_ = election_.leading(now) ? election_.leading_until().count() : 0;
}

void Leadership::look() {
  const auto answer = client_.get(ref_);
  const plan::MonoTime now = mono_now();
  if (answer) {
    election_.read(read_lease(*answer), now);
  } else if (answer.error().kind == kube::ApiError::Kind::kNotFound) {
    election_.absent(now);
  } else {
    logger_.warn("lease not read", {{"error", answer.error().to_string()}});
    election_.failed(now);
  }
}

void Leadership::write(const plan::Lease& lease) {
  const nlohmann::json object = lease_json(ref_, lease);
  const auto answer =
      lease.resource_version.empty() ? client_.create(object) : client_.replace(object);
  const plan::MonoTime now = mono_now();
  if (answer) return election_.written(read_lease(*answer).resource_version, now);
  // Replicas that try at once are what elections are made of.
  using Error = kube::ApiError::Kind;
  const Error kind = answer.error().kind;
  const bool outrun = kind == Error::kAlreadyExists || kind == Error::kConflict;
  if (outrun)
    logger_.info("another replica wrote the lease first", {{"error", answer.error().to_string()}});
  else
    logger_.warn("lease not written", {{"error", answer.error().to_string()}});
  election_.failed(now);
}

void Leadership::release() {
  const auto lease = election_.release(mono_now(), unix_now());
  note(mono_now());
  if (!lease) return;
  if (const auto answer = client_.replace(lease_json(ref_, *lease)); !answer)
    logger_.warn("lease not released", {{"error", answer.error().to_string()}});
  else
    logger_.info("lease released", {{"lease", ref_.to_string()}});
}

}  // namespace socketmesh::op::control
