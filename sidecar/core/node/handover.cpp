// Leaving: a home whose member is gone goes to a peer, its sessions first; when every peer sends
// that one what the sessions want, its log follows. The same fence as for one session.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"
#include "sidecar/core/routing/siphash.hpp"

namespace socketmesh::node {

namespace {

// How long a leaving sidecar waits for members that may be about to end. Kubernetes ends an app
// that does not go by itself up to a second after it told the sidecar, and kills that one after
// two.
constexpr TimeUs kLinger = 1500 * kMillisecondUs;
// Bytes of an entry of ADOPT_LOG beside its frame.
constexpr std::size_t kEntryHeadBytes = 12;
// When it is looked at again.
constexpr TimeUs kShippingInterval = 2 * kMillisecondUs;

}  // namespace

std::uint64_t rank(MemberId member, std::string_view sidecar) {
  const wire::Bytes name{reinterpret_cast<const std::uint8_t*>(sidecar.data()), sidecar.size()};
  return routing::siphash({member, 0x7368616465}, name);
}

// Sessions without a socket are handed over; who has one stays with its server.
void Node::Impl::Recovery::leave() {
  linger_until = node.now + kLinger;
  hand_over_all();
  flush();
}

void Node::Impl::Recovery::hand_over_all() {
  for (auto& [member, record] : homes) {
    if (record->app == nullptr) hand_over(*record);
  }
}

void Node::Impl::Recovery::hand_over(HomeRecord& record) {
  bool any = false;
  record.home.each_session([&](const Session& session) {
    any = any || (session.state == Session::State::kAway && session.lease == 0);
  });
  if (!any || record.home.adopting() || handovers.contains(record.home.member())) return;
  Handover& handover = handovers[record.home.member()];
  handover.member = record.home.member();
  offer(handover);
  if (handover.to == nullptr) handovers.erase(record.home.member());
}

// A pod's containers may be told to end all at once.
bool Node::Impl::Recovery::members_are_ending() const {
  if (node.now >= linger_until) return false;
  return std::ranges::any_of(homes, [](const auto& item) {
    return item.second->app != nullptr && item.second->home.sessions() > 0;
  });
}

bool Node::Impl::Recovery::handing_over() const {
  const bool lent =
      std::ranges::any_of(leases, [](const auto& item) { return item.second.mover->linked; });
  return !handovers.empty() || lent || members_are_ending();
}

// To the first that was not tried; `to` is null when there is none left.
void Node::Impl::Recovery::offer(Handover& handover) {
  handover.to = nullptr;
  for (const auto& [id, slot] : node.slots) {
    if (!slot->linked || handover.tried.contains(id)) continue;
    if (handover.to == nullptr ||
        rank(handover.member, id) > rank(handover.member, handover.to->id)) {
      handover.to = slot.get();
    }
  }
  if (handover.to == nullptr) return;
  handover.tried.insert(handover.to->id);
  handover.token = ++last_number;
  handover.told = handover.fenced = handover.shipping = handover.ended = false;
  handover.keys.clear();
  recovery::Home& home = home_of(handover.member)->home;
  handover.next = home.log().head();
  node.to_peer(*handover.to, [&](wire::Buffer& out) {
    const recovery::CopyState state = home.state();
    rw::write_adopt(out, {handover.token, handover.member, handover.next, state.told_end, state.cut,
                          state.after, state.suspects});
  });
  home.each_session([&](Session& session) {
    const bool ours = session.lease == 0 || handover.sessions.contains(session.lease);
    if (session.state != Session::State::kAway || !ours) return;
    session.lease = handover.token;
    handover.keys.emplace_back(session.nsp, session.pid);
  });
  handover.sessions.insert(handover.token);
  send_sessions(handover);
}

// As many of the sessions as the peer takes for now, then the word that these were all.
void Node::Impl::Recovery::send_sessions(Handover& handover) {
  if (handover.told) return;
  recovery::Home& home = home_of(handover.member)->home;
  for (; !handover.keys.empty(); handover.keys.pop_back()) {
    if (handover.to->window.control_bytes() > kPeerBacklogBytes) return;
    const auto& [nsp, pid] = handover.keys.back();
    Session* session = home.find(nsp, pid);
    if (session == nullptr || session->lease != handover.token) continue;
    wire::Buffer frame;
    if (session->write_frame(frame, handover.token, node.now)) {
      node.to_peer(*handover.to,
                   [&](wire::Buffer& out) { out.insert(out.end(), frame.begin(), frame.end()); });
      continue;
    }
    node.log(Action::Level::kWarn, "session too large to hand over",
             "member=" + wire::member_id_text(handover.member) +
                 " data_bytes=" + std::to_string(session->data.size()) +
                 " rooms=" + std::to_string(session->rooms().size()));
    home.end(*session);
  }
  handover.told = true;
  node.to_peer(*handover.to,
               [&](wire::Buffer& out) { rw::write_adopt_ready(out, handover.token); });
}

void Node::Impl::Recovery::adopt_fetch(Slot& slot, const rw::AdoptFetch& fetch) {
  for (auto& [member, handover] : handovers) {
    if (handover.to != &slot || handover.token != fetch.token || handover.shipping) continue;
    if (!same_mesh(slot, fetch.sidecars)) {
      const rw::AdoptEnd again{fetch.token, rw::Result::kAgain, {}};
      return node.to_peer(slot, [&](wire::Buffer& out) { rw::write_adopt_end(out, again); });
    }
    handover.fenced = true;
    handover.barrier = fetch.barrier;
    handover.waiting = not_passed(slot, fetch.barrier);
    return ship(handover);
  }
}

// As much of the log as the peer takes for now, then the end.
void Node::Impl::Recovery::ship(Handover& handover) {
  if (!handover.fenced || !handover.waiting.empty() || handover.ended) return;
  handover.shipping = true;
  recovery::Home& home = home_of(handover.member)->home;
  recovery::Log& log = home.log();
  handover.next = std::max(handover.next, log.head());
  do {  // a log that is empty by now has its position to tell
    if (handover.to->window.control_bytes() > kPeerBacklogBytes) return;
    rw::AdoptLog piece;
    piece.token = handover.token;
    piece.first = handover.next;
    for (std::size_t bytes = 0; handover.next < log.end(); ++handover.next) {
      const recovery::Log::Entry& entry = log.at(handover.next);
      if (bytes > 0 && bytes + entry.size > kReplayPieceBytes) break;
      const auto age = static_cast<std::uint64_t>(std::max<TimeUs>(0, node.now - entry.time));
      piece.entries.push_back({age, entry.at == nullptr ? wire::Bytes() : entry.frame()});
      bytes += entry.size + kEntryHeadBytes;
    }
    node.to_peer(*handover.to, [&](wire::Buffer& out) { rw::write_adopt_log(out, piece); });
  } while (handover.next < log.end());
  handover.ended = true;
  const rw::AdoptEnd end{handover.token, rw::Result::kRestored, home.seen()};
  node.to_peer(*handover.to, [&](wire::Buffer& out) { rw::write_adopt_end(out, end); });
}

void Node::Impl::Recovery::adopted(const Slot& slot, const rw::Moved& said) {
  const auto found = std::ranges::find_if(handovers, [&](const auto& item) {
    return item.second.to == &slot && item.second.token == said.token;
  });
  if (found == handovers.end()) return;
  Handover& handover = found->second;
  if (!said.done) {
    offer(handover);
    if (handover.to == nullptr) end_handover(handover.member, false);
  } else {
    end_handover(handover.member, true);
  }
}

void Node::Impl::Recovery::end_handover(MemberId member, bool done) {
  const Handover handover = std::move(handovers.at(member));
  handovers.erase(member);
  HomeRecord* record = home_of(member);
  if (record == nullptr) return;
  std::vector<Session*> gone;
  record->home.each_session([&](Session& session) {
    if (!handover.sessions.contains(session.lease)) return;
    session.lease = 0;
    if (done) gone.push_back(&session);
  });
  for (Session* session : gone) record->home.end(*session);
  drop_if_empty(*record);
  unlent = unlent || done;
  // Goodbyes may wait for it.
  for (const auto& [conn, link] : node.links) node.mark_dirty(conn);
}

// A peer's link is lost, or the peer is forgotten.
void Node::Impl::Recovery::lose_handovers(Slot& slot, bool for_ever) {
  std::vector<MemberId> stranded;
  for (auto& [member, handover] : handovers) {
    if (handover.to == &slot) {
      // It may have taken all over already, and says so when it is back.
      if (handover.ended && !for_ever) continue;
      offer(handover);
      if (handover.to == nullptr) stranded.push_back(member);
    } else if (handover.waiting.erase(&slot) > 0) {
      handover.fenced = false;
      const rw::AdoptEnd again{handover.token, rw::Result::kAgain, {}};
      node.to_peer(*handover.to, [&](wire::Buffer& out) { rw::write_adopt_end(out, again); });
    }
  }
  for (const MemberId member : stranded) end_handover(member, false);
}

// ---- the side that takes over -----------------------------------------------------------------

void Node::Impl::Recovery::adopt(Slot& slot, const rw::Adopt& said) {
  const bool full = homes.size() >= 2 * node.config.limits.members;
  if (node.leaving || full || adoptions.contains({&slot, said.token})) {
    const rw::Moved no{said.token, false};
    return node.to_peer(slot, [&](wire::Buffer& out) { rw::write_adopted(out, no); });
  }
  // Sessions that were lent when the others came follow in a home of their own, under any name.
  MemberId name = said.member;
  while (homes.contains(name)) ++name;
  HomeRecord& record = make_home(name);
  record.home.begin_adoption(said.head);
  record.home.set_state({false, 0, said.told_end, said.cut, said.after, said.suspects, {}},
                        node.now);
  orphans.push_back(&record);
  adoptions[{&slot, said.token}] = {name, kNever};
}

HomeRecord* Node::Impl::Recovery::adopting(const Slot& slot, std::uint64_t token) {
  const auto found = adoptions.find({&slot, token});
  return found == adoptions.end() ? nullptr : home_of(found->second.member);
}

void Node::Impl::Recovery::adopt_session(const Slot& slot, const rw::AdoptSession& said) {
  if (HomeRecord* record = adopting(slot, said.token)) record->home.adopt(said, node.now, limits);
}

void Node::Impl::Recovery::adopt_ready(const Slot& slot, std::uint64_t token) {
  const auto found = adoptions.find({&slot, token});
  if (found != adoptions.end()) found->second.fence_at = node.now;
}

// The rooms of what is taken over are announced.
void Node::Impl::Recovery::fence_adoptions() {
  for (auto& [key, adoption] : adoptions) {
    if (adoption.fence_at > node.now) continue;
    Slot* from = node.find_slot(key.first->id);
    // What is held for it is not before ADOPT_FETCH yet.
    adoption.fence_at = node.now + (from->window.holds_back() ? kRestoreRetry : kFenceRetry);
    if (from->window.holds_back()) continue;
    const std::uint64_t barrier = ++last_number;
    rw::AdoptFetch fetch{key.second, barrier, fence(*from, barrier)};
    node.to_peer(*from, [&](wire::Buffer& out) { rw::write_adopt_fetch(out, fetch); });
  }
}

void Node::Impl::Recovery::adopt_log(const Slot& slot, const rw::AdoptLog& log) {
  HomeRecord* record = adopting(slot, log.token);
  if (record == nullptr) return;
  adoptions.at({&slot, log.token}).fence_at = kNever;
  record->home.adopt_from(log.first);
  for (const rw::LogEntry& entry : log.entries) record->home.adopt_entry(entry, node.now);
}

void Node::Impl::Recovery::adopt_end(Slot& slot, const rw::AdoptEnd& end) {
  const auto found = adoptions.find({&slot, end.token});
  if (found == adoptions.end()) return;
  if (end.result == rw::Result::kAgain) {
    found->second.fence_at = node.now + kRestoreRetry;
    return;
  }
  HomeRecord* record = home_of(found->second.member);
  adoptions.erase(found);
  if (record == nullptr) return;
  record->home.end_adoption(end.marks, node.now);
  drop_if_empty(*record);
  const rw::Moved yes{end.token, true};
  node.to_peer(slot, [&](wire::Buffer& out) { rw::write_adopted(out, yes); });
}

// What a peer that is gone had not told whole is not there.
void Node::Impl::Recovery::end_adoptions(const Slot& slot) {
  std::vector<MemberId> broken;
  for (const auto& [key, adoption] : adoptions) {
    if (key.first == &slot) broken.push_back(adoption.member);
  }
  std::erase_if(adoptions, [&](const auto& item) { return item.first.first == &slot; });
  for (const MemberId member : broken) {
    HomeRecord* record = home_of(member);
    if (record == nullptr) continue;
    std::vector<Session*> gone;
    record->home.each_session([&](Session& session) { gone.push_back(&session); });
    for (Session* session : gone) record->home.end(*session);
    record->home.end_adoption({}, node.now);
    drop_if_empty(*record);
  }
}

TimeUs Node::Impl::Recovery::handover_deadline() const {
  TimeUs next = node.leaving && linger_until > node.now ? linger_until : kNever;
  for (const auto& [key, adoption] : adoptions) next = std::min(next, adoption.fence_at);
  for (const auto& [member, handover] : handovers) {
    const bool goes_on = !handover.told || (handover.shipping && !handover.ended);
    if (goes_on) next = std::min(next, node.now + kShippingInterval);
  }
  return next;
}

}  // namespace socketmesh::node
