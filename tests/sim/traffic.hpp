// What the applications of a random run do: emit in every way that the adapter has, join and leave,
// ask and answer.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sim/plan.hpp"
#include "tests/sim/world.hpp"

namespace socketmesh::sim {

class Traffic {
 public:
  Traffic(World& world, const Plan& plan, Rng rng) : world_(world), plan_(plan), rng_(rng) {}

  // A new app on that sidecar, with namespaces and rooms of its own, acting until stop().
  void launch(SidecarHost& home);
  void stop() { stopped_ = true; }

 private:
  void act_later(SimApp& app);
  void act(SimApp& app);
  void emit_to_rooms(SimApp& app);
  void emit_to_namespace(SimApp& app);
  void emit_volatile(SimApp& app);
  void ask(SimApp& app);
  void join_and_probe(SimApp& app);
  void leave_something(SimApp& app);
  void make_others_join(SimApp& app);
  void make_others_leave(SimApp& app);
  void open_or_close(SimApp& app);
  void probe(SimApp& joined, const std::string& nsp, const std::string& room);

  Data message(const std::string& nsp);
  std::string body();
  std::string some_namespace(SimApp& app);
  std::string some_room();

  World& world_;
  const Plan& plan_;
  Rng rng_;
  bool stopped_ = false;
  std::uint64_t next_private_room_ = 0;
  // What to probe once a SYNC is answered, by (app number, sync id).
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<std::string, std::string>> probes_;
};

}  // namespace socketmesh::sim
