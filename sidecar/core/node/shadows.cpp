// Copies of the homes here: at which peers they are, what those are told, and who is told that they
// count. See docs/adr/0011-shadows.md.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"
#include "sidecar/core/routing/siphash.hpp"

namespace socketmesh::node {

using recovery::CopyKind;
using recovery::CopyNotes;

namespace {

// Below that they begin anew, and snapshots go on.
constexpr std::size_t kResumeBytes = 1U << 20U;
// A COPY of a snapshot is about this long.
constexpr std::size_t kSnapshotPieceBytes = 128U << 10U;
constexpr std::size_t kSnapshotSessions = 256;
// A peer that is away for longer is replaced.
constexpr TimeUs kShadowAway = kSecondUs;
// A peer with a better rank than one that has a copy must have been there for so long.
constexpr TimeUs kShadowSettled = 2 * kSecondUs;
constexpr TimeUs kChooseInterval = 500 * kMillisecondUs;
constexpr TimeUs kSnapshotInterval = 2 * kMillisecondUs;

}  // namespace

// The peers that ought to have a copy, best first: of those that are there, by the home's order.
std::vector<Slot*> Node::Impl::Recovery::best_shadows(MemberId member) const {
  std::vector<Slot*> best;
  for (const auto& [id, slot] : node.slots) {
    if (slot->linked && slot->interest_known) best.push_back(slot.get());
  }
  const auto key = [&](const Slot* slot) {
    const bool settled = node.now - slot->since >= kShadowSettled;
    const bool elsewhere = slot->node.empty() || slot->node != node.config.node;
    return std::tuple(settled, elsewhere, rank(member, slot->id));
  };
  std::ranges::sort(best, std::ranges::greater(), key);
  if (best.size() > limits.replicas) best.resize(limits.replicas);
  return best;
}

void Node::Impl::Recovery::choose_shadows() {
  choose_due = homes.empty() || limits.replicas == 0 ? kNever : node.now + kChooseInterval;
  if (node.leaving || limits.replicas == 0) return;
  for (auto& [member, record] : homes) {
    if (!record->home.adopting()) choose_shadows(*record);
  }
}

void Node::Impl::Recovery::choose_shadows(HomeRecord& record) {
  std::vector<HomeCopy*> over;
  for (const auto& copy : record.copies) {
    if (copy->lost && copy->since + kShadowAway <= node.now) over.push_back(copy.get());
  }
  for (HomeCopy* copy : over) end_copy(record, *copy);
  over.clear();
  for (const auto& copy : record.copies) {
    const bool again = copy->step == HomeCopy::Step::kShed && !copy->lost &&
                       copy->since + kShedPause <= node.now &&
                       copy->slot->window.control_bytes() < kResumeBytes;
    if (again) start_copy(record, *copy);
  }
  const std::vector<Slot*> best = best_shadows(record.home.member());
  const auto is_at = [](const Slot* slot) {
    return [slot](const auto& copy) { return copy->slot == slot; };
  };
  bool whole = true;
  for (Slot* slot : best) {
    const auto found = std::ranges::find_if(record.copies, is_at(slot));
    whole = whole && found != record.copies.end() && (*found)->valid;
    if (found != record.copies.end()) continue;
    auto& copy = record.copies.emplace_back(std::make_unique<HomeCopy>());
    copy->slot = slot;
    copy->endpoint = node.new_endpoint();
    start_copy(record, *copy);
  }
  // The old ones stay until the new ones stand.
  if (!whole) return;
  for (const auto& copy : record.copies) {
    if (!copy->lost && std::ranges::find(best, copy->slot) == best.end())
      over.push_back(copy.get());
  }
  for (HomeCopy* copy : over) end_copy(record, *copy);
}

void Node::Impl::Recovery::start_copy(HomeRecord& record, HomeCopy& copy) {
  // What was noted before is in the log and the sessions that are about to be read.
  copy.step = HomeCopy::Step::kShed;
  tell_copies(record);
  record.home.note_changes(true);
  invalidate(record, copy);
  copy.step = HomeCopy::Step::kLog;
  copy.since = node.now;
  copy.next = record.home.log().head();
  copy.ready_seq = copy.asked_seq = 0;
  copy.keys.clear();
  copy.cursors.clear();
  CopyNotes notes;
  notes.begin(copy.next);
  send_copy(record, copy, notes);
  tell_snapshot(record, copy);
}

void Node::Impl::Recovery::end_copy(HomeRecord& record, HomeCopy& copy) {
  invalidate(record, copy);
  CopyNotes notes;
  notes.plain(CopyKind::kEndOfCopy);
  send_copy(record, copy, notes);
  node.free_endpoint(copy.endpoint);
  std::erase_if(record.copies, [&copy](const auto& item) { return item.get() == &copy; });
  if (record.copies.empty()) record.home.note_changes(false);
}

// Messages `first` to `last` of `source` have entered the home: they are kept where they came from
// until its copies have them.
void Node::Impl::Recovery::note(HomeRecord& record, EndpointId source, std::uint64_t first,
                                std::uint64_t last) {
  for (const auto& copy : record.copies) {
    if (copy->step == HomeCopy::Step::kShed || copy->lost) continue;
    copy->noted = true;
    node.ledger.note(copy->endpoint, ++copy->position, source, first, last);
  }
}

void Node::Impl::Recovery::tell_copies() {
  if (limits.replicas == 0) return;
  for (auto& [member, record] : homes) tell_copies(*record);
}

void Node::Impl::Recovery::tell_copies(HomeRecord& record) {
  if (record.copies.empty()) return;
  const std::vector<wire::Buffer> changes = record.home.take_changes();
  for (const auto& copy : record.copies) {
    tell_copy(record, *copy, changes);
    tell_snapshot(record, *copy);
  }
}

void Node::Impl::Recovery::tell_copy(HomeRecord& record, HomeCopy& copy,
                                     const std::vector<wire::Buffer>& changes) {
  if (copy.step == HomeCopy::Step::kShed) return;
  if (copy.slot->window.control_bytes() > kShedBytes) return shed(record, copy);
  // A snapshot has its log yet to read; what is noted meanwhile lies in it.
  const bool whole_log = copy.step != HomeCopy::Step::kLog;
  if (changes.empty() || !whole_log) return;
  CopyNotes notes;
  for (std::size_t i = 0; i + 1 < changes.size(); ++i) {
    notes.raw(changes[i]);
    send_copy(record, copy, notes);
  }
  notes.raw(changes.back());
  note_cursors(copy, notes);
  send_copy(record, copy, notes);
}

void Node::Impl::Recovery::note_cursors(HomeCopy& copy, CopyNotes& notes) const {
  for (const auto& [id, slot] : node.slots) {
    rw::Cursor& told = copy.cursors[slot.get()];
    if (slot->recv_stream == 0 || (told.stream == slot->recv_stream && told.epoch == slot->epoch &&
                                   told.seq >= slot->recv_data_seq))
      continue;
    told = {slot->epoch, slot->recv_stream, slot->recv_seq};
    notes.cursor(id, told);
  }
}

// What `slot` had on its way here when its link was lost is nobody's loss if it does not come back.
void Node::Impl::Recovery::tell_away(HomeRecord& record, HomeCopy& copy, const Slot& slot) {
  const bool told = copy.cursors.erase(&slot) > 0;
  if (!told || copy.lost || copy.step == HomeCopy::Step::kShed) return;
  CopyNotes notes;
  notes.peer_away(slot.id);
  send_copy(record, copy, notes);
}

void Node::Impl::Recovery::send_copy(HomeRecord& record, HomeCopy& copy, CopyNotes& notes,
                                     bool ask) {
  Slot& slot = *copy.slot;
  if (slot.window.stream() == 0 || slot.window_broken) return;
  if (notes.empty() && !ask) return;
  ask = ask || (copy.step == HomeCopy::Step::kWhole && copy.ask_due <= node.now);
  if (ask) notes.plain(CopyKind::kAsk);
  for (const wire::Buffer& records : notes.take()) {
    node.counters.copied_bytes += records.size();
    node.to_peer(slot,
                 [&](wire::Buffer& out) { rw::write_copy(out, {record.home.member(), records}); });
  }
  copy.seq = slot.window.last_seq();
  if (ask) {
    copy.asked_seq = copy.seq;
    copy.ask_due = node.now + kAskInterval;
  }
  if (std::exchange(copy.noted, false) || copy.sent.empty() || ask || copy.sent.back().asked ||
      copy.sent.back().at + kSnapshotInterval <= node.now) {
    copy.sent.push_back({copy.seq, copy.position, node.now, ask});
  } else {
    copy.sent.back().seq = copy.seq;
  }
}

// As much of the log, and then of the sessions, as the peer takes for now.
void Node::Impl::Recovery::tell_snapshot(HomeRecord& record, HomeCopy& copy) {
  recovery::Log& log = record.home.log();
  while (copy.step == HomeCopy::Step::kLog) {
    if (copy.slot->window.control_bytes() > kResumeBytes) return;
    copy.next = std::max(copy.next, log.head());
    wire::Buffer entries;
    const recovery::Position first = copy.next;
    wire::Writer writer(entries);
    for (; copy.next < log.end(); ++copy.next) {
      const recovery::Log::Entry& entry = log.at(copy.next);
      if (!entries.empty() && entries.size() + entry.size > kSnapshotPieceBytes) break;
      writer.u64(static_cast<std::uint64_t>(std::max<TimeUs>(0, node.now - entry.time)));
      writer.u32(entry.size);
      if (entry.at != nullptr) writer.bytes(entry.frame());
    }
    CopyNotes notes;
    if (!entries.empty()) notes.log(first, entries);
    if (copy.next == log.end()) {
      if (first > copy.next || entries.empty()) notes.log(copy.next, {});
      record.home.note_state(notes);
      note_cursors(copy, notes);
      copy.step = HomeCopy::Step::kSessions;
      record.home.each_session(
          [&](const Session& session) { copy.keys.emplace_back(session.nsp, session.pid); });
    }
    send_copy(record, copy, notes);
  }
  if (copy.step == HomeCopy::Step::kSessions) tell_sessions(record, copy);
}

void Node::Impl::Recovery::tell_sessions(HomeRecord& record, HomeCopy& copy) {
  while (copy.step == HomeCopy::Step::kSessions) {
    if (copy.slot->window.control_bytes() > kResumeBytes) return;
    CopyNotes notes;
    for (std::size_t i = 0; i < kSnapshotSessions && !copy.keys.empty(); ++i) {
      const auto [nsp, pid] = std::move(copy.keys.back());
      copy.keys.pop_back();
      if (const Session* session = record.home.find(nsp, pid))
        record.home.note_session(notes, *session, node.now);
    }
    if (copy.keys.empty()) {
      notes.plain(CopyKind::kReady);
      copy.step = HomeCopy::Step::kWhole;
    }
    send_copy(record, copy, notes);
    if (copy.step == HomeCopy::Step::kWhole) copy.ready_seq = copy.seq;
  }
}

// The peer takes too little: its copy counts no more, and begins anew when it has caught up.
void Node::Impl::Recovery::shed(HomeRecord& record, HomeCopy& copy) {
  ++node.counters.copies_shed;
  copy.step = HomeCopy::Step::kShed;
  copy.since = node.now;
  invalidate(record, copy);
}

void Node::Impl::Recovery::invalidate(HomeRecord& record, HomeCopy& copy) {
  copy.ready_seq = 0;
  copy.sent.clear();
  node.free_endpoint(std::exchange(copy.endpoint, node.new_endpoint()));
  copy.position = 0;
  if (!std::exchange(copy.valid, false)) return;
  announce_holders(record);
  // Who waits for its word waits for the others to know that it counts no more.
  for (PendingSync& sync : node.syncs) {
    const bool waits = std::ranges::any_of(
        sync.waits, [&](const PendingSync::Wait& wait) { return wait.slot == copy.slot; });
    if (!waits) continue;
    for (const auto& [id, slot] : node.slots) {
      if (slot->linked && slot.get() != copy.slot)
        sync.waits.push_back({slot.get(), slot->announced_seq});
    }
  }
}

// The peer has read so far.
void Node::Impl::Recovery::copies_received(const Slot& slot) {
  const std::uint64_t received = slot.window.received_seq();
  for (auto& [member, record] : homes) {
    for (const auto& copy : record->copies) {
      if (copy->slot != &slot) continue;
      std::uint64_t position = 0;
      while (!copy->sent.empty() && copy->sent.front().seq <= received) {
        position = copy->sent.front().position;
        const HomeCopy::Sent& sent = copy->sent.front();
        if (sent.asked)
          node.counters.copy_lag.observe(static_cast<std::uint64_t>(node.now - sent.at));
        copy->sent.pop_front();
      }
      if (position > 0) node.settle(copy->endpoint, position);
      if (copy->valid || copy->ready_seq == 0 || copy->ready_seq > received) continue;
      copy->valid = true;
      announce_holders(*record);
    }
  }
}

rw::Holders Node::Impl::Recovery::holders_of(const HomeRecord& record, const Slot* except) {
  rw::Holders holders;
  holders.member = record.home.member();
  for (const auto& copy : record.copies) {
    if (copy->valid && copy->slot != except) holders.sidecars.push_back(copy->slot->id);
  }
  return holders;
}

void Node::Impl::Recovery::announce_holders(HomeRecord& record) {
  const rw::Holders holders = holders_of(record);
  record.announced = true;
  node.control_to_peers(1, [&](wire::Buffer& out) { rw::write_holders(out, holders); });
}

// A new stream to `slot` begins: it is told who counts, and its copies begin anew.
void Node::Impl::Recovery::copy_stream_started(Slot& slot) {
  for (auto& [member, record] : homes) {
    if (record->announced) {
      const rw::Holders holders = holders_of(*record, &slot);
      node.to_peer(slot, [&](wire::Buffer& out) { rw::write_holders(out, holders); });
    }
    for (const auto& copy : record->copies) {
      if (copy->slot != &slot) continue;
      copy->lost = false;
      start_copy(*record, *copy);
    }
  }
  choose_due = std::min(choose_due, node.now);
}

void Node::Impl::Recovery::copy_link_lost(const Slot& slot) {
  for (auto& [member, record] : homes) {
    tell_copies(*record);
    for (const auto& copy : record->copies) {
      if (copy->slot != &slot) {
        tell_away(*record, *copy, slot);
        continue;
      }
      copy->lost = true;
      copy->since = node.now;
      if (copy->ready_seq != 0) record->forked_until = node.now + 2 * limits.window;
      const std::uint64_t ready = copy->ready_seq;
      invalidate(*record, *copy);
      copy->ready_seq = ready;
    }
  }
}

// On the same stream: the copy counts again when the peer has read what was told meanwhile.
void Node::Impl::Recovery::copy_link_back(const Slot& slot) {
  for (auto& [member, record] : homes) {
    for (const auto& copy : record->copies) {
      if (copy->slot != &slot || !std::exchange(copy->lost, false)) continue;
      if (copy->ready_seq != 0) copy->ready_seq = copy->seq;
    }
  }
  choose_due = std::min(choose_due, node.now);
}

void Node::Impl::Recovery::copies_gone(const Slot& slot) {
  for (auto& [member, record] : homes) {
    std::vector<HomeCopy*> gone;
    for (const auto& copy : record->copies) {
      copy->cursors.erase(&slot);
      if (copy->slot == &slot) gone.push_back(copy.get());
    }
    for (HomeCopy* copy : gone) end_copy(*record, *copy);
  }
}

void Node::Impl::Recovery::copy_lost(const Slot& slot, MemberId member) {
  HomeRecord* record = home_of(member);
  if (record == nullptr) return;
  for (const auto& copy : record->copies) {
    if (copy->slot == &slot) shed(*record, *copy);
  }
}

void Node::Impl::Recovery::wait_for_copies(const AppConn& app, PendingSync& sync) {
  if (app.home == nullptr) return;
  tell_copies(*app.home);
  for (const auto& copy : app.home->copies) {
    const bool counts = copy->ready_seq != 0 && !copy->lost;
    if (!counts || copy->seq <= copy->slot->window.received_seq()) continue;
    CopyNotes nothing_new;
    if (copy->asked_seq < copy->seq) send_copy(*app.home, *copy, nothing_new, true);
    sync.waits.push_back({copy->slot, copy->seq});
  }
}

TimeUs Node::Impl::Recovery::copies_deadline() const {
  TimeUs next = choose_due;
  for (const auto& [member, record] : homes) {
    for (const auto& copy : record->copies) {
      const bool snapshot =
          copy->step == HomeCopy::Step::kLog || copy->step == HomeCopy::Step::kSessions;
      if (snapshot && copy->slot->linked) next = std::min(next, node.now + kSnapshotInterval);
    }
  }
  return next;
}

}  // namespace socketmesh::node
