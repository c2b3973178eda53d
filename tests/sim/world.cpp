// Making the world and moving it; what must be true of it is in world_checks.cpp.
#include "tests/sim/world.hpp"

#include <algorithm>

namespace socketmesh::sim {

World::World(WorldOptions options)
    : options_(std::move(options)),
      trace_(clock_),
      rng_(options_.seed),
      network_(clock_, rng_.fork(), stats_, trace_, options_.network),
      ledger_(trace_, stats_) {}

World::~World() = default;

SidecarHost& World::add_sidecar(const std::string& mesh, const std::string& id) {
  const auto host = static_cast<HostId>(sidecars_.size());
  node::NodeConfig config;
  config.mesh = mesh;
  // Ids in no order: which of two connections stays must not follow from who started first.
  config.sidecar_id =
      id.empty() ? "pod-" + std::to_string(rng_.range(100, 999)) + "-" + std::to_string(host) : id;
  config.epoch = 1000;
  config.limits = options_.limits;
  config.channels = options_.channels;
  const SidecarHost::Env env{clock_, network_, trace_, stats_};
  sidecars_.push_back(std::make_unique<SidecarHost>(env, rng_.fork(), host, std::move(config)));
  listed_.insert(host);
  stats_.add(Stat::kSidecars);
  sidecars_.back()->start();
  announce();
  return *sidecars_.back();
}

SimApp& World::add_app(SidecarHost& home, const std::vector<std::string>& namespaces,
                       AppOptions options) {
  const auto number = static_cast<std::uint32_t>(apps_.size());
  const SidecarHost::Env env{clock_, network_, trace_, stats_};
  apps_.push_back(std::make_unique<SimApp>(env, rng_.fork(), number, rng_.next(), home,
                                           std::move(options), ledger_));
  SimApp& app = *apps_.back();
  ledger_.add(app);
  stats_.add(Stat::kApps);
  for (const auto& nsp : namespaces) app.open_namespace(nsp);
  app.start();
  return app;
}

void World::crash_app(SimApp& app) {
  app.crash();
  ledger_.gone(app);
}

void World::detach_app(SimApp& app) {
  app.detach();
  ledger_.gone(app);
}

void World::unlist(SidecarHost& sidecar) {
  listed_.erase(sidecar.host());
  announce();
}

std::vector<std::string> World::addresses() const {
  std::vector<std::string> addresses;
  addresses.reserve(listed_.size());
  for (const HostId host : listed_) addresses.push_back(sidecars_[host]->link_address());
  return addresses;
}

void World::announce() {
  for (const auto& sidecar : sidecars_) sidecar->set_addresses(addresses());
}

void World::run_for(TimeUs time) {
  clock_.run_until(clock_.now() + time);
}

bool World::run_until(TimeUs limit, const std::function<bool()>& done) {
  constexpr TimeUs kStep = 1 * kMillisecondUs;
  const TimeUs end = clock_.now() + limit;
  while (!done()) {
    if (clock_.now() >= end) return false;
    clock_.run_until(std::min(end, clock_.now() + kStep));
  }
  return true;
}

std::vector<SimApp*> World::living_apps() const {
  std::vector<SimApp*> living;
  for (const auto& app : apps_) {
    if (app->alive()) living.push_back(app.get());
  }
  return living;
}

std::vector<SimApp*> World::apps_of(const SidecarHost& home) const {
  std::vector<SimApp*> found;
  for (const auto& app : apps_) {
    if (app->alive() && &app->home() == &home) found.push_back(app.get());
  }
  return found;
}

std::vector<SidecarHost*> World::running() const {
  std::vector<SidecarHost*> found;
  for (const auto& sidecar : sidecars_) {
    if (sidecar->running()) found.push_back(sidecar.get());
  }
  return found;
}

std::uint64_t World::trace_hash() const {
  return trace_.hash() ^ (clock_.events() * 0x9e3779b97f4a7c15U) ^ stats_.get(Stat::kBytesCarried);
}

}  // namespace socketmesh::sim
