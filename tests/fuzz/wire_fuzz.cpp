// Every decoder of sidecar/core/wire: first byte which, the rest its payload. What decodes and has
// an encoder comes back the same.
#include <algorithm>

#include "sidecar/core/wire/app_frames.hpp"
#include "sidecar/core/wire/channel_frames.hpp"
#include "sidecar/core/wire/data_frame.hpp"
#include "sidecar/core/wire/frame.hpp"
#include "sidecar/core/wire/handover_frames.hpp"
#include "sidecar/core/wire/link_frames.hpp"
#include "sidecar/core/wire/shadow_frames.hpp"
#include "tests/fuzz/input.hpp"

namespace socketmesh::fuzz {
namespace {

// `out` is a frame whose payload must begin with what was decoded.
void same(const wire::Buffer& out, Bytes payload) {
  const Bytes again = wire::frame_payload(out);
  require(again.size() == payload.size() && std::ranges::equal(again, payload));
}

// A decoder may accept longer spellings (varints of more bytes than needed): encoding twice must
// settle.
template <typename Decode, typename Write>
void settles(Bytes payload, Decode&& decode, Write&& write) {
  const auto first = decode(payload);
  if (!first) return;
  wire::Buffer out;
  write(out, *first);
  const auto second = decode(wire::frame_payload(out));
  require(second.has_value());
  wire::Buffer again;
  write(again, *second);
  require(out == again);
}

void data_frame(Bytes payload) {
  wire::Buffer frame;
  {
    wire::FrameWriter writer(frame, wire::kDataType);
    for (const std::uint8_t byte : payload) writer.u8(byte);
  }
  const auto data = wire::parse_data(frame);
  if (!data) return;
  require(data->route.size() + data->body.size() + wire::kDataHeadBytes == frame.size());
  wire::Route route;
  if (!wire::parse_route(*data, route)) return;
  std::size_t names = route.nsp.size();
  for (const auto name : route.rooms) names += name.size() + 1;
  for (const auto name : route.joins) names += name.size() + 1;
  require(names <= data->route.size());
}

// A decoder of recovery, by the type of its frame. What it writes is one frame, which reads the
// same.
void recovery_frame(Bytes payload) {
  namespace rw = wire::recovery;
  if (payload.empty()) return;
  const Bytes rest = payload.subspan(1);
  switch (rw::kFind + payload[0] % 15) {
    case rw::kFind:
      return settles(rest, rw::decode_find, rw::write_find);
    case rw::kFound:
      return settles(rest, rw::decode_found, rw::write_found);
    case rw::kBarrier:
    case rw::kPass:
      return settles(rest, rw::decode_barrier, [](wire::Buffer& out, const rw::Barrier& barrier) {
        rw::write_barrier(out, rw::kPass, barrier);
      });
    case rw::kLinkReplay:
      return settles(rest, rw::decode_replay, rw::write_link_replay);
    case rw::kReplayed:
      return settles(rest, rw::decode_replayed, rw::write_replayed);
    case rw::kMoved:
      return settles(rest, rw::decode_moved, rw::write_moved);
    case rw::kAdopted:
      return settles(rest, rw::decode_moved, rw::write_adopted);
    case rw::kFetch:
      return settles(rest, rw::decode_fetch, rw::write_fetch);
    case rw::kAdopt:
      return settles(rest, rw::decode_adopt, rw::write_adopt);
    case rw::kAdoptSession:
      return settles(rest, rw::decode_adopt_session, rw::write_adopt_session);
    case rw::kAdoptReady:
      return settles(rest, rw::decode_adopt_ready, rw::write_adopt_ready);
    case rw::kAdoptFetch:
      return settles(rest, rw::decode_adopt_fetch, rw::write_adopt_fetch);
    case rw::kAdoptLog:
      return settles(rest, rw::decode_adopt_log, rw::write_adopt_log);
    default:
      return settles(rest, rw::decode_adopt_end, rw::write_adopt_end);
  }
}

void shadow_frame(Bytes payload) {
  namespace rw = wire::recovery;
  if (payload.empty()) return;
  const Bytes rest = payload.subspan(1);
  switch (rw::kCopy + payload[0] % 7) {
    case rw::kCopy:
      return settles(rest, rw::decode_copy, rw::write_copy);
    case rw::kHolders:
      return settles(rest, rw::decode_holders, rw::write_holders);
    case rw::kTakeover:
      return settles(rest, rw::decode_takeover, rw::write_takeover);
    case rw::kTail:
      return settles(rest, rw::decode_tail, rw::write_tail);
    case rw::kTailEnd:
      return settles(rest, rw::decode_tail_end, rw::write_tail_end);
    case rw::kGoneOn:
      return settles(rest, rw::decode_gone_on, rw::write_gone_on);
    default:
      return settles(rest, rw::decode_copy_lost, rw::write_copy_lost);
  }
}

void decode(std::uint8_t which, Bytes payload) {
  namespace app = wire::app;
  namespace link = wire::link;
  switch (which % 14) {
    case 0:
      (void)app::decode_attach(payload);
      return;
    case 1: {
      app::Interest interest;
      if (app::decode_interest(payload, interest)) require(interest.ops.size() <= payload.size());
      (void)app::decode_nsp(payload);
      return;
    }
    case 2:
      return settles(payload, link::decode_hello, link::write_hello);
    case 3:
      if (const auto resume = link::decode_resume(payload)) {
        wire::Buffer out;
        link::write_resume(out, *resume);
        same(out, payload);
      }
      return;
    case 4:
      (void)link::decode_refuse(payload);
      return;
    case 5: {
      wire::Buffer frame;
      {
        wire::FrameWriter writer(frame, link::kRecord);
        for (const std::uint8_t byte : payload) writer.u8(byte);
      }
      if (const auto record = link::decode_record(frame)) {
        require(record->frames.size() + link::kRecordHeadBytes == frame.size());
      }
      return;
    }
    case 6:
      if (const auto marks = link::decode_ack(payload)) {
        wire::Buffer out;
        link::write_ack(out, *marks);
        same(out, payload);
      }
      return;
    case 7: {
      std::vector<link::InterestOp> ops;
      if (link::decode_interest(payload, ops))
        require(ops.size() * link::kInterestOpBytes <= payload.size());
      return;
    }
    case 8:
      settles(payload, link::decode_member_up, [](wire::Buffer& out, const link::MemberUp& up) {
        link::write_member_up(out, up.member, up.name, up.parser, up.namespaces);
      });
      return settles(payload, link::decode_presence,
                     [](wire::Buffer& out, const link::Presence& presence) {
                       link::write_presence(out, presence.member, presence.present, presence.nsp);
                     });
    case 10:
      if (const auto said = link::decode_channel(payload)) {
        wire::Buffer out;
        link::write_channel(out, said->channel, said->payload, {});
        same(out, payload);
      }
      return;
    case 11:
      return recovery_frame(payload);
    case 13:
      return shadow_frame(payload);
    case 12:
      if (const auto said = wire::recovery::decode_session_op(payload))
        require(said->rooms.size() <= payload.size());
      return;
    default:
      return data_frame(payload);
  }
}

}  // namespace
}  // namespace socketmesh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  socketmesh::fuzz::Input input(data, size);
  const std::uint8_t which = input.byte();
  socketmesh::fuzz::decode(which, input.rest());
  return 0;
}
