#include "tests/sim/plan.hpp"

#include <algorithm>
#include <cstdio>

namespace socketmesh::sim {

namespace {

constexpr std::size_t kKiB = 1024;
// Deliveries that one seed should cost, roughly: what keeps a thousand seeds within minutes.
constexpr std::size_t kDeliveriesWanted = 12'000;

std::size_t draw_sidecars(Rng& rng) {
  const std::uint64_t die = rng.below(100);
  if (die < 60) return static_cast<std::size_t>(rng.range(3, 6));
  if (die < 88) return static_cast<std::size_t>(rng.range(7, 12));
  if (die < 97) return static_cast<std::size_t>(rng.range(13, 24));
  return static_cast<std::size_t>(rng.range(25, 48));
}

Weather draw_weather(Rng& rng) {
  const std::uint64_t die = rng.below(100);
  if (die < 10) return Weather::kCalm;
  if (die < 60) return Weather::kStormy;
  return die < 80 ? Weather::kNarrow : Weather::kDrought;
}

NetOptions draw_network(Rng& rng) {
  NetOptions net;
  net.latency = rng.permille(200) ? rng.range(2, 40) * kMillisecondUs : rng.range(50, 1000);
  net.jitter = rng.range(0, net.latency);
  net.local_latency = rng.range(5, 60);
  net.buffer_bytes =
      rng.permille(300) ? static_cast<std::size_t>(rng.range(2, 16)) * kKiB : 256 * kKiB;
  return net;
}

void add_faults(Plan& plan, Rng& rng) {
  plan.fault_every = rng.range(40, 600) * kMillisecondUs;
  plan.network.spike_permille = rng.permille(400) ? static_cast<std::uint64_t>(rng.range(1, 4)) : 0;
  if (rng.permille(350)) {
    plan.network.records.drop = static_cast<std::uint64_t>(rng.range(0, 6));
    plan.network.records.duplicate = static_cast<std::uint64_t>(rng.range(0, 30));
    plan.network.records.reorder = static_cast<std::uint64_t>(rng.range(0, 10));
  }
}

void narrow(Plan& plan, Rng& rng) {
  plan.limits.chunk_bytes = static_cast<std::size_t>(rng.range(2, 16)) * kKiB;
  plan.limits.link_window_bytes = static_cast<std::size_t>(rng.range(24, 200)) * kKiB;
  plan.limits.member_queue_bytes = static_cast<std::size_t>(rng.range(16, 200)) * kKiB;
  plan.limits.volatile_backlog_bytes = static_cast<std::size_t>(rng.range(1, 32)) * kKiB;
  plan.limits.ack_bytes = 4 * kKiB;
  plan.app.retain = static_cast<std::size_t>(rng.range(8, 200));
  plan.small_body = 1500;
  plan.large_permille = 10;
  if (rng.permille(500)) plan.network.bytes_per_ms = static_cast<std::size_t>(rng.range(200, 4000));
}

void dry(Plan& plan, Rng& rng) {
  plan.limits.peer_timeout = rng.range(500, 1500) * kMillisecondUs;
  plan.limits.idle_timeout = plan.limits.peer_timeout;
  plan.limits.ping_interval = plan.limits.idle_timeout / 3;
  plan.limits.hold_time = plan.limits.peer_timeout + rng.range(200, 2000) * kMillisecondUs;
  plan.longest_partition = 2 * plan.limits.hold_time;
  plan.longest_absence = 2 * plan.limits.hold_time;
  plan.longest_stall = plan.limits.hold_time;
}

}  // namespace

const char* weather_name(Weather weather) {
  switch (weather) {
    case Weather::kCalm:
      return "calm";
    case Weather::kStormy:
      return "stormy";
    case Weather::kNarrow:
      return "narrow";
    case Weather::kDrought:
      return "drought";
  }
  return "?";
}

Plan Plan::of_seed(std::uint64_t seed) {
  Rng rng(seed * 0x2545f4914f6cdd1dU + 1);
  Plan plan;
  plan.seed = seed;
  plan.weather = draw_weather(rng);
  plan.sidecars = draw_sidecars(rng);
  plan.most_apps = static_cast<std::size_t>(rng.range(1, plan.sidecars > 24 ? 2 : 3));
  plan.namespaces = static_cast<std::size_t>(rng.range(1, 3));
  plan.rooms = static_cast<std::size_t>(rng.range(1, 12));
  plan.duration = rng.range(2, 9) * kSecondUs;
  plan.network = draw_network(rng);
  plan.app.taken_delay = rng.permille(400) ? rng.range(1, 25) * kMillisecondUs : 0;
  plan.app.answer_delay = rng.permille(400) ? rng.range(1, 60) * kMillisecondUs : 0;
  plan.app.two_part_answers = rng.permille(300);
  const std::size_t apps = plan.sidecars * (plan.most_apps + 1) / 2;
  const std::size_t messages = std::clamp<std::size_t>(kDeliveriesWanted / apps, 200, 1500);
  plan.emit_every = std::max<TimeUs>(
      plan.duration * static_cast<TimeUs>(apps) / static_cast<TimeUs>(messages), 200);
  if (plan.weather != Weather::kCalm) add_faults(plan, rng);
  if (plan.weather == Weather::kNarrow) narrow(plan, rng);
  if (plan.weather == Weather::kDrought) dry(plan, rng);
  // Drawn apart, so that the other numbers stay what they were before there were such cuts.
  Rng cuts(seed * 0x9e3779b97f4a7c15U + 7);
  if (plan.weather != Weather::kCalm && cuts.permille(300))
    plan.app_cut_every = cuts.range(100, 1500) * kMillisecondUs;
  if (plan.gaps_allowed()) plan.app.request_timeout = 5 * kSecondUs;
  return plan;
}

Plan Plan::of_stopping_seed(std::uint64_t seed) {
  Plan plan = of_seed(seed);
  if (plan.weather == Weather::kDrought) return plan;
  Rng stops(seed * 0xbf58476d1ce4e5b9U + 3);
  plan.stop_every = stops.range(500, 4000) * kMillisecondUs;
  return plan;
}

std::string Plan::describe() const {
  char text[200];
  std::snprintf(text, sizeof text,
                "%s, %zu sidecars with up to %zu apps, %zu namespaces, %lld s, latency %lld us",
                weather_name(weather), sidecars, most_apps, namespaces,
                static_cast<long long>(duration / kSecondUs),
                static_cast<long long>(network.latency));
  return text;
}

}  // namespace socketmesh::sim
