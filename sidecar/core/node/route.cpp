// Where messages go: from a member to peers and siblings, from a peer to members.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

using wire::RouteKind;

void Node::Impl::publish(AppConn& app, const Run& run) {
  flush_interest();
  const bool home_only = (run.head.flags & wire::kHome) != 0;
  static const Decision nobody;
  const Decision* to = home_only ? &nobody : decide(app, run.head);
  if (to == nullptr || (app.home != nullptr && !recovery->own(app, run))) {
    return refuse(app, wire::app::Refusal::kProtocol, CutReason::kBadFrame,
                  to == nullptr ? "a malformed route" : "a malformed SESSION");
  }
  app.last_seq = run.last;
  app.messages_in += run.count;
  app.untold_bytes += run.bytes.size();
  set_due(app.taken_due, std::min(app.taken_due, now + config.limits.ack_delay));
  counters.app_messages_in += run.count;
  counters.app_bytes_in += run.bytes.size();
  counters.fanout += run.count * (to->slots.size() + to->apps.size());
  if (to->empty() && !home_only) counters.messages_unrouted += run.count;
  // What only the home gets has no route that was read: these flags mean nothing on it.
  const std::uint8_t flags = home_only ? 0 : run.head.flags;
  if ((flags & wire::kWantsRouted) != 0) answer_routed(app, run.head, *to);
  if ((flags & wire::kProvisional) != 0) expect_joins(run.head, *to);
  if ((flags & wire::kRelease) != 0) release_joins(route.destination, app.id, run.head);
  for (Slot* slot : to->slots) send_to_slot(*slot, run, app.endpoint);
  for (AppConn* other : to->apps) deliver(*other, run, app.endpoint);
  if (recovery && !home_only && !recovery->orphans.empty()) recovery->log_orphans(run);
}

// The destinations of `data` from `app`; nothing when its route is malformed.
const Decision* Node::Impl::decide(AppConn& app, const wire::DataFrame& data) {
  const bool special = (data.flags & wire::kAloneFlags) != 0;
  if (!special && app.route_version == route_version && !app.route_key.empty() &&
      app.route_key.front() == static_cast<std::uint8_t>(data.route_kind) &&
      std::ranges::equal(wire::Bytes(app.route_key).subspan(1), data.route)) {
    return &app.route;
  }
  if (!parse_route(data, route)) return nullptr;
  Decision& to = special ? decision : app.route;
  to.slots.clear();
  to.apps.clear();
  ++stamp;
  switch (data.route_kind) {
    case RouteKind::kRooms:
      route_rooms(app, to);
      break;
    case RouteKind::kNamespace:
      route_namespace(&app, route.nsp, to);
      break;
    case RouteKind::kMember:
      route_member(route.destination, to);
      if (to.empty()) counters.drop(DropReason::kNoSuchMember, 1);
      break;
    case RouteKind::kMesh:
      route_mesh(&app, to);
      break;
  }
  if (!special) {
    app.route_key.clear();
    app.route_key.push_back(static_cast<std::uint8_t>(data.route_kind));
    app.route_key.insert(app.route_key.end(), data.route.begin(), data.route.end());
    app.route_version = route_version;
  }
  return &to;
}

void Node::Impl::add_slot(Slot& slot, Decision& to) {
  if (slot.stamp == stamp) return;
  slot.stamp = stamp;
  to.slots.push_back(&slot);
}

void Node::Impl::add_app(AppConn& app, const AppConn* from, Decision& to) {
  if (&app == from || !app.ready) return;
  if (std::ranges::find(to.apps, &app) == to.apps.end()) to.apps.push_back(&app);
}

void Node::Impl::add_endpoint(EndpointId endpoint, const AppConn* from, Decision& to) {
  const Endpoint& at = endpoints[endpoint];
  if (at.slot != nullptr) add_slot(*at.slot, to);
  if (at.app != nullptr) add_app(*at.app, from, to);
}

void Node::Impl::route_rooms(const AppConn& from, Decision& to) {
  if (route.rooms.empty()) return route_namespace(&from, route.nsp, to);
  const auto add = [&](EndpointId endpoint) { add_endpoint(endpoint, &from, to); };
  for (const std::string_view room : route.rooms) {
    const std::uint64_t hash = hasher(route.nsp, room);
    remote_interest.each_owner(hash, add);
    if (local_members.size() > 1) local_interest.each_owner(hash, add);
    if (!provisional.empty()) provisional.each_owner(hash, add);
  }
  for (Slot* slot : unsure_slots()) add_slot(*slot, to);
}

// Unknown interest means send: of all members before the snapshot, and of those who have yet to
// come back to a new life after it. Kept, so that a message to a room does not cost what the number
// of peers costs.
const std::vector<Slot*>& Node::Impl::unsure_slots() {
  if (unsure_valid) return unsure;
  unsure.clear();
  for (const auto& [id, slot] : slots) {
    const bool known = slot->interest_known && !slot->window.holding();
    if (!known && !slot->members.empty()) unsure.push_back(slot.get());
  }
  unsure_valid = true;
  return unsure;
}

void Node::Impl::route_namespace(const AppConn* from, std::string_view nsp, Decision& to) {
  for (const auto& [id, slot] : slots) {
    if (slot->unknown_presence > 0 || slot->presence.contains(nsp)) add_slot(*slot, to);
  }
  if (recovery) {
    remote_interest.each_owner(everyone_hash(nsp), [&](EndpointId endpoint) {
      if (Slot* slot = endpoints[endpoint].slot) add_slot(*slot, to);
    });
  }
  for (const auto& [id, app] : local_members) {
    if (app->namespaces.contains(nsp)) add_app(*app, from, to);
  }
}

void Node::Impl::route_member(MemberId member, Decision& to) {
  if (const auto local = local_members.find(member); local != local_members.end()) {
    return add_app(*local->second, nullptr, to);
  }
  if (const auto remote = remote_members.find(member); remote != remote_members.end())
    add_slot(*remote->second, to);
}

void Node::Impl::route_mesh(const AppConn* from, Decision& to) {
  for (const auto& [id, slot] : slots) {
    if (!slot->members.empty()) add_slot(*slot, to);
  }
  for (const auto& [id, app] : local_members) add_app(*app, from, to);
}

namespace {

bool present(const RemoteMember& member, std::string_view nsp) {
  return !member.namespaces_known || member.namespaces.contains(nsp);
}

}  // namespace

// Tells the publisher who its request went to. A peer's sidecar hands a request to every member in
// the namespace, so that each of them answers, if only "none of mine".
void Node::Impl::answer_routed(AppConn& app, const wire::DataFrame& data, const Decision& to) {
  std::vector<MemberId> targets;
  for (const Slot* slot : to.slots) {
    for (const auto& [id, member] : slot->members) {
      // One that this app was not told of, or told as down, will not be told as down again.
      if (!present(member, route.nsp) || !(member.told || app.named.contains(id))) continue;
      targets.push_back(id);
    }
  }
  for (const AppConn* other : to.apps) targets.push_back(other->id);
  ++counters.requests_routed;
  wire::app::write_routed(tell(app), data.seq, targets);
}

void Node::Impl::expect_joins(const wire::DataFrame& data, const Decision& to) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(route.joins.size());
  for (const std::string_view room : route.joins) hashes.push_back(hasher(route.nsp, room));
  std::vector<routing::Provisional::Target> targets;
  for (const Slot* slot : to.slots) {
    for (const auto& [id, member] : slot->members) {
      if (present(member, route.nsp)) targets.push_back({id, slot->endpoint});
    }
  }
  for (const AppConn* other : to.apps) targets.push_back({other->id, other->endpoint});
  if (!targets.empty()) ++counters.provisional_joins;
  provisional.add(data.origin, data.seq, std::move(hashes), targets);
  rooms_changed();
}

// `member` has joined what message (origin, seq in the body) made it join; its interest came
// before.
void Node::Impl::release_joins(MemberId origin, MemberId member, const wire::DataFrame& data) {
  wire::Reader reader(data.body);
  const std::uint64_t seq = reader.u64();
  if (reader.ok() && provisional.release(origin, seq, member)) rooms_changed();
}

void Node::Impl::send_to_slot(Slot& slot, const Run& run, EndpointId source) {
  if ((run.head.flags & wire::kVolatile) != 0) {
    const bool away = !slot.linked || slot.window.holding();
    if (away || slot.window.backlog_bytes() > config.limits.volatile_backlog_bytes) {
      counters.drop(DropReason::kVolatile, run.count);
      slot.dropped += run.count;
      return;
    }
  }
  const std::uint64_t position = slot.window.append_data(run.bytes, run.count);
  ledger.note(slot.endpoint, position, source, run.first, run.last);
  slot.messages_out += run.count;
  counters.link_messages_out += run.count;
  enforce_window(slot);
  mark_dirty(slot.conn);
}

void Node::Impl::deliver(AppConn& app, const Run& run, EndpointId source) {
  if ((run.head.flags & wire::kVolatile) != 0 &&
      app.queue.data_bytes() > config.limits.volatile_backlog_bytes) {
    counters.drop(DropReason::kVolatile, run.count);
    return;
  }
  if ((run.head.flags & wire::kRelease) != 0) {
    return release_joins(app.id, run.head.origin, run.head);
  }
  const std::uint64_t lost = app.queue.append_data(run.bytes, run.count);
  if (lost > 0) {
    counters.drop(DropReason::kMemberQueue, lost);
    ++counters.gaps_declared;
  }
  if (app.home != nullptr) {
    app.home->home.queued(run.bytes, run.count, app.queue.queued(), now);
    if (lost > 0) app.home->home.queued_gap(app.queue.queued(), now);
    if ((run.head.flags & wire::kLogged) != 0)
      recovery->note(*app.home, source, run.first, run.last);
    recovery->trim(*app.home);
  }
  ledger.note(app.endpoint, app.queue.queued(), source, run.first, run.last);
  app.messages_out += run.count;
  counters.app_messages_out += run.count;
  counters.app_bytes_out += run.bytes.size();
  mark_dirty(app.conn);
}

// Hands a run from a peer to the members that it is for. False when its route is malformed.
bool Node::Impl::deliver_from_peer(Slot& slot, const Run& run) {
  if (slot.foreign_parser.contains(run.head.origin)) return true;
  if (slot.down_seq != 0) count_missed(slot, run);
  if (recovery && !recovery->orphans.empty()) recovery->log_orphans(run);
  const bool for_all =
      run.head.route_kind != RouteKind::kMember && (run.head.flags & wire::kRelease) == 0;
  // The publisher's sidecar chose this one by interest: with one member there is nothing left to
  // choose.
  if (for_all && local_members.size() == 1) {
    AppConn& only = *local_members.begin()->second;
    if (only.ready) deliver(only, run, slot.endpoint);
    return true;
  }
  return deliver_by_route(slot, run);
}

bool Node::Impl::deliver_by_route(Slot& slot, const Run& run) {
  if (!parse_route(run.head, route)) return false;
  decision.slots.clear();
  decision.apps.clear();
  const bool everyone = (run.head.flags & (wire::kWantsRouted | wire::kProvisional)) != 0;
  switch (run.head.route_kind) {
    case RouteKind::kMember:
      if (const auto local = local_members.find(route.destination); local != local_members.end()) {
        add_app(*local->second, nullptr, decision);
      }
      break;
    case RouteKind::kMesh:
      for (const auto& [id, app] : local_members) add_app(*app, nullptr, decision);
      break;
    case RouteKind::kRooms:
      if (!everyone && !route.rooms.empty()) {
        const auto add = [&](EndpointId endpoint) {
          if (AppConn* app = endpoints[endpoint].app) add_app(*app, nullptr, decision);
        };
        for (const std::string_view room : route.rooms) {
          const std::uint64_t hash = hasher(route.nsp, room);
          local_interest.each_owner(hash, add);
          if (!provisional.empty()) provisional.each_owner(hash, add);
        }
        break;
      }
      [[fallthrough]];
    case RouteKind::kNamespace:
      for (const auto& [id, app] : local_members) {
        if (app->namespaces.contains(route.nsp)) add_app(*app, nullptr, decision);
      }
      break;
  }
  // Here, too, an emit right behind a socketsJoin() must find the members that have not answered
  // yet.
  if ((run.head.flags & wire::kProvisional) != 0) expect_joins(run.head, decision);
  for (AppConn* app : decision.apps) deliver(*app, run, slot.endpoint);
  return true;
}

}  // namespace socketmesh::node
