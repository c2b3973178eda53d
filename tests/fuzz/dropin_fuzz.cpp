// The whole of drop-in under a script: apps and a peer's sidecar that say anything, in any order,
// over connections and links that come and go. Bounds must hold throughout.
#include <array>
#include <set>
#include <string>

#include "sidecar/dropin/dropin.hpp"
#include "sidecar/dropin/websocket/frames.hpp"
#include "sidecar/dropin/websocket/upgrade.hpp"
#include "sidecar/dropin/wire/msgpack.hpp"
#include "tests/fuzz/input.hpp"

namespace socketmesh::fuzz {
namespace {

using dropin::kSecondUs;

constexpr dropin::PeerKey kPeer = 3;
// What may wait for one connection: a tunnel's window, or the roster of a client that does not
// read.
constexpr std::size_t kOutBytesMax = 2 * dropin::kDiscoveryBacklogBytesMax;

class Driver final : public dropin::MeshPort {
 public:
  void run(Input& input) {
    while (!input.empty()) step(input);
    core_.tick(now_ += 60 * kSecondUs);
    turn();
  }

 private:
  void send(dropin::PeerKey peer, Bytes head, Bytes body) override {
    require(peer == kPeer && up_ != Link::kNone);
    require(head.size() + body.size() <= 64U << 10U);
  }
  std::size_t backlog(dropin::PeerKey /*peer*/) const override {
    return up_ == Link::kUp ? backlog_ : SIZE_MAX;
  }

  void step(Input& input) {
    const std::uint8_t op = input.byte();
    const std::size_t slot = input.byte() % slots_.size();
    const dropin::ConnId conn = slots_.at(slot);
    switch (op % 16) {
      case 0:
        open_app(slot, true);
        break;
      case 1:
        open_app(slot, false);
        break;
      case 2:
        core_.received(conn, input.bytes(input.byte()), now_);
        break;
      case 3:
        framed(conn, input.bytes(input.byte()));
        break;
      case 4:
        registers(conn, input.byte());
        break;
      case 5:
        if (open_.erase(conn) > 0) core_.closed(conn, now_);
        break;
      case 6:
        peer(static_cast<node::ChannelEvent::Kind>(input.byte() % 4), {});  // all but kFrame
        break;
      case 7:
        peer(node::ChannelEvent::Kind::kFrame, input.bytes(input.byte()));
        break;
      case 8:
        core_.tick(now_ += kSecondUs / 20 * input.byte());
        break;
      case 9:
        backlog_ = input.byte() * 4096U;
        break;
      case 10:
        reads_ = input.byte() % 2 == 0;
        break;
      case 11:
        upgrade(conn);
        break;
      case 12:
        accepts_ = input.byte() % 2 == 0;
        break;
      default:
        settled_ = op % 2 == 0;
        break;
    }
    turn();
  }

  void open_app(std::size_t slot, bool discovery) {
    const dropin::ConnId conn = next_++;
    slots_.at(slot) = conn;
    open_.insert(conn);
    if (discovery) {
      core_.discovery_opened(conn, now_);
    } else {
      core_.tunnel_opened(conn, now_);
    }
    upgrade(conn);
  }

  void upgrade(dropin::ConnId conn) {
    const std::string text = dropin::ws::request("h", "/00000000000000b" + std::to_string(conn % 8),
                                                 "c2l4dGVlbiBieXRlcyAuLg==");
    core_.received(conn, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now_);
  }

  void framed(dropin::ConnId conn, Bytes payload) {
    wire::Buffer out;
    const auto role =
        dialed_.contains(conn) ? dropin::ws::Role::kServer : dropin::ws::Role::kClient;
    dropin::ws::write_frame(out, role, dropin::ws::Opcode::kBinary, true, payload);
    core_.received(conn, out, now_);
  }

  void registers(dropin::ConnId conn, std::uint8_t which) {
    const std::string v1 = "00000000-0000-0000-0000-00000000000" + std::to_string(which % 8);
    const std::string v2 = "00000000000000a" + std::to_string(which % 8);
    wire::Buffer out;
    dropin::msgpack::write_map_head(out, 3);
    for (const std::string& text :
         {std::string("type"), std::string("register"), std::string("serverId"),
          which % 16 < 8 ? v1 : v2, std::string("address"),
          "ws://localhost:" + std::to_string(1 + which)})
      dropin::msgpack::write_text(out, text);
    framed(conn, out);
  }

  void peer(node::ChannelEvent::Kind kind, Bytes payload) {
    using Kind = node::ChannelEvent::Kind;
    if (kind != Kind::kStarted && up_ == Link::kNone) return;
    if (kind == Kind::kFrame && up_ != Link::kUp) return;
    node::ChannelEvents events;
    node::ChannelEvent& event = events.list.emplace_back();
    event.kind = kind;
    event.peer = kPeer;
    event.channels = node::channel_bit(node::Channel::kDropIn);
    event.id = "peer";
    event.size = payload.size();
    events.bytes.assign(payload.begin(), payload.end());
    if (kind == Kind::kStarted || kind == Kind::kLinked) up_ = Link::kUp;
    if (kind == Kind::kLost) up_ = Link::kLost;
    core_.mesh_events(events, now_);
    if (kind == Kind::kGone) up_ = Link::kNone;
  }

  void turn() {
    core_.set_mesh(true, settled_, now_);
    core_.pump(now_);
    for (const dropin::Action& action : core_.take_actions()) perform(action);
    for (const dropin::ConnId conn : core_.take_dirty()) flush(conn);
    require(core_.next_deadline() > 0);
    const dropin::Status status = core_.status();
    require(status.tunnels.size() <= dropin::kTunnelsPerPeerMax);
  }

  void perform(const dropin::Action& action) {
    using Kind = dropin::Action::Kind;
    if (action.kind == Kind::kClose) {
      if (!action.abort) flush(action.conn);
      open_.erase(action.conn);
      dialed_.erase(action.conn);
    } else if (action.kind == Kind::kDial && accepts_) {
      const dropin::ConnId conn = next_++;
      slots_.at(conn % slots_.size()) = conn;
      open_.insert(conn);
      dialed_.insert(conn);
      core_.dialed(action.number, conn, now_);
    } else if (action.kind == Kind::kDial) {
      core_.dial_failed(action.number, now_);
    } else if (action.kind == Kind::kProbe) {
      core_.probed(action.number, accepts_, now_);
    }
  }

  void flush(dropin::ConnId conn) {
    std::array<Bytes, 8> spans;
    const std::size_t count = core_.gather(conn, spans);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) bytes += spans.at(i).size();
    require(bytes <= kOutBytesMax);
    if (reads_ && bytes > 0) core_.written(conn, bytes, now_);
  }

  enum class Link : std::uint8_t { kNone, kUp, kLost };
  dropin::TimeUs now_ = kSecondUs;
  Link up_ = Link::kNone;
  std::size_t backlog_ = 0;
  bool reads_ = true;
  bool accepts_ = true;
  bool settled_ = true;
  std::array<dropin::ConnId, 16> slots_{};  // the connection that a script means by a number
  dropin::ConnId next_ = 1;
  std::set<dropin::ConnId> open_;
  std::set<dropin::ConnId> dialed_;
  dropin::DropIn core_{options(), *this, now_};

  static dropin::Options options() {
    dropin::Options options;
    options.sidecar_id = "own";
    options.tunnel_address = "127.0.0.1:8001";
    return options;
  }
};

}  // namespace
}  // namespace socketmesh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  socketmesh::fuzz::Input input(data, size);
  socketmesh::fuzz::Driver().run(input);
  return 0;
}
