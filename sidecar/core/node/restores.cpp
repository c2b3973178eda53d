// The side that wants a session: it asks, announces the session's rooms, fences, fetches, and hands
// session and replay to its member.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

namespace {

// The next piece of these frames, from number `next` on, which is moved behind it.
wire::Buffer next_piece(const std::vector<wire::Buffer>& frames, std::size_t& next) {
  wire::Buffer piece;
  for (; next < frames.size(); ++next) {
    const wire::Buffer& frame = frames[next];
    if (!piece.empty() && piece.size() + frame.size() > kReplayPieceBytes) break;
    piece.insert(piece.end(), frame.begin(), frame.end());
  }
  return piece;
}

}  // namespace

void Node::Impl::Recovery::restore(HomeRecord& record, const rw::SessionOp& op) {
  Restore restore;
  restore.token = ++last_number;
  restore.member = record.home.member();
  restore.request = op.request;
  restore.nsp = op.nsp;
  restore.pid = op.pid;
  restore.offset = op.offset;
  restore.position = record.home.log().end();
  restore.started = node.now;
  // Who waits no longer must not be served after the one who waits.
  std::uint64_t& newest_token = newest[key_of(restore)];
  if (const auto before = restores.find(newest_token);
      before != restores.end() && before->second.step != Restore::Step::kDone) {
    refuse(before->second, rw::Result::kSuperseded);
  }
  newest_token = restore.token;
  find(restores.emplace(restore.token, std::move(restore)).first->second);
}

std::string Node::Impl::Recovery::key_of(const Restore& restore) {
  return std::to_string(restore.member) + restore.nsp + '\0' + restore.pid;
}

// From a home of this sidecar; its own, or another's.
void Node::Impl::Recovery::move_here(Restore& restore, HomeRecord& from, Session& session) {
  const bool own = from.home.member() == restore.member;
  const recovery::Replay replay =
      from.home.replay(session, restore.offset, own ? restore.position : recovery::Home::kAll);
  restore.from_member = own ? 0 : from.home.member();
  if (replay.result != rw::Result::kRestored) {
    // As with a lease (leases.cpp): the session stays for who brings the right offset.
    if (session.restore == restore.token) session.restore = 0;
    restore.from_member = 0;
    return refuse(restore, replay.result);
  }
  std::vector<wire::Buffer> frames;
  frames.reserve(replay.frames.size());
  for (const wire::Bytes frame : replay.frames) frames.emplace_back(frame.begin(), frame.end());
  if (own) {
    session.deadline = node.now + limits.window;
    session.suspects = replay.suspects;
    finish(restore, session, std::move(frames), session.marks);
    return;
  }
  rw::Found found;
  found.sid = session.sid;
  found.generation = session.generation;
  found.data = session.data;
  found.rooms.assign(session.rooms().begin(), session.rooms().end());
  HomeRecord& to = *home_of(restore.member);
  Session* arrived = to.home.expect(restore.nsp, restore.pid, found, restore.position, limits);
  if (arrived == nullptr) return refuse(restore, rw::Result::kLimit);
  arrived->restore = restore.token;
  session.state = Session::State::kRestoring;  // the old one waits for the new one to connect
  session.restore = restore.token;
  arrived->suspects = replay.suspects;
  // What comes next, in the same input, goes to its member too: it is not in the replay.
  sync_interest(to);
  finish(restore, *arrived, std::move(frames), from.home.marks(session, restore.offset));
}

void Node::Impl::Recovery::finish(Restore& restore, Session& session,
                                  std::vector<wire::Buffer> frames, const rw::Marks& marks) {
  HomeRecord& to = *home_of(restore.member);
  std::size_t bytes = 0;
  for (const wire::Buffer& frame : frames) bytes += frame.size();
  const bool room = to.home.make_room(bytes);
  const bool arriving = session.state == Session::State::kArriving;
  const TimeUs provable = arriving ? provable_at(restore, session, marks) : 0;
  if (!room || somebody_lives(session.suspects) || provable == kNever) {
    if (!arriving) session.restore = 0;
    return refuse(restore, room ? rw::Result::kUnprovable : rw::Result::kLimit);
  }
  if (provable > node.now) return put_off(restore, provable);
  session.state = Session::State::kRestoring;
  session.restore = restore.token;
  restore.step = Restore::Step::kDone;
  restore.again = kNever;
  restore.marks = marks;
  to.home.carry(session, restore.offset, std::move(frames), marks, restore.position, node.now);
  to.handing.push_back(restore.token);
  hand_replays(to);
}

// A sidecar that was killed had told some and not others. Its members tell all of them when it is
// back; this session would be past that here. A link that was only cut goes on where it was: what
// came here before the cut is before the barrier everywhere.
TimeUs Node::Impl::Recovery::provable_at(const Restore& restore, const Session& session,
                                         const rw::Marks& marks) {
  recovery::Home& to = home_of(restore.member)->home;
  TimeUs provable = 0;
  for (const auto& [id, slot] : node.slots) {
    const TimeUs settled = slot->linked ? slot->life_since + kFenceRetry : kNever;
    for (const auto& [origin, member] : slot->members) {
      const TimeUs at = member.state == RemoteMember::State::kUp ? settled : kNever;
      if (at > provable && at > node.now && to.had_more(session, origin, marks, restore.position))
        provable = at;
    }
  }
  return provable;
}

// Its home is asked anew then; one that is here must not wait for this.
void Node::Impl::Recovery::put_off(Restore& restore, TimeUs until) {
  if (restore.from_member != 0) tell_moved(restore, false);
  restore.from_member = 0;
  restore.step = Restore::Step::kFinding;
  restore.again = until;
}

void Node::Impl::Recovery::hand_replays(HomeRecord& record) {
  while (!record.handing.empty()) {
    const auto found = restores.find(record.handing.front());
    if (found != restores.end() && !hand_replay(record, found->second)) return;
    record.handing.pop_front();
  }
}

// False: the member does not take more for now.
bool Node::Impl::Recovery::hand_replay(HomeRecord& record, Restore& restore) {
  const Session* session = record.home.find(restore.nsp, restore.pid);
  if (session == nullptr || session->restore != restore.token) {
    refuse(restore, rw::Result::kUnprovable);
    return true;
  }
  AppConn& app = *record.app;
  while (restore.handed < session->carried.size()) {
    if (app.queue.control_bytes() > kMemberBacklogBytes) return false;
    const wire::Buffer piece = next_piece(session->carried, restore.handed);
    rw::write_replay(node.tell(app), restore.request, piece);
  }
  rw::Found found;
  found.sid = session->sid;
  found.generation = session->generation;
  found.data = session->data;
  found.rooms.assign(session->rooms().begin(), session->rooms().end());
  rw::write_restored(node.tell(app), restore.request, found, std::exchange(restore.marks, {}));
  ++node.counters.sessions_recovered;
  node.counters.messages_replayed += session->carried.size();
  return true;
}

void Node::Impl::Recovery::forget_arriving(const Restore& restore) {
  HomeRecord* to = home_of(restore.member);
  Session* session = to == nullptr ? nullptr : to->home.find(restore.nsp, restore.pid);
  const bool its = session != nullptr && session->state == Session::State::kArriving &&
                   session->restore == restore.token;
  if (its) to->home.end(*session);
}

void Node::Impl::Recovery::refuse(Restore& restore, rw::Result why) {
  ++node.counters.sessions_refused.at(static_cast<std::size_t>(why));
  forget_arriving(restore);
  tell_moved(restore, false);
  if (const HomeRecord* to = home_of(restore.member); to != nullptr && to->app != nullptr)
    rw::write_refusal(node.tell(*to->app), restore.request, why);
  restores.erase(restore.token);
}

void Node::Impl::Recovery::tell_moved(const Restore& restore, bool done) {
  if (restore.from != nullptr) {
    const rw::Moved moved{restore.token, done};
    node.to_peer(*restore.from, [&](wire::Buffer& out) { rw::write_moved(out, moved); });
  }
  HomeRecord* here = restore.from_member == 0 ? nullptr : home_of(restore.from_member);
  Session* session = here == nullptr ? nullptr : here->home.find(restore.nsp, restore.pid);
  if (session == nullptr) return;
  if (session->restore == restore.token) session->restore = 0;
  if (done) {
    here->home.end(*session);
    drop_if_empty(*here);
  } else if (session->state == Session::State::kRestoring) {
    session->state = Session::State::kAway;
  }
}

// Its home was busy, or is lost, or saw another mesh than we do.
void Node::Impl::Recovery::retry(Restore& restore) {
  forget_arriving(restore);
  if (restore.from != nullptr) tell_moved(restore, false);
  restore.waiting.clear();
  // Answers to what was asked before are about another token.
  auto item = restores.extract(restore.token);
  item.key() = item.mapped().token = ++last_number;
  newest[key_of(item.mapped())] = item.mapped().token;
  find(restores.insert(std::move(item)).position->second);
}

// Whether its home is busy with others; then it is looked at again later.
bool Node::Impl::Recovery::stays_in_line(Restore& restore) const {
  const auto last = heard.find(restore.from);
  if (restore.step != Restore::Step::kFetching || last == heard.end()) return false;
  restore.again = std::min(last->second + kFenceRetry, restore.fetched + kFenceRetryMost);
  return restore.again > node.now;
}

// Its rooms are announced before the fence; so what is published behind the fence comes here.
void Node::Impl::Recovery::arrive(Restore& restore) {
  rw::Found found;
  found.generation = restore.generation;
  found.sid = restore.sid;
  found.rooms.assign(restore.rooms.begin(), restore.rooms.end());
  found.data = restore.data;
  HomeRecord& to = *home_of(restore.member);
  Session* session = to.home.expect(restore.nsp, restore.pid, found, restore.position, limits);
  if (session == nullptr && to.home.find(restore.nsp, restore.pid) != nullptr) {
    restore.again = node.now + kRestoreRetry;
    return;
  }
  if (session == nullptr) return refuse(restore, rw::Result::kLimit);
  session->restore = restore.token;
  restore.step = Restore::Step::kFetching;
  restore.fetched = node.now;
  restore.again = node.now + kFenceRetry;
  unfenced.push_back(restore.token);
}

void Node::Impl::Recovery::send_barriers() {
  std::map<Slot*, std::vector<const Restore*>> by_home;
  for (const std::uint64_t token : std::exchange(unfenced, {})) {
    const auto found = restores.find(token);
    if (found == restores.end() || found->second.from == nullptr) continue;
    // What is held for its home is not before FETCH yet.
    if (found->second.from->window.holds_back()) {
      found->second.step = Restore::Step::kFinding;
      found->second.again = node.now + kRestoreRetry;
    } else {
      by_home[found->second.from].push_back(&found->second);
    }
  }
  for (const auto& [home, wanted] : by_home) {
    const std::uint64_t barrier = ++last_number;
    const rw::Names fenced = fence(*home, barrier);
    for (const Restore* restore : wanted) {
      node.to_peer(*home, [&](wire::Buffer& out) {
        rw::write_fetch(out, {restore->token, barrier, restore->offset, fenced});
      });
    }
  }
}

rw::Names Node::Impl::Recovery::fence(const Slot& home, std::uint64_t barrier) {
  rw::Names fenced;
  for (const auto& [id, slot] : node.slots) {
    if (!slot->linked || slot.get() == &home) continue;
    fenced.push_back(id);
    node.to_peer(*slot, [&](wire::Buffer& out) {
      rw::write_barrier(out, rw::kBarrier, {barrier, home.id});
    });
  }
  return fenced;
}

void Node::Impl::Recovery::replay(Slot& slot, const rw::Replay& replay) {
  const auto at = restores.find(replay.token);
  if (at == restores.end() || at->second.from != &slot ||
      at->second.step != Restore::Step::kFetching) {
    return;
  }
  at->second.again = node.now + kFenceRetry;
  heard[&slot] = node.now;
  for (wire::Bytes left = replay.frames; const auto frame = wire::first_frame(left);) {
    at->second.frames.emplace_back(frame->begin(), frame->end());
    left = left.subspan(frame->size());
  }
}

void Node::Impl::Recovery::replayed(Slot& slot, const rw::Replayed& replayed) {
  const auto at = restores.find(replayed.token);
  if (at == restores.end() || at->second.from != &slot ||
      at->second.step != Restore::Step::kFetching) {
    return;
  }
  Restore& restore = at->second;
  heard[&slot] = node.now;
  if (replayed.result == rw::Result::kAgain) {
    restore.step = Restore::Step::kFinding;
    restore.again = node.now + kRestoreRetry;
    return;
  }
  HomeRecord& to = *home_of(restore.member);
  Session* session = to.home.find(restore.nsp, restore.pid);
  if (replayed.result != rw::Result::kRestored || session == nullptr) {
    restore.from = nullptr;  // it has forgotten it
    return refuse(restore, session == nullptr ? rw::Result::kUnprovable : replayed.result);
  }
  session->suspects = replayed.suspects;
  finish(restore, *session, std::move(restore.frames), replayed.marks);
}

}  // namespace socketmesh::node
