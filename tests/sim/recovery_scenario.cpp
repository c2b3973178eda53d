#include "tests/sim/recovery_scenario.hpp"

#include <cstdio>
#include <memory>

#include "tests/sim/recovery_client.hpp"
#include "tests/sim/world.hpp"

namespace socketmesh::sim {

namespace {

constexpr std::size_t kTailLines = 60;
constexpr TimeUs kWindow = 8 * kSecondUs;
constexpr TimeUs kGreeting = 200 * kMillisecondUs;
// A sidecar waits so long for the members of a peer's last life, and holds what is for the new one.
constexpr TimeUs kHeldForYoung = 6 * kSecondUs;
constexpr TimeUs kStep = 5 * kMillisecondUs;

enum class Mode : std::uint8_t { kStaying, kLeaving, kDying };

// What a seed's run is like.
struct RecoveryPlan {
  RecoveryPlan(std::uint64_t seed, Mode mode) : rng(seed ^ 0x7265636f76657279ULL) {
    sidecars = static_cast<std::size_t>(rng.range(1, 4));
    clients = static_cast<std::size_t>(rng.range(2, 12));
    rooms = static_cast<std::size_t>(rng.range(1, 6));
    duration = rng.range(3, 25) * kSecondUs;
    rate = static_cast<std::uint64_t>(rng.range(5, 300));
    drops = static_cast<std::uint64_t>(rng.range(2, 20));
    cuts = rng.permille(250) ? 3 : 0;
    restarts = rng.permille(350) ? 3 : 0;
    crashes = rng.permille(150) ? 2 : 0;
    const bool often = rng.permille(400);
    rolls = mode != Mode::kLeaving ? 0 : often ? 2 : 1;
    latency = rng.permille(200) ? 30 * kMillisecondUs : 300;
    cuts_off = cuts > 0 && Rng(seed ^ 0x637574206f6666ULL).permille(400);
    if (mode != Mode::kDying) return;
    dies = true;
    sidecars = static_cast<std::size_t>(rng.range(2, 5));
    replicas = static_cast<std::size_t>(rng.range(1, 2));
    pod_kills = static_cast<std::uint64_t>(rng.range(1, 4));
    sidecar_kills = 0;
    silent = rng.permille(200);
    // Most of what is asked for has its answer then, and what is refused must be rare.
    calm = rng.permille(500);
    if (calm) {
      rate = static_cast<std::uint64_t>(rng.range(5, 60));
      cuts = crashes = restarts = sidecar_kills = 0;
      silent = false;
    } else if (Rng more(seed ^ 0x73696465636172ULL); more.permille(600)) {
      sidecar_kills = static_cast<std::uint64_t>(more.range(1, 4));
      if (more.permille(300)) pod_kills = 0;
      if (more.permille(150)) replicas = 0;
    }
  }
  Rng rng;
  std::size_t sidecars;
  std::size_t clients;
  std::size_t rooms;
  TimeUs duration;
  std::uint64_t rate;   // a step publishes, permille
  std::uint64_t drops;  // and so on
  std::uint64_t cuts;
  std::uint64_t restarts;
  std::uint64_t crashes;
  std::uint64_t rolls;
  TimeUs latency;
  bool cuts_off;  // all links of a sidecar at once
  std::size_t replicas = 0;
  std::uint64_t pod_kills = 0;
  std::uint64_t sidecar_kills = 0;
  bool silent = false;  // peers are not told of a death
  bool calm = false;
  bool dies = false;
  bool dying() const { return dies; }
  TimeUs slack() const {
    return cuts > 0 || sidecar_kills > 0 || silent ? 3 * kSecondUs : 400 * kMillisecondUs;
  }
};

class RecoveryRun {
 public:
  RecoveryRun(std::uint64_t seed, Mode mode)
      : plan_(seed, mode), rng_(plan_.rng.fork()), world_(options(plan_, seed)) {}

  World& world() { return world_; }

  void go() {
    build();
    const TimeUs end = world_.now() + plan_.duration;
    TimeUs report = world_.now() + kWindow / 4;
    while (world_.now() < end) {
      step();
      world_.run_for(kStep);
      if (world_.now() < report) continue;
      report += kWindow / 4;
      for (auto& app : apps_) {
        if (app->alive()) app->report_last();
      }
    }
    rest();
    judge();
  }

 private:
  static WorldOptions options(const RecoveryPlan& plan, std::uint64_t seed) {
    WorldOptions options;
    options.seed = seed;
    options.limits.recovery_window = kWindow;
    options.limits.recovery_replicas = plan.replicas;
    options.network.latency = plan.latency;
    return options;
  }

  SidecarHost::Env env() {
    return {world_.clock(), world_.network(), world_.trace(), world_.stats()};
  }

  RecoveryApp& launch(SidecarHost& sidecar) {
    apps_.push_back(std::make_unique<RecoveryApp>(env(), rng_.fork(), rng_.next() | 1U, sidecar));
    apps_.back()->start();
    return *apps_.back();
  }

  std::string room() { return "room" + std::to_string(rng_.index(plan_.rooms)); }

  void build() {
    for (std::size_t i = 0; i < plan_.sidecars; ++i) {
      SidecarHost& sidecar = world_.add_sidecar();
      launch(sidecar);
      if (rng_.permille(250)) launch(sidecar);
    }
    world_.run_for(kSecondUs);
    for (std::uint32_t i = 0; i < plan_.clients; ++i) {
      Rooms rooms;
      for (std::int64_t n = rng_.range(0, 3); n > 0; --n) rooms.insert(room());
      clients_.push_back(std::make_unique<RecoveryClient>(env(), rng_.fork(), i, rooms));
      clients_.back()->come(any_app());
    }
    world_.run_for(plan_.slack());
  }

  RecoveryApp& any_app() {
    std::vector<RecoveryApp*> ready;
    for (auto& app : apps_) {
      if (app->attached()) ready.push_back(app.get());
    }
    if (ready.empty()) throw Violation("no app is attached", "");
    return *ready[rng_.index(ready.size())];
  }

  // Also one whose sidecar is away.
  RecoveryApp& any_publisher() {
    if (plan_.sidecar_kills == 0 || !rng_.permille(200)) return any_app();
    RecoveryApp& app = *apps_[rng_.index(apps_.size())];
    return app.alive() ? app : any_app();
  }

  void step() {
    if (rng_.permille(plan_.rate)) {
      for (std::int64_t n = rng_.permille(50) ? 20 : 1; n > 0; --n) publish();
    }
    if (rng_.permille(plan_.drops)) drop();
    if (rng_.permille(20)) change_rooms();
    if (rng_.permille(plan_.cuts)) cut();
    if (rng_.permille(plan_.restarts)) restart(false);
    if (rng_.permille(plan_.crashes)) restart(true);
    if (rng_.permille(plan_.rolls)) roll();
    if (rng_.permille(plan_.pod_kills)) kill(true);
    if (rng_.permille(plan_.sidecar_kills)) kill(false);
    come_back(10);
  }

  // So many of a thousand that are away come, and those before whom their session would expire.
  void come_back(std::uint64_t permille) {
    for (auto& client : clients_) {
      const TimeUs away = world_.now() - client->away_since();
      const bool late = away > kWindow * 3 / 4;
      if (!client->up() && (late || rng_.permille(permille))) client->come(any_app());
    }
  }

  void cut() {
    if (!plan_.cuts_off) {
      world_.network().cut_one();
      return;
    }
    const auto running = world_.running();
    world_.network().cut_off(running[rng_.index(running.size())]->host());
  }

  void publish() {
    Rooms rooms;
    Rooms except;
    if (!rng_.permille(150)) {
      for (std::int64_t n = rng_.range(1, 2); n > 0; --n) rooms.insert(room());
    }
    if (rng_.permille(150)) except.insert(room());
    if (rng_.permille(150)) {
      const auto& client = clients_[rng_.index(clients_.size())];
      if (!client->sid().empty()) rooms = {client->sid()};
    }
    RecoveryApp& app = any_publisher();
    Message message = app.publish(std::move(rooms), std::move(except), rng_.permille(80));
    // Who is not linked to all others yet is not heard by all.
    const auto links = app.home().links();
    bool heard = links.size() + 1 >= world_.running().size();
    for (const auto& [id, life] : links) heard = heard && world_.now() - life.since > kGreeting;
    // Nor by one whose sidecar is away, if that is not known here.
    for (const auto& other : apps_) heard = heard && (!other->alive() || other->attached());
    // Nor by the sessions of a sidecar that was killed before this one met it.
    const auto born = born_.find(app.home().host());
    heard = heard && (born == born_.end() || world_.now() - born->second > kHeldForYoung);
    if (!heard) message.published = 0;
    const bool down = world_.running().size() < world_.sidecars().size();
    message.held = world_.now() < young_until_ || (down && plan_.dying() && !plan_.calm);
    all_[message.id] = message;
  }

  void drop() {
    RecoveryClient& client = *clients_[rng_.index(clients_.size())];
    std::optional<TimeUs> notice;
    if (rng_.permille(600))
      notice = rng_.range(0, 50) * kMillisecondUs;
    else if (rng_.permille(500))
      notice = rng_.range(100, 2000) * kMillisecondUs;
    client.drop(notice);
    // Often it is back at once, sometimes so fast that it drops again before it is served.
    if (rng_.permille(500)) {
      world_.run_for(rng_.range(0, 10) * kMillisecondUs);
      client.come(any_app());
    }
  }

  void change_rooms() {
    // A server that is killed may take the word of it with it.
    if (plan_.crashes > 0 || plan_.dying()) return;
    RecoveryClient& client = *clients_[rng_.index(clients_.size())];
    if (!client.live()) return;
    const std::string changed = room();
    const bool join = rng_.permille(500);
    if (client.app()->change_rooms(client.sid(), changed, join))
      client.rooms_changed(changed, join);
  }

  // A server's process ends; another takes its place at the same sidecar.
  void restart(bool crash) {
    RecoveryApp& app = any_app();
    SidecarHost& sidecar = app.home();
    if (crash) dead_.insert(app.id());
    crash ? app.crash() : app.shut_down();
    for (auto& client : clients_) {
      if (client->app() == &app) client->server_gone();
    }
    launch(sidecar);
    world_.run_for(100 * kMillisecondUs);
  }

  // A pod is replaced: its server ends, then its sidecar, then another pod, or it, is there.
  void roll() {
    RecoveryApp& chosen = any_app();
    SidecarHost& sidecar = chosen.home();
    bool other = false;
    for (auto& app : apps_) other = other || (app->attached() && &app->home() != &sidecar);
    if (!other) return;
    // As readiness has it: the one before is linked.
    for (const auto* running : world_.running()) {
      if (running->links().size() + 1 < world_.running().size()) return;
    }
    for (auto& app : apps_) {
      if (!app->alive() || &app->home() != &sidecar) continue;
      app->shut_down();
      // What was under way on a link that is cut ends with its sidecar.
      if (plan_.cuts > 0) dead_.insert(app->id());
      for (auto& client : clients_) {
        if (client->app() == app.get()) client->server_gone();
      }
    }
    // A host of the simulator that ends resets what it has not read, and so loses what is under way
    // (the shell waits for the delivery of its goodbyes): that has arrived by now.
    world_.run_for(rng_.range(0, 30) * kMillisecondUs + 3 * plan_.latency);
    sidecar.leave();
    const bool left = world_.run_until(6 * kSecondUs, [&] { return !sidecar.running(); });
    // Two that do not see the same peers can't hand over; it is ended, as by the shell.
    if (!left && plan_.cuts == 0) throw Violation("a sidecar does not leave", sidecar.id());
    if (!left) sidecar.crash(false);
    world_.stats().add(Stat::kSidecarLeaves);
    if (rng_.permille(500)) {
      sidecar.start();
      launch(sidecar);
    } else {
      world_.unlist(sidecar);
      launch(world_.add_sidecar());
    }
    world_.run_for(rng_.range(0, 200) * kMillisecondUs);
  }

  // SIGKILL: of a sidecar, with its apps or without them. What replaces it comes later.
  void kill(bool pod) {
    RecoveryApp& chosen = any_app();
    SidecarHost& sidecar = chosen.home();
    if (world_.running().size() < 2 || (pod && world_.now() < next_kill_)) return;
    bool other = false;
    for (auto& app : apps_) other = other || (app->attached() && &app->home() != &sidecar);
    if (!other) return;
    // A second one before the first is replaced is another matter.
    if (plan_.calm) next_kill_ = world_.now() + 5 * kSecondUs;
    for (auto& app : apps_) {
      if (&app->home() != &sidecar) continue;
      // What one that has left had published may be in its sidecar still.
      if (pod || !app->alive()) dead_.insert(app->id());
      // What a living one publishes while it has no sidecar is heard later.
      if (!pod || !app->alive()) continue;
      app->crash();
      for (auto& client : clients_) {
        if (client->app() == app.get()) client->server_gone();
      }
    }
    sidecar.crash(plan_.silent);
    world_.stats().add(pod ? Stat::kPodCrashes : Stat::kSidecarCrashes);
    const TimeUs back = rng_.range(50, 4000) * kMillisecondUs;
    world_.clock().after(back, [this, &sidecar, pod] {
      sidecar.start();
      young_until_ = world_.now() + kHeldForYoung;
      born_[sidecar.host()] = world_.now();
      if (pod) launch(sidecar);
    });
    world_.run_for(rng_.range(0, 20) * kMillisecondUs);
  }

  void rest() {
    world_.network().end_faults();
    for (const TimeUs end = world_.now() + (plan_.dying() ? 8 : 3) * kSecondUs; world_.now() < end;
         come_back(0))
      world_.run_for(kStep);
    come_back(1000);
    world_.run_for(6 * kSecondUs + 2 * plan_.slack());
  }

  void judge() {
    std::map<std::uint8_t, std::uint64_t> refusals;
    std::uint64_t recovered = 0;
    for (const auto& app : apps_) {
      for (const auto& [why, count] : app->refusals()) refusals[why] += count;
    }
    for (const auto& client : clients_) {
      if (!client->live())
        throw Violation("a client is not served", std::to_string(client->number()));
      client->judge(all_, plan_.slack(), dead_);
      recovered += client->recovered();
    }
    world_.stats().add(Stat::kSessionsRecovered, recovered);
    for (const auto& [why, count] : refusals) {
      world_.stats().add(Stat::kSessionsRefused, count);
      if (!allowed(why)) {
        throw Violation("a session was refused without need",
                        "reason " + std::to_string(why) + ", " + std::to_string(count) + " times");
      }
    }
  }

  // Only what this run's faults can explain.
  bool allowed(std::uint8_t why) const {
    constexpr std::uint8_t kUnknownSession = 1;
    constexpr std::uint8_t kUnknownOffset = 2;
    constexpr std::uint8_t kGap = 4;
    constexpr std::uint8_t kTimeout = 5;
    // What a killed server had shown its clients and nobody else is known to nobody.
    const bool killed = plan_.crashes > 0 && (why == kUnknownOffset || why == kGap);
    // Two that do not see the same peers prove nothing to each other, and can't hand over.
    const bool cut = plan_.cuts > 0 && why == kTimeout;
    const bool lost = plan_.cuts > 0 && plan_.rolls > 0 && (why == kUnknownSession || why == kGap);
    constexpr std::uint8_t kUnprovable = 6;
    const bool died = plan_.dying() && (why <= kTimeout || why == kUnprovable);
    return killed || cut || lost || died;
  }

  RecoveryPlan plan_;
  Rng rng_;
  World world_;
  std::vector<std::unique_ptr<RecoveryApp>> apps_;
  std::vector<std::unique_ptr<RecoveryClient>> clients_;
  std::map<MessageId, Message> all_;
  std::set<MemberId> dead_;
  TimeUs next_kill_ = 0;
  TimeUs young_until_ = 0;
  std::map<HostId, TimeUs> born_;  // of those that were killed, their present lives
};

Outcome run(std::uint64_t seed, Mode mode, bool print_trace) {
  RecoveryRun run(seed, mode);
  run.world().trace().print_all(print_trace);
  Outcome outcome;
  try {
    run.go();
    outcome.passed = true;
  } catch (const Violation& violation) {
    outcome.violation = std::string("recovery: ") + violation.what();
    outcome.tail = run.world().trace().tail(kTailLines);
  }
  outcome.hash = run.world().trace_hash();
  outcome.stats = run.world().stats();
  return outcome;
}

}  // namespace

Outcome run_recovery_seed(std::uint64_t seed, bool print_trace) {
  return run(seed, Mode::kStaying, print_trace);
}

Outcome run_leaving_seed(std::uint64_t seed, bool print_trace) {
  return run(seed, Mode::kLeaving, print_trace);
}

Outcome run_dying_seed(std::uint64_t seed, bool print_trace) {
  return run(seed, Mode::kDying, print_trace);
}

}  // namespace socketmesh::sim
