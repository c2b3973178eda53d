// One sidecar process: the real node::Node, and around it what the shell does (carry out actions,
// write what is dirty, keep one timer).
//
// Turns: inputs of one loop turn are handled before anything is written, as an event loop does; how
// long a turn is, chance decides. Checks what any shell must be able to rely on: a deadline that
// moves, writes that end, bounded ticks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/node/node.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/trace.hpp"

namespace socketmesh::sim {

class SidecarHost : public NetUser {
 public:
  struct Env {
    Scheduler& clock;
    Network& network;
    Trace& trace;
    Stats& stats;
  };

  SidecarHost(Env env, Rng rng, HostId host, node::NodeConfig config);
  ~SidecarHost() override;
  SidecarHost(const SidecarHost&) = delete;
  SidecarHost& operator=(const SidecarHost&) = delete;

  // A new life, with a larger epoch than the one before.
  void start();
  // SIGKILL: everything it knew is gone. Silent: the whole machine, so that peers are not told.
  void crash(bool silent);
  // SIGTERM: goodbyes, then the process ends by itself once they are written.
  void leave();
  void set_addresses(std::vector<std::string> addresses);
  // SIGSTOP: what happens to it is not seen before SIGCONT, and then all of it at once, in order.
  // The other signals imply SIGCONT.
  void freeze();
  void thaw();

  bool running() const { return node_ != nullptr; }
  bool leaving() const { return leaving_; }
  bool frozen() const { return frozen_; }
  node::Node& node() { return *node_; }
  // A turn of the event loop follows: after something was done to node() from outside.
  void touch();
  node::Status status() const { return node_->status(env_.clock.now()); }
  const node::NodeConfig& config() const { return config_; }
  const std::string& id() const { return config_.sidecar_id; }
  HostId host() const { return host_; }
  std::uint64_t epoch() const { return config_.epoch; }
  std::string link_address() const;
  std::string app_address() const;
  // When it last died, for the rules about how long an absence may be.
  TimeUs down_since() const { return down_since_; }
  std::uint64_t ticks() const { return ticks_; }
  // Bytes written to links in this life.
  std::uint64_t link_bytes_out() const { return node_->counters().link_bytes_out; }
  // Peers with a finished handshake. Two equal answers mean the same unbroken link to the same
  // life.
  struct LinkLife {
    TimeUs since;
    std::uint64_t epoch;
    bool operator==(const LinkLife&) const = default;
  };
  std::map<std::string, LinkLife> links() const;

  void dialed(EndId end, const std::string& address) override;
  void dial_failed(const std::string& address, const char* reason) override;
  void accepted(EndId end, const std::string& listener, const std::string& remote) override;
  void readable(EndId end, Bytes bytes) override;
  void writable(EndId end) override;
  void closed(EndId end) override;

 private:
  void turn(std::uint64_t life);
  void run_action(const node::Action& action);
  void push(EndId end);
  void arm_timer();
  void on_timer(std::uint64_t life, TimeUs when);
  void finish_close(EndId end);
  void die(bool silent);
  // True while it is frozen: `event` is for later.
  bool delays(std::function<void()> event);

  Env env_;
  Rng rng_;
  HostId host_;
  node::NodeConfig config_;
  std::unique_ptr<node::Node> node_;
  std::optional<std::vector<std::string>> addresses_;
  std::set<EndId> closing_;  // their last bytes are being written
  std::uint64_t life_ = 0;   // events of an earlier life are void
  bool turn_pending_ = false;
  bool leaving_ = false;
  bool frozen_ = false;
  std::vector<std::function<void()>> delayed_;
  TimeUs armed_ = node::kNever;
  TimeUs down_since_ = 0;
  std::uint64_t ticks_ = 0;
  TimeUs last_tick_ = -1;
  std::uint64_t ticks_at_once_ = 0;
};

}  // namespace socketmesh::sim
