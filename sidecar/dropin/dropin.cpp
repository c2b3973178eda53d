#include "sidecar/dropin/dropin.hpp"

#include <utility>

#include "sidecar/dropin/impl.hpp"

namespace socketmesh::dropin {

namespace {

// Sets the time for one input; at its end tells what it changed, and frees what ended during it:
// nothing is freed under the feet of a loop.
template <typename Impl>
class Input {
 public:
  Input(Impl& impl, TimeUs now) : impl_(impl) { impl_.now = std::max(impl_.now, now); }
  ~Input() {
    impl_.check_whole();
    impl_.tell_rosters();
    for (const ConnId conn : impl_.finished) impl_.conns.erase(conn);
    impl_.finished.clear();
    impl_.ended_tunnels.clear();
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

 private:
  Impl& impl_;
};

}  // namespace

DropIn::Impl::Impl(Options settings, MeshPort& port, TimeUs time)
    : options(std::move(settings)),
      mesh(port),
      now(time),
      whole_deadline(time + kFirstRosterTimeout),
      wake(whole_deadline) {}

DropIn::DropIn(Options options, MeshPort& mesh, TimeUs now)
    : impl_(std::make_unique<Impl>(std::move(options), mesh, now)) {}
DropIn::~DropIn() = default;

void DropIn::set_token(std::string token) {
  impl_->token = std::move(token);
}

void DropIn::restore(std::string_view saved, TimeUs now) {
  const Input input(*impl_, now);
  impl_->restore(saved);
}

void DropIn::discovery_opened(ConnId conn, TimeUs now) {
  const Input input(*impl_, now);
  impl_->open(conn, Conn::Kind::kDiscovery);
}

void DropIn::tunnel_opened(ConnId conn, TimeUs now) {
  const Input input(*impl_, now);
  impl_->open(conn, Conn::Kind::kFromApp);
}

void DropIn::received(ConnId id, wire::Bytes bytes, TimeUs now) {
  const Input input(*impl_, now);
  Conn* conn = impl_->find(id);
  if (conn == nullptr) return;
  switch (conn->state) {
    case Conn::State::kUpgrading:
      return impl_->upgrade(*conn, bytes);
    case Conn::State::kOpening:
      return impl_->broken(*conn, ws::kProtocolError);
    case Conn::State::kOpen:
      return impl_->frames(*conn, bytes);
    case Conn::State::kDraining:
      return;
  }
}

bool DropIn::paused(ConnId id) const {
  const Conn* conn = impl_->find(id);
  return conn != nullptr && conn->paused;
}

void DropIn::closed(ConnId id, TimeUs now) {
  const Input input(*impl_, now);
  if (Conn* conn = impl_->find(id); conn != nullptr) impl_->lost(*conn);
}

void DropIn::mesh_events(const node::ChannelEvents& events, TimeUs now) {
  const Input input(*impl_, now);
  for (const node::ChannelEvent& event : events.list) impl_->mesh_event(events, event);
}

void DropIn::set_mesh(bool known, bool settled, TimeUs now) {
  const Input input(*impl_, now);
  impl_->settled = settled;
  if (!known || impl_->mesh_known) return;
  impl_->mesh_known = true;
  impl_->whole_deadline = std::min(impl_->whole_deadline, impl_->now + impl_->options.peer_timeout);
  impl_->wake_at(impl_->whole_deadline);
}

bool DropIn::whole() const {
  return impl_->whole;
}

std::size_t DropIn::gather(ConnId id, std::span<wire::Bytes> out) {
  const Conn* conn = impl_->find(id);
  return conn == nullptr ? 0 : conn->out.gather(out);
}

void DropIn::written(ConnId id, std::size_t bytes, TimeUs now) {
  const Input input(*impl_, now);
  Conn* conn = impl_->find(id);
  if (conn == nullptr) return;
  conn->out.written(bytes);
  if (conn->tunnel != nullptr) impl_->give_credit(*conn->tunnel);
  if (conn->state == Conn::State::kDraining) impl_->drained(*conn);
}

void DropIn::pump(TimeUs now) {
  if (impl_->ring.empty()) return;
  const Input input(*impl_, now);
  impl_->pump();
}

std::vector<ConnId> DropIn::take_dirty() {
  return std::exchange(impl_->dirty_conns, {});
}

std::vector<Action> DropIn::take_actions() {
  return std::exchange(impl_->actions, {});
}

void DropIn::dialed(std::uint64_t number, ConnId id, TimeUs now) {
  const Input input(*impl_, now);
  const auto dial = impl_->dials.find(number);
  const auto tunnel =
      dial == impl_->dials.end() ? impl_->tunnels.end() : impl_->tunnels.find(dial->second);
  impl_->dials.erase(number);
  if (tunnel == impl_->tunnels.end()) {
    Action action;
    action.kind = Action::Kind::kClose;
    action.conn = id;
    action.abort = true;
    impl_->actions.push_back(std::move(action));
    return;
  }
  impl_->app_dialed(*tunnel->second, id);
}

void DropIn::dial_failed(std::uint64_t number, TimeUs now) {
  const Input input(*impl_, now);
  const auto dial = impl_->dials.find(number);
  if (dial == impl_->dials.end()) return;
  const auto tunnel = impl_->tunnels.find(dial->second);
  impl_->dials.erase(dial);
  if (tunnel != impl_->tunnels.end()) impl_->cut_tunnel(*tunnel->second, CloseReason::kDialFailed);
}

void DropIn::probed(std::uint64_t number, bool accepts, TimeUs now) {
  const Input input(*impl_, now);
  impl_->probed(number, accepts);
}

void DropIn::tick(TimeUs now) {
  const Input input(*impl_, now);
  impl_->tick();
}

TimeUs DropIn::next_deadline() const {
  return impl_->wake;
}

void DropIn::leave(TimeUs now) {
  const Input input(*impl_, now);
  impl_->leaving = true;
  std::vector<Tunnel*> open;
  open.reserve(impl_->tunnels.size());
  for (const auto& [key, tunnel] : impl_->tunnels) open.push_back(tunnel.get());
  for (Tunnel* tunnel : open) impl_->cut_tunnel(*tunnel, CloseReason::kLeaving);
  for (const auto& [id, conn] : impl_->conns) {
    if (conn->state != Conn::State::kDraining)
      impl_->say_close(*conn, ws::kGoingAway, "the sidecar ends");
  }
}

const Counters& DropIn::counters() const {
  return impl_->counters;
}

Status DropIn::status() const {
  Status status;
  status.carries = impl_->options.carry;
  status.whole = impl_->whole;
  status.restart_needed = impl_->restart_needed();
  for (const auto& [id, server] : impl_->own)
    status.servers.push_back({id, server.version, "", server.registered, server.conn != 0});
  for (const auto& [sidecar, peer] : impl_->peers) {
    for (const auto& [id, server] : peer->servers) {
      const bool attached = !server.disowned && !peer->away && peer->key;
      status.servers.push_back(
          {id, server.version, sidecar, impl_->address_of(*peer, id, server), attached});
    }
  }
  for (const auto& [key, tunnel] : impl_->tunnels) {
    const std::size_t out = tunnel->conn == nullptr ? 0 : tunnel->conn->out.size();
    status.tunnels.push_back({key.number, tunnel->server, tunnel->peer->id, tunnel->opened_here,
                              tunnel->open, tunnel->waiting_bytes + out});
  }
  return status;
}

// The next one is found anew: deadlines that passed, or were taken back, are forgotten here.
void DropIn::Impl::tick() {
  wake = kNever;
  if (!whole) wake_at(whole_deadline);
  tick_connections();
  tick_tunnels();
  tick_peers();
  tick_probes();
}

}  // namespace socketmesh::dropin
