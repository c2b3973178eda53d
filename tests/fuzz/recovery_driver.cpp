// What NodeDriver says of recovery: well-formed frames about few sessions, under numbers so small
// that a script guesses those of the node.
#include "sidecar/core/recovery/copy.hpp"
#include "sidecar/core/wire/handover_frames.hpp"
#include "tests/fuzz/node_driver.hpp"

namespace socketmesh::fuzz {

namespace {

namespace rw = wire::recovery;
using sim::Writer;

constexpr std::uint8_t kLoggedFlag = 0x40;
constexpr std::uint8_t kHomeFlag = 0x80;
constexpr std::uint8_t kSessionFrameKind = 11;
constexpr std::uint64_t kSessions = 4;
constexpr std::uint64_t kEpoch = 7;
constexpr sim::MemberId kStrangers = 60;  // members that links bring homes of

std::string sid_of(std::uint8_t session) {
  return "s" + std::to_string(session % kSessions);
}
std::string pid_of(std::uint8_t session) {
  return "p" + std::to_string(session % kSessions);
}

std::string offset_of(sim::MemberId member, std::uint64_t seq) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string offset(16, '0');
  for (std::size_t i = 0; i < offset.size(); ++i)
    offset[15 - i] = kDigits[(member >> (4 * i)) & 0xfU];
  return offset + "." + std::to_string(seq);
}

std::string order(std::uint16_t attachment, std::uint8_t delivered) {
  return Writer().u16(attachment).u32(delivered).u16(0).take();
}

std::string data_frame(std::uint8_t flags, std::uint8_t route_kind, std::uint8_t kind,
                       sim::MemberId origin, std::uint64_t seq, const std::string& route,
                       const std::string& body) {
  Writer data;
  data.u8(flags).u8(route_kind).u8(kind).u32(route.size());
  data.id64(origin).u64(seq).raw(route).raw(body);
  return sim::frame(0x40, data.str());
}

std::string logged(sim::MemberId origin, std::uint64_t seq, std::uint8_t room,
                   const std::string& behind) {
  const bool everyone = room % 4 == 0;
  Writer route;
  route.string("/");
  if (!everyone) route.varint(1).string("r" + std::to_string(room % 4)).varint(0);
  return data_frame(kLoggedFlag, everyone ? 1 : 0, 1, origin, seq, route.str(),
                    "body of " + std::to_string(seq) + behind);
}

// A record of a COPY, by its kind; 0: a whole copy with one session.
std::string copy_record(std::uint8_t which, std::uint8_t session, std::uint8_t more,
                        const std::string& frame) {
  using recovery::CopyKind;
  const auto kind = static_cast<CopyKind>(which % 25);
  Writer record;
  const auto who = [&] { record.string("/").string(sid_of(session)); };
  const auto frames = [&] { record.u32(frame.size()).raw(frame); };
  if (which % 25 == 0) {
    Writer told;
    told.u64(0).string("/").string(sid_of(session)).string(pid_of(session)).u64(more);
    told.u64(1'000'000).u64(0).string("").string("").u64(0).u64(UINT64_MAX).varint(0);
    told.u8(0).varint(1).string("r1").varint(0).varint(0).string("data");
    const std::string adopt = sim::frame(rw::kAdoptSession, told.str());
    record.u8(1).u64(more).u8(3).u8(1).u16(1).u64(UINT64_MAX).u64(UINT64_MAX).u64(UINT64_MAX);
    record.varint(0).varint(0);
    return record.u8(4).u8(more % 2).u32(adopt.size()).raw(adopt).u8(5).take();
  }
  record.u8(which % 25);
  switch (kind) {
    case CopyKind::kBegin:
    case CopyKind::kQueuedGap:
    case CopyKind::kDelivered:
      record.u64(more);
      break;
    case CopyKind::kLog:
      record.u64(more).u32(12 + frame.size()).u64(std::uint64_t{more} * 1000);
      frames();
      break;
    case CopyKind::kState:
      record.u8(more % 2).u16(1).u64(more).u64(UINT64_MAX).u64(UINT64_MAX).varint(0).varint(0);
      break;
    case CopyKind::kCursor:
      record.string("here").u64(7).u32(1).u64(more);
      break;
    case CopyKind::kQueued:
      record.u64(more);
      frames();
      break;
    case CopyKind::kPublished:
    case CopyKind::kArrived:
      frames();
      break;
    case CopyKind::kAttached:
      record.u16(1).varint(0);
      break;
    case CopyKind::kRooms:
      record.u8(more % 2);
      who();
      record.string("r2");
      break;
    case CopyKind::kData:
    case CopyKind::kLast:
      who();
      record.string("more");
      break;
    case CopyKind::kClosed:
    case CopyKind::kEnded:
      who();
      break;
    case CopyKind::kLent:
      who();
      record.u64(more);
      break;
    default:
      break;
  }
  return record.take();
}

}  // namespace

void NodeDriver::recovery_step(Operation operation, Driven& driven, Input& input) {
  if (operation == kSession) {
    if (is_app(driven)) send_session(driven, input);
  } else if (operation == kLogged) {
    send_logged(driven, input);
  } else if (operation == kMove) {
    if (!is_app(driven)) send_move(driven, input);
  } else {
    node_.leave(now_);
  }
}

void NodeDriver::send_session(Driven& driven, Input& input) {
  const auto op = static_cast<rw::Op>(1 + input.byte() % 9);
  const std::uint8_t session = input.byte();
  const Bytes more = input.bytes(input.byte());
  Writer body;
  body.u8(static_cast<std::uint8_t>(op));
  if (op == rw::Op::kRestore) {
    body.u32(++driven.requests).string("/").string(pid_of(session));
    // Of one of the messages that may have been for it; or none.
    body.string(more.empty() ? "" : offset_of(more[0] % 64, more.size()));
  } else if (op != rw::Op::kAllWritten) {
    body.string("/").string(sid_of(session));
    if (op == rw::Op::kOpen) body.string(pid_of(session));
    if (op <= rw::Op::kLeave) body.varint(1).string("r" + std::to_string(more.size() % 4));
    if (op == rw::Op::kOpen) {
      body.u64(session % 3).varint(session % 2);
      if (session % 2 == 1) body.id64(driven.member + 40).u64(more.size());
      body.string(more.empty() ? "" : offset_of(driven.member, more.size()));
    }
    if (op == rw::Op::kLast) body.string(offset_of(driven.member, more.size()));
    if (op == rw::Op::kOpen || op == rw::Op::kData || op == rw::Op::kClose) body.raw(text(more));
  }
  body.raw(order(driven.attachment, driven.delivered));
  receive(data_frame(kHomeFlag, 3, kSessionFrameKind, driven.member, ++driven.data_seq, {},
                     body.str()));
}

void NodeDriver::send_logged(Driven& driven, Input& input) {
  const std::uint8_t room = input.byte();
  driven.delivered = std::max(driven.delivered, input.byte());
  const sim::MemberId origin = is_app(driven) ? driven.member : driven.member + 40;
  const std::string frame =
      logged(origin, ++driven.data_seq, room,
             order(std::max<std::uint16_t>(driven.attachment, 1), driven.delivered));
  if (is_app(driven)) {
    receive(frame);
  } else {
    send_record(driven, frame);
  }
}

// The first 15 of what `which` may be are FIND to ADOPTED, then COPY to COPY_LOST.
void NodeDriver::send_move(Driven& driven, Input& input) {
  const int which = input.byte() % 21;
  if (which >= 15)
    return send_copy(driven, static_cast<std::uint8_t>(rw::kCopy + which - 15), input);
  const auto type = static_cast<std::uint8_t>(rw::kFind + which);
  const std::uint64_t token = input.byte();
  const std::uint8_t session = input.byte();
  const std::uint8_t more = input.byte();
  const std::string frame = logged(driven.member + 40, more, session, order(1, more));
  Writer said;
  said.u64(token);
  const auto names = [&] {
    said.varint(more % 2);
    if (more % 2 == 1) said.string(driven_[3 - current_].sidecar);
  };
  const auto marks = [&] { said.varint(1).id64(driven.member + 40).u64(more); };
  const auto suspects = [&] {
    said.varint(session % 2);
    if (session % 2 == 1) said.id64(driven.member + 40);
  };
  switch (type) {
    case rw::kFind:
      said.string("/").string(pid_of(session));
      break;
    case rw::kFound:
      said.u8(more % 9);
      if (more % 9 == 0)
        said.u64(more).u64(UINT64_MAX).string(sid_of(session)).varint(1).string("r1").raw("data");
      break;
    case rw::kBarrier:
      said.string("here");
      break;
    case rw::kPass:
      said.string(driven_[3 - current_].sidecar);
      break;
    case rw::kLinkReplay:
      said.raw(frame);
      break;
    case rw::kReplayed:
    case rw::kAdoptEnd:
      said.u8(more % 2 == 0 ? 0 : 8);
      if (more % 2 == 0) marks();
      if (more % 2 == 0 && type == rw::kReplayed) suspects();
      break;
    case rw::kMoved:
    case rw::kAdopted:
      said.u8(more % 2);
      break;
    case rw::kFetch:
      said.u64(more).string(offset_of(driven.member + 40, more));
      names();
      break;
    case rw::kAdopt:
      said.id64(kStrangers + session % 16).u64(more);
      said.u64(UINT64_MAX).u64(UINT64_MAX).u64(UINT64_MAX);
      suspects();
      break;
    case rw::kAdoptSession:
      said.string("/").string(sid_of(session)).string(pid_of(session)).u64(more).u64(1'000'000);
      said.u64(more).string("").string(offset_of(driven.member, more)).u64(more).u64(UINT64_MAX);
      suspects();
      said.u8(more % 2).varint(1);
      said.string("r1").varint(1).u64(more).u8(more % 2).string("r2");
      marks();
      said.string("data").raw(frame);
      break;
    case rw::kAdoptFetch:
      said.u64(more);
      names();
      break;
    case rw::kAdoptLog:
      said.u64(more).u64(std::uint64_t{more} * 1000).u32(frame.size()).raw(frame).u64(0).u32(0);
      break;
    default:
      break;
  }
  send_record(driven, sim::frame(type, said.str()));
}

// Of homes of few members: of those that links bring, and of the driven app's.
void NodeDriver::send_copy(Driven& driven, std::uint8_t type, Input& input) {
  const std::uint64_t token = input.byte();
  const std::uint8_t session = input.byte();
  const std::uint8_t more = input.byte();
  const sim::MemberId member = session % 16 == 15 ? driven_[0].member : kStrangers + session % 16;
  const std::string frame = logged(driven.member + 40, more, session, order(1, more));
  const std::string& lost = driven_[3 - current_].sidecar;
  Writer said;
  switch (type) {
    case rw::kCopy:
      said.id64(member).raw(copy_record(static_cast<std::uint8_t>(token), session, more, frame));
      break;
    case rw::kHolders:
      said.id64(member).varint(more % 2);
      if (more % 2 == 1) said.string("here");
      break;
    case rw::kTakeover:
      said.u64(token).id64(member).string(lost).u64(more).u64(kEpoch).u32(token % 4).u64(more);
      said.varint(1).id64(driven.member + 40).u64(more);
      break;
    case rw::kTail:
      said.u64(token).u8(more % 4).raw(frame);
      break;
    case rw::kTailEnd:
      said.u64(token).u8(more % 6);
      break;
    default:
      said.id64(member);
      break;
  }
  send_record(driven, sim::frame(type, said.str()));
}

}  // namespace socketmesh::fuzz
