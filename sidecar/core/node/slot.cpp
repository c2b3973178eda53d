// Peers over their connections and lives: what is kept for them, what they announce, and when it is
// given up.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

using wire::app::DownReason;

Slot* Node::Impl::find_slot(std::string_view id) const {
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
  set_due(slot->hold_deadline, now + config.limits.hold_time);
  endpoints[slot->endpoint].slot = slot.get();
  return slots.emplace(std::string(id), std::move(slot)).first->second.get();
}

// What is kept for a peer that is away; the word that something was given up, longer.
void Node::Impl::start_hold(Slot& slot) {
  const int holds = slot.window_broken ? kTombstoneHolds : 1;
  set_due(slot.hold_deadline, now + holds * config.limits.hold_time);
}

// The peer has started anew: it knows nothing of us, and its members have yet to come back to it.
void Node::Impl::new_life(Slot& slot, std::uint64_t epoch) {
  slot.epoch = epoch;
  slot.recv_stream = 0;
  slot.recv_seq = slot.recv_data_seq = 0;
  slot.interest_known = false;
  ledger.drop_source(slot.endpoint);
  if (recovery) {
    recovery->copy_link_lost(slot);
    recovery->take_over_all(slot);
  }
  settle_syncs(slot, true);
  if (recovery) recovery->peer_gone(slot);
  for (auto& [id, member] : slot.members) {
    member.state = RemoteMember::State::kExpected;
    member.confirmed = false;
  }
  set_due(slot.peer_deadline, now + config.limits.peer_timeout);
  start_hold(slot);
  routes_changed();
}

void Node::Impl::start_stream(Slot& slot, std::uint32_t held_by_peer, std::uint64_t received) {
  const std::vector<wire::Buffer> again = unheard(slot, received);
  // Only a life that met us before holds a stream of ours.
  slot.window.restart(std::max(slot.window.stream(), held_by_peer) + 1, held_by_peer == 0);
  slot.window_broken = false;
  slot.stream_epoch = slot.epoch;
  slot.down_seq = 0;
  send_snapshot(slot);
  for (const wire::Buffer& frame : again) slot.window.append_control(frame, 1);
  pay_debts(slot);
  channel_started(slot);
  if (recovery) recovery->copy_stream_started(slot);
  // Whoever waited on a link that gave way to this one waits for what is said anew.
  for (PendingSync& sync : syncs) {
    for (PendingSync::Wait& wait : sync.waits) {
      if (wait.slot == &slot) wait.seq = slot.window.last_seq();
    }
  }
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
  slot.replaced = false;
  if (!slot.linked) return;
  const bool young = is_young(slot);
  unlink(slot);
  channel_event(slot, ChannelEvent::Kind::kLost);
  ++counters.links_lost;
  if (recovery) recovery->peer_lost(slot);
  // Those who wait on a young one are answered by the connection that it gave way to.
  if (!young) settle_syncs(slot, true);
  book.peer_lost(slot.id, now);
}

// The link is back on the same stream. Members that were told as down while it was away are back
// with it; those that the peer's present life had not announced yet are waited for once more.
void Node::Impl::members_return(Slot& slot) {
  slot.peer_deadline = kNever;
  for (auto& [id, member] : slot.members) {
    if (!member.confirmed) {
      member.state = RemoteMember::State::kExpected;
      set_due(slot.peer_deadline, now + config.limits.peer_timeout);
    } else if (member.state == RemoteMember::State::kAway) {
      member.state = RemoteMember::State::kUp;
      announce(slot, member);
    }
  }
  routes_changed();
}

// A connection that was about to resume what is given up now: the next one starts anew.
void Node::Impl::abandon_handshake(Slot& slot) {
  const auto link = links.find(slot.conn);
  if (link == links.end() || link->second->closing) return;
  drop_link(*link->second);
  close_connection(link->second->conn, true);
}

// The peer did not come back in time. The slot stays while it owes one of its members the word that
// something was lost.
void Node::Impl::give_up(Slot& slot) {
  abandon_handshake(slot);
  channel_gone(slot);
  const mesh::SendWindow::AtRisk risk = slot.window.at_risk();
  for (const auto& [id, member] : slot.members) owe(slot, id, risk);
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
  if (slot.debts.empty()) return remove_slot(slot);
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
  channel_gone(slot);
  end_members(slot, DownReason::kLeft, false);
  settle_syncs(slot, true);
  if (recovery) recovery->peer_gone(slot);
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
