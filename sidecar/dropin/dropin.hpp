// Drop-in: apps on socket.io-mesh-adapter, unmodified, as a pure state machine: bytes, connections,
// what peers' sidecars say and time in; bytes and actions out.
//
// It is the discovery server of the apps of its pod, shares what registers there with the other
// sidecars over the links (node/channel.hpp), and carries connections between apps through them.
// docs/dropin.md describes what it promises, docs/protocol.md what sidecars say to one another.
//
// The shell calls the inputs below, and after each batch of them: (1) pump(), (2) carries out
// take_actions(), (3) writes what every connection in take_dirty() has (gather, written), (4) arms
// a timer for next_deadline(). Not thread-safe; one thread drives it. No exceptions: what a
// connection does wrong ends that connection, and is counted.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/core/node/channel.hpp"
#include "sidecar/dropin/counters.hpp"
#include "sidecar/dropin/limits.hpp"

namespace socketmesh::dropin {

using node::PeerKey;
// Names one connection. Chosen by the shell, never reused within one life.
using ConnId = std::uint64_t;

struct Options {
  bool carry = true;  // else direct
  std::string sidecar_id;
  std::string tunnel_address;  // "127.0.0.1:8001", as apps of this pod reach it
  // How other pods reach this one: a host. Takes the place of loopback in the address of a v1 app;
  // empty: addresses are passed on as they are.
  std::string advertise;
  std::uint64_t seed = 0;  // for nonces
  TimeUs peer_timeout = 3 * kSecondUs;
};

// How the state machine reaches the peers it was told of.
class MeshPort {
 public:
  virtual ~MeshPort() = default;
  virtual void send(PeerKey peer, wire::Bytes head, wire::Bytes body) = 0;
  // Bytes waiting to be written; SIZE_MAX without a link.
  virtual std::size_t backlog(PeerKey peer) const = 0;
};

struct Action {
  enum class Kind : std::uint8_t {
    kDial,    // connect to `port` of loopback, then dialed(`number`, conn) or dial_failed(`number`)
    kProbe,   // see whether `text` (host:port), or `port` of loopback when that is empty, accepts a
              // connection, then probed(`number`, answer)
    kClose,   // close `conn` once its gathered bytes are written, or at once when `abort`; do not
              // call closed() for it
    kResume,  // read `conn` again
    kSave,    // keep `text` for restore() in the next life
    kLog,     // `level`, `event` (a fixed name) and `text` (key=value fields)
  };
  enum class Level : std::uint8_t { kDebug, kInfo, kWarn };
  Kind kind = Kind::kLog;
  Level level = Level::kInfo;
  bool abort = false;
  std::uint16_t port = 0;
  ConnId conn = 0;
  std::uint64_t number = 0;
  std::string event;
  std::string text;
};

class DropIn {
 public:
  // The port outlives this.
  DropIn(Options options, MeshPort& mesh, TimeUs now);
  ~DropIn();
  DropIn(const DropIn&) = delete;
  DropIn& operator=(const DropIn&) = delete;

  // What apps must present; empty: nothing. Those that are registered stay.
  void set_token(std::string token);
  // What the last kSave of an earlier life of this sidecar said. Anything malformed is left out.
  void restore(std::string_view saved, TimeUs now);

  void discovery_opened(ConnId conn, TimeUs now);
  void tunnel_opened(ConnId conn, TimeUs now);
  void dialed(std::uint64_t number, ConnId conn, TimeUs now);
  void dial_failed(std::uint64_t number, TimeUs now);
  void probed(std::uint64_t number, bool accepts, TimeUs now);
  void received(ConnId conn, wire::Bytes bytes, TimeUs now);
  // Whether nothing more is to be read from `conn` until kResume: ask after each received(). What
  // comes all the same is taken.
  bool paused(ConnId conn) const;
  void closed(ConnId conn, TimeUs now);

  // Of Channel::kDropIn and the peers that speak it.
  void mesh_events(const node::ChannelEvents& events, TimeUs now);
  // Whether discovery has answered, and whether every address that it lists is linked.
  void set_mesh(bool known, bool settled, TimeUs now);
  // Whether set_mesh() is of interest no more.
  bool whole() const;

  // As those of node::Node.
  std::size_t gather(ConnId conn, std::span<wire::Bytes> out);
  void written(ConnId conn, std::size_t bytes, TimeUs now);
  // Hands to the links what waits for room there.
  void pump(TimeUs now);
  std::vector<ConnId> take_dirty();
  std::vector<Action> take_actions();
  void tick(TimeUs now);
  TimeUs next_deadline() const;

  // Ends every connection in order; nothing is accepted any more.
  void leave(TimeUs now);

  const Counters& counters() const;
  Status status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace socketmesh::dropin
