// Copies here of homes elsewhere, and how one becomes the home when that sidecar is lost: its
// interest is announced, and all peers give what was under way to it. See docs/adr/0011-shadows.md.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

namespace {

// How long a link may be away before what is copied becomes a home; at once, when somebody asks.
constexpr TimeUs kTakeoverDelay = 200 * kMillisecondUs;
// Peers that say that the sidecar lives are asked again after so long, for so long.
constexpr TimeUs kAliveRetry = 50 * kMillisecondUs;
constexpr TimeUs kTakeoverTimeout = 10 * kSecondUs;
// What is under way to one sidecar is given up beyond this many bytes.
constexpr std::size_t kTailBytes = 8U << 20U;
// Takeovers of others that are remembered here.
constexpr std::size_t kTailsAsked = 1024;

// Whether it is, or makes, an entry of a log.
bool enters_logs(wire::Bytes frame) {
  if ((frame[5] & wire::kLogged) != 0) return true;
  const bool counts = frame[7] == wire::kBroadcastKind || frame[7] == wire::kGapKind;
  return counts && (frame[5] & wire::kVolatile) == 0;
}

rw::Members members_of(const rw::Marks& marks) {
  rw::Members members;
  for (const rw::Mark& mark : marks) members.push_back(mark.origin);
  return members;
}

}  // namespace

bool Node::Impl::Recovery::copied(Slot& slot, const rw::Copy& copy) {
  const auto begin = static_cast<std::uint8_t>(recovery::CopyKind::kBegin);
  const bool begins = !copy.records.empty() && copy.records[0] == begin;
  auto found = held.find({&slot, copy.member});
  if (found == held.end() && begins && held.size() < node.config.limits.peers)
    found = held.try_emplace({&slot, copy.member}, copy.member, limits).first;
  if (found == held.end()) {
    // It is taken over, or was too much: it begins anew.
    node.to_peer(slot, [&](wire::Buffer& out) { rw::write_copy_lost(out, copy.member); });
    return true;
  }
  Held& at = found->second;
  at.epoch = slot.epoch;
  at.take_at = kNever;
  if (!at.shadow.apply(copy.records, node.now, limits)) return false;
  if (at.shadow.take_asked()) node.ack(slot, true);
  if (at.shadow.over()) {
    held.erase(found);
    return true;
  }
  const std::size_t memory = memory_for_each();
  if (at.shadow.home().bytes() > memory) at.shadow.home().expire(node.now, limits, memory);
  expire_due = std::min(expire_due, node.now + kSecondUs);
  return true;
}

void Node::Impl::Recovery::holders(Slot& slot, const rw::Holders& said) {
  if (slot.holders.size() >= node.config.limits.members && !slot.holders.contains(said.member))
    slot.holders.erase(slot.holders.begin());
  slot.holders[said.member] = Names(said.sidecars.begin(), said.sidecars.end());
}

void Node::Impl::Recovery::held_link_lost(Slot& slot) {
  std::erase_if(held, [&](const auto& item) {
    return item.first.first == &slot && !item.second.shadow.ready();
  });
  for (auto& [key, at] : held) {
    if (key.first == &slot) at.take_at = node.now + kTakeoverDelay;
  }
}

void Node::Impl::Recovery::held_link_back(Slot& slot) {
  for (auto& [key, at] : held) {
    if (key.first == &slot) at.take_at = kNever;
  }
}

void Node::Impl::Recovery::held_gone(const Slot& slot) {
  std::erase_if(held, [&](const auto& item) { return item.first.first == &slot; });
  std::erase_if(tails_asked, [&](const TailAsked& item) { return item.by == &slot; });
  std::vector<std::uint64_t> complete;
  for (auto& [token, taken] : takeovers) {
    taken.answered.erase(&slot);
    taken.to_ask.erase(&slot);
    if (taken.asked.erase(&slot) > 0) complete.push_back(token);
  }
  for (const std::uint64_t token : complete) tail_answered(token);
}

// Its sessions are looked for while its sidecar is lost: that can't wait.
bool Node::Impl::Recovery::take_over_if_lost(std::string_view nsp, std::string_view pid) {
  for (auto& [key, at] : held) {
    if (at.take_at == kNever || at.shadow.home().find(nsp, pid) == nullptr) continue;
    const auto [slot, member] = key;
    take_over(*slot, member);
    return true;
  }
  return false;
}

void Node::Impl::Recovery::take_over_all(const Slot& slot) {
  std::vector<MemberId> members;
  for (const auto& [key, at] : held) {
    if (key.first == &slot) members.push_back(key.second);
  }
  for (const MemberId member : members) take_over(slot, member);
}

void Node::Impl::Recovery::take_over(const Slot& slot, MemberId member) {
  auto item = held.extract({const_cast<Slot*>(&slot), member});
  Held& at = item.mapped();
  const bool useless = !at.shadow.ready() || at.shadow.home().sessions() == 0;
  if (useless || homes.contains(member) || node.leaving) return;
  const std::uint64_t token = ++last_number;
  TakenOver& taken = takeovers[token];
  taken.sidecar = slot.id;
  taken.epoch = at.epoch;
  taken.member = member;
  taken.cursors = at.shadow.cursors();
  taken.away = at.shadow.away();
  taken.started = node.now;
  HomeRecord& record = make_home(member);
  record.home = std::move(at.shadow.home());
  record.token = token;
  const rw::Marks seen = record.home.seen();
  const auto add_mark = [&](MemberId origin) {
    const auto known = std::ranges::find(seen, origin, &rw::Mark::origin);
    taken.marks.push_back({origin, known == seen.end() ? 0 : known->seq});
  };
  add_mark(member);
  for (const auto& [id, other] : slot.members) {
    if (id != member) add_mark(id);
  }
  orphans.push_back(&record);
  record.home.begin_takeover(members_of(taken.marks), node.now, limits);
  sync_interest(record);
  node.flush_interest();
  node.log(Action::Level::kInfo, "sessions taken over",
           "peer=\"" + slot.id + "\" member=" + wire::member_id_text(member) +
               " sessions=" + std::to_string(record.home.sessions()));
  for (const auto& [id, other] : node.slots) {
    if (other->linked) ask_tail(token, taken, *other);
  }
  rw::Takeover here;
  here.member = member;
  here.sidecar = taken.sidecar;
  here.epoch = taken.epoch;
  here.marks = taken.marks;
  const auto own = taken.cursors.find(node.config.sidecar_id);
  if (own != taken.cursors.end()) here.cursor = own->second;
  const auto result = gather_tail(node.config.sidecar_id, here, [&](auto kind, wire::Bytes frame) {
    keep_tail(taken, kind, frame);
  });
  if (result == rw::TailResult::kVoid) return undo_takeover(token, TakeoverResult::kVoid);
  const bool lives = somebody_lives(record.home.suspects());
  if (lives || result == rw::TailResult::kMember)
    return undo_takeover(token, TakeoverResult::kAlive);
  if (result == rw::TailResult::kGap) note_gap(taken, node.config.sidecar_id);
  tail_answered(token);
}

// What was under way from `peer` is not all kept: offsets of before it prove nothing.
void Node::Impl::Recovery::note_gap(TakenOver& taken, std::string_view peer) {
  taken.lost = true;
  node.log(Action::Level::kWarn, "sessions taken over with a gap",
           "peer=\"" + taken.sidecar + "\" member=" + wire::member_id_text(taken.member) +
               " not_kept_by=\"" + std::string(peer) + "\"");
}

void Node::Impl::Recovery::ask_tail(std::uint64_t token, TakenOver& taken, Slot& slot) {
  rw::Takeover said{token, taken.member, taken.sidecar, taken.epoch, {}, taken.marks};
  if (const auto cursor = taken.cursors.find(slot.id); cursor != taken.cursors.end())
    said.cursor = cursor->second;
  taken.asked.insert(&slot);
  node.to_peer(slot, [&](wire::Buffer& out) { rw::write_takeover(out, said); });
}

bool Node::Impl::Recovery::tails_are_here(HomeRecord& record) {
  const auto found = takeovers.find(record.token);
  if (found == takeovers.end()) return true;
  TakenOver& taken = found->second;
  ask_more(record.token, taken);
  return taken.whole && taken.asked.empty() && taken.to_ask.empty();
}

bool Node::Impl::Recovery::ask_more(std::uint64_t token, TakenOver& taken) {
  bool any = false;
  for (const auto& [id, slot] : node.slots) {
    const bool known = taken.asked.contains(slot.get()) || taken.answered.contains(slot.get()) ||
                       taken.to_ask.contains(slot.get());
    if (!slot->linked || known) continue;
    any = true;
    ask_tail(token, taken, *slot);
  }
  return any;
}

// Peers that the lost sidecar had, and that can't be asked: they may have sent it what is nowhere
// else. Not those that had left before it was lost, or that it had lost itself.
void Node::Impl::Recovery::note_missing(TakenOver& taken) {
  for (const auto& [id, slot] : node.slots) {
    if (id == taken.sidecar || id == node.config.sidecar_id) continue;
    if (slot->epoch == 0 || slot->left || taken.away.contains(id)) continue;
    const auto cursor = taken.cursors.find(id);
    const bool same = cursor == taken.cursors.end() || cursor->second.epoch == slot->epoch;
    if (!same || !taken.answered.contains(slot.get())) note_gap(taken, id);
  }
}

// ---- the peer that is asked -------------------------------------------------------------------

// What was under way from here to a sidecar that is lost, and what came from there.
template <typename Give>
rw::TailResult Node::Impl::Recovery::gather_tail(std::string_view asker, const rw::Takeover& said,
                                                 Give&& give) {
  const Slot* lost = node.find_slot(said.sidecar);
  if (lost != nullptr && lost->linked && lost->epoch == said.epoch) return rw::TailResult::kAlive;
  if (somebody_lives(members_of(said.marks))) return rw::TailResult::kMember;
  const bool known = lost != nullptr && lost->holders.contains(said.member);
  if (known && !lost->holders.at(said.member).contains(asker)) return rw::TailResult::kVoid;
  bool whole = said.cursor.stream == 0;
  std::size_t bytes = 0;
  if (lost != nullptr) {
    const rw::Cursor from = said.cursor.epoch == node.config.epoch ? said.cursor : rw::Cursor{};
    whole = lost->window.each_behind(
        from.stream, from.seq, [&](wire::Bytes frames, std::uint32_t, bool sent) {
          bytes += frames.size();
          while (const auto frame = wire::first_frame(frames)) {
            frames = frames.subspan(frame->size());
            if (bytes > kTailBytes || !enters_logs(*frame)) continue;
            give(sent ? rw::TailKind::kSent : rw::TailKind::kUnsent, *frame);
          }
        });
  }
  for (const auto& [member, record] : homes) {
    if (member == said.member) continue;
    std::vector<wire::Bytes> above;
    record->home.each_above(said.marks, above);
    for (const wire::Bytes frame : above) give(rw::TailKind::kHeard, frame);
  }
  return whole && bytes <= kTailBytes ? rw::TailResult::kComplete : rw::TailResult::kGap;
}

void Node::Impl::Recovery::asked_tail(Slot& slot, const rw::Takeover& said) {
  std::array<wire::Buffer, 3> pieces;
  const auto send = [&](rw::TailKind kind) {
    wire::Buffer& piece = pieces.at(static_cast<std::size_t>(kind));
    if (piece.empty()) return;
    node.to_peer(slot, [&](wire::Buffer& out) { rw::write_tail(out, {said.token, kind, piece}); });
    piece.clear();
  };
  const auto result = gather_tail(slot.id, said, [&](rw::TailKind kind, wire::Bytes frame) {
    wire::Buffer& piece = pieces.at(static_cast<std::size_t>(kind));
    if (piece.size() + frame.size() > kReplayPieceBytes) send(kind);
    piece.insert(piece.end(), frame.begin(), frame.end());
  });
  for (const auto kind : {rw::TailKind::kSent, rw::TailKind::kUnsent, rw::TailKind::kHeard})
    send(kind);
  node.to_peer(slot, [&](wire::Buffer& out) { rw::write_tail_end(out, {said.token, result}); });
  if (tails_asked.size() >= kTailsAsked) tails_asked.erase(tails_asked.begin());
  tails_asked.push_back(
      {&slot, said.token, std::string(said.sidecar), said.epoch, members_of(said.marks), node.now});
}

// A sidecar that was lost to us is back, in the same life: copies of its homes are not the homes.
void Node::Impl::Recovery::sidecar_lives(Slot& slot) {
  for (const TailAsked& item : tails_asked) {
    if (item.sidecar != slot.id || item.epoch != slot.epoch || item.by == &slot) continue;
    node.to_peer(*item.by, [&](wire::Buffer& out) {
      rw::write_tail_end(out, {item.token, rw::TailResult::kAlive});
    });
  }
  std::vector<std::uint64_t> undone;
  for (const auto& [token, taken] : takeovers) {
    if (taken.sidecar == slot.id && taken.epoch == slot.epoch) undone.push_back(token);
  }
  for (const std::uint64_t token : undone) undo_takeover(token, TakeoverResult::kAlive);
  for (const auto& [member, known] : slot.members) {
    if (known.confirmed) member_lives(member);
  }
}

// ---- what they give ---------------------------------------------------------------------------

void Node::Impl::Recovery::keep_tail(TakenOver& taken, rw::TailKind kind, wire::Bytes frames) {
  TakenOver::Frames& to = kind == rw::TailKind::kSent     ? taken.sent
                          : kind == rw::TailKind::kUnsent ? taken.unsent
                                                          : taken.heard;
  while (const auto frame = wire::first_frame(frames)) {
    const auto data = wire::parse_data(*frame);
    to[data->origin][data->seq].assign(frame->begin(), frame->end());
    frames = frames.subspan(frame->size());
  }
}

void Node::Impl::Recovery::tail(const Slot& slot, const rw::Tail& tail) {
  const auto found = takeovers.find(tail.token);
  if (found != takeovers.end() && found->second.asked.contains(&slot))
    keep_tail(found->second, tail.kind, tail.frames);
}

void Node::Impl::Recovery::tail_end(const Slot& slot, const rw::TailEnd& end) {
  const auto found = takeovers.find(end.token);
  if (found == takeovers.end()) return;
  TakenOver& taken = found->second;
  const bool asked = taken.asked.erase(&slot) > 0;
  if (end.result == rw::TailResult::kVoid) {
    node.log(Action::Level::kWarn, "sessions not taken over",
             "peer=\"" + taken.sidecar + "\" member=" + wire::member_id_text(taken.member) +
                 " said_by=\"" + slot.id + "\"");
  }
  switch (end.result) {
    case rw::TailResult::kMember:
      // Of all its sidecar's homes, not of this one alone.
      return member_lives(taken.member);
    case rw::TailResult::kVoid:
      return undo_takeover(end.token, TakeoverResult::kVoid);
    case rw::TailResult::kAlive:
      if (!asked) return undo_takeover(end.token, TakeoverResult::kAlive);
      taken.to_ask.insert(&slot);
      taken.again = std::min(taken.again, node.now + kAliveRetry);
      return;
    default:
      if (!asked) return;
      if (end.result == rw::TailResult::kGap) note_gap(taken, slot.id);
      taken.answered.insert(&slot);
      return tail_answered(end.token);
  }
}

// All that are linked have answered: the copy is the home.
void Node::Impl::Recovery::tail_answered(std::uint64_t token) {
  TakenOver& taken = takeovers.at(token);
  if (!taken.asked.empty() || !taken.to_ask.empty()) return;
  HomeRecord* record = home_of(taken.member);
  if (taken.whole) return add_late_tail(*record, taken);
  if (ask_more(token, taken)) return;
  taken.whole = true;
  note_missing(taken);
  node.counters.takeover(taken.lost ? TakeoverResult::kGap : TakeoverResult::kWhole);
  recovery::Home::Tail tail;
  tail.lost = taken.lost;
  const auto add = [](std::vector<wire::Buffer>& to, TakenOver::Frames&& from) {
    for (auto& [origin, frames] : from) {
      for (auto& [seq, frame] : frames) to.push_back(std::move(frame));
    }
  };
  auto own = taken.heard.extract(taken.member);
  if (!own.empty()) {
    for (auto& [seq, frame] : own.mapped()) tail.own.push_back(std::move(frame));
  }
  add(tail.sent, std::exchange(taken.sent, {}));
  add(tail.sent, std::exchange(taken.heard, {}));
  add(tail.unsent, std::exchange(taken.unsent, {}));
  taken.lost = false;
  record->home.end_takeover(tail, node.now);
  drop_if_empty(*record);
}

// From one that was not linked when it was made whole.
void Node::Impl::Recovery::add_late_tail(HomeRecord& record, TakenOver& taken) {
  if (std::exchange(taken.lost, false)) record.home.gap(node.now);
  const auto add = [&](TakenOver::Frames&& from, bool surely_unseen) {
    for (const auto& [origin, frames] : from) {
      for (const auto& [seq, frame] : frames) record.home.late(frame, surely_unseen, node.now);
    }
  };
  add(std::exchange(taken.sent, {}), false);
  add(std::exchange(taken.heard, {}), false);
  add(std::exchange(taken.unsent, {}), true);
}

void Node::Impl::Recovery::undo_takeover(std::uint64_t token, TakeoverResult why) {
  const auto found = takeovers.find(token);
  if (found == takeovers.end()) return;
  node.counters.takeover(why);
  HomeRecord* record = home_of(found->second.member);
  takeovers.erase(found);
  if (record != nullptr) give_back(*record);
}

void Node::Impl::Recovery::give_back(HomeRecord& record) {
  if (takeovers.erase(record.token) > 0) node.counters.takeover(TakeoverResult::kAlive);
  const bool taking = std::exchange(record.token, 0) != 0;
  if (taking && record.home.adopting()) record.home.end_takeover({{}, {}, {}, true}, node.now);
  record.home.give_back();
  drop_if_empty(record);
}

void Node::Impl::Recovery::tick_takeovers() {
  std::vector<std::pair<Slot*, MemberId>> due;
  for (const auto& [key, at] : held) {
    if (at.take_at <= node.now) due.push_back(key);
  }
  for (const auto& [slot, member] : due) take_over(*slot, member);
  std::vector<std::uint64_t> over;
  for (auto& [token, taken] : takeovers) {
    if (taken.again > node.now) continue;
    taken.again = kNever;
    if (taken.started + kTakeoverTimeout <= node.now) {
      over.push_back(token);
      continue;
    }
    for (const Slot* slot : std::exchange(taken.to_ask, {}))
      ask_tail(token, taken, *node.find_slot(slot->id));
  }
  for (const std::uint64_t token : over) undo_takeover(token, TakeoverResult::kTimeout);
}

TimeUs Node::Impl::Recovery::takeover_deadline() const {
  TimeUs next = kNever;
  for (const auto& [key, at] : held) next = std::min(next, at.take_at);
  for (const auto& [token, taken] : takeovers) next = std::min(next, taken.again);
  return next;
}

}  // namespace socketmesh::node
