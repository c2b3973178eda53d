#include "bench/native/scale/meter.hpp"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace socketmesh::bench {
namespace {

using node::kMillisecondUs;
using node::kSecondUs;
using sim::SidecarHost;
using sim::SimApp;
using sim::TimeUs;

constexpr TimeUs kLongest = 60 * kSecondUs;
constexpr TimeUs kStep = 1 * kMillisecondUs;
constexpr int kRestSeconds = 10;
constexpr std::size_t kRoomsOfAnApp = 100;
constexpr std::size_t kBodyBytes = 128;
constexpr double kUsPerMs = 1000;

sim::WorldOptions options() {
  sim::WorldOptions world;
  world.seed = 1;
  world.network.buffer_bytes = 4U << 20U;
  return world;
}

double cpu_ms() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

}  // namespace

Meter::Meter(std::size_t sidecars) : count_(sidecars), world_(options()) {
  result_.sidecars = sidecars;
  result_.links = sidecars - 1;
}

ScaleResult Meter::run() {
  start();
  rest();
  joins();
  message();
  newcomer();
  deaths();
  return result_;
}

Meter::Mark Meter::mark() const {
  std::uint64_t bytes = 0;
  for (const SidecarHost* sidecar : world_.running()) bytes += sidecar->link_bytes_out();
  return {world_.now(), cpu_ms(), ::mallinfo2().uordblks, bytes};
}

double Meter::until(const char* what, const std::function<bool()>& done) {
  const TimeUs begun = world_.now();
  while (!done()) {
    if (world_.now() - begun > kLongest)
      throw std::runtime_error(std::string(what) + " never ends");
    world_.run_for(kStep);
  }
  return static_cast<double>(world_.now() - begun) / kUsPerMs;
}

bool Meter::all_see(std::size_t others) const {
  const auto& apps = world_.apps();
  return std::all_of(apps.begin(), apps.end(), [others](const auto& app) {
    return !app->alive() || app->peers().size() == others;
  });
}

void Meter::start() {
  const Mark before = mark();
  for (std::size_t i = 0; i < count_; ++i) world_.add_app(world_.add_sidecar());
  result_.start_ms = until("the start", [this] { return all_see(count_ - 1); });
  const Mark after = mark();
  const auto each = static_cast<double>(count_);
  result_.start_bytes = static_cast<double>(after.link_bytes - before.link_bytes) / each;
  result_.start_cpu_ms = (after.cpu_ms - before.cpu_ms) / each;
  result_.resident_kib = static_cast<double>(after.resident - before.resident) / 1024 / each;
}

void Meter::rest() {
  world_.run_for(kSecondUs);
  const Mark before = mark();
  world_.run_for(kRestSeconds * kSecondUs);
  const Mark after = mark();
  result_.rest_bytes_per_s = static_cast<double>(after.link_bytes - before.link_bytes) /
                             static_cast<double>(count_) / kRestSeconds;
}

void Meter::joins() {
  const Mark before = mark();
  for (const auto& app : world_.apps()) {
    std::vector<std::string> rooms;
    rooms.reserve(kRoomsOfAnApp);
    for (std::size_t i = 0; i < kRoomsOfAnApp; ++i)
      rooms.push_back("room " + std::to_string(app->number()) + "." + std::to_string(i));
    app->join("/", rooms);
    app->sync();
  }
  result_.join_ms = until("a join", [this] {
    const auto& apps = world_.apps();
    return std::all_of(apps.begin(), apps.end(),
                       [](const auto& app) { return app->pending_syncs() == 0; });
  });
  const Mark after = mark();
  const double rooms = static_cast<double>(count_ * kRoomsOfAnApp);
  result_.join_bytes = static_cast<double>(after.link_bytes - before.link_bytes) / rooms;
  result_.resident_join_bytes =
      static_cast<double>(after.resident - before.resident) / rooms / static_cast<double>(count_);
}

void Meter::message() {
  SimApp& publisher = *world_.apps().front();
  sim::Data data;
  data.nsp = "/";
  data.body.assign(kBodyBytes, 'x');
  const std::uint64_t before = world_.stats().get(sim::Stat::kDelivered);
  publisher.publish(data);
  result_.message_ms = until("a message", [&] {
    return world_.stats().get(sim::Stat::kDelivered) - before == count_ - 1;
  });
}

void Meter::newcomer() {
  world_.add_app(world_.add_sidecar());
  result_.newcomer_ms = until("a newcomer", [this] { return all_see(count_); });
}

void Meter::deaths() {
  world_.run_for(kSecondUs);
  world_.crash_app(*world_.apps().back());
  result_.death_ms = until("a death", [this] { return all_see(count_ - 1); });
  // A whole machine: its app dies with it.
  SimApp& app = *world_.apps()[count_ - 1];
  SidecarHost& machine = app.home();
  world_.crash_app(app);
  machine.crash(true);
  world_.unlist(machine);
  result_.silence_ms = until("a silent death", [this] { return all_see(count_ - 2); });
}

}  // namespace socketmesh::bench
