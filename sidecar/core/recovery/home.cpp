#include "sidecar/core/recovery/home.hpp"

#include <algorithm>

namespace socketmesh::recovery {

namespace {

std::uint8_t kind_of(wire::Bytes frame) {
  return frame[7];
}

// Volatile messages without an offset are nobody's loss.
bool matters(wire::Bytes frames) {
  return (frames[5] & wire::kLogged) != 0 || (frames[5] & wire::kVolatile) == 0;
}

}  // namespace

void Home::attach(std::uint16_t attachment, const Marks& taken, TimeUs now) {
  // What it had delivered of the attachment before is not known.
  if (notes_) notes_->attached(attachment, taken);
  if (!by_pid_.empty() || log_.end() > 0) {
    drop_provisional();
    push_gap(now);
  }
  seen_.raise(taken, now);
  told_end_ = cut_ = after_ = kNoCut;
  suspects_.clear();
  attached_ = true;
  last_queued_ = 0;
  attachment_ = attachment;
}

// Nobody tells any more what was delivered, and no socket is left to which it matters.
void Home::detach(TimeUs now, const HomeLimits& limits) {
  if (notes_) notes_->plain(CopyKind::kDetached);
  attached_ = false;
  flush_provisional(now);
  for (auto& [key, session] : by_pid_) {
    if (session->state == Session::State::kLive || session->state == Session::State::kClosing) {
      session->state = Session::State::kAway;
      session->deadline = now + limits.window;
    }
  }
}

void Home::flush_provisional(TimeUs now) {
  for (const Provisional& item : provisional_) confirm(item.entry, now);
  provisional_.clear();
}

void Home::drop_provisional() {
  for (const Provisional& item : provisional_) log_.drop(item.entry);
  provisional_.clear();
}

// Only what is in the log once and in each origin's order is ever replayed.
void Home::confirm(const Log::Entry& entry, TimeUs now) {
  if (entry.at == nullptr) return log_.push_gap(entry.time);
  const Seen::Is is = seen_.note(entry.id(), now);
  if (is == Seen::Is::kNew) return log_.push(entry);
  log_.drop(entry);
  if (is == Seen::Is::kUnknowable) log_.push_gap(entry.time);
}

void Home::queued(wire::Bytes frames, std::uint32_t count, std::uint64_t last, TimeUs now) {
  if (notes_ && matters(frames)) notes_->queued(last, frames);
  push_queued(frames, count, last, now);
}

void Home::push_queued(wire::Bytes frames, std::uint32_t count, std::uint64_t last, TimeUs now) {
  const std::uint8_t flags = frames[5];
  last_queued_ = last;
  std::uint64_t number = last - count;
  if ((flags & wire::kLogged) != 0) {
    log_.keep(frames, now,
              [&](const Log::Entry& entry) { provisional_.push_back({entry, ++number}); });
    return;
  }
  if (!matters(frames)) return;
  // A broadcast without an offset can't be told from one that the client missed.
  while (const auto frame = wire::first_frame(frames)) {
    ++number;
    const std::uint8_t kind = kind_of(*frame);
    if (kind == wire::kBroadcastKind || kind == wire::kGapKind) push_queued_gap(number, now);
    frames = frames.subspan(frame->size());
  }
}

void Home::queued_gap(std::uint64_t number, TimeUs now) {
  if (notes_) notes_->number(CopyKind::kQueuedGap, number);
  push_queued_gap(number, now);
}

void Home::push_queued_gap(std::uint64_t number, TimeUs now) {
  Log::Entry mark;
  mark.time = now;
  if (number != kArrived) last_queued_ = std::max(last_queued_, number);
  provisional_.push_back({mark, number});
}

void Home::gap(TimeUs now) {
  if (notes_) notes_->plain(CopyKind::kGap);
  push_gap(now);
}

void Home::delivered(std::uint64_t count, TimeUs now) {
  if (provisional_.empty() || provisional_.front().number > count) return;
  if (notes_) notes_->number(CopyKind::kDelivered, count);
  confirm_until(count, now);
}

void Home::confirm_until(std::uint64_t count, TimeUs now) {
  while (!provisional_.empty() && provisional_.front().number <= count) {
    confirm(provisional_.front().entry, now);
    provisional_.pop_front();
  }
}

// What it published on an attachment before comes before all of this one.
std::optional<std::uint64_t> Home::told_now(wire::Bytes body) const {
  const auto order = wire::recovery::read_order(body);
  if (!order || !attached_ || order->attachment != attachment_) return std::nullopt;
  return order->delivered;
}

void Home::published(wire::Bytes frames, TimeUs now) {
  if (notes_ && matters(frames)) notes_->frames(CopyKind::kPublished, frames);
  keep(frames, now, true);
}

void Home::arrived(wire::Bytes frames, TimeUs now) {
  if (notes_ && matters(frames)) notes_->frames(CopyKind::kArrived, frames);
  keep(frames, now, false);
}

void Home::keep(wire::Bytes frames, TimeUs now, bool own) {
  const std::uint8_t flags = frames[5];
  if ((flags & wire::kLogged) != 0) {
    log_.keep(frames, now, [&](const Log::Entry& entry) {
      if (own) confirm_until(told_count(entry.frame()), now);
      if (adopting_ && !own)
        provisional_.push_back({entry, kArrived});
      else
        confirm(entry, now);
    });
    return;
  }
  if (!matters(frames)) return;
  while (const auto frame = wire::first_frame(frames)) {
    const std::uint8_t kind = kind_of(*frame);
    if (kind == wire::kBroadcastKind || kind == wire::kGapKind) push_gap(now);
    frames = frames.subspan(frame->size());
  }
}

void Home::begin_adoption(Position head) {
  adopting_ = true;
  log_.start_at(head);
}

Session* Home::adopt(const wire::recovery::AdoptSession& said, TimeUs now,
                     const HomeLimits& limits) {
  if (by_pid_.size() >= limits.sessions || find(said.nsp, said.pid) != nullptr) return nullptr;
  Session* session = insert(said.nsp, said.sid, said.pid);
  session->state = Session::State::kAway;
  session->deadline = now + static_cast<TimeUs>(std::min<std::uint64_t>(
                                said.left_us, std::uint64_t(limits.window)));
  session->generation = said.generation;
  session->start = said.start;
  session->base = said.base;
  session->last = said.last;
  session->last_position = said.last_position;
  session->lent = said.lent;
  session->suspects = said.suspects;
  session->doomed = said.doomed;
  session->set_rooms(said.rooms);
  std::vector<Session::Change> changes;
  changes.reserve(said.changes.size());
  for (const wire::recovery::RoomChange& change : said.changes)
    changes.push_back({change.at, change.join, std::string(change.room)});
  session->set_changes(std::move(changes));
  session->marks = said.marks;
  session->marked_at = now;
  session->data.assign(said.data.begin(), said.data.end());
  for (wire::Bytes left = said.carried; const auto frame = wire::first_frame(left);) {
    session->carried.emplace_back(frame->begin(), frame->end());
    left = left.subspan(frame->size());
  }
  carried_bytes_ += session->carried_bytes();
  want(*session, true);
  return session;
}

void Home::adopt_from(Position first) {
  if (first > log_.end()) log_.start_at(first);
}

void Home::adopt_entry(const wire::recovery::LogEntry& entry, TimeUs now) {
  const TimeUs time = now - static_cast<TimeUs>(entry.age_us);
  if (entry.frame.empty()) return log_.push_gap(time);
  log_.keep(entry.frame, time, [&](const Log::Entry& kept) {
    if (seen_.note(kept.id(), now) == Seen::Is::kNew) return log_.push(kept);
    log_.drop(kept);
    log_.push_gap(time);
  });
}

// What arrived meanwhile follows, but for what was in the log, or before it.
void Home::end_adoption(const Marks& marks, TimeUs now) {
  seen_.raise(marks, now);
  adopting_ = false;
  flush_provisional(now);
}

Marks Home::seen() const {
  Marks marks;
  marks.reserve(seen_.size());
  seen_.each([&](wire::MemberId origin, std::uint64_t seq) { marks.push_back({origin, seq}); });
  return marks;
}

Session* Home::find(std::string_view nsp, std::string_view pid) {
  const auto found = by_pid_.find(session_key(nsp, pid));
  return found == by_pid_.end() ? nullptr : found->second.get();
}

Session* Home::find_socket(std::string_view nsp, std::string_view sid) {
  const auto found = by_sid_.find(session_key(nsp, sid));
  return found == by_sid_.end() ? nullptr : found->second;
}

void Home::want_room(const Session& session, std::string_view room, bool add) {
  interest_.push_back({add, false, session.nsp, std::string(room)});
}

void Home::want(const Session& session, bool add) {
  interest_.push_back({add, true, session.nsp, {}});
  for (const std::string& room : session.rooms()) want_room(session, room, add);
}

Session* Home::insert(std::string_view nsp, std::string_view sid, std::string_view pid) {
  auto session = std::make_unique<Session>();
  session->nsp = nsp;
  session->sid = sid;
  session->pid = pid;
  session->start = session->last_position = log_.end();
  Session* made = session.get();
  by_pid_[session_key(nsp, pid)] = std::move(session);
  by_sid_[session_key(nsp, sid)] = made;
  return made;
}

Session* Home::open(const wire::recovery::SessionOp& op, TimeUs now, const HomeLimits& limits) {
  Session* session = find(op.nsp, op.pid);
  const bool restored = session != nullptr && session->state == Session::State::kRestoring;
  if (session == nullptr) {
    if (by_pid_.size() >= limits.sessions) return nullptr;
    session = insert(op.nsp, op.sid, op.pid);
    session->generation = op.generation;
    session->set_rooms(op.rooms);
    want(*session, true);
  } else {
    wire::recovery::Names gone;
    for (const std::string& room : session->rooms()) {
      if (std::ranges::find(op.rooms, room) == op.rooms.end()) gone.push_back(room);
    }
    const std::vector<std::string> kept(gone.begin(), gone.end());
    leave(*session, {kept.begin(), kept.end()});
    join(*session, op.rooms);
  }
  if (!restored) {
    // What it was given before this is not in the log here, or not in that order.
    drop_carried(*session);
    session->start = session->last_position = log_.end();
    session->last = op.last;
    session->written_before.clear();
    session->base = op.last.empty() ? std::string_view() : kNoOffset;
    session->marks = op.marks;
    session->marked_at = now;
  }
  session->state = Session::State::kLive;
  session->lent = UINT64_MAX;
  session->data.assign(op.data.begin(), op.data.end());
  if (notes_) note_session(*notes_, *session, 0);
  return session;
}

Session* Home::expect(std::string_view nsp, std::string_view pid,
                      const wire::recovery::Found& found, Position start,
                      const HomeLimits& limits) {
  if (by_pid_.size() >= limits.sessions || find(nsp, pid) != nullptr) return nullptr;
  Session* session = insert(nsp, found.sid, pid);
  session->start = session->last_position = start;
  session->state = Session::State::kArriving;
  session->generation = found.generation + 1;
  session->data.assign(found.data.begin(), found.data.end());
  session->set_rooms(found.rooms);
  want(*session, true);
  return session;
}

void Home::join(Session& session, const wire::recovery::Names& rooms) {
  for (const std::string_view room : rooms) {
    if (!session.join(room, log_.end())) continue;
    if (notes_) notes_->rooms(session, true, room);
    want_room(session, room, true);
  }
}

void Home::leave(Session& session, const wire::recovery::Names& rooms) {
  for (const std::string_view room : rooms) {
    if (!session.leave(room, log_.end())) continue;
    if (notes_) notes_->rooms(session, false, room);
    want_room(session, room, false);
  }
}

void Home::close(Session& session, wire::Bytes data, TimeUs now, const HomeLimits& limits) {
  if (!data.empty()) set_data(session, data);
  if (notes_) notes_->about(CopyKind::kClosed, session);
  session.state = Session::State::kAway;
  session.deadline = now + limits.window;
}

void Home::drop_carried(Session& session) {
  carried_bytes_ -= session.carried_bytes();
  session.carried.clear();
}

void Home::end(Session& session) {
  if (notes_) notes_->about(CopyKind::kEnded, session);
  want(session, false);
  drop_carried(session);
  by_sid_.erase(session_key(session.nsp, session.sid));
  by_pid_.erase(session_key(session.nsp, session.pid));
}

void Home::written(Session& session, std::string_view last) {
  if (notes_) notes_->about(CopyKind::kLast, session, last);
  // Whatever else an app told as its last is long as it likes.
  const bool real = session.last.empty() || parse_offset(session.last);
  if (session.last != last && real) {
    session.written_before.push_back({session.last, session.last_position});
    if (session.written_before.size() > kWrittenBefore) session.written_before.pop_front();
  }
  session.last = last;
  session.last_position = log_.end();
}

void Home::all_written() {
  if (notes_) notes_->plain(CopyKind::kAllWritten);
  for (auto& [key, session] : by_pid_) {
    if (session->state == Session::State::kLive) session->last_position = log_.end();
  }
}

// False: there is a gap among what is queued.
bool Home::replay_provisional(const Session& session, std::vector<wire::Bytes>& frames) const {
  const std::set<std::string_view> rooms(session.rooms().begin(), session.rooms().end());
  LoggedRoute route;
  for (const Provisional& item : provisional_) {
    if (item.entry.at == nullptr) return false;
    const MessageId id = item.entry.id();
    if (session.marked(id) || seen_.has(id)) continue;
    const auto data = wire::parse_data(item.entry.frame());
    if (data && read_route(*data, route) && session.is_for(route, rooms))
      frames.push_back(item.entry.frame());
  }
  return true;
}

Replay Home::replay(Session& session, std::string_view offset, Position until) {
  Replay replay;
  if (session.doomed) {
    replay.result = Result::kUnprovable;
    return replay;
  }
  replay.suspects = session.suspects;
  replay.suspects.insert(replay.suspects.end(), suspects_.begin(), suspects_.end());
  Position from = session.start;
  std::size_t carried = session.carried.size();  // the first that is replayed
  const auto id = parse_offset(offset);
  const auto is_id = [&id](const wire::Buffer& frame) {
    return id && wire::load<std::uint64_t>(frame.data() + 12) == id->origin &&
           wire::load<std::uint64_t>(frame.data() + 20) == id->seq;
  };
  const auto given = std::ranges::find_if(session.carried, is_id);
  // What it was told before counts when the log has forgotten it. The empty one stands for none
  // only where it was given none.
  const bool forgotten =
      offset.empty() ? session.base.empty() && session.start < log_.head() : !id || !log_.find(*id);
  const auto written =
      forgotten ? std::ranges::find(session.written_before, offset, &Session::Written::offset)
                : session.written_before.end();
  if (offset.empty() && session.last.empty() && session.base.empty()) {
    // It saw nothing, and up to there nothing was for it.
    from = session.last_position;
    carried = 0;
  } else if (offset == session.last && !offset.empty()) {
    from = session.last_position;
  } else if (written != session.written_before.end()) {
    from = written->position;
    if (offset.empty()) carried = 0;
  } else if (offset == session.base) {
    carried = 0;
  } else if (given != session.carried.end()) {
    carried = static_cast<std::size_t>(given - session.carried.begin()) + 1;
  } else {
    const auto position = id ? log_.find(*id) : std::nullopt;
    if (id && taken_over() && (!position || *position >= cut_)) {
      replay_above(session, *id, replay);
      return replay;
    }
    // What it got when it was lent, and since, it may have got in another order.
    if (!position || *position < session.start || *position >= session.lent ||
        !session.holds(log_, *position)) {
      replay.result = log_.head() > session.start ? Result::kEvicted : Result::kUnknownOffset;
      return replay;
    }
    from = *position + 1;
  }
  if (until != kAll && from > until) {
    // It got that elsewhere, while nobody told this home. Its member was to give it what came
    // since it asked, and can't know what of that it has.
    replay.result = Result::kUnprovable;
  } else if (from < log_.head()) {
    replay.result = Result::kEvicted;
  } else if (log_.gap_since(from)) {
    replay.result = Result::kGap;
  } else {
    replay.result = Result::kRestored;
    for (; carried < session.carried.size(); ++carried)
      replay.frames.emplace_back(session.carried[carried]);
    session.each_message(log_, from, [&](Position position) {
      if (position < until) replay.frames.push_back(log_.at(position).frame());
    });
    if (until == kAll && !replay_provisional(session, replay.frames)) replay.result = Result::kGap;
    std::size_t bytes = 0;
    for (const wire::Bytes frame : replay.frames) bytes += frame.size();
    if (bytes > kReplayBytesMax) replay.result = Result::kLimit;
  }
  return replay;
}

// The oldest first, and more than needed, so that not every restore has to look at all sessions.
bool Home::make_room(std::size_t bytes) {
  if (carried_bytes_ + bytes <= carried_max_) return true;
  std::vector<Session*> carrying;
  for (auto& [key, session] : by_pid_) {
    if (!session->carried.empty() && session->state != Session::State::kRestoring)
      carrying.push_back(session.get());
  }
  std::ranges::sort(carrying, {}, &Session::start);
  for (Session* session : carrying) {
    if (carried_bytes_ + bytes <= carried_max_ / 2) break;
    drop_carried(*session);
    session->base = kNoOffset;
  }
  return carried_bytes_ + bytes <= carried_max_;
}

void Home::carry(Session& session, std::string_view offset, std::vector<wire::Buffer> frames,
                 Marks marks, Position start, TimeUs now) {
  drop_carried(session);
  session.carried = std::move(frames);
  carried_bytes_ += session.carried_bytes();
  session.base = offset;
  // When nothing is given to it, what it had last is still what was written to it last.
  session.last = session.carried.empty() ? offset : std::string_view();
  session.written_before.clear();
  session.marks = std::move(marks);
  session.marked_at = now;
  session.start = session.last_position = start;
}

bool Home::had_more(const Session& session, wire::MemberId origin, const Marks& marks,
                    Position until) {
  const auto mark = std::ranges::find(marks, origin, &wire::recovery::Mark::origin);
  const std::set<std::string_view> rooms(session.rooms().begin(), session.rooms().end());
  bool more = false;
  log_.each_above(origin, mark == marks.end() ? 0 : mark->seq, [&](Position position) {
    const auto data = wire::parse_data(log_.at(position).frame());
    LoggedRoute route;
    more = more ||
           (position < until && data && read_route(*data, route) && session.is_for(route, rooms));
  });
  return more;
}

Marks Home::marks(const Session& session, std::string_view offset) const {
  std::unordered_map<wire::MemberId, std::uint64_t> highest;
  seen_.each([&](wire::MemberId origin, std::uint64_t seq) { highest[origin] = seq; });
  if (const auto id = parse_offset(offset))
    highest[id->origin] = std::max(highest[id->origin], id->seq);
  for (const wire::recovery::Mark& mark : session.marks)
    highest[mark.origin] = std::max(highest[mark.origin], mark.seq);
  for (const Provisional& item : provisional_) {
    const MessageId id = item.entry.id();
    if (item.entry.at != nullptr) highest[id.origin] = std::max(highest[id.origin], id.seq);
  }
  Marks marks;
  marks.reserve(highest.size());
  for (const auto& [origin, seq] : highest) marks.push_back({origin, seq});
  return marks;
}

void Home::expire(TimeUs now, const HomeLimits& limits, std::size_t memory_bytes) {
  log_.evict(now - limits.window,
             memory_bytes > carried_bytes_ ? memory_bytes - carried_bytes_ : 0);
  seen_.forget(now);
  std::vector<Session*> over;
  for (auto& [key, session] : by_pid_) {
    session->forget_changes(log_.head());
    if (session->marked_at + keep_ <= now) session->marks.clear();
    // What it was given when it came is as old as the log there.
    if (session->start < log_.head() && session->state != Session::State::kRestoring)
      drop_carried(*session);
    if (session->state == Session::State::kAway && session->deadline <= now)
      over.push_back(session.get());
  }
  for (Session* session : over) end(*session);
}

}  // namespace socketmesh::recovery
