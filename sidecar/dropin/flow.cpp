// The bytes of tunnels. A side sends while its peer gives it credit, and while the link does not
// wait to be written; else it stops reading its app. Credit comes back as the far app reads.
#include <algorithm>
#include <utility>

#include "sidecar/dropin/impl.hpp"

namespace socketmesh::dropin {

namespace {

// Credit is given back in steps of this.
constexpr std::size_t kCreditStep = kTunnelWindowBytes / 4;
// Nothing smaller is cut off a message to use up a rest of credit.
constexpr std::size_t kLeastFragmentBytes = 1024;

}  // namespace

void DropIn::Impl::from_app(Conn& conn, Bytes piece, bool text, bool last) {
  Tunnel* tunnel = conn.tunnel;
  if (tunnel == nullptr) return;
  counters.bytes_in += piece.size();
  if (last) ++counters.messages_in;
  if (!tunnel->waiting.empty()) return wait(*tunnel, piece, text, last);
  do {
    const auto sent = send_fragment(*tunnel, piece, text, last);
    if (!sent) return wait(*tunnel, piece, text, last);
    piece = piece.subspan(*sent);
  } while (!piece.empty());
}

// Sends the beginning of `bytes`, and says how much it was; nothing when it must wait.
std::optional<std::size_t> DropIn::Impl::send_fragment(Tunnel& tunnel, Bytes bytes, bool text,
                                                       bool last) {
  const std::size_t least = std::min(bytes.size(), kLeastFragmentBytes) + kFragmentCost;
  if (tunnel.credit < least || mesh.backlog(tunnel.key.peer) > kLinkBacklogBytesMax)
    return std::nullopt;
  const std::size_t size =
      std::min({bytes.size(), kFragmentBytesMax, tunnel.credit - kFragmentCost});
  const auto head = peer::data_head(tunnel.key.number, last && size == bytes.size(), text);
  mesh.send(tunnel.key.peer, head, bytes.first(size));
  tunnel.credit -= size + kFragmentCost;
  return size;
}

void DropIn::Impl::wait(Tunnel& tunnel, Bytes rest, bool text, bool last) {
  tunnel.waiting.push_back({Buffer(rest.begin(), rest.end()), 0, last, text});
  tunnel.waiting_bytes += rest.size();
  if (tunnel.conn != nullptr) tunnel.conn->paused = true;
  if (tunnel.in_ring) return;
  tunnel.in_ring = true;
  ring.push_back(tunnel.key);
}

void DropIn::Impl::resume(Conn& conn) {
  if (!conn.paused) return;
  conn.paused = false;
  Action action;
  action.kind = Action::Kind::kResume;
  action.conn = conn.id;
  actions.push_back(std::move(action));
}

// One fragment; false when it must wait on.
bool DropIn::Impl::pump_one(Tunnel& tunnel) {
  Piece& piece = tunnel.waiting.front();
  const auto sent =
      send_fragment(tunnel, Bytes(piece.bytes).subspan(piece.at), piece.text, piece.last);
  if (!sent) return false;
  piece.at += *sent;
  tunnel.waiting_bytes -= *sent;
  if (piece.at == piece.bytes.size()) tunnel.waiting.pop_front();
  return true;
}

// A fragment each in turn, so that a large message of one tunnel does not hold up the others.
void DropIn::Impl::pump() {
  bool progress = true;
  while (progress) {
    progress = false;
    for (std::size_t left = ring.size(); left > 0; --left) {
      const TunnelKey key = ring.front();
      ring.pop_front();
      const auto found = tunnels.find(key);
      if (found == tunnels.end()) continue;
      Tunnel& tunnel = *found->second;
      if (pump_one(tunnel)) progress = true;
      if (!tunnel.waiting.empty()) {
        ring.push_back(key);
        continue;
      }
      tunnel.in_ring = false;
      if (tunnel.ending) {
        say_ending(tunnel);
      } else if (tunnel.conn != nullptr) {
        resume(*tunnel.conn);
      }
    }
  }
}

void DropIn::Impl::to_app(Tunnel& tunnel, const peer::Data& data) {
  if (tunnel.conn == nullptr) return;
  if (!tunnel.open) return cut_tunnel(tunnel, CloseReason::kCredit);
  tunnel.unsettled += data.bytes.size() + kFragmentCost;
  if (tunnel.unsettled > kTunnelWindowBytes) return cut_tunnel(tunnel, CloseReason::kCredit);
  counters.bytes_out += data.bytes.size();
  if (data.last) ++counters.messages_out;
  if (tunnel.expects_hello) return hello(tunnel, data);
  write_to_app(tunnel, data.bytes, data.text, data.last);
}

// The first message to an acceptor. The app keeps the address in it, and cuts the peer whenever its
// roster shows another one.
void DropIn::Impl::hello(Tunnel& tunnel, const peer::Data& data) {
  const bool starts = tunnel.hello.empty();
  const bool other =
      starts && (data.text || data.bytes.empty() || data.bytes.front() != kHelloKind);
  if (other) {
    tunnel.expects_hello = false;
    return write_to_app(tunnel, data.bytes, data.text, data.last);
  }
  if (tunnel.hello.size() + data.bytes.size() > kMessageHeadBytesMax)
    return cut_tunnel(tunnel, CloseReason::kBadHello);
  tunnel.hello.insert(tunnel.hello.end(), data.bytes.begin(), data.bytes.end());
  if (!data.last) return;
  tunnel.expects_hello = false;
  const Buffer said = std::exchange(tunnel.hello, {});
  const auto uid = hello_uid(said);
  const auto address = uid ? shown_address(*uid) : std::nullopt;
  const auto rewritten = address ? rewrite_hello(said, *address) : std::nullopt;
  if (rewritten) ++counters.hellos_rewritten;
  write_to_app(tunnel, rewritten ? *rewritten : said, false, true);
}

void DropIn::Impl::write_to_app(Tunnel& tunnel, Bytes bytes, bool text, bool last) {
  Conn& conn = *tunnel.conn;
  const ws::Opcode first = text ? ws::Opcode::kText : ws::Opcode::kBinary;
  const ws::Opcode opcode = tunnel.in_message ? ws::Opcode::kContinuation : first;
  tunnel.in_message = !last;
  ws::write_frame(conn.out.tail(bytes.size() + ws::kHeadBytesMax), conn.role, opcode, last, bytes);
  dirty(conn);
}

// What the app's connection does not hold any more may be sent again. A held byte stands for more
// than one of credit (kFragmentCost), which only makes this a little generous.
void DropIn::Impl::give_credit(Tunnel& tunnel) {
  if (tunnel.conn == nullptr) return;
  const std::size_t held = tunnel.conn->out.size() + tunnel.hello.size();
  if (tunnel.unsettled < held + kCreditStep) return;
  const std::size_t credit = tunnel.unsettled - held;
  tunnel.unsettled = held;
  send(*tunnel.peer, peer::credit({tunnel.key.number, static_cast<std::uint32_t>(credit)}));
}

}  // namespace socketmesh::dropin
