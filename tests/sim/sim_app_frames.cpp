// What the sidecar says to the adapter, and what the adapter makes of it.
#include <algorithm>

#include "tests/sim/sim_app.hpp"

namespace socketmesh::sim {

namespace {
constexpr std::uint32_t kDocumentedMaxFrame = 20U << 20U;
constexpr std::uint64_t kTakenEvery = 64;  // frames; TAKEN is not delayed beyond that
constexpr std::uint8_t kLastGapReason = 4;
}  // namespace

void SimApp::require(bool holds, const char* rule, const std::string& detail) const {
  if (!holds) throw Violation(rule, describe() + ": " + detail);
}

void SimApp::readable(EndId end, Bytes bytes) {
  if (end != end_) return;
  if (env_.clock.now() != last_read_) {
    read_before_ = last_read_;
    last_read_ = env_.clock.now();
  }
  frames_.add(bytes);
  try {
    for (Bytes next = frames_.next(); !next.empty(); next = frames_.next()) {
      handle(decode_from_sidecar(next));
      if (end != end_) return;
    }
  } catch (const MalformedFrame& error) {
    throw Violation("the sidecar writes what the document says", describe() + ": " + error.what());
  }
  took();
}

void SimApp::handle(const FromSidecar& frame) {
  const bool greeting = frame.type == SidecarType::kWelcome || frame.type == SidecarType::kRefused;
  require(welcomed_ || greeting, "WELCOME or REFUSED comes first", "another frame came");
  switch (frame.type) {
    case SidecarType::kWelcome:
      require(!welcomed_, "WELCOME comes once", "");
      // Of the life that wrote it, which may be over by now.
      require(frame.version == 1 && frame.sidecar == home_.id() &&
                  frame.mesh == home_.config().mesh && frame.epoch <= home_.epoch() &&
                  frame.max_frame_bytes == kDocumentedMaxFrame,
              "WELCOME tells the truth", frame.sidecar + " " + frame.mesh);
      welcomed_ = true;
      break;
    case SidecarType::kRefused:
      env_.trace.text("refused app", number_, std::to_string(frame.code) + " " + frame.text);
      refusals_.push_back(frame.code);
      break;
    case SidecarType::kMemberUp: {
      require(frame.member != id_, "a member is not told of itself", "MEMBER_UP");
      env_.trace.note("member up: app, member", number_, frame.member);
      Peer& peer = peers_[frame.member];
      peer = {frame.sidecar, frame.name, {frame.namespaces.begin(), frame.namespaces.end()}, true};
      require(peer.namespaces.size() == frame.namespaces.size(), "MEMBER_UP names a namespace once",
              peer.name);
      end_waiting(frame.member);
      break;
    }
    case SidecarType::kMemberDown:
      on_member_down(frame);
      break;
    case SidecarType::kPresence: {
      const auto it = peers_.find(frame.member);
      require(it != peers_.end(), "PRESENCE is about a member that is up", frame.text);
      if (frame.op == 1) {
        it->second.namespaces.insert(frame.text);
      } else {
        it->second.namespaces.erase(frame.text);
        end_waiting(frame.member);
      }
      break;
    }
    case SidecarType::kRouted:
      on_routed(frame);
      break;
    case SidecarType::kTaken:
      require(frame.seq <= seq_, "TAKEN is about what was published", std::to_string(frame.seq));
      while (!retained_.empty() && retained_.front().seq <= frame.seq) retained_.pop_front();
      if (last_forgotten_ <= frame.seq) forgotten_ = 0;
      observer_.taken_by_all(*this, frame.seq);
      break;
    case SidecarType::kSynced:
      on_synced(frame);
      break;
    case SidecarType::kGap:
      env_.trace.note("GAP: app, frames, messages", number_, frame.frames, frame.messages);
      require(frame.messages > 0 && frame.reason >= 1 && frame.reason <= kLastGapReason,
              "GAP says how much and why", std::to_string(frame.messages));
      doubt_requests();
      count_ += frame.frames;
      observer_.declared(*this, frame.messages);
      break;
    case SidecarType::kPing:
      greeted_ = true;  // the first one follows READY
      send(encode_u64(AppType::kPong, frame.token));
      break;
    case SidecarType::kData:
      ++count_;
      on_data(frame.data);
      break;
  }
}

void SimApp::on_data(const Data& data) {
  require(data.origin != id_, "never back to the origin", "DATA");
  require(data.route != Route::kMember || data.destination == id_, "unicast goes to its member",
          "DATA");
  require((data.flags & kFlagRelease) == 0, "release frames are the sidecar's", "DATA");
  std::uint64_t& highest = highest_[data.origin];
  const bool duplicate = data.seq <= highest;
  env_.trace.note(
      duplicate ? "app drops a duplicate: app, member, seq" : "app takes: app, member, seq",
      number_, data.origin, data.seq);
  if (!duplicate) highest = data.seq;
  observer_.received(*this, data, duplicate);
  if (!duplicate) {
    consume(data);
  } else {
    answer_again(data);
  }
}

void SimApp::consume(const Data& data) {
  Reader body(as_bytes(data.body));
  switch (data.kind) {
    case Kind::kSocketsJoin: {
      std::vector<std::string> rooms;
      for (std::uint32_t i = body.varint(); i > 0; --i) rooms.push_back(body.string());
      join(data.nsp, rooms);  // INTEREST goes before the answer
      if ((data.flags & kFlagProvisional) != 0) answer_join(data);
      break;
    }
    case Kind::kSocketsLeave:
      for (std::uint32_t i = body.varint(); i > 0; --i) leave(data.nsp, body.string());
      break;
    case Kind::kResponse:
      on_response(data);
      break;
    case Kind::kGap:
      observer_.declared(*this, body.varint());
      break;
    case Kind::kBroadcastAck:
    case Kind::kFetchSockets:
    case Kind::kServerSideEmit: {
      if ((data.flags & kFlagRouted) == 0) break;
      if (options_.two_part_answers) answer(data.origin, data.nsp, data.seq, kPartial);
      if (options_.answer_delay == 0) {
        answer(data.origin, data.nsp, data.seq, kFinal);
        break;
      }
      answering_.insert({data.origin, data.seq});
      env_.clock.after(rng_.range(0, options_.answer_delay),
                       [this, to = data.origin, nsp = data.nsp, seq = data.seq] {
                         answering_.erase({to, seq});
                         if (alive_) answer(to, nsp, seq, kFinal);
                       });
      break;
    }
    case Kind::kBroadcast:
    case Kind::kDisconnectSockets:
    case Kind::kJoined:
      break;
  }
}

void SimApp::on_member_down(const FromSidecar& frame) {
  require(frame.reason >= 1 && frame.reason <= 3, "MEMBER_DOWN has a reason",
          std::to_string(frame.reason));
  env_.trace.note("member down: app, member, reason", number_, frame.member, frame.reason);
  const auto it = peers_.find(frame.member);
  require(it != peers_.end(), "MEMBER_DOWN is about a member that was up",
          std::to_string(frame.reason));
  const bool confirmed = it->second.confirmed;
  peers_.erase(it);
  downs_.emplace_back(frame.member, frame.reason);
  for (auto& [seq, request] : requests_) request.waiting.erase(frame.member);
  end_requests();
  observer_.member_down(*this, frame.member, confirmed);
}

void SimApp::on_synced(const FromSidecar& frame) {
  require(frame.status <= 1, "SYNCED has a status", std::to_string(frame.status));
  const auto it = pending_syncs_.find(frame.id);
  require(it != pending_syncs_.end(), "SYNCED answers one SYNC once", std::to_string(frame.id));
  env_.trace.note("SYNCED: app, id, status", number_, frame.id, frame.status);
  const PendingSync pending = it->second;
  pending_syncs_.erase(it);
  synced_[frame.id] = frame.status;
  acknowledge(home_.id(), home_.epoch(), pending.state);
  if (frame.status == 0) {
    // A peer that was linked at the call, and by the same link still, has acknowledged.
    const auto links = home_.links();
    for (const auto& [sidecar, life] : pending.links) {
      const auto now = links.find(sidecar);
      if (now != links.end() && now->second == life)
        acknowledge(sidecar, life.epoch, pending.state);
    }
  } else {
    ++totals_.syncs_incomplete;
  }
  if (when_synced_) when_synced_(frame.id, frame.status);
}

void SimApp::acknowledge(const std::string& sidecar, std::uint64_t epoch, std::uint64_t state) {
  Acknowledged& known = acknowledged_[sidecar];
  known = {std::max(known.state, state), epoch, env_.clock.now()};
}

void SimApp::took() {
  if (count_ == count_sent_ || end_ == 0) return;
  if (options_.taken_delay == 0 || count_ - count_sent_ >= kTakenEvery) {
    send_taken();
    return;
  }
  if (taken_pending_) return;
  taken_pending_ = true;
  env_.clock.after(options_.taken_delay, [this] {
    taken_pending_ = false;
    if (end_ != 0 && count_ != count_sent_) send_taken();
  });
}

void SimApp::send_taken() {
  count_sent_ = count_;
  send(encode_u64(AppType::kTaken, count_));
}

}  // namespace socketmesh::sim
