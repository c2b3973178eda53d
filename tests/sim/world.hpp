// A whole mesh in virtual time: sidecars (the real core), model apps, a network between them,
// discovery, and the ledger that judges. The random scenarios and the scripted tests are both
// written against this.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/ledger.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/rng.hpp"
#include "tests/sim/scheduler.hpp"
#include "tests/sim/sidecar_host.hpp"
#include "tests/sim/sim_app.hpp"
#include "tests/sim/stats.hpp"
#include "tests/sim/trace.hpp"

namespace socketmesh::sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  std::string mesh = "chat";
  node::Limits limits;
  std::uint32_t channels = 0;  // of every sidecar, as NodeConfig has them
  NetOptions network;
};

class World {
 public:
  explicit World(WorldOptions options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // A pod: its sidecar runs at once and is listed by discovery from now on.
  SidecarHost& add_sidecar() { return add_sidecar(options_.mesh, ""); }
  // With another mesh name, or an id of its own choice.
  SidecarHost& add_sidecar(const std::string& mesh, const std::string& id);
  // An app on that pod, attached at once.
  SimApp& add_app(SidecarHost& home, const std::vector<std::string>& namespaces = {"/"},
                  AppOptions options = {});
  void crash_app(SimApp& app);
  void detach_app(SimApp& app);
  // The pod ends for good: discovery forgets it.
  void unlist(SidecarHost& sidecar);
  // Every sidecar gets the true list of addresses.
  void announce();
  std::vector<std::string> addresses() const;

  void run_for(TimeUs time);
  // Runs until `done`, at most for `limit`; false when it did not come true.
  bool run_until(TimeUs limit, const std::function<bool()>& done);
  // Runs until every sidecar and app agrees with the truth and holds nothing any more.
  void settle(TimeUs limit);
  // What is not settled yet; empty when nothing.
  std::string unsettled() const;
  // Memory bounds, looked at now.
  void check_memory() const;
  void check_memory(const SidecarHost& sidecar) const;
  // A mesh at rest does next to nothing.
  void check_idle();

  TimeUs now() const { return clock_.now(); }
  Scheduler& clock() { return clock_; }
  Network& network() { return network_; }
  Ledger& ledger() { return ledger_; }
  Trace& trace() { return trace_; }
  Stats& stats() { return stats_; }
  Rng& rng() { return rng_; }
  const WorldOptions& options() const { return options_; }
  const std::vector<std::unique_ptr<SidecarHost>>& sidecars() const { return sidecars_; }
  const std::vector<std::unique_ptr<SimApp>>& apps() const { return apps_; }
  std::vector<SimApp*> living_apps() const;
  std::vector<SimApp*> apps_of(const SidecarHost& home) const;
  std::vector<SidecarHost*> running() const;
  std::uint64_t trace_hash() const;

 private:
  std::string unsettled(const SidecarHost& sidecar) const;
  std::string unsettled(const SimApp& app) const;

  WorldOptions options_;
  Scheduler clock_;
  Stats stats_;
  Trace trace_;
  Rng rng_;
  Network network_;
  Ledger ledger_;
  std::vector<std::unique_ptr<SidecarHost>> sidecars_;
  std::vector<std::unique_ptr<SimApp>> apps_;
  std::set<HostId> listed_;
};

}  // namespace socketmesh::sim
