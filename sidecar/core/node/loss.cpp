// What members missed, and are told of: what peers had to drop, what was given up for a member that
// stayed away, what lay in the queue of one whose connection ended.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

namespace {

// GAPs of one member that are told apart until it has taken them; beyond it the oldest become one.
constexpr std::size_t kMaxUntakenGaps = 1024;

using wire::app::GapReason;

// Makes room for one more in `entries`, of which there are at most `limit`: those that are over go,
// else the one that would go next.
template <typename Entries>
void bound(Entries& entries, std::size_t limit, TimeUs now) {
  std::erase_if(entries, [now](const auto& item) { return item.second.until <= now; });
  if (entries.size() < limit) return;
  entries.erase(
      std::ranges::min_element(entries, {}, [](const auto& item) { return item.second.until; }));
}

}  // namespace

// Tells a member of a loss as a delivery of its own: `seq` of the peer's stream counts as taken
// when the member has taken it.
void Node::Impl::declare(AppConn& app, std::uint64_t messages, GapReason reason, Slot& slot,
                         std::uint64_t seq) {
  app.queue.append_gap(messages, reason, slot.id);
  if (app.home != nullptr) app.home->home.queued_gap(app.queue.queued(), now);
  if (app.gaps.size() >= kMaxUntakenGaps) {
    app.gaps[1].messages += app.gaps.front().messages;
    app.gaps.pop_front();
  }
  app.gaps.push_back({app.queue.queued(), messages});
  ledger.note(app.endpoint, app.queue.queued(), slot.endpoint, seq, seq);
  mark_dirty(app.conn);
}

// The peer had to drop messages for us: whoever could have been meant is told.
void Node::Impl::skipped(Slot& slot, const wire::link::Record& record) {
  wire::Reader reader(record.frames);
  const std::uint64_t messages = reader.u64();
  ++counters.gaps_declared;
  log(Action::Level::kWarn, "gap declared",
      "peer=\"" + slot.id + "\" messages=" + std::to_string(messages));
  if (recovery) recovery->gap_orphans();
  const std::uint64_t last = record.first_seq + record.count - 1;
  for (const auto& [id, app] : local_members)
    declare(*app, messages, GapReason::kLinkWindow, slot, last);
  // Members of this sidecar's last life may have yet to come back, and were meant, too.
  slot.lost_messages = (slot.lost_until > now ? slot.lost_messages : 0) + messages;
  slot.lost_until = now + config.limits.hold_time;
}

// What peers declared lost while this member was away, and what it had not taken when its last
// connection ended.
void Node::Impl::tell_losses(AppConn& app) {
  for (const auto& [id, slot] : slots) {
    if (slot->recv_stream != 0) app.marks[id] = {slot->epoch, slot->recv_stream, slot->recv_seq};
    if (slot->lost_until <= now) continue;
    wire::app::write_gap(tell(app), 0, slot->lost_messages, GapReason::kLinkWindow, id);
  }
  const auto found = departed.find(app.id);
  if (found == departed.end()) return;
  if (found->second.messages > 0) {
    ++counters.gaps_declared;
    wire::app::write_gap(tell(app), 0, found->second.messages, GapReason::kStreamLost,
                         config.sidecar_id);
  }
  departed.erase(found);
}

// A member's connection ended without DETACH: should it attach again, it is told what it missed.
void Node::Impl::note_departure(const AppConn& app) {
  bound(departed, config.limits.members, now);
  Departed& gone = departed[app.id];
  gone.until = now + config.limits.hold_time;
  // A GAP that it has not taken is one delivery, and stands for many messages.
  gone.messages = app.queue.queued() - app.taken_count - app.gaps.size();
  for (const AppConn::Gap& gap : app.gaps) gone.messages += gap.messages;
  for (const auto& [id, slot] : slots) {
    if (slot->window.stream() != 0 && !slot->window_broken) slot->down_seq = slot->announced_seq;
  }
}

// Until a peer has read that a member is down, what it sends may be meant for it.
void Node::Impl::count_missed(Slot& slot, const Run& run) {
  if (slot.window.received_seq() >= slot.down_seq) {
    slot.down_seq = 0;
    return;
  }
  const std::uint64_t messages = wire::message_count(run.bytes);
  for (auto& [id, gone] : departed) gone.messages += messages;
}

// `member` is given up with what is kept for it; should it be back, it is told.
void Node::Impl::owe(Slot& slot, MemberId member, const mesh::SendWindow::AtRisk& risk) {
  if (risk.unsent + risk.received == 0) return;
  if (!slot.debts.contains(member)) bound(slot.debts, config.limits.members, now);
  Debt& debt = slot.debts[member];
  // What an earlier life of its sidecar had received it did not deliver.
  if (debt.epoch != slot.epoch) debt.unsent += std::exchange(debt.received, 0);
  debt.epoch = slot.epoch;
  debt.unsent += risk.unsent;
  debt.received += risk.received;
  debt.released_seq = slot.linked ? slot.window.last_seq() + 1 : 0;
  debt.told_seq = 0;
  debt.until = now + kTombstoneHolds * config.limits.hold_time;
  log(Action::Level::kWarn, "member given up",
      "member=" + wire::member_id_text(member) + " peer=\"" + slot.id +
          "\" messages=" + std::to_string(risk.unsent + risk.received));
}

std::uint64_t Node::Impl::owed(const Slot& slot, const Debt& debt) {
  return debt.unsent + (debt.epoch == slot.epoch ? 0 : debt.received);
}

// The member is up at its sidecar. The debt stays until the member has taken the word.
void Node::Impl::pay_debt(Slot& slot, MemberId member) {
  const auto debt = slot.debts.find(member);
  if (debt == slot.debts.end()) return;
  const std::uint64_t messages = owed(slot, debt->second);
  if (messages == 0) {
    slot.debts.erase(debt);
    return;
  }
  scratch.clear();
  wire::link::write_member_loss(scratch, {member, messages, debt->second.released_seq});
  debt->second.told_seq = slot.window.append_control(scratch, 1);
  mark_dirty(slot.conn);
}

// On a new stream all is told anew, to members that need not announce themselves on it.
void Node::Impl::pay_debts(Slot& slot) {
  for (auto& [member, debt] : slot.debts) debt.told_seq = debt.released_seq = 0;
  for (const auto& [id, member] : slot.members) {
    if (member.confirmed) pay_debt(slot, id);
  }
}

void Node::Impl::settle_debts(Slot& slot, std::uint64_t taken) {
  if (slot.debts.empty()) return;
  taken = std::min(taken, slot.window.received_seq());
  std::erase_if(slot.debts, [taken](const auto& item) {
    return item.second.told_seq != 0 && item.second.told_seq <= taken;
  });
}

// A peer tells what one of our members missed while it was away.
void Node::Impl::member_loss(Slot& slot, const wire::link::MemberLoss& loss, std::uint64_t seq) {
  if (const auto app = local_members.find(loss.member); app != local_members.end()) {
    const auto mark = app->second->marks.find(slot.id);
    const bool after = mark != app->second->marks.end() && mark->second.epoch == slot.epoch &&
                       mark->second.stream == slot.recv_stream &&
                       mark->second.seq >= loss.released_seq;
    if (loss.released_seq != 0 && !after) return;  // it was there when they came
    ++counters.gaps_declared;
    declare(*app->second, loss.messages, GapReason::kHoldEnded, slot, seq);
  } else if (const auto gone = departed.find(loss.member); gone != departed.end()) {
    gone->second.messages += loss.messages;
  }
}

}  // namespace socketmesh::node
