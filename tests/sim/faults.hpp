// Breaks things at random: connections, hosts, processes, readers, discovery. Everything that it
// breaks it repairs, or end() does.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "tests/sim/plan.hpp"
#include "tests/sim/traffic.hpp"
#include "tests/sim/world.hpp"

namespace socketmesh::sim {

class Faults {
 public:
  Faults(World& world, const Plan& plan, Traffic& traffic, Rng rng)
      : world_(world),
        plan_(plan),
        traffic_(traffic),
        rng_(rng),
        cuts_(plan.seed),
        stops_(~plan.seed) {}

  void start();
  // No more faults; everything that is to come back comes back now.
  void end();

 private:
  void later();
  void strike();
  void cut();
  void cut_app_later();
  void stop_later();
  void stop_some();
  void stop(SidecarHost& sidecar, TimeUs duration);
  void partition();
  void crash_sidecar();
  void leave_and_return();
  void crash_app();
  void end_pod();
  void stall_reader();
  void confuse_discovery();
  void come_back(SidecarHost& sidecar, TimeUs after);
  void replace(SidecarHost& sidecar);
  SidecarHost* some_running();
  // Some sidecars must stay, or there is no mesh to speak of.
  bool may_lose_one() const;

  World& world_;
  const Plan& plan_;
  Traffic& traffic_;
  Rng rng_;
  Rng cuts_;
  Rng stops_;
  bool ended_ = false;
  std::uint64_t partition_ = 0;  // the latest
};

}  // namespace socketmesh::sim
