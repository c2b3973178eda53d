// Who has a session that is wanted: here, or at a peer; of several the one that is right.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

void Node::Impl::Recovery::find(Restore& restore) {
  restore.again = kNever;
  restore.step = Restore::Step::kFinding;
  restore.busy = false;
  restore.from = nullptr;
  restore.from_member = 0;
  restore.generation = restore.cut = 0;
  restore.frames.clear();
  const Here here = newest_here(restore.nsp, restore.pid);
  // A copy of it may have become a home elsewhere: the peers know.
  if (here.session != nullptr && !is_forked(*here.record)) return restore_here(restore, here);
  if (here.session == nullptr && take_over_if_lost(restore.nsp, restore.pid)) {
    restore.again = node.now + kRestoreRetry;
    return;
  }
  const rw::Find question{restore.token, restore.nsp, restore.pid};
  for (const auto& [id, slot] : node.slots) {
    if (!slot->linked) continue;
    restore.waiting.insert(slot.get());
    node.to_peer(*slot, [&](wire::Buffer& out) { rw::write_find(out, question); });
  }
  restore.missing = somebody_is_missing();
  decide(restore);
}

// Peers that may have it and can't be asked: they are away for a moment, or not met yet.
bool Node::Impl::Recovery::somebody_is_missing() const {
  for (const auto& [id, slot] : node.slots) {
    if (!slot->linked && slot->peer_deadline != kNever) return true;
  }
  const bool greeting = std::ranges::any_of(node.links, [](const auto& item) {
    return !item.second->closing && item.second->state != LinkConn::State::kLinked;
  });
  if (greeting) return true;
  if (node.now - node.started >= node.config.limits.peer_timeout) return false;
  return !node.book.known() || std::ranges::any_of(node.book.entries(), [](const auto& item) {
    return item.second.state == mesh::AddressBook::State::kWaiting ||
           item.second.state == mesh::AddressBook::State::kDialing;
  });
}

Here Node::Impl::Recovery::newest_here(std::string_view nsp, std::string_view pid) {
  Here best;
  const auto age = [](const Here& here) {
    return std::pair(here.session->generation, here.record->home.cut());
  };
  for (auto& [member, record] : homes) {
    const Here here{record.get(), record->home.find(nsp, pid)};
    if (here.session == nullptr) continue;
    if (best.session == nullptr || age(here) > age(best)) best = here;
  }
  return best;
}

bool Node::Impl::Recovery::is_forked(const HomeRecord& record) const {
  return record.token != 0 || record.forked_until > node.now;
}

// One of the homes here has it, or had it when it was too late.
void Node::Impl::Recovery::restore_here(Restore& restore, const Here& here) {
  auto& [record, session] = here;
  const bool busy = record->home.adopting() || session->lease != 0 || !tails_are_here(*record) ||
                    session->state == Session::State::kArriving ||
                    session->state == Session::State::kRestoring;
  if (!busy && record->app != nullptr && session->state != Session::State::kAway) {
    restore.step = Restore::Step::kClosing;
    restore.from_member = record->home.member();
    session->restore = restore.token;
    if (std::exchange(session->state, Session::State::kClosing) == Session::State::kLive)
      rw::write_close_session(node.tell(*record->app), session->nsp, session->sid);
  } else if (!busy && make_way(restore, *record)) {
    move_here(restore, *record, *session);
  } else {
    restore.again = node.now + kRestoreRetry;
  }
}

// Where it goes it may still be as it was before it went from there.
bool Node::Impl::Recovery::make_way(const Restore& restore, const HomeRecord& from) {
  HomeRecord& to = *home_of(restore.member);
  Session* older = &to == &from ? nullptr : to.home.find(restore.nsp, restore.pid);
  return older == nullptr || end_older(to, *older);
}

// One that has gone on elsewhere. False: not yet.
bool Node::Impl::Recovery::end_older(HomeRecord& record, Session& session) {
  if (session.state == Session::State::kLive) doom(record, session);
  if (session.state != Session::State::kAway || session.lease != 0) return false;
  record.home.end(session);
  return true;
}

void Node::Impl::Recovery::found(Slot& slot, const rw::Found& found) {
  const auto at = restores.find(found.token);
  const bool waited = at != restores.end() && at->second.step == Restore::Step::kFinding &&
                      at->second.waiting.erase(&slot) > 0;
  if (found.result == rw::Result::kRestored &&
      (!waited || (at->second.from != nullptr && std::pair(at->second.generation, at->second.cut) >=
                                                     std::pair(found.generation, found.cut)))) {
    // Nobody wants it any more, or it has gone on from there since: that one is forgotten.
    const rw::Moved moved{found.token, waited};
    node.to_peer(slot, [&](wire::Buffer& out) { rw::write_moved(out, moved); });
    if (!waited) return;
  } else if (!waited) {
    return;
  } else if (found.result == rw::Result::kRestored) {
    Restore& restore = at->second;
    if (restore.from != nullptr) tell_moved(restore, true);
    restore.from = &slot;
    restore.generation = found.generation;
    restore.cut = found.cut;
    restore.sid = found.sid;
    restore.rooms.assign(found.rooms.begin(), found.rooms.end());
    restore.data.assign(found.data.begin(), found.data.end());
  } else {
    at->second.busy = at->second.busy || found.result == rw::Result::kAgain;
  }
  decide(at->second);
}

void Node::Impl::Recovery::decide(Restore& restore) {
  if (!restore.waiting.empty()) return;
  const Here here = newest_here(restore.nsp, restore.pid);
  if (here.session != nullptr) return decide(restore, here);
  // Who is busy with it may have a newer one.
  if (restore.from != nullptr && !restore.busy) return arrive(restore);
  if (restore.busy || restore.missing || !std::exchange(restore.unknown_once, true)) {
    restore.again = node.now + kRestoreRetry;
    return;
  }
  refuse(restore, rw::Result::kUnknownSession);
}

// It is here, and may be elsewhere, since a copy of its home became a home there.
void Node::Impl::Recovery::decide(Restore& restore, const Here& here) {
  const bool theirs = std::pair(restore.generation, restore.cut) >
                      std::pair(here.session->generation, here.record->home.cut());
  if (restore.from != nullptr && !theirs) {
    tell_moved(restore, true);
    restore.from = nullptr;
  }
  if (restore.from == nullptr) {
    // Of one that is lost what was copied is here; of one that lives nobody may be asked too few.
    const bool missing = restore.missing && here.record->token == 0;
    if (!restore.busy && !missing) return restore_here(restore, here);
    restore.again = node.now + kRestoreRetry;
    return;
  }
  if (restore.busy || !end_older(*here.record, *here.session)) {
    restore.again = node.now + kRestoreRetry;
    return;
  }
  drop_if_empty(*here.record);
  arrive(restore);
}

}  // namespace socketmesh::node
