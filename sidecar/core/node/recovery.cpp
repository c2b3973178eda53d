// Homes: made and left with their members, fed with what is queued, published and told.
#include "sidecar/core/node/recovery.hpp"

#include <algorithm>

namespace socketmesh::node {

namespace {

// How often homes are looked at for what is too old.
constexpr TimeUs kExpireInterval = kSecondUs;
// Stands for a namespace's messages to everyone; no room can have this name: it is not UTF-8.
constexpr std::string_view kEveryone =
    "\xff"
    "everyone";

}  // namespace

std::uint64_t Node::Impl::everyone_hash(std::string_view nsp) {
  return hasher(nsp, kEveryone);
}

HomeRecord* Node::Impl::Recovery::home_of(MemberId member) {
  const auto found = homes.find(member);
  return found == homes.end() ? nullptr : found->second.get();
}

void Node::Impl::Recovery::attach(AppConn& app, std::uint16_t attachment, const rw::Marks& taken) {
  member_lives(app.id);
  HomeRecord* record = home_of(app.id);
  if (record == nullptr) record = &make_home(app.id);
  std::erase(orphans, record);
  record->app = &app;
  // It was attached to an earlier life of this sidecar: a shadow may be its home by now.
  const bool fresh = record->home.log().end() == 0 && record->home.sessions() == 0;
  if (attachment > 1 && fresh && limits.replicas > 0)
    record->forked_until = node.now + 2 * limits.window;
  record->home.attach(attachment, taken, node.now);
  node.endpoints[record->endpoint].app = &app;
  app.home = record;
}

HomeRecord& Node::Impl::Recovery::make_home(MemberId member) {
  auto& record = homes[member];
  record = std::make_unique<HomeRecord>(member, limits);
  record->endpoint = node.new_endpoint();
  node.endpoints[record->endpoint].home = record.get();
  expire_due = std::min(expire_due, node.now + kExpireInterval);
  if (limits.replicas > 0) choose_due = std::min(choose_due, node.now);
  return *record;
}

void Node::Impl::Recovery::detach(AppConn& app) {
  HomeRecord* record = app.home;
  if (record == nullptr) return;
  app.home = nullptr;
  record->app = nullptr;
  record->handing.clear();
  node.endpoints[record->endpoint].app = nullptr;
  record->home.detach(node.now, limits);
  std::vector<std::uint64_t> ended;
  for (auto& [token, restore] : restores) {
    if (restore.member == app.id) ended.push_back(token);
  }
  for (const std::uint64_t token : ended) {
    Restore& restore = restores.at(token);
    recovery::Session* session = record->home.find(restore.nsp, restore.pid);
    const bool ours = restore.from == nullptr && restore.from_member == 0;
    if (session != nullptr && !ours) record->home.end(*session);
    tell_moved(restore, false);
    restores.erase(token);
  }
  // Sockets that were about to be restored here are gone with it.
  record->home.each_session([&](recovery::Session& session) {
    if (session.state == recovery::Session::State::kRestoring) {
      session.state = recovery::Session::State::kAway;
      session.restore = 0;
    }
  });
  // Who waits for a socket of it to close waits no longer.
  for (auto& [number, lease] : leases) {
    recovery::Session* session =
        lease.member == app.id ? record->home.find(lease.nsp, lease.pid) : nullptr;
    if (session != nullptr && session->lease == number) answer(lease, *session);
  }
  orphans.push_back(record);
  if (node.leaving) hand_over(*record);
  drop_if_empty(*record);
}

void Node::Impl::Recovery::drop_if_empty(HomeRecord& record) {
  sync_interest(record);
  if (record.app != nullptr || record.home.sessions() > 0 || record.home.adopting()) return;
  while (!record.copies.empty()) end_copy(record, *record.copies.front());
  takeovers.erase(record.token);
  std::erase(orphans, &record);
  handovers.erase(record.home.member());  // all that was to go has expired
  node.free_endpoint(record.endpoint);
  homes.erase(record.home.member());
}

void Node::Impl::Recovery::sync_interest(HomeRecord& record) {
  bool changed = false;
  for (const recovery::InterestChange& change : record.home.take_interest()) {
    const std::uint64_t hash =
        change.everyone ? node.everyone_hash(change.nsp) : node.hasher(change.nsp, change.room);
    const auto effect = change.add ? node.local_interest.add(hash, record.endpoint)
                                   : node.local_interest.remove(hash, record.endpoint);
    if (effect.hash) node.note_interest(hash, change.add);
    changed = changed || effect.owner;
  }
  if (changed && node.local_members.size() > 1) node.rooms_changed();
}

bool Node::Impl::Recovery::own(AppConn& app, const Run& run) {
  HomeRecord& record = *app.home;
  if ((run.head.flags & wire::kHome) == 0 || (run.head.flags & wire::kLogged) != 0) {
    record.home.published(run.bytes, node.now);
    if ((run.head.flags & wire::kLogged) != 0) note(record, app.endpoint, run.first, run.last);
    return true;
  }
  record.home.told(run.head.body, node.now);
  if (run.bytes[7] == wire::kGapKind) {
    record.home.gap(node.now);
    return true;
  }
  const auto op = rw::decode_session_op(run.head.body);
  if (run.bytes[7] != wire::kSessionKind || !op) return false;
  // Of an attachment before: its sockets are told again, and nobody waits for those restores. What
  // they got meanwhile is not in the log.
  const bool begins = op->op == rw::Op::kOpen || op->op == rw::Op::kRestore;
  if (begins && record.home.is_stale(run.head.body)) return true;
  if (!session_op(record, *op)) return false;
  sync_interest(record);
  return true;
}

void Node::Impl::Recovery::log_orphans(const Run& run) {
  const bool logged = (run.head.flags & wire::kLogged) != 0;
  if (!logged && (run.head.flags & wire::kVolatile) != 0) return;
  if (run.head.route_kind == wire::RouteKind::kMesh) {
    for (HomeRecord* orphan : orphans) orphan->home.arrived(run.bytes, node.now);
    return;
  }
  if (run.head.route_kind == wire::RouteKind::kMember || !parse_route(run.head, node.route)) return;
  std::vector<HomeRecord*> wanting;
  const auto add = [&](EndpointId endpoint) {
    HomeRecord* home = node.endpoints[endpoint].home;
    if (home != nullptr && home->app == nullptr &&
        std::ranges::find(wanting, home) == wanting.end())
      wanting.push_back(home);
  };
  for (const std::string_view room : node.route.rooms)
    node.local_interest.each_owner(node.hasher(node.route.nsp, room), add);
  if (node.route.rooms.empty())
    node.local_interest.each_owner(node.everyone_hash(node.route.nsp), add);
  for (HomeRecord* orphan : wanting) orphan->home.arrived(run.bytes, node.now);
}

void Node::Impl::Recovery::gap_orphans() {
  for (HomeRecord* orphan : orphans) orphan->home.gap(node.now);
}

// False when it is about nothing that can be.
bool Node::Impl::Recovery::session_op(HomeRecord& record, const rw::SessionOp& op) {
  recovery::Home& home = record.home;
  if (op.op == rw::Op::kRestore) {
    restore(record, op);
    return true;
  }
  if (op.op == rw::Op::kAllWritten) {
    home.all_written();
    return true;
  }
  const bool too_long = op.data.size() > recovery::kSessionDataBytesMax;
  if (op.op == rw::Op::kOpen) {
    recovery::Session* session = home.open(op, node.now, limits);
    if (session == nullptr) return true;
    opened(record, *session);
    // A member that opens it while it is asked to close it ends it.
    session = home.find(op.nsp, op.pid);
    if (session == nullptr) return true;
    too_long ? end_too_long(record, *session, op.data.size()) : check_opened(record, *session);
    return true;
  }
  recovery::Session* session = home.find_socket(op.nsp, op.sid);
  if (session == nullptr) return true;  // over the limit, or moved on
  if (too_long) {
    end_too_long(record, *session, op.data.size());
    return true;
  }
  switch (op.op) {
    case rw::Op::kJoin:
      home.join(*session, op.rooms);
      break;
    case rw::Op::kLeave:
      home.leave(*session, op.rooms);
      break;
    case rw::Op::kData:
      home.set_data(*session, op.data);
      break;
    case rw::Op::kLast:
      home.written(*session, op.offset);
      break;
    case rw::Op::kClose:
      home.close(*session, op.data, node.now, limits);
      closed(record, *session, false);
      break;
    default:
      closed(record, *session, true);
      break;
  }
  return true;
}

// Its data can't be told to others: it is not kept, and its client begins anew when it comes back.
void Node::Impl::Recovery::end_too_long(HomeRecord& record, recovery::Session& session,
                                        std::size_t data_bytes) {
  node.log(Action::Level::kWarn, "session not kept, its data is too long",
           "member=" + wire::member_id_text(record.home.member()) +
               " data_bytes=" + std::to_string(data_bytes));
  closed(record, session, true);
}

// A socket is connected: if it was restored, its last home may forget it.
void Node::Impl::Recovery::opened(HomeRecord& record, recovery::Session& session) {
  if (session.lease != 0) end_lease(std::exchange(session.lease, 0));
  const auto done = restores.find(std::exchange(session.restore, 0));
  if (done == restores.end() || done->second.member != record.home.member()) return;
  const Restore restore = std::move(done->second);
  restores.erase(done);
  tell_moved(restore, true);
}

// A socket is gone. A restored one that never was connected leaves its session where it was.
void Node::Impl::Recovery::closed(HomeRecord& record, recovery::Session& session, bool for_ever) {
  if (const auto found = restores.find(session.restore); found != restores.end()) {
    if (found->second.step == Restore::Step::kClosing) {
      // It has waited for that.
      found->second.again = node.now;
      session.restore = 0;
    } else {
      const Restore restore = std::move(found->second);
      restores.erase(found);
      tell_moved(restore, false);
      session.state = recovery::Session::State::kAway;
      session.restore = 0;
      if (restore.from == nullptr && restore.from_member == 0) return;
      for_ever = true;
    }
  } else {
    session.restore = 0;
  }
  if (const auto lease = leases.find(session.lease); lease != leases.end()) {
    if (for_ever) {
      rw::Found none;
      none.token = lease->second.token;
      node.to_peer(*lease->second.mover, [&](wire::Buffer& out) { rw::write_found(out, none); });
      end_lease(lease->first);
    } else {
      answer(lease->second, session);
    }
  }
  if (for_ever) return record.home.end(session);
  // Whoever believes to have it still must not find it forgotten here.
  if (session.doomed) session.deadline = node.now + kDoomedWindows * limits.window;
}

void Node::Impl::Recovery::flush() {
  // What was lent when its home was handed over follows when it is not taken.
  if (std::exchange(unlent, false) && node.leaving) hand_over_all();
  for (auto& [member, record] : homes) sync_interest(*record);
  node.flush_interest();
  if (!lending.empty()) serve_waiting();
  if (!unfenced.empty()) send_barriers();
  if (!adoptions.empty()) fence_adoptions();
  tell_copies();
  if (!std::exchange(node.spoke, false)) return;
  for (const auto& [id, slot] : node.slots) {
    if (slot->window.stream() != 0 && !slot->window_broken) node.enforce_window(*slot);
  }
}

void Node::Impl::Recovery::trim(HomeRecord& record) {
  const std::size_t limit = memory_for_each();
  if (record.home.bytes() > limit) record.home.expire(node.now, limits, limit);
}

void Node::Impl::Recovery::tick() {
  std::vector<std::uint64_t> due;
  for (const auto& [token, restore] : restores) {
    const bool waits = restore.step != Restore::Step::kDone;
    if (restore.again <= node.now || (waits && restore.started + kRestoreTimeout <= node.now))
      due.push_back(token);
  }
  for (const std::uint64_t token : due) {
    const auto found = restores.find(token);
    if (found == restores.end()) continue;
    if (found->second.started + kRestoreTimeout <= node.now) {
      refuse(found->second, rw::Result::kTimeout);
    } else if (!stays_in_line(found->second)) {
      retry(found->second);
    }
  }
  if (choose_due <= node.now) choose_shadows();
  tick_takeovers();
  if (expire_due <= node.now) expire();
  for (auto& [member, handover] : handovers) {
    send_sessions(handover);
    ship(handover);
  }
  if (node.leaving && !handing_over()) {
    for (const auto& [conn, link] : node.links) node.mark_dirty(conn);
  }
  flush();
}

void Node::Impl::Recovery::expire() {
  expire_due = homes.empty() && held.empty() ? kNever : node.now + kExpireInterval;
  const std::size_t memory = memory_for_each();
  std::vector<HomeRecord*> records;
  records.reserve(homes.size());
  for (auto& [member, record] : homes) records.push_back(record.get());
  for (HomeRecord* record : records) {
    record->home.expire(node.now, limits, memory);
    drop_if_empty(*record);
  }
  end_idle_leases();
  for (auto& [key, at] : held) at.shadow.home().expire(node.now, limits, memory);
  std::erase_if(tails_asked,
                [this](const TailAsked& item) { return item.at + 2 * limits.window <= node.now; });
  std::erase_if(went_on, [this](const auto& item) { return item.second.until <= node.now; });
  std::erase_if(newest, [this](const auto& item) { return !restores.contains(item.second); });
  std::erase_if(
      passes, [this](const auto& item) { return item.second.since + kRestoreTimeout <= node.now; });
}

TimeUs Node::Impl::Recovery::next_deadline() const {
  TimeUs next = std::min({expire_due, handover_deadline(), copies_deadline(), takeover_deadline()});
  for (const auto& [token, restore] : restores) {
    next = std::min(next, restore.again);
    if (restore.step != Restore::Step::kDone)
      next = std::min(next, restore.started + kRestoreTimeout);
  }
  return next;
}

RecoveryStatus Node::Impl::Recovery::status() const {
  RecoveryStatus status;
  status.homes = homes.size();
  status.orphans = orphans.size();
  for (const auto& [member, record] : homes) {
    status.sessions += record->home.sessions();
    status.log_bytes += record->home.bytes();
    record->home.each_session([&](const recovery::Session& session) {
      if (session.state == recovery::Session::State::kAway) ++status.away;
    });
    if (const auto oldest = record->home.log().oldest())
      status.log_age_us = std::max(status.log_age_us, node.now - *oldest);
    for (const auto& copy : record->copies) {
      const bool shed = copy->step == HomeCopy::Step::kShed && !copy->lost;
      ++(copy->valid ? status.copies_whole : shed ? status.copies_shed : status.copies_catching_up);
    }
  }
  status.replicas = limits.replicas;
  status.held_homes = held.size();
  for (const auto& [key, at] : held) {
    status.held_sessions += at.shadow.home().sessions();
    status.held_bytes += at.shadow.home().bytes();
  }
  return status;
}

std::size_t Node::Impl::Recovery::memory_for_each() const {
  return limits.memory_bytes / std::max<std::size_t>(1, homes.size() + held.size());
}

}  // namespace socketmesh::node
