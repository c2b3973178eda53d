// One sidecar as a pure state machine: bytes, connections, addresses and time in; bytes and actions
// out.
//
// The shell (or the simulator) owns sockets, the clock and randomness. It calls the `*_opened`,
// `received`, `closed`, `tick` inputs, and after each batch of inputs: (1) carries out
// take_actions(), (2) writes what every connection in take_dirty() has to send (gather, write,
// written), (3) arms one timer for next_deadline(). Not thread-safe; one thread drives it. No
// exceptions: a protocol error closes the connection that made it and counts it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/core/node/channel.hpp"
#include "sidecar/core/node/counters.hpp"
#include "sidecar/core/node/limits.hpp"
#include "sidecar/core/node/status.hpp"

namespace socketmesh::node {

// Names one connection, app or link. Chosen by the shell, never reused within one node's life.
using ConnId = std::uint64_t;

struct NodeConfig {
  std::string mesh;
  std::string sidecar_id;      // stable over restarts
  std::uint64_t epoch = 0;     // larger in each later life of the same sidecar_id
  std::uint64_t seed = 0;      // for jitter
  std::uint32_t channels = 0;  // bits (channel_bit) of those that this sidecar speaks
  std::string node;            // the machine that it runs on; "" unknown
  Limits limits;
};

struct Action {
  enum class Kind : std::uint8_t {
    kDial,   // open a link connection to `address`, then link_opened(conn, address) or
             // dial_failed(address)
    kClose,  // close `conn` once its gathered bytes are written, or at once when `abort`; do not
             // call closed() for it
    kLog,    // `level`, `event` (a fixed name) and `text` (key=value fields) for the log
  };
  enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError };
  Kind kind;
  Level level = Level::kInfo;
  bool abort = false;
  ConnId conn = 0;
  std::string address;
  std::string event;
  std::string text;
};

class Node {
 public:
  Node(NodeConfig config, TimeUs now);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // What discovery lists now. An empty or partial list never drops a live link; own addresses are
  // found out and left alone.
  void set_addresses(std::span<const std::string> addresses, TimeUs now);

  void app_opened(ConnId conn, TimeUs now);
  // `dialed` is the address of the kDial action, empty for an accepted connection. `remote` is for
  // people only.
  void link_opened(ConnId conn, std::string_view dialed, std::string_view remote, TimeUs now);
  void dial_failed(std::string_view address, std::string_view reason, TimeUs now);
  // Bytes as they came, in any cut. Copies what it must keep. A connection that was closed by an
  // action is ignored.
  void received(ConnId conn, std::span<const std::uint8_t> bytes, TimeUs now);
  void closed(ConnId conn, TimeUs now);

  // Bytes to write next on `conn`, in order, valid until the next call on this node other than
  // gather. Fills at most out.size(), which must be at least 2 (a frame of the connection may have
  // to follow the rest of a record); returns 0 for fewer.
  std::size_t gather(ConnId conn, std::span<std::span<const std::uint8_t>> out);
  // The shell wrote the next `bytes` of what gather showed.
  void written(ConnId conn, std::size_t bytes, TimeUs now);
  // Connections that got something to send since the last call.
  std::vector<ConnId> take_dirty();
  std::vector<Action> take_actions();

  void tick(TimeUs now);
  // When tick() has something to do, within 10 ms; it may be early, and then does nothing. Costs
  // the same with any number of peers.
  TimeUs next_deadline() const;

  // Says goodbye to peers and members. drained() when every goodbye was written.
  void leave(TimeUs now);
  bool drained() const;

  // See channel.hpp. `head` and `body` make one payload, of at most kChannelPayloadBytesMax. To a
  // peer that is gone, or whose stream is about to begin anew, nothing is sent. The connection is
  // dirty then; not an input with a time of its own.
  void channel_send(Channel channel, PeerKey peer, std::span<const std::uint8_t> head,
                    std::span<const std::uint8_t> body = {});
  // Bytes of every kind that wait to be written to the peer; SIZE_MAX without a link.
  std::size_t channel_backlog(PeerKey peer) const;
  // Replaces what is in `out`.
  void take_channel_events(ChannelEvents& out);
  bool addresses_known() const;
  // Discovery has answered (addresses_known), and every address that it lists is this sidecar's own
  // or leads to a linked peer.
  bool settled() const;

  const Counters& counters() const;
  Status status(TimeUs now) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace socketmesh::node
