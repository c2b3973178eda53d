// What time does: dials, pings, delayed acknowledgements, deadlines.
#include <algorithm>
#include <cassert>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

using wire::app::DownReason;

namespace {

// Deadlines are met so much later at most, and no more often than this: 100 ticks a second.
constexpr TimeUs kTickGrain = 10 * kMillisecondUs;

}  // namespace

// Members may have given up their connections meanwhile, and opened others that they gave up, too:
// all of that comes at once now, and nothing tells which connection is alive. What peers send would
// go to a dead one. So links wait until the members are back: peers keep what they have.
void Node::Impl::stood_still() {
  bool any = false;
  for (auto& [conn, link] : links) {
    if (link->closing) continue;
    any = any || link->state == LinkConn::State::kLinked;
    drop_link(*link);
    close_connection(link->conn, true);
  }
  log(Action::Level::kWarn, "stood still",
      "milliseconds=" + std::to_string((now - last_input) / kMillisecondUs));
  if (any) apart_until = now + config.limits.return_time;
}

void Node::Impl::tick() {
  if (now >= apart_until) dial();
  tick_links();
  tick_apps();
  tick_slots();
  tick_syncs();
  if (recovery) recovery->tick();
  wake = search_deadline();
}

void Node::Impl::dial() {
  for (std::string& address : book.due(now)) {
    ++counters.dials;
    Action action;
    action.kind = Action::Kind::kDial;
    action.address = std::move(address);
    actions.push_back(std::move(action));
  }
}

void Node::Impl::tick_links() {
  for (auto& [conn, link] : links) {
    if (link->closing) continue;
    if (link->state != LinkConn::State::kLinked) {
      if (now - link->opened >= config.limits.handshake_timeout) {
        cut_link(*link, CutReason::kHandshakeTimeout, "no handshake in time");
      }
      continue;
    }
    if (now - link->last_received >= config.limits.idle_timeout) {
      cut_link(*link, CutReason::kIdleTimeout, "nothing was heard from the peer");
      continue;
    }
    if (link->ping_due <= now) {
      wire::link::write_ping(link->control, static_cast<std::uint64_t>(now));
      link->ping_due = now + config.limits.ping_interval;
      mark_dirty(conn);
    }
    if (link->slot->ack_due <= now) mark_dirty(conn);
  }
}

void Node::Impl::tick_apps() {
  for (auto& [conn, app] : apps) {
    if (app->closing) continue;
    if (!app->attached) {
      if (now - app->opened >= config.limits.handshake_timeout) {
        refuse(*app, wire::app::Refusal::kProtocol, CutReason::kHandshakeTimeout,
               "no ATTACH in time");
      }
      continue;
    }
    if (app->taken_due <= now) tell_taken(*app);
    if (!app->ready || app->ping_due > now) continue;
    app->ping_due = now + config.limits.ping_interval;
    if (app->queue.control_bytes() > config.limits.control_backlog_bytes) {
      refuse(*app, wire::app::Refusal::kLimit, CutReason::kControlBacklog, "the app does not read");
      continue;
    }
    // One that was not answered yet measures on.
    if (app->ping_sent) continue;
    app->ping_sent = true;
    wire::app::write_ping(tell(*app), static_cast<std::uint64_t>(now));
  }
}

void Node::Impl::tell_taken(AppConn& app) {
  app.taken_due = kNever;
  const std::uint64_t taken = ledger.taken(app.endpoint, app.last_seq);
  if (taken <= app.taken_told) return;
  app.taken_told = taken;
  app.untold_bytes = 0;
  wire::app::write_taken(tell(app), taken);
}

void Node::Impl::tick_slots() {
  std::vector<Slot*> due;
  for (const auto& [id, slot] : slots) {
    if (slot->peer_deadline <= now || (!slot->linked && slot->hold_deadline <= now))
      due.push_back(slot.get());
  }
  for (Slot* slot : due) {
    if (slot->id == config.sidecar_id) {
      give_up_own(*slot);
      continue;
    }
    if (!slot->linked && slot->hold_deadline <= now) {
      slot->window_broken && slot->members.empty() ? remove_slot(*slot) : give_up(*slot);
      continue;
    }
    slot->peer_deadline = kNever;
    if (!slot->linked) {
      end_members(*slot, DownReason::kUnreachable, true);
      continue;
    }
    std::vector<MemberId> lost;
    for (const auto& [id, member] : slot->members) {
      if (member.state == RemoteMember::State::kExpected) lost.push_back(id);
    }
    // What is held goes to the others now.
    const mesh::SendWindow::AtRisk risk = slot->window.at_risk();
    for (const MemberId id : lost) owe(*slot, id, risk);
    for (const MemberId id : lost) member_down(*slot, id, DownReason::kUnreachable);
    release_when_ready(*slot);
  }
}

// Own members that did not come back in time; and later, those that never did.
void Node::Impl::give_up_own(Slot& slot) {
  const mesh::SendWindow::AtRisk risk = slot.window.at_risk();
  for (const auto& [id, member] : slot.members) owe(slot, id, risk);
  const bool late = slot.members.empty();
  end_members(slot, DownReason::kUnreachable, false);
  settle(slot.endpoint, slot.window.drop_all().settled);
  if (late || slot.debts.empty()) return remove_slot(slot);
  slot.peer_deadline = kNever;
  slot.hold_deadline = now + kTombstoneHolds * config.limits.hold_time;
}

void Node::Impl::tick_syncs() {
  std::erase_if(syncs, [this](PendingSync& sync) {
    if (sync.deadline > now) return false;
    sync.complete = false;
    answer_sync(sync);
    return true;
  });
}

// Asked for after every turn, so it must not cost what the number of peers costs. A deadline that
// was moved or met since leaves an early answer behind: that tick finds nothing to do. A tick looks
// at every peer: those that are close together share one.
TimeUs Node::Impl::next_deadline() const {
  assert(wake <= search_deadline());
  const TimeUs shared = wake > kNever - kTickGrain ? kNever : wake + kTickGrain - 1;
  const TimeUs next = std::min(shared == kNever ? kNever : shared - shared % kTickGrain,
                               std::max(book.next_deadline(), apart_until));
  return recovery ? std::min(next, recovery->next_deadline()) : next;
}

TimeUs Node::Impl::search_deadline() const {
  TimeUs next = kNever;
  const auto at = [&next](TimeUs time) { next = std::min(next, time); };
  for (const auto& [conn, link] : links) {
    if (link->closing) continue;
    if (link->state != LinkConn::State::kLinked) {
      at(link->opened + config.limits.handshake_timeout);
      continue;
    }
    at(link->last_received + config.limits.idle_timeout);
    at(link->ping_due);
    if (link->slot->ack_due > now) at(link->slot->ack_due);
  }
  for (const auto& [conn, app] : apps) {
    if (app->closing) continue;
    at(app->attached ? app->taken_due : app->opened + config.limits.handshake_timeout);
    if (app->ready) at(app->ping_due);
  }
  for (const auto& [id, slot] : slots) {
    at(slot->peer_deadline);
    if (!slot->linked) at(slot->hold_deadline);
  }
  for (const PendingSync& sync : syncs) at(sync.deadline);
  return next;
}

}  // namespace socketmesh::node
