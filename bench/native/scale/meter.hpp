// A mesh of N sidecars with an app each, in the simulator: what a start, rest, joins, a message, a
// newcomer and a death cost. Times are virtual, over a network of 0.3 ms one way, and say what the
// protocol needs; memory and CPU are real, those of this process with its model apps and its model
// network, and so upper bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "tests/sim/world.hpp"

namespace socketmesh::bench {

struct ScaleResult {
  std::size_t sidecars = 0;
  std::size_t links = 0;   // of one sidecar
  double start_ms = 0;     // all at once, until every app sees all others
  double start_bytes = 0;  // on links, of one sidecar
  double start_cpu_ms = 0;
  double resident_kib = 0;  // of one sidecar
  double rest_bytes_per_s = 0;
  double join_ms = 0;              // an awaited join, the slowest of all apps' at once
  double join_bytes = 0;           // of one room, written by the sidecar that joins
  double resident_join_bytes = 0;  // of one room joined anywhere, in one sidecar
  double message_ms = 0;           // one message to all, until the last has it
  double newcomer_ms = 0;          // a pod comes: until all see it, and it sees all
  double death_ms = 0;             // an app is killed: until all know
  double silence_ms = 0;           // a machine falls silent: until all know
};

class Meter {
 public:
  explicit Meter(std::size_t sidecars);
  ScaleResult run();

 private:
  struct Mark {
    sim::TimeUs virtual_us;
    double cpu_ms;
    std::size_t resident;
    std::uint64_t link_bytes;
  };

  void start();
  void rest();
  void joins();
  void message();
  void newcomer();
  void deaths();

  [[nodiscard]] Mark mark() const;
  // Runs until `done`, and returns the virtual milliseconds that took. Throws when it takes a
  // minute.
  double until(const char* what, const std::function<bool()>& done);
  // Whether every living app sees so many others.
  [[nodiscard]] bool all_see(std::size_t others) const;

  std::size_t count_;
  sim::World world_;
  ScaleResult result_;
};

}  // namespace socketmesh::bench
