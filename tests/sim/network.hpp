// A virtual network of byte connections between hosts (pods): latency, partial writes, odd cuts,
// partitions, resets, silence.
//
// What TCP promises holds: bytes arrive in order or the connection ends. What it does not promise
// is used: a write takes part of the bytes, a read shows any cut of them, a reset loses what was in
// flight, and a peer that went silent looks alive. A partition withholds bytes and ends alike;
// after it, what is still connected goes on, unless it was forgotten (a NAT entry, a dead host).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/sim/pipe.hpp"
#include "tests/sim/record_mangler.hpp"
#include "tests/sim/rng.hpp"
#include "tests/sim/scheduler.hpp"
#include "tests/sim/stats.hpp"
#include "tests/sim/trace.hpp"

namespace socketmesh::sim {

using EndId = std::uint64_t;   // one end of one connection; never used again
using HostId = std::uint32_t;  // where a process runs; partitions are between hosts

// A process on the network. Not called from inside its own calls into Network.
class NetUser {
 public:
  virtual ~NetUser() = default;
  virtual void dialed(EndId end, const std::string& address) = 0;
  virtual void dial_failed(const std::string& address, const char* reason) = 0;
  virtual void accepted(EndId end, const std::string& listener, const std::string& remote) = 0;
  virtual void readable(EndId end, Bytes bytes) = 0;
  virtual void writable(EndId end) = 0;
  virtual void closed(EndId end) = 0;
};

struct NetOptions {
  TimeUs latency = 300;  // one way, between hosts
  TimeUs jitter = 200;
  TimeUs local_latency = 15;  // on one host
  std::size_t buffer_bytes = 256U << 10U;
  std::size_t bytes_per_ms = 0;      // of a connection; 0 = unbounded
  std::uint64_t spike_permille = 0;  // writes that are held back for long
  RecordFaults records;
};

class Network {
 public:
  Network(Scheduler& clock, Rng rng, Stats& stats, Trace& trace, NetOptions options)
      : clock_(clock), rng_(rng), stats_(stats), trace_(trace), options_(options) {}

  void listen(const std::string& address, HostId host, NetUser* user);
  void unlisten(const std::string& address);
  void dial(NetUser* user, HostId from, const std::string& address);
  // Takes what fits; the user is told by writable() when there is room again.
  std::size_t write(EndId end, Bytes bytes);
  void close(EndId end);  // after what was written
  void abort(EndId end);  // at once, losing what is in flight
  void pause(EndId end, bool on);

  // The process is gone. Silent: its host lost power, nobody is told until it is back.
  void kill(NetUser* user, HostId host, bool silent);
  void host_is_back(HostId host);

  // Faults.
  void block(HostId from, HostId to);
  void heal_all();
  bool blocked(HostId from, HostId to) const { return blocked_.contains({from, to}); }
  // Ends, or silences for good, one random connection between hosts; false when there is none.
  bool cut_one();
  bool forget_one();
  void cut_between(HostId a, HostId b);
  // Every connection of one host, as when its node's network is gone for a moment.
  void cut_off(HostId host);
  void end_faults();

  std::size_t connections() const { return connections_.size(); }

 private:
  struct Side {
    EndId id = 0;
    NetUser* user = nullptr;  // null: closed or dead
    HostId host = 0;
    bool open = false;  // the user knows of it
    bool paused = false;
    bool wants_room = false;
    Pipe in;  // towards this side
    TimeUs armed = node::kNever;
    std::unique_ptr<RecordMangler> mangler;  // of what this side writes
    FrameStream tap;                         // of what this side writes, while everything is traced
  };
  struct Connection {
    std::uint64_t id = 0;
    Side side[2];
    TimeUs latency = 0;
    TimeUs free_at[2] = {0, 0};  // when the wire towards a side has carried what it got
    bool forgotten = false;
  };
  struct Dial {
    NetUser* user;
    HostId from;
    std::string address;
    TimeUs deadline;
  };

  Connection* find(EndId end);
  static int side_of(const Connection& c, EndId end) { return c.side[0].id == end ? 0 : 1; }
  bool stalled(const Connection& c, int to) const;
  TimeUs arrival(Connection& c, int to, std::size_t bytes);
  void tap(Connection& c, int from, Bytes bytes);
  void carry(Connection& c, int to, std::string_view bytes);
  void arm(Connection& c, int to);
  void deliver(EndId end);
  void offer_room(Connection& c, int writer);
  void try_dial(std::uint64_t dial);
  void connect(const Dial& dial, HostId to, NetUser* listener);
  void accept(EndId end, const std::string& listener, const std::string& remote);
  void reset(Connection& c);
  void watch_mangler(Connection& c, int from);
  void remove_if_dead(Connection& c);
  std::vector<Connection*> between_hosts();

  Scheduler& clock_;
  Rng rng_;
  Stats& stats_;
  Trace& trace_;
  NetOptions options_;
  std::map<std::string, std::pair<HostId, NetUser*>> listeners_;
  std::map<std::string, HostId> addresses_;  // every address that ever listened
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::unordered_map<EndId, Connection*> ends_;
  std::map<std::uint64_t, Dial> dials_;
  std::set<std::pair<HostId, HostId>> blocked_;
  std::set<HostId> dark_;  // hosts without power
  std::uint64_t next_id_ = 1;
};

}  // namespace socketmesh::sim
