// Connections between sidecars: handshake, which of two stays, watermarks, farewell, and what is
// written when.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

namespace {

using wire::link::Refusal;

constexpr std::size_t kMaxNodeBytes = 253;

bool versions_meet(const wire::link::Hello& hello) {
  return hello.min_version <= wire::link::kProtocolVersion &&
         hello.max_version >= wire::link::kProtocolVersion;
}

}  // namespace

void Node::Impl::link_frames(LinkConn& link, wire::Bytes frames) {
  while (!frames.empty() && !link.closing) {
    const wire::Bytes frame =
        frames.first(wire::kLengthBytes + wire::load<std::uint32_t>(frames.data()));
    frames = frames.subspan(frame.size());
    if (!link_frame(link, frame) && !link.closing)
      cut_link(link, CutReason::kBadFrame, "a malformed frame");
  }
}

bool Node::Impl::link_frame(LinkConn& link, wire::Bytes frame) {
  const wire::Bytes payload = wire::frame_payload(frame);
  const bool linked = link.state == LinkConn::State::kLinked;
  switch (wire::frame_type(frame)) {
    case wire::link::kHello:
      if (link.state != LinkConn::State::kHello) return false;
      hello(link, payload);
      return true;
    case wire::link::kResume:
      if (link.state != LinkConn::State::kResume) return false;
      resume(link, payload);
      return true;
    case wire::link::kRefuse:
      refused_by_peer(link, payload);
      return true;
    case wire::link::kRecord:
      return linked && record(link, frame);
    case wire::link::kAck: {
      const auto marks = wire::link::decode_ack(payload);
      return linked && marks && watermarks(link, *marks);
    }
    case wire::link::kPing: {
      wire::Reader reader(payload);
      const std::uint64_t token = reader.u64();
      if (!linked || !reader.done()) return false;
      wire::link::write_pong(link.control, token);
      mark_dirty(link.conn);
      return true;
    }
    case wire::link::kPong: {
      wire::Reader reader(payload);
      const auto sent = static_cast<TimeUs>(reader.u64());
      if (!linked || !reader.done() || sent < started || sent > now) return false;
      link.slot->round_trip_us = now - sent;
      return true;
    }
    case wire::link::kGoodbye:
      if (!linked || payload.size() != 1) return false;
      goodbye(link, payload);
      return true;
    default:
      cut_link(link, CutReason::kUnknownType, "a frame of unknown type");
      return true;
  }
}

void Node::Impl::hello(LinkConn& link, wire::Bytes payload) {
  const auto said = wire::link::decode_hello(payload);
  if (!said) return cut_link(link, CutReason::kBadFrame, "a malformed HELLO");
  if (now < apart_until) {
    drop_link(link);
    return close_connection(link.conn, true);
  }
  link.peer = said->sidecar;
  link.channels = said->channels & config.channels;
  link.node = said->node.substr(0, kMaxNodeBytes);
  if (!link.dialed.empty()) book.identified(link.dialed, said->sidecar);
  if (!versions_meet(*said)) {
    return refuse_link(link, Refusal::kVersion, CutReason::kVersion,
                       "link protocol versions " + std::to_string(said->min_version) + " to " +
                           std::to_string(said->max_version) + " and " +
                           std::to_string(wire::link::kProtocolVersion) + " do not meet");
  }
  if (said->mesh != config.mesh) {
    return refuse_link(link, Refusal::kMeshName, CutReason::kMeshName,
                       "mesh '" + std::string(said->mesh) + "' is not mesh '" + config.mesh + "'");
  }
  if (said->sidecar == config.sidecar_id) {
    if (said->epoch != config.epoch) {
      return refuse_link(link, Refusal::kDuplicate, CutReason::kDuplicateLink,
                         "two sidecars have the id '" + config.sidecar_id + "'");
    }
    // The accepted end closes after its HELLO: the dialled one must read it to learn whose address
    // that is.
    const bool accepted = link.dialed.empty();
    if (!accepted) book.is_self(link.dialed);
    counters.cut(CutReason::kSelf);
    drop_link(link);
    return close_connection(link.conn, !accepted);
  }
  // What it hands over waits for all whom its peers see.
  if (leaving && !(recovery && recovery->handing_over()))
    return refuse_link(link, Refusal::kLeaving, CutReason::kLeaving, "this sidecar is leaving");
  Slot* slot = slot_for(said->sidecar);
  if (slot == nullptr)
    return refuse_link(link, Refusal::kLimit, CutReason::kLimit, "too many peers");
  if (said->epoch < slot->epoch) {
    return refuse_link(link, Refusal::kStale, CutReason::kStaleEpoch,
                       "a later life of this sidecar is known");
  }
  if (!keep_new_link(link, *slot, said->epoch)) {
    return refuse_link(link, Refusal::kDuplicate, CutReason::kDuplicateLink,
                       "another connection serves this pair");
  }
  adopt(link, *slot, said->epoch);
}

// Of two connections for one pair of lives the one dialled by the smaller id stays; of two dialled
// by one side the newer.
bool Node::Impl::keep_new_link(const LinkConn& link, const Slot& slot, std::uint64_t epoch) const {
  const auto other = links.find(slot.conn);
  if (other == links.end() || epoch > slot.epoch) return true;
  const bool new_is_ours = !link.dialed.empty();
  const bool old_is_ours = !other->second->dialed.empty();
  if (new_is_ours == old_is_ours) return true;
  return new_is_ours == (config.sidecar_id < slot.id);
}

void Node::Impl::adopt(LinkConn& link, Slot& slot, std::uint64_t epoch) {
  if (const auto old = links.find(slot.conn); old != links.end()) {
    LinkConn& replaced = *old->second;
    slot.conn = 0;
    // Not what lose_link() does: the peer is not lost.
    slot.replaced = slot.linked;
    if (slot.linked) unlink(slot);
    replaced.slot = nullptr;
    replaced.closing = true;
    counters.cut(CutReason::kDuplicateLink);
    if (!replaced.dialed.empty()) book.closed(replaced.dialed, true, now);
    close_connection(replaced.conn, true);
  }
  if (slot.epoch != epoch) new_life(slot, epoch);
  slot.conn = link.conn;
  slot.channels = link.channels;
  slot.node = link.node;
  slot.address = link.dialed.empty() ? link.remote : link.dialed;
  slot.dialed = !link.dialed.empty();
  link.slot = &slot;
  link.state = LinkConn::State::kResume;
  wire::link::Resume resume;
  resume.peer_epoch = epoch;
  resume.peer_stream = slot.recv_stream;
  resume.received = slot.recv_seq;
  resume.taken = ledger.taken(slot.endpoint, slot.recv_seq);
  wire::link::write_resume(link.control, resume);
  mark_dirty(link.conn);
}

// The slot has no connection for the moment; the stream stands.
void Node::Impl::unlink(Slot& slot) {
  slot.linked = false;
  slot.since = now;
  slot.ack_due = kNever;
  slot.unacked_bytes = 0;
  slot.round_trip_us = -1;
  slot.window.disconnect();
  set_due(slot.peer_deadline, now + config.limits.peer_timeout);
  start_hold(slot);
}

void Node::Impl::resume(LinkConn& link, wire::Bytes payload) {
  const auto said = wire::link::decode_resume(payload);
  if (!said || said->version != wire::link::kProtocolVersion) {
    return cut_link(link, CutReason::kBadFrame, "a malformed RESUME");
  }
  if (said->peer_epoch != config.epoch) {
    return cut_link(link, CutReason::kStaleEpoch, "a RESUME for another life of this sidecar");
  }
  Slot& slot = *link.slot;
  const bool first = slot.window.stream() == 0;
  const bool news = !slot.replaced || now - slot.since >= kSecondUs;
  slot.replaced = false;
  link.state = LinkConn::State::kLinked;
  set_due(link.ping_due, now);
  wake_by(link.last_received + config.limits.idle_timeout);
  slot.linked = true;
  slot.left = false;
  slot.since = now;
  if (slot.recv_stream == 0) slot.life_since = now;
  slot.hold_deadline = kNever;
  ++counters.links_opened;
  if (!first) ++slot.reconnects;
  if (!link.dialed.empty()) book.connected(link.dialed);
  const std::uint64_t retransmitted = slot.window.retransmitted();
  const bool same = !first && !slot.window_broken && said->peer_stream == slot.window.stream();
  members_return(slot);
  if (same && slot.window.resume(said->received)) {
    if (const std::uint64_t position = slot.window.on_taken(said->taken))
      settle(slot.endpoint, position);
    settle_debts(slot, said->taken);
    counters.link_retransmits += slot.window.retransmitted() - retransmitted;
    settle_syncs(slot, false);
    if (recovery) recovery->copy_link_back(slot);
    if (slot.interest_known) release_when_ready(slot);
  } else {
    start_stream(slot, said->peer_stream, same ? said->received : 0);
  }
  channel_event(slot, ChannelEvent::Kind::kLinked);
  if (recovery) {
    recovery->held_link_back(slot);
    recovery->sidecar_lives(slot);
    recovery->copies_received(slot);
  }
  enforce_window(slot);
  mark_dirty(link.conn);
  // What was taken since RESUME was written moved no watermark: there was no link to say it on.
  ack(slot, false);
  log(news ? Action::Level::kInfo : Action::Level::kDebug, news ? "linked" : "link replaced",
      "peer=\"" + slot.id + "\" address=" + slot.address +
          (slot.dialed ? " dialed=true" : " dialed=false"));
}

void Node::Impl::refused_by_peer(LinkConn& link, wire::Bytes payload) {
  const auto said = wire::link::decode_refuse(payload);
  if (!said) return cut_link(link, CutReason::kBadFrame, "a malformed REFUSE");
  const auto code = static_cast<Refusal>(said->code);
  const bool routine = code == Refusal::kDuplicate || code == Refusal::kLeaving;
  const std::string text(said->message);
  drop_link(link);
  if (!routine && !link.dialed.empty()) {
    const auto entry = book.entries().find(link.dialed);
    const bool news = entry != book.entries().end() && entry->second.last_error != text;
    if (news)
      log(Action::Level::kWarn, "refused by peer",
          "address=" + link.dialed + " detail=\"" + text + "\"");
    book.failed(link.dialed, text, now);
  }
  close_connection(link.conn, true);
}

bool Node::Impl::watermarks(LinkConn& link, const wire::link::Watermarks& marks) {
  Slot& slot = *link.slot;
  if (marks.stream != slot.window.stream()) return true;
  const std::uint64_t before = slot.window.received_seq();
  if (!slot.window.on_received(marks.received)) return false;
  if (slot.window.received_seq() > before) {
    if (recovery) recovery->copies_received(slot);
    if (!syncs.empty()) settle_syncs(slot, false);
  }
  if (const std::uint64_t position = slot.window.on_taken(marks.taken))
    settle(slot.endpoint, position);
  settle_debts(slot, marks.taken);
  return true;
}

wire::link::Watermarks Node::Impl::watermarks_of(const Slot& slot) const {
  return {slot.recv_stream, slot.recv_seq, ledger.taken(slot.endpoint, slot.recv_seq)};
}

void Node::Impl::ack(Slot& slot, bool now_please) {
  if (!slot.linked) return;
  slot.ack_due = std::min(slot.ack_due, now_please ? now : now + config.limits.ack_delay);
  // What is due is written as soon as the connection takes it: no timer makes that earlier.
  slot.ack_due <= now ? mark_dirty(slot.conn) : wake_by(slot.ack_due);
}

void Node::Impl::goodbye(LinkConn& link, wire::Bytes payload) {
  Slot& slot = *link.slot;
  const bool returning = payload[0] != 0;
  log(Action::Level::kInfo, "peer says goodbye",
      "peer=\"" + slot.id + (returning ? "\" returning=true" : "\""));
  slot.left = true;
  drop_link(link);
  close_connection(link.conn, true);
  if (!returning) remove_slot(slot);
}

void Node::Impl::refuse_link(LinkConn& link, Refusal code, CutReason reason,
                             std::string_view text) {
  counters.cut(reason);
  const bool routine = code == Refusal::kDuplicate && reason == CutReason::kDuplicateLink &&
                       link.peer != config.sidecar_id;
  log(routine ? Action::Level::kDebug : Action::Level::kWarn, "link refused",
      "peer=\"" + link.peer + "\" remote=" + (link.dialed.empty() ? link.remote : link.dialed) +
          " reason=" + kCutReasonNames.at(static_cast<std::size_t>(reason)) + " detail=\"" +
          std::string(text) + "\"");
  wire::link::write_refuse(link.control, code, text);
  mark_dirty(link.conn);
  drop_link(link);
  close_connection(link.conn, false);
}

void Node::Impl::cut_link(LinkConn& link, CutReason reason, std::string_view text) {
  if (link.closing) return;
  counters.cut(reason);
  log(Action::Level::kWarn, "link cut",
      "peer=\"" + link.peer + "\" remote=" + (link.dialed.empty() ? link.remote : link.dialed) +
          " reason=" + kCutReasonNames.at(static_cast<std::size_t>(reason)) + " detail=\"" +
          std::string(text) + "\"");
  drop_link(link);
  close_connection(link.conn, true);
}

// The connection is over, whoever ended it: its slot and its address know.
void Node::Impl::drop_link(LinkConn& link) {
  if (link.closing) return;
  link.closing = true;
  Slot* slot = link.slot;
  link.slot = nullptr;
  if (slot != nullptr && slot->conn == link.conn) lose_link(*slot);
  if (link.dialed.empty()) return;
  const Slot* peer = find_slot(link.peer);
  book.closed(link.dialed, peer != nullptr && peer->conn != 0, now);
}

// Frames of the connection itself go between records, never into one.
std::size_t Node::Impl::gather_link(LinkConn& link, std::span<wire::Bytes> out) {
  link.shown.clear();
  Slot* slot = link.slot;
  const bool linked = slot != nullptr && slot->linked && slot->conn == link.conn;
  if (linked && slot->ack_due <= now && !slot->window.has_unwritten()) {
    wire::link::write_ack(link.control, watermarks_of(*slot));
    slot->ack_due = kNever;
    slot->unacked_bytes = 0;
  }
  const bool busy = recovery && recovery->handing_over();
  if (linked && leaving && !busy && !link.goodbye_sent && !slot->window.has_unwritten()) {
    // A young life may not have met its members yet: peers keep for them what they keep.
    const bool young = now - started < config.limits.peer_timeout;
    wire::link::write_goodbye(link.control, young || !local_members.empty());
    link.goodbye_sent = true;
  }
  std::size_t shown = 0;
  const bool mid_record = linked && slot->window.mid_record() && link.control_offset == 0;
  const wire::Bytes control = wire::Bytes(link.control).subspan(link.control_offset);
  if (!control.empty() && !mid_record) {
    out[shown++] = control;
    link.shown.push_back({true, control.size()});
  }
  if (!linked) return shown;
  const std::size_t reserve = !control.empty() && mid_record ? 1 : 0;
  const std::size_t records =
      slot->window.gather(out.subspan(shown, out.size() - shown - reserve), watermarks_of(*slot));
  for (std::size_t i = 0; i < records; ++i) link.shown.push_back({false, out[shown + i].size()});
  if (reserve > 0 && records > 0) {
    std::copy_backward(out.begin() + 1, out.begin() + static_cast<std::ptrdiff_t>(records),
                       out.begin() + static_cast<std::ptrdiff_t>(records) + 1);
    out[1] = control;
    link.shown.insert(link.shown.begin() + 1, {true, control.size()});
  }
  const bool head_shown = records > (slot->window.mid_record() ? 1U : 0U);
  if (head_shown) {
    slot->ack_due = kNever;
    slot->unacked_bytes = 0;
  }
  return shown + records + (records > 0 ? reserve : 0);
}

void Node::Impl::written_link(LinkConn& link, std::size_t bytes) {
  counters.link_bytes_out += bytes;
  if (link.slot != nullptr) link.slot->bytes_out += bytes;
  for (const LinkConn::Segment& segment : link.shown) {
    const std::size_t part = std::min(bytes, segment.bytes);
    if (part == 0) break;
    bytes -= part;
    if (!segment.control) {
      if (link.slot != nullptr && link.slot->window.written(part) > 0) ++counters.link_records_out;
      continue;
    }
    link.control_offset += part;
    if (link.control_offset < link.control.size()) continue;
    link.control.clear();
    link.control_offset = 0;
  }
  link.shown.clear();
}

}  // namespace socketmesh::node
