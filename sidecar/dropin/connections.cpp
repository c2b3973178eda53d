// Connections of apps: how they begin, what they carry, how they end.
#include <algorithm>

#include "sidecar/dropin/impl.hpp"
#include "sidecar/dropin/websocket/upgrade.hpp"

namespace socketmesh::dropin {

namespace {

std::size_t message_limit(Conn::Kind kind) {
  return kind == Conn::Kind::kDiscovery ? kMessageHeadBytesMax : kMessageBytesMax;
}

}  // namespace

void DropIn::Impl::log(Action::Level level, std::string_view event, std::string text) {
  Action action;
  action.level = level;
  action.event = event;
  action.text = std::move(text);
  actions.push_back(std::move(action));
}

Conn* DropIn::Impl::find(ConnId id) {
  const auto found = conns.find(id);
  return found == conns.end() ? nullptr : found->second.get();
}

void DropIn::Impl::dirty(Conn& conn) {
  // The list is short, and the connection that was just marked is marked again most often.
  if (!dirty_conns.empty() && dirty_conns.back() == conn.id) return;
  dirty_conns.push_back(conn.id);
}

void DropIn::Impl::open(ConnId id, Conn::Kind kind) {
  const auto [entry, fresh] =
      conns.emplace(id, std::make_unique<Conn>(id, kind, message_limit(kind)));
  Conn& conn = *entry->second;
  conn.deadline = now + kUpgradeTimeout;
  wake_at(conn.deadline);
  if (kind == Conn::Kind::kToApp) return;
  if (kind == Conn::Kind::kDiscovery) {
    if (++discovery_conns <= kDiscoveryConnectionsMax && !leaving) return;
    counters.cut(CutReason::kLimit);
  } else {
    if (++tunnel_conns <= kTunnelConnectionsMax) return;
    counters.close(CloseReason::kLimit);
  }
  abort(conn);
}

void DropIn::Impl::upgrade(Conn& conn, Bytes bytes) {
  if (conn.head.size() + bytes.size() > ws::kUpgradeBytesMax && conn.kind != Conn::Kind::kToApp)
    return refuse(conn, 431, "the head of the request is too long");
  conn.head.insert(conn.head.end(), bytes.begin(), bytes.end());
  if (conn.kind == Conn::Kind::kToApp) return app_answered(conn);
  const ws::UpgradeRequest request = ws::read_request(conn.head);
  if (request.is == ws::UpgradeRequest::Is::kPartial) return;
  if (request.is == ws::UpgradeRequest::Is::kBad)
    return refuse(conn, request.status, request.problem);
  // A client says nothing more before it is answered.
  if (request.used < conn.head.size()) return refuse(conn, 400, "it speaks out of turn");
  conn.head = {};
  conn.ws_key = request.key;
  if (conn.kind == Conn::Kind::kDiscovery) return answer_upgrade(conn);
  std::string_view server = request.target;
  server = server.substr(0, server.find('?'));
  if (server.starts_with('/')) server.remove_prefix(1);
  open_tunnel(conn, server);
}

void DropIn::Impl::answer_upgrade(Conn& conn) {
  conn.out.append(ws::accept_response(conn.ws_key));
  conn.state = Conn::State::kOpen;
  conn.deadline = kNever;
  if (conn.kind == Conn::Kind::kDiscovery) {
    conn.ping_due = now + kPingInterval;
    wake_at(conn.ping_due);
  }
  dirty(conn);
}

void DropIn::Impl::refuse(Conn& conn, int status, std::string_view text) {
  if (conn.kind == Conn::Kind::kDiscovery) counters.cut(CutReason::kBadRequest);
  conn.out.append(ws::refuse_response(status, text));
  drain(conn);
}

namespace {

// What the parser finds in the bytes of a connection. Handlers may end the connection; the parser
// is stopped then.
template <typename OnMessage, typename OnControl>
class FrameSink final : public ws::Parser::Sink {
 public:
  FrameSink(OnMessage on_message, OnControl on_control)
      : on_message_(std::move(on_message)), on_control_(std::move(on_control)) {}
  void message(Bytes piece, bool text, bool last) override { on_message_(piece, text, last); }
  void control(ws::Opcode opcode, Bytes payload) override { on_control_(opcode, payload); }

 private:
  OnMessage on_message_;
  OnControl on_control_;
};

}  // namespace

void DropIn::Impl::frames(Conn& conn, Bytes bytes) {
  FrameSink sink(
      [&](Bytes piece, bool text, bool last) {
        if (conn.kind == Conn::Kind::kDiscovery) {
          discovery_message(conn, piece, text, last);
        } else {
          from_app(conn, piece, text, last);
        }
      },
      [&](ws::Opcode opcode, Bytes payload) { control(conn, opcode, payload); });
  const std::uint16_t wrong = conn.parser.feed(bytes, sink);
  if (wrong != 0 && conn.state == Conn::State::kOpen) broken(conn, wrong);
}

void DropIn::Impl::control(Conn& conn, ws::Opcode opcode, Bytes payload) {
  if (opcode == ws::Opcode::kPong) {
    conn.awaits_pong = false;
    return;
  }
  if (opcode == ws::Opcode::kPing) {
    ws::write_frame(conn.out.tail(payload.size()), conn.role, ws::Opcode::kPong, true, payload);
    dirty(conn);
    const std::size_t limit = conn.kind == Conn::Kind::kDiscovery
                                  ? kDiscoveryBacklogBytesMax
                                  : kTunnelWindowBytes + kControlBacklogBytesMax;
    if (conn.out.size() <= limit) return;
    if (conn.kind == Conn::Kind::kDiscovery) counters.cut(CutReason::kNotRead);
    if (conn.tunnel != nullptr) app_ends(conn, CloseReason::kNotRead, 0, "");
    return abort(conn);
  }
  std::uint16_t code = ws::kNoCode;
  std::string_view text;
  if (payload.size() >= 2) {
    code = static_cast<std::uint16_t>(payload[0] << 8U | payload[1]);
    text = {reinterpret_cast<const char*>(payload.data()) + 2, payload.size() - 2};
  }
  const bool good = payload.empty() || (payload.size() >= 2 && ws::is_close_code(code));
  if (!good) return broken(conn, ws::kProtocolError);
  if (conn.tunnel != nullptr) app_ends(conn, CloseReason::kAppClosed, code, text);
  if (conn.kind == Conn::Kind::kDiscovery) leaves(conn, true);
  say_close(conn, code, "");
}

// It broke the protocol of WebSocket.
void DropIn::Impl::broken(Conn& conn, std::uint16_t code) {
  const bool big = code == ws::kTooBig;
  const std::string_view text = big ? "the message is too big" : "not the WebSocket protocol";
  if (conn.kind == Conn::Kind::kDiscovery) {
    return cut(conn, big ? CutReason::kBadMessage : CutReason::kProtocol, code, text);
  }
  const CloseReason reason = big ? CloseReason::kTooBig : CloseReason::kProtocol;
  log(Action::Level::kWarn, "tunnel cut",
      "server=\"" + (conn.tunnel == nullptr ? std::string() : conn.tunnel->server) +
          "\" reason=" + kCloseReasonNames.at(static_cast<std::size_t>(reason)));
  if (conn.tunnel != nullptr) app_ends(conn, reason, code, text);
  say_close(conn, code, text);
}

// The connection ends in order: what it still has to say, then a close frame. Code 0: none.
void DropIn::Impl::say_close(Conn& conn, std::uint16_t code, std::string_view text) {
  if (conn.state == Conn::State::kDraining) return;
  if (conn.state == Conn::State::kOpen && code != 0) {
    ws::write_close(conn.out.tail(ws::kHeadBytesMax + ws::kControlBytesMax), conn.role, code, text);
  }
  drain(conn);
}

void DropIn::Impl::drain(Conn& conn) {
  if (conn.state == Conn::State::kDraining) return;
  conn.state = Conn::State::kDraining;
  conn.parser.stop();
  conn.deadline = now + kDrainTimeout;
  wake_at(conn.deadline);
  resume(conn);
  dirty(conn);
  drained(conn);
}

void DropIn::Impl::drained(Conn& conn) {
  if (!conn.out.empty()) return;
  Action action;
  action.kind = Action::Kind::kClose;
  action.conn = conn.id;
  actions.push_back(std::move(action));
  forget(conn);
}

void DropIn::Impl::abort(Conn& conn) {
  Action action;
  action.kind = Action::Kind::kClose;
  action.conn = conn.id;
  action.abort = true;
  actions.push_back(std::move(action));
  forget(conn);
}

// It is over, whoever ended it.
void DropIn::Impl::forget(Conn& conn) {
  if (conn.kind == Conn::Kind::kDiscovery) {
    leaves(conn);
    --discovery_conns;
  }
  if (conn.kind == Conn::Kind::kFromApp) --tunnel_conns;
  if (conn.tunnel != nullptr) conn.tunnel->conn = nullptr;
  conn.tunnel = nullptr;
  conn.state = Conn::State::kDraining;
  conn.parser.stop();
  conn.out = {};
  finished.push_back(conn.id);
}

void DropIn::Impl::lost(Conn& conn) {
  if (std::ranges::find(finished, conn.id) != finished.end()) return;
  if (conn.tunnel != nullptr) {
    const bool answering = conn.kind == Conn::Kind::kToApp && !conn.tunnel->open;
    app_ends(conn, answering ? CloseReason::kDialFailed : CloseReason::kAppLost, 0, "");
  }
  forget(conn);
}

void DropIn::Impl::tick_connections() {
  std::vector<Conn*> late;
  for (const auto& [id, conn] : conns) {
    if (conn->deadline <= now || conn->ping_due <= now) late.push_back(conn.get());
  }
  for (Conn* conn : late) {
    if (conn->deadline <= now) {
      if (conn->tunnel != nullptr) app_ends(*conn, CloseReason::kTimeout, 0, "");
      if (conn->kind == Conn::Kind::kDiscovery) {
        counters.cut(conn->state == Conn::State::kDraining ? CutReason::kNotRead
                                                           : CutReason::kBadRequest);
      } else if (conn->state == Conn::State::kDraining) {
        counters.close(CloseReason::kNotRead);
      }
      abort(*conn);
    } else if (conn->state == Conn::State::kOpen) {
      if (conn->awaits_pong) {
        log(Action::Level::kWarn, "no answer to a ping", "server=\"" + conn->server + "\"");
        counters.cut(CutReason::kNoPong);
        abort(*conn);
        continue;
      }
      ws::write_frame(conn->out.tail(2), conn->role, ws::Opcode::kPing, true, {});
      conn->awaits_pong = true;
      conn->ping_due = now + kPingInterval;
      dirty(*conn);
    } else {
      conn->ping_due = kNever;
    }
  }
  for (const auto& [id, conn] : conns) {
    if (std::ranges::find(finished, id) == finished.end())
      wake_at(std::min(conn->deadline, conn->ping_due));
  }
}

}  // namespace socketmesh::dropin
