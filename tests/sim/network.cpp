// Carrying bytes; opening connections and breaking them is in network_faults.cpp.
#include "tests/sim/network.hpp"

#include <algorithm>

#include "tests/sim/link_protocol.hpp"

namespace socketmesh::sim {

Network::Connection* Network::find(EndId end) {
  const auto it = ends_.find(end);
  return it == ends_.end() ? nullptr : it->second;
}

bool Network::stalled(const Connection& c, int to) const {
  return c.forgotten || blocked(c.side[1 - to].host, c.side[to].host);
}

TimeUs Network::arrival(Connection& c, int to, std::size_t bytes) {
  TimeUs at = clock_.now() + c.latency;
  if (options_.jitter > 0 && c.side[0].host != c.side[1].host) at += rng_.range(0, options_.jitter);
  if (rng_.permille(options_.spike_permille)) {
    stats_.add(Stat::kDelaySpikes);
    at += rng_.range(20, 400) * kMillisecondUs;
  }
  if (options_.bytes_per_ms > 0) {
    const auto carrying = static_cast<TimeUs>(bytes * 1000 / options_.bytes_per_ms);
    at = c.free_at[to] = std::max(at, c.free_at[to]) + carrying;
  }
  return at;
}

std::size_t Network::write(EndId end, Bytes bytes) {
  Connection* c = find(end);
  if (c == nullptr || bytes.empty()) return bytes.size();
  const int from = side_of(*c, end);
  Side& writer = c->side[from];
  const std::size_t taken = std::min(c->side[1 - from].in.room(), bytes.size());
  stats_.add(Stat::kBytesCarried, taken);
  if (trace_.verbose() && writer.host != c->side[1 - from].host) tap(*c, from, bytes.first(taken));
  if (writer.mangler == nullptr) {
    carry(*c, 1 - from, as_text(bytes.first(taken)));
  } else {
    std::string wire;
    writer.mangler->feed(bytes.first(taken), wire);
    carry(*c, 1 - from, wire);
    watch_mangler(*c, from);
  }
  if (taken < bytes.size()) {
    stats_.add(Stat::kPartialWrites);
    writer.wants_room = true;
    offer_room(*c, from);  // the mangler may have kept it all
  }
  return taken;
}

// The frames of a link, for whoever reads a trace.
void Network::tap(Connection& c, int from, Bytes bytes) {
  Side& writer = c.side[from];
  writer.tap.add(bytes);
  for (Bytes frame = writer.tap.next(); !frame.empty(); frame = writer.tap.next()) {
    trace_.text("  from host", writer.host,
                "to " + std::to_string(c.side[1 - from].host) + " on " + std::to_string(c.id) +
                    ": " + describe_link_frame(frame));
  }
}

void Network::carry(Connection& c, int to, std::string_view bytes) {
  c.side[to].in.put(bytes, arrival(c, to, bytes.size()));
  arm(c, to);
}

void Network::arm(Connection& c, int to) {
  Side& side = c.side[to];
  const TimeUs next = std::max(side.in.next(), clock_.now());
  if (side.in.next() == node::kNever || side.paused || side.armed <= next) return;
  side.armed = next;
  clock_.at(next, [this, id = side.id] { deliver(id); });
}

void Network::deliver(EndId end) {
  Connection* c = find(end);
  if (c == nullptr) return;
  int to = side_of(*c, end);
  c->side[to].armed = node::kNever;
  if (stalled(*c, to) || c->side[to].paused || !c->side[to].open) return;
  std::size_t arrived = c->side[to].in.arrived(clock_.now());
  while (arrived > 0) {
    // Mostly all at once, as loops read; else any cut, often inside the first frame's header.
    std::size_t cut = arrived;
    if (arrived > 1 && rng_.permille(200)) {
      cut = 1 + rng_.index(rng_.permille(500) ? arrived : std::min<std::size_t>(arrived, 32));
    }
    const std::string bytes = c->side[to].in.take(cut);
    arrived -= bytes.size();
    if (c->side[to].user != nullptr) c->side[to].user->readable(end, as_bytes(bytes));
    c = find(end);
    if (c == nullptr) return;
    if (c->side[to].paused) break;
  }
  offer_room(*c, 1 - to);
  if (c->side[to].in.at_end(clock_.now()) && !c->side[to].paused) {
    NetUser* user = c->side[to].user;
    c->side[to].user = nullptr;
    c->side[to].open = false;
    c->side[1 - to].in.end(clock_.now() + c->latency);
    arm(*c, 1 - to);
    remove_if_dead(*c);
    if (user != nullptr) user->closed(end);
    return;
  }
  arm(*c, to);
}

void Network::offer_room(Connection& c, int writer) {
  Side& side = c.side[writer];
  if (!side.wants_room || c.side[1 - writer].in.room() == 0) return;
  side.wants_room = false;
  clock_.after(c.latency, [this, id = side.id] {
    Connection* found = find(id);
    if (found == nullptr) return;
    NetUser* user = found->side[side_of(*found, id)].user;
    if (user != nullptr) user->writable(id);
  });
}

void Network::pause(EndId end, bool on) {
  Connection* c = find(end);
  if (c == nullptr) return;
  const int to = side_of(*c, end);
  c->side[to].paused = on;
  arm(*c, to);
}

void Network::watch_mangler(Connection& c, int from) {
  const EndId id = c.side[from].id;
  if (c.side[from].mangler->lost()) {
    clock_.after(rng_.range(20, 300) * kMillisecondUs, [this, id] {
      if (Connection* found = find(id)) reset(*found);
    });
  }
  if (c.side[from].mangler->holding()) {
    clock_.after(rng_.range(2, 40) * kMillisecondUs, [this, id] {
      Connection* found = find(id);
      if (found == nullptr) return;
      const int side = side_of(*found, id);
      std::string wire;
      if (found->side[side].mangler != nullptr) found->side[side].mangler->release(wire);
      carry(*found, 1 - side, wire);
    });
  }
}

void Network::remove_if_dead(Connection& c) {
  if (c.side[0].user != nullptr || c.side[1].user != nullptr) return;
  ends_.erase(c.side[0].id);
  ends_.erase(c.side[1].id);
  connections_.erase(c.id);
}

}  // namespace socketmesh::sim
