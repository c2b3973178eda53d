// Opening connections, and everything that ends or silences them.
#include <algorithm>

#include "tests/sim/network.hpp"

namespace socketmesh::sim {

namespace {
constexpr TimeUs kDialTimeout = 2 * kSecondUs;
constexpr TimeUs kDialRetry = 200 * kMillisecondUs;
constexpr HostId kNoHost = UINT32_MAX;
}  // namespace

void Network::listen(const std::string& address, HostId host, NetUser* user) {
  listeners_[address] = {host, user};
  addresses_[address] = host;
}

void Network::unlisten(const std::string& address) {
  listeners_.erase(address);
}

void Network::dial(NetUser* user, HostId from, const std::string& address) {
  const std::uint64_t id = next_id_++;
  dials_[id] = {user, from, address, clock_.now() + kDialTimeout};
  const auto known = addresses_.find(address);
  const bool local = known != addresses_.end() && known->second == from;
  const TimeUs latency = local ? options_.local_latency : options_.latency;
  clock_.after(2 * latency + rng_.range(0, latency), [this, id] { try_dial(id); });
}

void Network::try_dial(std::uint64_t id) {
  const auto it = dials_.find(id);
  if (it == dials_.end()) return;
  const Dial dial = it->second;
  const auto known = addresses_.find(dial.address);
  const HostId to = known == addresses_.end() ? kNoHost : known->second;
  if (dark_.contains(to) || blocked(dial.from, to) || blocked(to, dial.from)) {
    if (clock_.now() < dial.deadline) {
      clock_.after(kDialRetry, [this, id] { try_dial(id); });
      return;
    }
    dials_.erase(it);
    dial.user->dial_failed(dial.address, "timed out");
    return;
  }
  dials_.erase(it);
  const auto listener = listeners_.find(dial.address);
  if (listener == listeners_.end()) {
    stats_.add(Stat::kDialsRefused);
    dial.user->dial_failed(dial.address, "connection refused");
    return;
  }
  connect(dial, to, listener->second.second);
}

void Network::connect(const Dial& dial, HostId to, NetUser* listener) {
  auto owned = std::make_unique<Connection>();
  Connection& c = *owned;
  c.id = next_id_++;
  const HostId hosts[2] = {dial.from, to};
  NetUser* users[2] = {dial.user, listener};
  for (int i = 0; i < 2; ++i) {
    Side& side = c.side[i];
    side.id = next_id_++;
    side.user = users[i];
    side.host = hosts[i];
    side.in.set_capacity(options_.buffer_bytes);
    if (options_.records.any() && dial.from != to) {
      side.mangler = std::make_unique<RecordMangler>(options_.records, rng_.fork(), stats_);
    }
    ends_[side.id] = &c;
  }
  c.latency = dial.from == to ? options_.local_latency : options_.latency;
  c.side[0].open = true;
  connections_[c.id] = std::move(owned);
  clock_.after(c.latency, [this, id = c.side[1].id, address = dial.address, from = dial.from] {
    accept(id, address, "host" + std::to_string(from));
  });
  dial.user->dialed(c.side[0].id, dial.address);
}

void Network::accept(EndId end, const std::string& listener, const std::string& remote) {
  Connection* c = find(end);
  if (c == nullptr) return;
  Side& side = c->side[side_of(*c, end)];
  if (side.user == nullptr) return;  // the process died meanwhile
  side.open = true;
  side.user->accepted(end, listener, remote);
  c = find(end);
  if (c != nullptr) arm(*c, side_of(*c, end));
}

void Network::close(EndId end) {
  Connection* c = find(end);
  if (c == nullptr) return;
  const int from = side_of(*c, end);
  Side& side = c->side[from];
  side.user = nullptr;
  side.open = false;
  if (side.mangler != nullptr) {
    std::string wire;
    side.mangler->release(wire);
    carry(*c, 1 - from, wire);
  }
  c->side[1 - from].in.end(clock_.now() + c->latency);
  arm(*c, 1 - from);
  remove_if_dead(*c);
}

void Network::abort(EndId end) {
  Connection* c = find(end);
  if (c == nullptr) return;
  const int from = side_of(*c, end);
  c->side[from].user = nullptr;
  c->side[from].open = false;
  c->side[1 - from].in.truncate(rng_, clock_.now() + c->latency);
  arm(*c, 1 - from);
  remove_if_dead(*c);
}

void Network::reset(Connection& c) {
  for (int to = 0; to < 2; ++to) {
    c.side[to].in.truncate(rng_, clock_.now() + rng_.range(0, c.latency));
    c.side[to].paused = false;
    arm(c, to);
  }
}

void Network::kill(NetUser* user, HostId host, bool silent) {
  std::erase_if(dials_, [user](const auto& entry) { return entry.second.user == user; });
  std::erase_if(listeners_, [user](const auto& entry) { return entry.second.second == user; });
  if (silent) dark_.insert(host);
  std::vector<EndId> mine;
  for (const auto& [id, c] : connections_) {
    for (const Side& side : c->side) {
      if (side.user == user) mine.push_back(side.id);
    }
  }
  for (const EndId end : mine) {
    Connection* c = find(end);
    if (c == nullptr) continue;
    const int from = side_of(*c, end);
    if (silent && c->side[1 - from].host != host) {
      c->forgotten = true;
      c->side[from].user = nullptr;
      c->side[from].open = false;
      remove_if_dead(*c);
    } else if (rng_.permille(500)) {
      abort(end);  // unread data in its buffers makes the kernel reset
    } else {
      close(end);
    }
  }
}

void Network::host_is_back(HostId host) {
  dark_.erase(host);
  // Whoever still sends to the life before is told by a reset.
  for (const auto& [id, c] : connections_) {
    for (int i = 0; i < 2; ++i) {
      if (!c->forgotten || c->side[i].host != host || c->side[i].user != nullptr) continue;
      c->forgotten = false;
      c->side[1 - i].in.truncate(rng_, clock_.now() + rng_.range(0, 1000) * kMillisecondUs);
      arm(*c, 1 - i);
    }
  }
}

void Network::block(HostId from, HostId to) {
  blocked_.insert({from, to});
}

void Network::heal_all() {
  if (blocked_.empty()) return;
  blocked_.clear();
  for (const auto& [id, c] : connections_) {
    for (int to = 0; to < 2; ++to) {
      // A stalled TCP connection goes on when its next retransmission passes.
      clock_.after(rng_.range(0, 200) * kMillisecondUs,
                   [this, end = c->side[to].id] { deliver(end); });
    }
  }
}

std::vector<Network::Connection*> Network::between_hosts() {
  std::vector<Connection*> found;
  for (const auto& [id, c] : connections_) {
    const bool alive = c->side[0].user != nullptr && c->side[1].user != nullptr;
    if (alive && !c->forgotten && c->side[0].host != c->side[1].host) found.push_back(c.get());
  }
  return found;
}

bool Network::cut_one() {
  const auto found = between_hosts();
  if (found.empty()) return false;
  reset(*found[rng_.index(found.size())]);
  return true;
}

bool Network::forget_one() {
  const auto found = between_hosts();
  if (found.empty()) return false;
  found[rng_.index(found.size())]->forgotten = true;
  return true;
}

void Network::cut_between(HostId a, HostId b) {
  for (Connection* c : between_hosts()) {
    const HostId x = c->side[0].host;
    const HostId y = c->side[1].host;
    if ((x == a && y == b) || (x == b && y == a)) reset(*c);
  }
}

void Network::cut_off(HostId host) {
  for (Connection* c : between_hosts()) {
    if (c->side[0].host == host || c->side[1].host == host) reset(*c);
  }
}

void Network::end_faults() {
  options_.records = {};
  options_.spike_permille = 0;
  heal_all();
}

}  // namespace socketmesh::sim
