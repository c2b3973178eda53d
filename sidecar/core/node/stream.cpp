// Records received from a peer: each frame once and in order, control to the slot, data to the
// members.
#include "sidecar/core/node/recovery.hpp"
#include "sidecar/core/wire/channel_frames.hpp"
#include "sidecar/core/wire/shadow_frames.hpp"

namespace socketmesh::node {

bool Node::Impl::record(LinkConn& link, wire::Bytes frame) {
  const auto said = wire::link::decode_record(frame);
  if (!said || !watermarks(link, said->marks)) return false;
  Slot& slot = *link.slot;
  if (said->stream < slot.recv_stream) return false;
  if (said->stream > slot.recv_stream) {
    slot.recv_stream = said->stream;
    slot.recv_seq = slot.recv_data_seq = 0;
    ledger.drop_source(slot.endpoint);
  }
  const std::uint64_t last = said->first_seq + said->count - 1;
  slot.unacked_bytes += frame.size();
  if (last <= slot.recv_seq) {
    counters.link_duplicates += said->count;
    ack(slot, true);
    return true;
  }
  if (said->first_seq > slot.recv_seq + 1) {
    cut_link(
        link, CutReason::kSequenceHole,
        "record " + std::to_string(said->first_seq) + " after " + std::to_string(slot.recv_seq));
    return true;
  }
  if ((said->flags & wire::link::kSkipped) != 0) {
    skipped(slot, *said);
  } else if (!record_frames(link, *said, slot.recv_seq + 1 - said->first_seq)) {
    return false;
  }
  if (link.closing) return true;
  slot.recv_seq = last;
  ack(slot, slot.unacked_bytes >= config.limits.ack_bytes);
  return true;
}

// The record's frames, its first `skip` left out: they were received before.
bool Node::Impl::record_frames(LinkConn& link, const wire::link::Record& record,
                               std::uint64_t skip) {
  Slot& slot = *link.slot;
  wire::Bytes frames = record.frames;
  std::uint64_t seq = record.first_seq;
  Run run;
  // Whatever the route, there is one place for all of it.
  const bool one_place = local_members.size() == 1 && (!recovery || recovery->orphans.empty());
  const auto flush = [&] {
    const bool good = run.count == 0 || deliver_from_peer(slot, run);
    run = {};
    return good;
  };
  for (std::uint32_t i = 0; i < record.count; ++i, ++seq) {
    const auto frame = wire::first_frame(frames);
    if (!frame || frame->size() < wire::kFrameHeadBytes) return false;
    frames = frames.subspan(frame->size());
    if (i < skip) continue;
    if (wire::frame_type(*frame) != wire::kDataType) {
      if (!flush() || !record_control(link, *frame, seq)) return false;
      if (link.closing) return true;
      continue;
    }
    const auto data = wire::parse_data(*frame);
    if (!data) return false;
    ++slot.messages_in;
    slot.recv_data_seq = seq;
    ++counters.link_messages_in;
    const bool alone = (data->flags & wire::kAloneFlags) != 0;
    const bool joins = run.count > 0 && !alone && data->flags == run.head.flags &&
                       data->origin == run.head.origin && data->route_kind == run.head.route_kind &&
                       (one_place || std::ranges::equal(data->route, run.head.route));
    const bool for_one = data->route_kind == wire::RouteKind::kMember;
    if (!joins || (for_one && !std::ranges::equal(data->route, run.head.route))) {
      if (!flush()) return false;
      run.head = *data;
      run.first = seq;
      run.bytes = frame->first(0);
    }
    run.bytes = wire::Bytes(run.bytes.data(), run.bytes.size() + frame->size());
    run.last = seq;
    ++run.count;
  }
  return frames.empty() && flush();
}

bool Node::Impl::record_control(LinkConn& link, wire::Bytes frame, std::uint64_t seq) {
  Slot& slot = *link.slot;
  const wire::Bytes payload = wire::frame_payload(frame);
  switch (wire::frame_type(frame)) {
    case wire::link::kSnapshotBegin:
      snapshot_begin(slot);
      return true;
    case wire::link::kSnapshotEnd:
      snapshot_end(slot);
      ack(slot, true);
      return true;
    case wire::link::kInterest:
      return peer_interest(link, payload);
    case wire::link::kMemberUp: {
      const auto up = wire::link::decode_member_up(payload);
      if (!up) return false;
      if (slot.members.size() >= config.limits.members && !slot.members.contains(up->member)) {
        cut_link(link, CutReason::kLimit, "a peer with too many members");
        return true;
      }
      member_up(slot, *up);
      ack(slot, true);
      return true;
    }
    case wire::link::kMemberDown: {
      wire::Reader reader(payload);
      const MemberId member = reader.u64();
      const std::uint8_t reason = reader.u8();
      if (!reader.done()) return false;
      member_down(slot, member,
                  reason == static_cast<std::uint8_t>(wire::app::DownReason::kLeft)
                      ? wire::app::DownReason::kLeft
                      : wire::app::DownReason::kDied);
      // The peer counts what may have crossed this on its way.
      ack(slot, true);
      return true;
    }
    case wire::link::kMemberLoss: {
      const auto loss = wire::link::decode_member_loss(payload);
      if (!loss) return false;
      member_loss(slot, *loss, seq);
      return true;
    }
    case wire::link::kPresence: {
      const auto presence = wire::link::decode_presence(payload);
      if (!presence) return false;
      const auto member = slot.members.find(presence->member);
      if (member != slot.members.end() &&
          member->second.namespaces.size() >= config.limits.namespaces_per_member) {
        cut_link(link, CutReason::kLimit, "a member with too many namespaces");
        return true;
      }
      member_presence(slot, *presence);
      ack(slot, true);
      return true;
    }
    case wire::link::kChannelType:
      return channel_frame(slot, payload);
    case wire::recovery::kFind:
    case wire::recovery::kFound:
    case wire::recovery::kBarrier:
    case wire::recovery::kPass:
    case wire::recovery::kLinkReplay:
    case wire::recovery::kReplayed:
    case wire::recovery::kMoved:
    case wire::recovery::kFetch:
    case wire::recovery::kAdopt:
    case wire::recovery::kAdoptSession:
    case wire::recovery::kAdoptReady:
    case wire::recovery::kAdoptFetch:
    case wire::recovery::kAdoptLog:
    case wire::recovery::kAdoptEnd:
    case wire::recovery::kAdopted:
    case wire::recovery::kCopy:
    case wire::recovery::kHolders:
    case wire::recovery::kTakeover:
    case wire::recovery::kTail:
    case wire::recovery::kTailEnd:
    case wire::recovery::kCopyLost:
    case wire::recovery::kGoneOn:
      return recovery_frame(slot, frame);
    default:
      cut_link(link, CutReason::kUnknownType, "a record with a frame of unknown type");
      return true;
  }
}

bool Node::Impl::peer_interest(LinkConn& link, wire::Bytes payload) {
  Slot& slot = *link.slot;
  if (!wire::link::decode_interest(payload, peer_ops)) return false;
  for (const wire::link::InterestOp& op : peer_ops) {
    if (op.add) {
      if (!remote_interest.add(op.hash, slot.endpoint).owner) continue;
      if (++slot.interest_pairs > config.limits.interest_entries) {
        cut_link(link, CutReason::kInterestFlood, "too many rooms");
        return true;
      }
    } else if (remote_interest.remove(op.hash, slot.endpoint).owner) {
      --slot.interest_pairs;
    }
  }
  counters.interest_changes += peer_ops.size();
  rooms_changed();
  ack(slot, true);
  return true;
}

}  // namespace socketmesh::node
