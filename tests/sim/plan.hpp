// What one seed does: sizes, limits, network, traffic and faults, all drawn from the seed and
// nothing else.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/network.hpp"
#include "tests/sim/sim_app.hpp"

namespace socketmesh::sim {

// Which promises a run is held to.
enum class Weather : std::uint8_t {
  kCalm,     // no faults: nothing lost, nothing twice, no gap
  kStormy,   // every fault, windows large, absences shorter than the timeouts: nothing lost, no gap
  kNarrow,   // every fault, small windows and queues: what is missing was declared
  kDrought,  // absences longer than the hold: what is missing was declared
};
const char* weather_name(Weather weather);

struct Plan {
  std::uint64_t seed = 0;
  Weather weather = Weather::kCalm;
  std::size_t sidecars = 3;
  std::size_t most_apps = 1;  // on one sidecar
  std::size_t namespaces = 1;
  std::size_t rooms = 4;  // in a namespace
  TimeUs duration = 4 * kSecondUs;
  TimeUs emit_every = 100 * kMillisecondUs;  // of one app, on average
  std::size_t small_body = 200;
  std::uint64_t large_permille = 5;  // of 100 KB bodies
  TimeUs fault_every = 0;            // 0: none
  TimeUs app_cut_every = 0;          // an app loses its connection; 0: never
  TimeUs stop_every = 0;             // sidecars are stopped and go on; 0: never
  TimeUs longest_partition = 5 * kSecondUs;
  TimeUs longest_absence = 1 * kSecondUs;  // of a killed sidecar, from its restart
  TimeUs longest_stall = 1 * kSecondUs;    // of an app that does not read
  node::Limits limits;
  NetOptions network;
  AppOptions app;

  static Plan of_seed(std::uint64_t seed);
  // The same with sidecars that are stopped for a while, but for droughts: what is declared to a
  // member that is away for longer than the hold, on a sidecar that stood still, is not demanded.
  static Plan of_stopping_seed(std::uint64_t seed);
  bool gaps_allowed() const { return weather == Weather::kNarrow || weather == Weather::kDrought; }
  std::string describe() const;
};

}  // namespace socketmesh::sim
