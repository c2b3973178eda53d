// Writes Events, as plan::EventLog decides: an Event that cannot be written is logged and given up,
// never a reason for a reconcile to fail. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "lib/obs/log.hpp"
#include "operator/control/api.hpp"
#include "operator/plan/event_log.hpp"

namespace socketmesh::op::control {

class Events {
 public:
  // `instance`: this replica. The logger outlives this.
  Events(const obs::Logger& logger, std::string instance)
      : logger_(logger), instance_(std::move(instance)) {}

  void tell(Api& api, const plan::Event& event);

  struct Stats {
    std::uint64_t written = 0;
    std::uint64_t failed = 0;
    std::uint64_t dropped = 0;  // floods
  };
  [[nodiscard]] Stats stats() const;

 private:
  const obs::Logger& logger_;
  const std::string instance_;
  mutable std::mutex mutex_;
  plan::EventLog log_;
  std::uint64_t written_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace socketmesh::op::control
