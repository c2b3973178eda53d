// A home as the source of copies, and a copy as what the home was. See docs/adr/0011-shadows.md.
#include <algorithm>
#include <span>

#include "sidecar/core/recovery/home.hpp"

namespace socketmesh::recovery {

void Home::note_changes(bool on) {
  if (!on)
    notes_.reset();
  else if (!notes_)
    notes_.emplace();
}

void Home::note_state(CopyNotes& notes) const {
  notes.state(state());
  for (const Provisional& item : provisional_) {
    if (item.entry.at == nullptr)
      notes.number(CopyKind::kQueuedGap, item.number);
    else
      notes.queued(item.number, item.entry.frame());
  }
}

void Home::set_state(const CopyState& state, TimeUs now) {
  attached_ = state.attached;
  attachment_ = state.attachment;
  told_end_ = state.told_end;
  cut_ = state.cut;
  after_ = state.after;
  suspects_ = state.suspects;
  seen_.raise(state.seen, now);
}

void Home::note_session(CopyNotes& notes, const Session& session, TimeUs now) const {
  using State = Session::State;
  // It is not here, or not again, before its socket is connected.
  if (session.state == State::kArriving) return;
  wire::Buffer frame;
  // One that is too long has no copy, and is not recovered when its home is killed.
  if (!session.write_frame(frame, 0, now)) return;
  notes.session(session.state == State::kLive || session.state == State::kClosing, frame);
}

void Home::set_data(Session& session, wire::Bytes data) {
  if (notes_) {
    notes_->about(CopyKind::kData, session,
                  {reinterpret_cast<const char*>(data.data()), data.size()});
  }
  session.data.assign(data.begin(), data.end());
}

void Home::lend(Session& session, Position position) {
  session.lent = position;
  if (notes_) notes_->lent(session, position);
}

void Home::begin_takeover(const wire::recovery::Members& members, TimeUs now,
                          const HomeLimits& limits) {
  suspects_.insert(suspects_.end(), members.begin(), members.end());
  for (auto& [key, session] : by_pid_) {
    if (session->state != Session::State::kAway) {
      session->state = Session::State::kAway;
      session->deadline = now + limits.window;
    }
    want(*session, true);
  }
  adopting_ = true;
}

void Home::end_takeover(const Tail& tail, TimeUs now) {
  const bool sockets = attached_ && !taken_over();
  adopting_ = false;
  bool lost = tail.lost;
  // Its own messages up to the first behind deliveries that this copy does not know of: those are
  // in the tail, and were before it.
  std::size_t placed = 0;
  for (; placed < tail.own.size(); ++placed) {
    const wire::Buffer& frame = tail.own[placed];
    const auto order = wire::recovery::read_order(wire::parse_data(frame)->body);
    const bool ordered = order && order->attachment == attachment_;
    lost = lost || !ordered;
    if (sockets && ordered && order->delivered > last_queued_) break;
    keep(frame, now, true);
  }
  const std::span<const wire::Buffer> behind = std::span(tail.own).subspan(placed);
  if (!behind.empty()) confirm_until(last_queued_, now);
  if (sockets) told_end_ = log_.end();
  std::deque<Provisional> arrivals;
  for (const Provisional& item : std::exchange(provisional_, {})) {
    if (item.number == kArrived)
      arrivals.push_back(item);
    else
      confirm(item.entry, now);
  }
  if (sockets) cut_ = log_.end();
  if (lost) log_.push_gap(now);
  for (const wire::Buffer& frame : behind) keep(frame, now, false);
  for (const wire::Buffer& frame : tail.sent) keep(frame, now, false);
  if (sockets) after_ = log_.end();
  for (const wire::Buffer& frame : tail.unsent) keep(frame, now, false);
  for (const Provisional& item : arrivals) confirm(item.entry, now);
  attached_ = false;
}

void Home::give_back() {
  while (!by_pid_.empty()) end(*by_pid_.begin()->second);
}

void Home::late(const wire::Buffer& frame, bool surely_unseen, TimeUs now) {
  const MessageId id = Log::Entry{frame.data(), static_cast<std::uint32_t>(frame.size())}.id();
  if (log_.find(id)) return;
  // Where it belongs, something else may be by now.
  if (!surely_unseen || seen_.has(id)) return gap(now);
  arrived(frame, now);
}

void Home::each_above(const Marks& marks, std::vector<wire::Bytes>& out) {
  for (const wire::recovery::Mark& mark : marks) {
    log_.each_above(mark.origin, mark.seq,
                    [&](Position position) { out.push_back(log_.at(position).frame()); });
    for (const Provisional& item : provisional_) {
      const MessageId id = item.entry.id();
      if (id.origin == mark.origin && id.seq > mark.seq) out.push_back(item.entry.frame());
    }
  }
}

// The client has seen something that this copy has not, or not in its order: its offset says all
// of one origin. Nothing of another may be ambiguous.
void Home::replay_above(Session& session, const MessageId& id, Replay& replay) {
  const auto position = log_.find(id);
  const bool own = id.origin == member_;
  const bool known = position && *position < after_ && session.holds(log_, *position);
  // What the member alone had and nobody has now: it can only be newer than what it had told.
  const bool gone_with_it = own && !position && !seen_.has(id);
  const bool lent = session.lent != UINT64_MAX;
  replay.result = Result::kUnknownOffset;
  if (lent || (!known && !gone_with_it)) return;
  const Position from = std::max(own ? told_end_ : cut_, session.start);
  replay.result = from < log_.head() ? Result::kEvicted : Result::kGap;
  if (from < log_.head() || log_.gap_since(from)) return;
  bool ambiguous = false;
  session.each_message(log_, from, [&](Position at) {
    const Log::Entry& entry = log_.at(at);
    const MessageId next = entry.id();
    if (next.origin == id.origin ? next.seq > id.seq : at >= after_)
      replay.frames.push_back(entry.frame());
    else
      ambiguous = ambiguous || next.origin != id.origin;
  });
  replay.result = ambiguous ? Result::kUnprovable : Result::kRestored;
}

}  // namespace socketmesh::recovery
