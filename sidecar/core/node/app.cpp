// Attached members: what an app connection says, and what becomes of it.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

namespace {

using wire::app::DownReason;
using wire::app::Refusal;

// Bytes of a member's shown name that are kept.
constexpr std::size_t kMaxNameBytes = 256;
// Bytes of a parser's fingerprint; a longer one is refused.
constexpr std::size_t kMaxParserBytes = 256;
// JavaScript counts exactly up to here.
constexpr std::uint64_t kMaxSeq = (1ULL << 53U) - 1;

}  // namespace

wire::Buffer& Node::Impl::tell(AppConn& app) {
  mark_dirty(app.conn);
  return app.queue.control();
}

void Node::Impl::refuse(AppConn& app, Refusal code, CutReason reason, std::string_view text) {
  if (app.closing) return;
  counters.cut(reason);
  log(Action::Level::kWarn, "app refused",
      "member=" + wire::member_id_text(app.id) + " name=\"" + app.name +
          "\" reason=" + kCutReasonNames.at(static_cast<std::size_t>(reason)) + " detail=\"" +
          std::string(text) + "\"");
  wire::app::write_refused(tell(app), code, text);
  detach(app, DownReason::kDied);
  app.closing = true;
  close_connection(app.conn, false);
}

void Node::Impl::app_frames(AppConn& app, wire::Bytes frames) {
  Run run;
  const auto flush = [&] {
    if (run.count > 0) publish(app, run);
    run = {};
  };
  while (!frames.empty() && !app.closing) {
    const wire::Bytes frame =
        frames.first(wire::kLengthBytes + wire::load<std::uint32_t>(frames.data()));
    frames = frames.subspan(frame.size());
    if (wire::frame_type(frame) != wire::kDataType) {
      flush();
      if (!app.closing) app_control(app, frame);
      continue;
    }
    const auto data = wire::parse_data(frame);
    const std::uint64_t last = run.count > 0 ? run.last : app.last_seq;
    if (!data || !app.ready || data->seq <= last || data->seq > kMaxSeq) {
      flush();
      refuse(app, Refusal::kProtocol, CutReason::kBadFrame,
             "a malformed, early or repeated DATA frame");
      return;
    }
    if (data->origin != app.id) {
      flush();
      refuse(app, Refusal::kProtocol, CutReason::kForeignOrigin,
             "a DATA frame in another member's name");
      return;
    }
    const bool alone = (data->flags & wire::kAloneFlags) != 0;
    const bool joins = run.count > 0 && !alone && data->flags == run.head.flags &&
                       data->route_kind == run.head.route_kind &&
                       std::ranges::equal(data->route, run.head.route) &&
                       run.bytes.size() + frame.size() <= config.limits.chunk_bytes;
    if (!joins) {
      flush();
      run.head = *data;
      run.first = data->seq;
      run.bytes = frame.first(0);
    }
    run.bytes = wire::Bytes(run.bytes.data(), run.bytes.size() + frame.size());
    run.last = data->seq;
    ++run.count;
  }
  if (!app.closing) flush();
}

void Node::Impl::app_control(AppConn& app, wire::Bytes frame) {
  const wire::Bytes payload = wire::frame_payload(frame);
  const std::uint8_t type = wire::frame_type(frame);
  if (type == wire::app::kLeave) {
    leave_announced = true;
    log(Action::Level::kInfo, "leaving announced", "");
    return;
  }
  if (type == wire::app::kAttach) return attach(app, payload);
  if (!app.attached) {
    return refuse(app, Refusal::kProtocol, CutReason::kBadFrame, "the first frame must be ATTACH");
  }
  switch (type) {
    case wire::app::kReady:
      return member_ready(app);
    case wire::app::kNspOpen:
      return open_namespace(app, payload);
    case wire::app::kNspClose:
      return close_namespace(app, payload);
    case wire::app::kInterest:
      return member_interest(app, payload);
    case wire::app::kSync:
      return begin_sync(app, payload);
    case wire::app::kTaken:
      return member_taken(app, payload);
    case wire::app::kPong: {
      wire::Reader reader(payload);
      const auto sent = static_cast<TimeUs>(reader.u64());
      if (reader.ok() && app.ping_sent && sent >= started && sent <= now)
        app.round_trip_us = now - sent;
      app.ping_sent = false;
      return;
    }
    case wire::app::kDetach:
      detach(app, DownReason::kLeft);
      app.closing = true;
      return close_connection(app.conn, false);
    default:
      return refuse(app, Refusal::kProtocol, CutReason::kUnknownType, "a frame of unknown type");
  }
}

void Node::Impl::attach(AppConn& app, wire::Bytes payload) {
  const auto said = wire::app::decode_attach(payload);
  if (!said || app.attached || said->parser.size() > kMaxParserBytes) {
    return refuse(app, Refusal::kProtocol, CutReason::kBadFrame, "a malformed or second ATTACH");
  }
  app.id = said->member;
  app.name = said->name.substr(0, kMaxNameBytes);
  app.parser = said->parser;
  if (leaving)
    return refuse(app, Refusal::kLeaving, CutReason::kLeaving, "this sidecar is leaving");
  if (said->min_version > wire::app::kProtocolVersion ||
      said->max_version < wire::app::kProtocolVersion) {
    return refuse(app, Refusal::kVersion, CutReason::kVersion,
                  "this sidecar speaks app protocol version " +
                      std::to_string(wire::app::kProtocolVersion) + ", the app " +
                      std::to_string(said->min_version) + " to " +
                      std::to_string(said->max_version));
  }
  if (!said->mesh.empty() && said->mesh != config.mesh) {
    return refuse(app, Refusal::kMeshName, CutReason::kMeshName,
                  "this sidecar belongs to mesh '" + config.mesh + "', the app to '" +
                      std::string(said->mesh) + "'");
  }
  std::string_view parser;
  for (const auto& [id, other] : local_members) parser = other->parser;
  for (const auto& [id, slot] : remote_members) {
    const RemoteMember& other = slot->members.at(id);
    if (parser.empty() && other.namespaces_known) parser = other.parser;
  }
  if (!parser.empty() && parser != app.parser) {
    return refuse(
        app, Refusal::kParser, CutReason::kParser,
        "this mesh uses parser '" + std::string(parser) + "', the app '" + app.parser + "'");
  }
  if (recovery && !said->recovery) {
    return refuse(app, Refusal::kRecovery, CutReason::kRecovery,
                  "this mesh recovers connection state; the server needs the option "
                  "connectionStateRecovery");
  }
  if (const auto twin = local_members.find(app.id); twin != local_members.end()) {
    refuse(*twin->second, Refusal::kDuplicate, CutReason::kDuplicateMember,
           "the member attached again");
  }
  if (local_members.size() >= config.limits.members) {
    return refuse(app, Refusal::kLimit, CutReason::kLimit,
                  "this sidecar has its " + std::to_string(config.limits.members) + " members");
  }
  app.attached = true;
  app.endpoint = new_endpoint();
  endpoints[app.endpoint].app = &app;
  local_members[app.id] = &app;
  ++counters.attachments;
  if (recovery) {
    rw::Marks taken;
    for (const auto& [origin, seq] : said->taken) taken.push_back({origin, seq});
    recovery->attach(app, said->attachment, taken);
  }
  welcome(app);
  expect_known(app, said->known);
}

void Node::Impl::welcome(AppConn& app) {
  wire::Buffer& out = tell(app);
  wire::app::write_welcome(out, config.epoch, config.sidecar_id, config.mesh,
                           config.limits.recovery_window / kMillisecondUs);
  for (const auto& [id, other] : local_members) {
    if (other->ready) {
      wire::app::write_member_up(out, id, config.sidecar_id, other->name,
                                 {other->namespaces.begin(), other->namespaces.end()});
    }
  }
  for (const auto& [id, slot] : slots) {
    for (const auto& [member_id, member] : slot->members) {
      if (!member.told) continue;
      wire::app::write_member_up(out, member_id, id, member.name,
                                 {member.namespaces.begin(), member.namespaces.end()});
    }
  }
}

// The app was attached before, to an earlier life of this sidecar: whom it knew is waited for, and
// messages for them are held.
void Node::Impl::expect_known(AppConn& app, const std::vector<wire::app::KnownSidecar>& known) {
  for (const wire::app::KnownSidecar& sidecar : known) {
    Slot* slot =
        sidecar.sidecar.size() <= wire::link::kMaxSidecarIdBytes && !sidecar.sidecar.empty()
            ? slot_for(sidecar.sidecar)
            : nullptr;
    for (const MemberId id : sidecar.members) {
      const bool here = local_members.contains(id) && local_members.at(id)->ready;
      if (id == app.id || here) continue;
      const auto met = slot == nullptr ? RemoteMembers::iterator{} : slot->members.find(id);
      if (slot != nullptr && met != slot->members.end()) {
        // Told as down to all before this app came.
        if (met->second.state == RemoteMember::State::kAway) {
          wire::app::write_member_down(tell(app), id, DownReason::kUnreachable);
        } else {
          app.named.insert(id);
        }
        continue;
      }
      // A young link's snapshot may have been taken before the member came back to a restarted
      // sidecar of its own.
      const bool old_link = slot != nullptr && slot->linked && slot->interest_known &&
                            now - slot->since >= config.limits.peer_timeout;
      const bool settled = slot == nullptr || old_link || slot->peer_deadline <= now;
      if (settled || remote_members.contains(id)) {
        wire::app::write_member_down(tell(app), id, DownReason::kUnreachable);
        continue;
      }
      // The note that a slot left behind lasts longer than what is kept for its members.
      if (!slot->linked)
        set_due(slot->hold_deadline, std::min(slot->hold_deadline, now + config.limits.hold_time));
      RemoteMember member;
      member.id = id;
      member.state = RemoteMember::State::kExpected;
      slot->members.emplace(id, std::move(member));
      remote_members[id] = slot;
      app.named.insert(id);
      ++slot->unknown_presence;
      slot->window.hold();  // it may have been released before, when nobody was expected
      if (slot->peer_deadline == kNever)
        set_due(slot->peer_deadline, now + config.limits.peer_timeout);
    }
    if (slot != nullptr && slot->members.empty() && slot->debts.empty() && slot->epoch == 0)
      remove_slot(*slot);
  }
  routes_changed();
}

void Node::Impl::member_ready(AppConn& app) {
  if (app.ready) return refuse(app, Refusal::kProtocol, CutReason::kBadFrame, "a second READY");
  app.ready = true;
  set_due(app.ping_due, now);
  const std::vector<std::string_view> namespaces(app.namespaces.begin(), app.namespaces.end());
  flush_interest();
  control_to_peers(1, [&](wire::Buffer& out) {
    wire::link::write_member_up(out, app.id, app.name, app.parser, namespaces);
  });
  for (auto& [conn, other] : apps) {
    if (!other->attached || other->closing || other.get() == &app) continue;
    other->named.erase(app.id);  // it is told of it from here on
    wire::app::write_member_up(tell(*other), app.id, config.sidecar_id, app.name, namespaces);
  }
  log(Action::Level::kInfo, "member attached",
      "member=" + wire::member_id_text(app.id) + " name=\"" + app.name + "\"");
  routes_changed();
  tell_losses(app);
  member_is_back(app);
}

void Node::Impl::open_namespace(AppConn& app, wire::Bytes payload) {
  const auto nsp = wire::app::decode_nsp(payload);
  if (!nsp) return refuse(app, Refusal::kProtocol, CutReason::kBadFrame, "a malformed NSP_OPEN");
  if (app.namespaces.size() >= config.limits.namespaces_per_member) {
    return refuse(app, Refusal::kLimit, CutReason::kLimit, "too many namespaces");
  }
  if (!app.namespaces.emplace(*nsp).second || !app.ready) return;
  control_to_peers(1,
                   [&](wire::Buffer& out) { wire::link::write_presence(out, app.id, true, *nsp); });
  for (auto& [conn, other] : apps) {
    if (other->attached && other.get() != &app)
      wire::app::write_presence(tell(*other), app.id, true, *nsp);
  }
  routes_changed();
}

void Node::Impl::close_namespace(AppConn& app, wire::Bytes payload) {
  const auto nsp = wire::app::decode_nsp(payload);
  if (!nsp) return refuse(app, Refusal::kProtocol, CutReason::kBadFrame, "a malformed NSP_CLOSE");
  const auto found = app.namespaces.find(*nsp);
  if (found == app.namespaces.end()) return;
  app.namespaces.erase(found);
  if (!app.ready) return;
  control_to_peers(
      1, [&](wire::Buffer& out) { wire::link::write_presence(out, app.id, false, *nsp); });
  for (auto& [conn, other] : apps) {
    if (other->attached && other.get() != &app)
      wire::app::write_presence(tell(*other), app.id, false, *nsp);
  }
  routes_changed();
}

void Node::Impl::member_interest(AppConn& app, wire::Bytes payload) {
  if (!wire::app::decode_interest(payload, interest)) {
    return refuse(app, Refusal::kProtocol, CutReason::kBadFrame, "a malformed INTEREST");
  }
  for (const wire::app::InterestOp& op : interest.ops) {
    const std::uint64_t hash = hasher(interest.nsp, op.room);
    if (op.add) {
      if (++app.rooms > config.limits.interest_entries) {
        return refuse(app, Refusal::kLimit, CutReason::kInterestFlood, "too many rooms");
      }
      if (local_interest.add(hash, app.endpoint).hash) note_interest(hash, true);
    } else {
      if (app.rooms > 0) --app.rooms;
      if (local_interest.remove(hash, app.endpoint).hash) note_interest(hash, false);
    }
  }
  counters.interest_changes += interest.ops.size();
  // A member's own interest never changes where its own messages go.
  if (local_members.size() > 1) rooms_changed();
}

void Node::Impl::member_taken(AppConn& app, wire::Bytes payload) {
  wire::Reader reader(payload);
  const std::uint64_t count = reader.u64();
  if (!reader.done() || count > app.queue.queued() || count < app.taken_count) {
    return refuse(app, Refusal::kProtocol, CutReason::kBadFrame, "TAKEN of what was never sent");
  }
  app.taken_count = count;
  while (!app.gaps.empty() && app.gaps.front().position <= count) app.gaps.pop_front();
  settle(app.endpoint, count);
  if (app.home != nullptr) app.home->home.delivered(count, now);
}

void Node::Impl::begin_sync(AppConn& app, wire::Bytes payload) {
  wire::Reader reader(payload);
  PendingSync sync;
  sync.app = app.conn;
  sync.id = reader.u32();
  sync.deadline = now + config.limits.sync_timeout;
  if (!reader.done())
    return refuse(app, Refusal::kProtocol, CutReason::kBadFrame, "a malformed SYNC");
  if (app.syncs >= config.limits.pending_syncs) {
    return refuse(app, Refusal::kLimit, CutReason::kLimit, "too many awaited joins");
  }
  flush_interest();
  ++counters.syncs;
  for (const auto& [id, slot] : slots) {
    if (slot->linked && slot->announced_seq > slot->window.received_seq()) {
      sync.waits.push_back({slot.get(), slot->announced_seq});
    }
  }
  if (recovery) recovery->wait_for_copies(app, sync);
  ++app.syncs;
  if (sync.waits.empty()) return answer_sync(sync);
  wake_by(sync.deadline);
  syncs.push_back(std::move(sync));
}

void Node::Impl::answer_sync(const PendingSync& sync) {
  if (!sync.complete) ++counters.syncs_incomplete;
  const auto app = apps.find(sync.app);
  if (app == apps.end() || app->second->closing) return;
  --app->second->syncs;
  wire::app::write_synced(tell(*app->second), sync.id, sync.complete);
}

void Node::Impl::detach(AppConn& app, DownReason reason) {
  if (!app.attached) return;
  app.attached = false;
  local_interest.remove_owner(app.endpoint,
                              [this](std::uint64_t hash) { note_interest(hash, false); });
  local_members.erase(app.id);
  if (recovery) recovery->detach(app);
  std::erase_if(syncs, [&app](const PendingSync& sync) { return sync.app == app.conn; });
  flush_interest();
  if (app.ready) {
    control_to_peers(1, [&](wire::Buffer& out) {
      wire::link::write_member_down(out, app.id, static_cast<std::uint8_t>(reason));
    });
    tell_all([&](wire::Buffer& out) { wire::app::write_member_down(out, app.id, reason); });
    log(Action::Level::kInfo, "member detached",
        "member=" + wire::member_id_text(app.id) + " name=\"" + app.name +
            "\" reason=" + (reason == DownReason::kLeft ? "left" : "died"));
    if (reason != DownReason::kLeft) note_departure(app);
  }
  app.ready = false;
  provisional.drop_member(app.id);
  free_endpoint(app.endpoint);
  routes_changed();
}

}  // namespace socketmesh::node
