// The side that has a session: it closes the old socket, lends the session, waits until it has all
// that was published before the mover's rooms were known, and answers with what was missed.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

Lease* Node::Impl::Recovery::find_lease(const Slot& mover, std::uint64_t token) {
  const auto number = lease_numbers.find({&mover, token});
  return number == lease_numbers.end() ? nullptr : &leases.at(number->second);
}

void Node::Impl::Recovery::end_lease(std::uint64_t number) {
  const auto lease = leases.find(number);
  if (lease == leases.end()) return;
  lease_numbers.erase({lease->second.mover, lease->second.token});
  leases.erase(lease);
  unlent = true;
}

void Node::Impl::Recovery::asked(Slot& slot, const rw::Find& find) {
  rw::Found none;
  none.token = find.token;
  const auto say = [&] {
    node.to_peer(slot, [&](wire::Buffer& out) { rw::write_found(out, none); });
  };
  const auto [record, session] = newest_here(find.nsp, find.pid);
  if (session == nullptr) {
    if (take_over_if_lost(find.nsp, find.pid)) none.result = rw::Result::kAgain;
    return say();
  }
  if (record->home.adopting() || session->lease != 0 || session->restore != 0 ||
      !tails_are_here(*record) || (record->forked_until > node.now && somebody_is_missing())) {
    none.result = rw::Result::kAgain;
    return say();
  }
  const std::uint64_t number = ++last_number;
  session->lease = number;
  Lease& lease = leases[number];
  lease.mover = &slot;
  lease.token = find.token;
  lease.member = record->home.member();
  lease.nsp = find.nsp;
  lease.pid = find.pid;
  lease.started = node.now;
  lease_numbers[{&slot, find.token}] = number;
  if (session->state == Session::State::kAway || record->app == nullptr)
    return answer(lease, *session);
  session->state = Session::State::kClosing;
  rw::write_close_session(node.tell(*record->app), session->nsp, session->sid);
}

void Node::Impl::Recovery::answer(Lease& lease, const Session& session) {
  if (std::exchange(lease.answered, true)) return;
  rw::Found found;
  found.token = lease.token;
  found.result = rw::Result::kRestored;
  found.generation = session.generation;
  found.cut = home_of(lease.member)->home.cut();
  found.sid = session.sid;
  found.rooms.assign(session.rooms().begin(), session.rooms().end());
  found.data = session.data;
  node.to_peer(*lease.mover, [&](wire::Buffer& out) { rw::write_found(out, found); });
}

void Node::Impl::Recovery::fetch(Slot& slot, const rw::Fetch& fetch) {
  Lease* lease = find_lease(slot, fetch.token);
  HomeRecord* record = lease == nullptr ? nullptr : home_of(lease->member);
  const bool here = record == nullptr || tails_are_here(*record);
  const bool same = here && same_mesh(slot, fetch.sidecars);
  if (lease == nullptr || !same) {
    const rw::Replayed again{fetch.token, rw::Result::kAgain, {}, {}};
    return node.to_peer(slot, [&](wire::Buffer& out) { rw::write_replayed(out, again); });
  }
  lease->fetching = true;
  lease->barrier = fetch.barrier;
  lease->offset = fetch.offset;
  lease->waiting = not_passed(slot, fetch.barrier);
  check(*lease);
}

// Both must see the same mesh: what a peer published that only one of us sees can't be told. Nor
// what one has on its way that was just lost, and may be back.
bool Node::Impl::Recovery::same_mesh(const Slot& mover, const rw::Names& sidecars) const {
  std::size_t linked = 0;
  for (const auto& [id, other] : node.slots) {
    if (other.get() == &mover) continue;
    if (other->linked) ++linked;
    if (!other->linked && may_be_back(*other)) return false;
  }
  return linked == sidecars.size() && std::ranges::all_of(sidecars, [&](std::string_view id) {
           const Slot* listed = node.find_slot(id);
           return listed != nullptr && listed->linked;
         });
}

// Until it is told as unreachable, unless nobody answers where it was.
bool Node::Impl::Recovery::may_be_back(const Slot& slot) const {
  return slot.id != node.config.sidecar_id && slot.peer_deadline != kNever &&
         node.book.may_answer(slot.id);
}

std::set<const Slot*> Node::Impl::Recovery::not_passed(const Slot& mover,
                                                       std::uint64_t barrier) const {
  std::set<const Slot*> waiting;
  const auto passed = passes.find({mover.id, barrier});
  for (const auto& [id, other] : node.slots) {
    if (!other->linked || other.get() == &mover) continue;
    if (passed == passes.end() || !passed->second.from.contains(other.get()))
      waiting.insert(other.get());
  }
  return waiting;
}

// Everything that `slot` had published for us when it read the mover's barrier is here.
void Node::Impl::Recovery::passed(const Slot& slot, const rw::Barrier& pass) {
  Passes& known = passes[{std::string(pass.sidecar), pass.barrier}];
  known.from.insert(&slot);
  known.since = node.now;
  std::vector<std::uint64_t> waiting;
  for (auto& [number, lease] : leases) {
    if (lease.fetching && lease.barrier == pass.barrier && lease.mover->id == pass.sidecar)
      waiting.push_back(number);
  }
  for (const std::uint64_t number : waiting) {
    Lease& lease = leases.at(number);
    if (lease.waiting.erase(&slot) > 0) check(lease);
  }
  for (auto& [member, handover] : handovers) {
    const bool its = handover.fenced && handover.barrier == pass.barrier &&
                     handover.to->id == pass.sidecar && handover.waiting.erase(&slot) > 0;
    if (its) ship(handover);
  }
}

// What waited for a link that takes more by now.
void Node::Impl::Recovery::serve_waiting() {
  for (const std::uint64_t number : std::exchange(lending, {})) {
    const auto lease = leases.find(number);
    if (lease != leases.end() && lease->second.fetching) check(lease->second);
  }
}

void Node::Impl::Recovery::check(Lease& lease) {
  if (!lease.waiting.empty()) return;
  if (lease.mover->window.control_bytes() > kPeerBacklogBytes) {
    lending.push_back(lease_numbers.at({lease.mover, lease.token}));
    return;
  }
  lease.fetching = false;
  HomeRecord* record = home_of(lease.member);
  Session* session = record == nullptr ? nullptr : record->home.find(lease.nsp, lease.pid);
  rw::Replayed said{lease.token, rw::Result::kUnknownSession, {}, {}};
  if (session != nullptr) {
    const recovery::Replay replay =
        record->home.replay(*session, lease.offset, recovery::Home::kAll);
    said.result = replay.result;
    if (said.result == rw::Result::kRestored && somebody_lives(replay.suspects))
      said.result = rw::Result::kUnprovable;
    said.suspects = replay.suspects;
    wire::Buffer piece;
    const auto send = [&] {
      node.to_peer(*lease.mover,
                   [&](wire::Buffer& out) { rw::write_link_replay(out, {lease.token, piece}); });
      piece.clear();
    };
    if (said.result == rw::Result::kRestored) {
      for (const wire::Bytes frame : replay.frames) {
        if (!piece.empty() && piece.size() + frame.size() > kReplayPieceBytes) send();
        piece.insert(piece.end(), frame.begin(), frame.end());
      }
      said.marks = record->home.marks(*session, lease.offset);
      record->home.lend(*session, record->home.log().end());
    }
    if (!piece.empty()) send();
  }
  node.to_peer(*lease.mover, [&](wire::Buffer& out) { rw::write_replayed(out, said); });
  if (said.result == rw::Result::kRestored) {
    lease.served = true;
    return;
  }
  // It may have been an attempt that its client gave up, or a stranger's: the session stays.
  const auto number = lease_numbers.at({lease.mover, lease.token});
  end_lease(number);
  if (session != nullptr && session->lease == number) session->lease = 0;
}

void Node::Impl::Recovery::moved(const Slot& slot, const rw::Moved& moved) {
  const Lease* lease = find_lease(slot, moved.token);
  if (lease == nullptr) return;
  HomeRecord* record = home_of(lease->member);
  Session* session = record == nullptr ? nullptr : record->home.find(lease->nsp, lease->pid);
  const std::uint64_t number = lease_numbers.at({&slot, moved.token});
  end_lease(number);
  if (session == nullptr) return;
  if (session->lease == number) session->lease = 0;
  if (!moved.done && session->lent != UINT64_MAX) record->home.lend(*session, UINT64_MAX);
  // Should the client have come back here meanwhile, it is the newer one.
  if (!moved.done || session->state != Session::State::kAway || session->restore != 0) return;
  record->home.end(*session);
  drop_if_empty(*record);
}

void Node::Impl::Recovery::peer_lost(Slot& slot) {
  copy_link_lost(slot);
  held_link_lost(slot);
  heard.erase(&slot);
  std::vector<std::uint64_t> asked_it;
  for (auto& [token, restore] : restores) {
    const bool finding = restore.waiting.contains(&slot);
    const bool fetching = restore.from == &slot && restore.step == Restore::Step::kFetching;
    if (finding || fetching) asked_it.push_back(token);
  }
  for (const std::uint64_t token : asked_it) {
    Restore& restore = restores.at(token);
    restore.waiting.erase(&slot);
    restore.busy = true;
    if (restore.from == &slot) {
      restore.again = node.now + kRestoreRetry;
    } else {
      decide(restore);
    }
  }
  std::vector<std::uint64_t> numbers;
  for (auto& [number, lease] : leases) {
    if (lease.mover == &slot) {
      // The mover may have it, and says so when it is back. What it was not told of is free.
      HomeRecord* record = home_of(lease.member);
      Session* session = record == nullptr ? nullptr : record->home.find(lease.nsp, lease.pid);
      if (session != nullptr && session->lease == number && !lease.answered) session->lease = 0;
      lease.fetching = false;
    } else if (lease.waiting.contains(&slot)) {
      numbers.push_back(number);
    }
  }
  for (const std::uint64_t number : numbers) {
    Lease& lease = leases.at(number);
    lease.fetching = false;
    lease.waiting.clear();
    const rw::Replayed again{lease.token, rw::Result::kAgain, {}, {}};
    node.to_peer(*lease.mover, [&](wire::Buffer& out) { rw::write_replayed(out, again); });
  }
  lose_handovers(slot, false);
}

void Node::Impl::Recovery::peer_gone(Slot& slot) {
  peer_lost(slot);
  lose_handovers(slot, true);
  copies_gone(slot);
  held_gone(slot);
  end_adoptions(slot);
  for (auto& [token, restore] : restores) {
    if (restore.from == &slot) restore.from = nullptr;
  }
  std::erase_if(passes, [&](const auto& item) { return item.first.first == slot.id; });
  for (auto& [key, known] : passes) known.from.erase(&slot);
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, lease] : leases) {
    if (lease.mover == &slot) numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) lose_lease(number);
}

// Those of sessions that are gone, and that nobody fetches.
void Node::Impl::Recovery::end_idle_leases() {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, lease] : leases) {
    HomeRecord* record = home_of(lease.member);
    const bool here = record != nullptr && record->home.find(lease.nsp, lease.pid) != nullptr;
    if (!here && !lease.fetching) numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) end_lease(number);
}

// Its mover is gone. What the mover had been given may have gone on there: nobody knows how far.
void Node::Impl::Recovery::lose_lease(std::uint64_t number) {
  const Lease& lease = leases.at(number);
  const bool served = lease.served;
  HomeRecord* record = home_of(lease.member);
  Session* session = record == nullptr ? nullptr : record->home.find(lease.nsp, lease.pid);
  end_lease(number);
  if (session == nullptr || session->lease != number) return;
  session->lease = 0;
  if (!served || session->state != Session::State::kAway) return;
  record->home.end(*session);
  drop_if_empty(*record);
}

// Nothing of an earlier life's: that one's questions and answers are void.
std::vector<wire::Buffer> Node::Impl::unheard(const Slot& slot, std::uint64_t received) const {
  std::vector<wire::Buffer> frames;
  if (slot.stream_epoch != slot.epoch || slot.window_broken) return frames;
  slot.window.each_control(received, [&](wire::Bytes frame) {
    if (rw::outlives_stream(wire::frame_type(frame)))
      frames.emplace_back(frame.begin(), frame.end());
  });
  return frames;
}

// Also where recovery is off: a mesh in which it is being turned on or off stays one.
bool Node::Impl::recovery_frame(Slot& slot, wire::Bytes frame) {
  const wire::Bytes payload = wire::frame_payload(frame);
  const std::uint8_t type = wire::frame_type(frame);
  if (type == rw::kFind) {
    const auto find = rw::decode_find(payload);
    if (!find) return false;
    if (recovery) {
      recovery->asked(slot, *find);
    } else {
      rw::Found none;
      none.token = find->token;
      to_peer(slot, [&](wire::Buffer& out) { rw::write_found(out, none); });
    }
    return true;
  }
  if (type == rw::kBarrier) {
    const auto barrier = rw::decode_barrier(payload);
    if (!barrier) return false;
    // What is held for it is not before anything yet.
    Slot* home = find_slot(barrier->sidecar);
    if (home != nullptr && !home->window.holds_back()) {
      to_peer(*home, [&](wire::Buffer& out) {
        rw::write_barrier(out, rw::kPass, {barrier->barrier, slot.id});
      });
    }
    return true;
  }
  if (type == rw::kTakeover && !recovery) {
    const auto said = rw::decode_takeover(payload);
    if (!said) return false;
    to_peer(slot, [&](wire::Buffer& out) {
      rw::write_tail_end(out, {said->token, rw::TailResult::kGap});
    });
    return true;
  }
  return recovery == nullptr || recovery_answer(slot, type, payload);
}

bool Node::Impl::recovery_answer(Slot& slot, std::uint8_t type, wire::Bytes payload) {
  const auto use = [](auto said, auto&& act) {
    if (said) act(*said);
    return said.has_value();
  };
  Recovery& at = *recovery;
  switch (type) {
    case rw::kFound:
      return use(rw::decode_found(payload), [&](const auto& said) { at.found(slot, said); });
    case rw::kPass:
      return use(rw::decode_barrier(payload), [&](const auto& said) { at.passed(slot, said); });
    case rw::kLinkReplay:
      return use(rw::decode_replay(payload), [&](const auto& said) { at.replay(slot, said); });
    case rw::kReplayed:
      return use(rw::decode_replayed(payload), [&](const auto& said) { at.replayed(slot, said); });
    case rw::kMoved:
      return use(rw::decode_moved(payload), [&](const auto& said) { at.moved(slot, said); });
    case rw::kAdopt:
      return use(rw::decode_adopt(payload), [&](const auto& said) { at.adopt(slot, said); });
    case rw::kAdoptSession:
      return use(rw::decode_adopt_session(payload),
                 [&](const auto& said) { at.adopt_session(slot, said); });
    case rw::kAdoptReady:
      return use(rw::decode_adopt_ready(payload),
                 [&](std::uint64_t token) { at.adopt_ready(slot, token); });
    case rw::kAdoptFetch:
      return use(rw::decode_adopt_fetch(payload),
                 [&](const auto& said) { at.adopt_fetch(slot, said); });
    case rw::kAdoptLog:
      return use(rw::decode_adopt_log(payload),
                 [&](const auto& said) { at.adopt_log(slot, said); });
    case rw::kAdoptEnd:
      return use(rw::decode_adopt_end(payload),
                 [&](const auto& said) { at.adopt_end(slot, said); });
    case rw::kCopy: {
      const auto said = rw::decode_copy(payload);
      return said && at.copied(slot, *said);
    }
    case rw::kHolders:
      return use(rw::decode_holders(payload), [&](const auto& said) { at.holders(slot, said); });
    case rw::kTakeover:
      return use(rw::decode_takeover(payload),
                 [&](const auto& said) { at.asked_tail(slot, said); });
    case rw::kTail:
      return use(rw::decode_tail(payload), [&](const auto& said) { at.tail(slot, said); });
    case rw::kTailEnd:
      return use(rw::decode_tail_end(payload), [&](const auto& said) { at.tail_end(slot, said); });
    case rw::kGoneOn:
      return use(rw::decode_gone_on(payload), [&](const auto& said) { at.gone_on(said); });
    case rw::kCopyLost:
      return use(rw::decode_copy_lost(payload),
                 [&](MemberId member) { at.copy_lost(slot, member); });
    case rw::kAdopted:
      return use(rw::decode_moved(payload), [&](const auto& said) { at.adopted(slot, said); });
    case rw::kFetch:
      return use(rw::decode_fetch(payload), [&](const auto& said) { at.fetch(slot, said); });
    default:
      return false;
  }
}

}  // namespace socketmesh::node
