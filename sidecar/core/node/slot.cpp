// Peers over their connections and lives: what is kept for them, what they announce, and when it is
// given up.
#include <algorithm>

#include "sidecar/core/node/impl.hpp"

namespace socketmesh::node {

using wire::app::DownReason;

Slot* Node::Impl::find_slot(std::string_view id) {
  const auto found = slots.find(id);
  return found == slots.end() ? nullptr : found->second.get();
}

// The slot of a peer, made when it is new; nothing over the limit of peers. The own id's slot holds
// for own members that are expected back; it is never linked.
Slot* Node::Impl::slot_for(std::string_view id) {
  if (Slot* found = find_slot(id)) return found;
  if (slots.size() >= config.limits.peers) return nullptr;
  auto slot = std::make_unique<Slot>(std::string(id), new_endpoint(), config.limits);
  slot->since = now;
  slot->hold_deadline = now + config.limits.hold_time;
  endpoints[slot->endpoint].slot = slot.get();
  return slots.emplace(std::string(id), std::move(slot)).first->second.get();
}

// What is kept for a peer that is away; the word that something was given up, longer.
void Node::Impl::start_hold(Slot& slot) {
  const int holds = slot.window_broken ? kTombstoneHolds : 1;
  slot.hold_deadline = now + holds * config.limits.hold_time;
}

// The peer has started anew: it knows nothing of us, and its members have yet to come back to it.
void Node::Impl::new_life(Slot& slot, std::uint64_t epoch) {
  slot.epoch = epoch;
  slot.recv_stream = 0;
  slot.recv_seq = 0;
  slot.interest_known = false;
  ledger.drop_source(slot.endpoint);
  settle_syncs(slot, true);
  for (auto& [id, member] : slot.members) {
    member.state = RemoteMember::State::kExpected;
    member.confirmed = false;
  }
  slot.peer_deadline = now + config.limits.peer_timeout;
  start_hold(slot);
  routes_changed();
}

void Node::Impl::start_stream(Slot& slot, std::uint32_t held_by_peer) {
  settle_syncs(slot, true);
  // Only a life that met us before holds a stream of ours.
  slot.window.restart(std::max(slot.window.stream(), held_by_peer) + 1, held_by_peer == 0);
  slot.window_broken = false;
  send_snapshot(slot);
  release_when_ready(slot);
}

void Node::Impl::send_snapshot(Slot& slot) {
  flush_interest();
  scratch.clear();
  wire::link::write_snapshot_begin(scratch, interest_version);
  slot.window.append_control(scratch, 1);
  std::vector<wire::link::InterestOp> ops;
  const auto send_ops = [&] {
    scratch.clear();
    wire::link::write_interest(scratch, interest_version, ops);
    slot.window.append_control(scratch, 1);
    ops.clear();
  };
  local_interest.each_hash([&](std::uint64_t hash) {
    ops.push_back({true, hash});
    if (ops.size() == wire::link::kInterestOpsPerFrame) send_ops();
  });
  if (!ops.empty()) send_ops();
  for (const auto& [id, app] : local_members) {
    if (!app->ready) continue;
    scratch.clear();
    wire::link::write_member_up(scratch, id, app->name, app->parser,
                                {app->namespaces.begin(), app->namespaces.end()});
    slot.window.append_control(scratch, 1);
  }
  scratch.clear();
  wire::link::write_snapshot_end(scratch);
  slot.announced_seq = slot.window.append_control(scratch, 1);
}

// Messages that were held flow once the peer's snapshot is complete and every member of its last
// life is back, or given up.
void Node::Impl::release_when_ready(Slot& slot) {
  if (!slot.linked || !slot.window.holding() || slot.window_broken) return;
  const bool expecting = std::ranges::any_of(slot.members, [](const auto& item) {
    return item.second.state == RemoteMember::State::kExpected;
  });
  if (expecting) return;
  slot.peer_deadline = kNever;
  slot.window.release();
  routes_changed();
  mark_dirty(slot.conn);
}

void Node::Impl::lose_link(Slot& slot) {
  slot.conn = 0;
  if (!slot.linked) return;
  unlink(slot);
  ++counters.links_lost;
  settle_syncs(slot, true);
  book.peer_lost(slot.id, now);
}

// The link is back on the same stream. Members that were told as down while it was away are back
// with it; those that the peer's present life had not announced yet are waited for once more.
void Node::Impl::members_return(Slot& slot) {
  slot.peer_deadline = kNever;
  for (auto& [id, member] : slot.members) {
    if (!member.confirmed) {
      member.state = RemoteMember::State::kExpected;
      slot.peer_deadline = now + config.limits.peer_timeout;
    } else if (member.state == RemoteMember::State::kAway) {
      member.state = RemoteMember::State::kUp;
      announce(slot, member);
    }
  }
  routes_changed();
}

// Tells those who were told that it is up, or who named it themselves.
void Node::Impl::tell_down(RemoteMember& member, DownReason reason) {
  for (auto& [conn, app] : apps) {
    const bool named = app->named.erase(member.id) > 0;
    if (!app->attached || app->closing || !(member.told || named)) continue;
    wire::app::write_member_down(tell(*app), member.id, reason);
  }
  member.told = false;
}

// The members are down as far as apps are concerned. With `keep` they may still come back on the
// same life of their sidecar.
void Node::Impl::end_members(Slot& slot, DownReason reason, bool keep) {
  for (auto member = slot.members.begin(); member != slot.members.end();) {
    tell_down(member->second, reason);
    if (keep) {
      member->second.state = RemoteMember::State::kAway;
      ++member;
    } else {
      const MemberId id = member->first;
      ++member;
      erase_member(slot, id);
    }
  }
  routes_changed();
}

void Node::Impl::erase_member(Slot& slot, MemberId id) {
  const auto member = slot.members.find(id);
  if (member == slot.members.end()) return;
  count_presence(slot, member->second, false);
  const auto index = remote_members.find(id);
  if (index != remote_members.end() && index->second == &slot) remote_members.erase(index);
  slot.members.erase(member);
  provisional.drop_member(id);
}

void Node::Impl::count_presence(Slot& slot, const RemoteMember& member, bool add) {
  if (!member.namespaces_known) {
    slot.unknown_presence += add ? 1U : UINT32_MAX;
    return;
  }
  for (const std::string& nsp : member.namespaces) {
    if (add) {
      ++slot.presence[nsp];
    } else if (const auto found = slot.presence.find(nsp);
               found != slot.presence.end() && --found->second == 0) {
      slot.presence.erase(found);
    }
  }
}

// A connection that was about to resume what is given up now: the next one starts anew.
void Node::Impl::abandon_handshake(Slot& slot) {
  const auto link = links.find(slot.conn);
  if (link == links.end() || link->second->closing) return;
  drop_link(*link->second);
  close_connection(link->second->conn, true);
}

// The peer did not come back in time. The slot stays while it owes its members the word that
// something was lost.
void Node::Impl::give_up(Slot& slot) {
  abandon_handshake(slot);
  end_members(slot, DownReason::kUnreachable, false);
  const mesh::SendWindow::Loss loss = slot.window.drop_all();
  slot.window_broken = true;
  settle(slot.endpoint, loss.settled);
  remote_interest.remove_owner(slot.endpoint, [](std::uint64_t) {});
  slot.interest_pairs = 0;
  slot.interest_known = false;
  slot.recv_stream = 0;
  slot.recv_seq = 0;
  routes_changed();
  if (!slot.window.owes_word()) return remove_slot(slot);
  slot.peer_deadline = kNever;
  start_hold(slot);
  if (loss.dropped == 0) return;
  counters.drop(DropReason::kHoldEnded, loss.dropped);
  ++counters.gaps_declared;
  slot.dropped += loss.dropped;
  log(Action::Level::kWarn, "hold ended",
      "peer=\"" + slot.id + "\" messages=" + std::to_string(loss.dropped));
}

void Node::Impl::remove_slot(Slot& slot) {
  abandon_handshake(slot);
  end_members(slot, DownReason::kLeft, false);
  settle_syncs(slot, true);
  remote_interest.remove_owner(slot.endpoint, [](std::uint64_t) {});
  free_endpoint(slot.endpoint);
  routes_changed();
  slots.erase(slots.find(slot.id));
}

void Node::Impl::enforce_window(Slot& slot) {
  const mesh::SendWindow::Loss loss = slot.window.enforce();
  if (loss.dropped > 0) {
    counters.drop(DropReason::kLinkWindow, loss.dropped);
    ++counters.gaps_declared;
    slot.dropped += loss.dropped;
  }
  counters.window_forgotten += loss.forgotten;
  if (loss.settled > 0) settle(slot.endpoint, loss.settled);
  if (slot.window.control_bytes() > config.limits.control_backlog_bytes) {
    const auto link = links.find(slot.conn);
    slot.window_broken = true;
    if (link != links.end())
      cut_link(*link->second, CutReason::kControlBacklog, "the peer does not read");
  }
}

void Node::Impl::announce(const Slot& slot, RemoteMember& member) {
  member.told = true;
  const std::vector<std::string_view> namespaces(member.namespaces.begin(),
                                                 member.namespaces.end());
  tell_all([&](wire::Buffer& out) {
    wire::app::write_member_up(out, member.id, slot.id, member.name, namespaces);
  });
}

void Node::Impl::member_up(Slot& slot, const wire::link::MemberUp& up) {
  std::string_view parser = up.parser;
  for (const auto& [id, app] : local_members) parser = app->parser;
  if (parser != up.parser) {
    slot.foreign_parser.insert(up.member);
    counters.cut(CutReason::kParser);
    log(Action::Level::kError, "foreign parser",
        "peer=\"" + slot.id + "\" member=" + wire::member_id_text(up.member) + " parser=\"" +
            std::string(up.parser) + "\" expected=\"" + std::string(parser) + "\"");
    return;
  }
  if (const auto elsewhere = remote_members.find(up.member);
      elsewhere != remote_members.end() && elsewhere->second != &slot) {
    erase_member(*elsewhere->second, up.member);
  }
  const auto [entry, fresh] = slot.members.try_emplace(up.member);
  RemoteMember& member = entry->second;
  if (!fresh) count_presence(slot, member, false);
  member.id = up.member;
  member.name = up.name;
  member.parser = up.parser;
  member.state = RemoteMember::State::kUp;
  member.confirmed = true;
  member.in_snapshot = true;
  member.namespaces_known = true;
  member.namespaces = Names(up.namespaces.begin(), up.namespaces.end());
  count_presence(slot, member, true);
  remote_members[up.member] = &slot;
  routes_changed();
  announce(slot, member);
  if (slot.interest_known) release_when_ready(slot);
}

void Node::Impl::member_down(Slot& slot, MemberId id, DownReason reason) {
  slot.foreign_parser.erase(id);
  const auto member = slot.members.find(id);
  if (member == slot.members.end()) return;
  tell_down(member->second, reason);
  erase_member(slot, id);
  routes_changed();
  if (slot.interest_known) release_when_ready(slot);
}

void Node::Impl::member_presence(Slot& slot, const wire::link::Presence& presence) {
  const auto found = slot.members.find(presence.member);
  if (found == slot.members.end() || !found->second.namespaces_known) return;
  RemoteMember& member = found->second;
  count_presence(slot, member, false);
  if (presence.present) {
    member.namespaces.emplace(presence.nsp);
  } else if (const auto nsp = member.namespaces.find(presence.nsp);
             nsp != member.namespaces.end()) {
    member.namespaces.erase(nsp);
  }
  count_presence(slot, member, true);
  routes_changed();
  tell_all([&](wire::Buffer& out) {
    wire::app::write_presence(out, presence.member, presence.present, presence.nsp);
  });
}

void Node::Impl::snapshot_begin(Slot& slot) {
  remote_interest.remove_owner(slot.endpoint, [](std::uint64_t) {});
  slot.interest_pairs = 0;
  slot.interest_known = false;
  slot.foreign_parser.clear();
  for (auto& [id, member] : slot.members) member.in_snapshot = false;
  routes_changed();
}

// Members that the snapshot does not name are gone, unless their sidecar has a new life: then they
// are waited for.
void Node::Impl::snapshot_end(Slot& slot) {
  slot.interest_known = true;
  std::vector<MemberId> gone;
  for (const auto& [id, member] : slot.members) {
    if (!member.in_snapshot && member.state != RemoteMember::State::kExpected) gone.push_back(id);
  }
  for (const MemberId id : gone) member_down(slot, id, DownReason::kDied);
  routes_changed();
  release_when_ready(slot);
}

// An own member that was expected is attached: what was held for it is its, in order, before
// anything new.
void Node::Impl::member_is_back(AppConn& app) {
  Slot* slot = find_slot(config.sidecar_id);
  if (slot == nullptr || !slot->members.contains(app.id)) return;
  if (const std::uint64_t lost = slot->window.held_lost(); lost > 0) {
    wire::app::write_gap(tell(app), 0, lost, wire::app::GapReason::kLinkWindow, slot->id);
  }
  slot->window.each_held([&](wire::Bytes frames, std::uint32_t) {
    while (!frames.empty()) {
      const wire::Bytes frame =
          frames.first(wire::kLengthBytes + wire::load<std::uint32_t>(frames.data()));
      frames = frames.subspan(frame.size());
      const auto data = wire::parse_data(frame);
      const auto origin = local_members.find(data->origin);
      if (origin == local_members.end() || origin->second == &app || !parse_route(*data, route))
        continue;
      if (data->route_kind == wire::RouteKind::kMember && route.destination != app.id) continue;
      deliver(app, {frame, 1, data->seq, data->seq, *data}, origin->second->endpoint);
    }
  });
  erase_member(*slot, app.id);
  if (slot->members.empty()) remove_slot(*slot);
}

void Node::Impl::note_interest(std::uint64_t hash, bool add) {
  interest_changes.push_back({add, hash});
}

// Tells the peers what changed in interest. Before any message that may rest on it.
void Node::Impl::flush_interest() {
  if (interest_changes.empty()) return;
  ++interest_version;
  const std::span<const wire::link::InterestOp> all(interest_changes);
  for (std::size_t at = 0; at < all.size(); at += wire::link::kInterestOpsPerFrame) {
    const auto ops = all.subspan(at, std::min(wire::link::kInterestOpsPerFrame, all.size() - at));
    control_to_peers(
        1, [&](wire::Buffer& out) { wire::link::write_interest(out, interest_version, ops); });
  }
  interest_changes.clear();
  for (const auto& [id, slot] : slots) {
    if (slot->window.stream() == 0 || slot->window_broken) continue;
    enforce_window(*slot);
  }
}

// Awaited joins that waited for `slot`: answered when it acknowledged, or when it is lost. True
// when any was.
bool Node::Impl::settle_syncs(const Slot& slot, bool lost) {
  bool any = false;
  for (PendingSync& sync : syncs) {
    std::erase_if(sync.waits, [&](const PendingSync::Wait& wait) {
      if (wait.slot != &slot) return false;
      if (lost) sync.complete = false;
      return lost || slot.window.received_seq() >= wait.seq;
    });
  }
  std::erase_if(syncs, [&](const PendingSync& sync) {
    if (!sync.waits.empty()) return false;
    answer_sync(sync);
    any = true;
    return true;
  });
  return any;
}

}  // namespace socketmesh::node
