#include "tests/sim/faults.hpp"

namespace socketmesh::sim {

namespace {
constexpr std::size_t kMostSidecars = 50;
constexpr TimeUs kShortest = 20 * kMillisecondUs;
constexpr TimeUs kLongestStop = 10 * kSecondUs;
constexpr TimeUs kAppPatience = 4 * kSecondUs;  // with a sidecar that says nothing
}  // namespace

void Faults::start() {
  if (plan_.fault_every > 0) later();
  if (plan_.app_cut_every > 0) cut_app_later();
  if (plan_.stop_every > 0) stop_later();
}

void Faults::later() {
  world_.clock().after(rng_.range(1, 2 * plan_.fault_every), [this] {
    if (ended_) return;
    strike();
    later();
  });
}

void Faults::strike() {
  const std::uint64_t die = rng_.below(100);
  if (die < 30) return cut();
  if (die < 45) return partition();
  if (die < 60) return crash_sidecar();
  if (die < 66) return leave_and_return();
  if (die < 76) return crash_app();
  if (die < 82) return end_pod();
  if (die < 93) return stall_reader();
  confuse_discovery();
}

SidecarHost* Faults::some_running() {
  const auto running = world_.running();
  return running.empty() ? nullptr : running[rng_.index(running.size())];
}

void Faults::cut_app_later() {
  world_.clock().after(cuts_.range(1, 2 * plan_.app_cut_every), [this] {
    if (ended_) return;
    const auto living = world_.living_apps();
    SimApp* app = living.empty() ? nullptr : living[cuts_.index(living.size())];
    if (app != nullptr && app->connected() && app->home().running()) {
      world_.stats().add(Stat::kAppConnectionCuts);
      app->cut();
    }
    cut_app_later();
  });
}

void Faults::stop_later() {
  world_.clock().after(stops_.range(1, 2 * plan_.stop_every), [this] {
    if (ended_) return;
    stop_some();
    stop_later();
  });
}

// One, or all at once.
void Faults::stop_some() {
  const auto running = world_.running();
  if (running.empty()) return;
  const bool all = stops_.permille(300);
  const TimeUs duration = stops_.range(kShortest, kLongestStop);
  if (!all) return stop(*running[stops_.index(running.size())], duration);
  for (SidecarHost* sidecar : running) stop(*sidecar, duration + stops_.range(0, kShortest));
}

void Faults::stop(SidecarHost& sidecar, TimeUs duration) {
  if (sidecar.frozen()) return;
  world_.stats().add(Stat::kSidecarStops);
  sidecar.freeze();
  // Its apps give up one connection after the other; what they sent lies in each.
  for (SimApp* app : world_.apps_of(sidecar)) {
    for (TimeUs at = kAppPatience; at < duration; at += kAppPatience) {
      world_.clock().after(at + stops_.range(0, kShortest), [app] {
        if (app->alive() && app->connected() && app->home().frozen()) app->cut();
      });
    }
  }
  world_.clock().after(duration, [&sidecar] { sidecar.thaw(); });
}

bool Faults::may_lose_one() const {
  return world_.running().size() > 2;
}

void Faults::cut() {
  if (rng_.permille(850)) {
    if (world_.network().cut_one()) world_.stats().add(Stat::kConnectionCuts);
  } else if (world_.network().forget_one()) {
    world_.stats().add(Stat::kForgottenConnections);
  }
}

void Faults::partition() {
  const auto hosts = static_cast<HostId>(world_.sidecars().size());
  const bool one_way = rng_.permille(400);
  // One host against the rest, or any split in two.
  std::vector<bool> aside(hosts, false);
  const bool single = rng_.permille(600);
  if (single) {
    aside[rng_.index(hosts)] = true;
  } else {
    for (HostId host = 0; host < hosts; ++host) aside[host] = rng_.permille(500);
  }
  world_.trace().note("partition: one way, hosts", one_way ? 1 : 0, hosts);
  for (HostId a = 0; a < hosts; ++a) {
    for (HostId b = 0; b < hosts; ++b) {
      if (!aside[a] || aside[b]) continue;
      world_.network().block(a, b);
      if (!one_way) world_.network().block(b, a);
    }
  }
  world_.stats().add(one_way ? Stat::kOneWayPartitions : Stat::kPartitions);
  const std::uint64_t mine = ++partition_;
  world_.clock().after(rng_.range(kShortest, plan_.longest_partition), [this, mine] {
    if (mine != partition_) return;  // a later one decides when all heals
    world_.trace().note("heal");
    world_.stats().add(Stat::kHeals);
    world_.network().heal_all();
  });
}

void Faults::come_back(SidecarHost& sidecar, TimeUs after) {
  world_.clock().after(after, [this, &sidecar] {
    if (sidecar.running()) return;
    world_.stats().add(Stat::kSidecarRestarts);
    sidecar.start();
  });
}

void Faults::crash_sidecar() {
  SidecarHost* sidecar = some_running();
  if (sidecar == nullptr || sidecar->leaving()) return;
  world_.stats().add(Stat::kSidecarCrashes);
  world_.ledger().allow_duplicates();
  const auto apps = world_.apps_of(*sidecar);
  sidecar->crash(false);
  const TimeUs back = rng_.range(kShortest, plan_.longest_absence);
  come_back(*sidecar, back);
  if (plan_.weather != Weather::kDrought || plan_.app_cut_every == 0 || apps.empty()) return;
  // One of its apps is slower to come back than the sidecar.
  SimApp* slow = apps[cuts_.index(apps.size())];
  slow->stay_away(true);
  world_.clock().after(back + cuts_.range(0, 2 * plan_.limits.peer_timeout),
                       [slow] { slow->stay_away(false); });
}

void Faults::leave_and_return() {
  SidecarHost* sidecar = some_running();
  if (sidecar == nullptr || sidecar->leaving() || !may_lose_one()) return;
  world_.stats().add(Stat::kSidecarLeaves);
  world_.ledger().allow_duplicates();
  sidecar->leave();
  const TimeUs grace = 200 * kMillisecondUs;
  world_.clock().after(grace, [sidecar] {
    if (sidecar->running() && sidecar->leaving())
      sidecar->crash(false);  // the kubelet's patience ends
  });
  come_back(*sidecar, grace + rng_.range(kShortest, plan_.longest_absence));
}

void Faults::crash_app() {
  const auto living = world_.living_apps();
  if (living.size() < 3) return;
  SimApp& app = *living[rng_.index(living.size())];
  world_.stats().add(Stat::kAppCrashes);
  world_.crash_app(app);
  world_.clock().after(rng_.range(5, 300) * kMillisecondUs, [this, &home = app.home()] {
    if (!ended_ && home.running()) traffic_.launch(home);
  });
}

void Faults::end_pod() {
  SidecarHost* sidecar = some_running();
  if (sidecar == nullptr || sidecar->leaving() || !may_lose_one()) return;
  const bool gracefully = rng_.permille(400);
  if (gracefully) {
    world_.stats().add(Stat::kPodLeaves);
    for (SimApp* app : world_.apps_of(*sidecar)) world_.detach_app(*app);
    sidecar->leave();
    world_.clock().after(300 * kMillisecondUs, [sidecar] {
      if (sidecar->running() && sidecar->leaving()) sidecar->crash(false);
    });
  } else {
    const bool silent = rng_.permille(500);
    world_.stats().add(silent ? Stat::kSilentCrashes : Stat::kPodCrashes);
    for (SimApp* app : world_.apps_of(*sidecar)) world_.crash_app(*app);
    sidecar->crash(silent);
  }
  replace(*sidecar);
}

void Faults::replace(SidecarHost& sidecar) {
  // In place, under its old name and address; or elsewhere; or not at all.
  const std::uint64_t die = rng_.below(100);
  const TimeUs delay = 400 * kMillisecondUs + rng_.range(0, plan_.longest_absence);
  if (die < 35) {
    world_.clock().after(delay, [this, &sidecar] {
      if (sidecar.running()) return;
      world_.stats().add(Stat::kSidecarRestarts);
      world_.ledger().allow_duplicates();
      sidecar.start();
      if (!ended_) traffic_.launch(sidecar);
    });
    return;
  }
  world_.clock().after(rng_.range(0, 1500) * kMillisecondUs,
                       [this, &sidecar] { world_.unlist(sidecar); });
  if (die < 75 && world_.sidecars().size() < kMostSidecars) {
    world_.clock().after(delay, [this] {
      if (!ended_) traffic_.launch(world_.add_sidecar());
    });
  }
}

void Faults::stall_reader() {
  const auto living = world_.living_apps();
  if (living.empty()) return;
  SimApp& app = *living[rng_.index(living.size())];
  world_.stats().add(Stat::kReaderStalls);
  app.stop_reading(true);
  world_.clock().after(rng_.range(kShortest, plan_.longest_stall), [&app] {
    if (app.alive()) app.stop_reading(false);
  });
}

void Faults::confuse_discovery() {
  SidecarHost* sidecar = some_running();
  if (sidecar == nullptr) return;
  world_.stats().add(Stat::kDiscoveryHiccups);
  std::vector<std::string> some;
  for (const auto& address : world_.addresses()) {
    if (rng_.permille(500)) some.push_back(address);
  }
  if (rng_.permille(300)) some.clear();
  sidecar->set_addresses(some);
  world_.clock().after(rng_.range(100, 2000) * kMillisecondUs,
                       [this, sidecar] { sidecar->set_addresses(world_.addresses()); });
}

void Faults::end() {
  ended_ = true;
  world_.trace().note("faults end");
  world_.network().end_faults();
  for (const auto& sidecar : world_.sidecars()) sidecar->thaw();
}

}  // namespace socketmesh::sim
