#include "sidecar/core/wire/app_frames.hpp"

namespace socketmesh::wire::app {

std::optional<Attach> decode_attach(Bytes payload) {
  Reader reader(payload);
  Attach attach;
  attach.min_version = reader.u8();
  attach.max_version = reader.u8();
  attach.member = reader.u64();
  attach.name = reader.string();
  attach.parser = reader.string();
  attach.mesh = reader.string();
  const std::uint32_t sidecars = reader.count(2);
  for (std::uint32_t i = 0; i < sidecars && reader.ok(); ++i) {
    KnownSidecar known;
    known.sidecar = reader.string();
    const std::uint32_t members = reader.count(sizeof(MemberId));
    for (std::uint32_t j = 0; j < members && reader.ok(); ++j)
      known.members.push_back(reader.u64());
    attach.known.push_back(std::move(known));
  }
  if (reader.ok() && reader.remaining() > 0) {
    attach.recovery = reader.u8() == 1;
    attach.attachment = reader.u16();
    const std::uint32_t origins =
        reader.remaining() > 0 ? reader.count(2 * sizeof(std::uint64_t)) : 0;
    for (std::uint32_t i = 0; i < origins && reader.ok(); ++i) {
      const MemberId origin = reader.u64();
      attach.taken.emplace_back(origin, reader.u64());
    }
    if (!attach.recovery) return std::nullopt;
  }
  if (!reader.done()) return std::nullopt;
  return attach;
}

std::optional<std::string_view> decode_nsp(Bytes payload) {
  Reader reader(payload);
  const std::string_view nsp = reader.string();
  if (!reader.done() || nsp.empty()) return std::nullopt;
  return nsp;
}

bool decode_interest(Bytes payload, Interest& interest) {
  Reader reader(payload);
  interest.ops.clear();
  interest.nsp = reader.string();
  const std::uint32_t count = reader.count(2);
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint8_t op = reader.u8();
    if (op > 1) return false;
    interest.ops.push_back({op == 1, reader.string()});
  }
  return reader.done();
}

void write_welcome(Buffer& out, std::uint64_t epoch, std::string_view sidecar,
                   std::string_view mesh, std::int64_t recovery_window_ms) {
  FrameWriter frame(out, kWelcome);
  frame.u8(kProtocolVersion);
  frame.u64(epoch);
  frame.string(sidecar);
  frame.string(mesh);
  frame.u32(kMaxFrameBytes);
  if (recovery_window_ms == 0) return;
  frame.u8(1);
  frame.u32(static_cast<std::uint32_t>(recovery_window_ms));
}

void write_refused(Buffer& out, Refusal code, std::string_view message) {
  FrameWriter frame(out, kRefused);
  frame.u16(static_cast<std::uint16_t>(code));
  frame.string(message);
}

void write_member_up(Buffer& out, MemberId member, std::string_view sidecar, std::string_view name,
                     const std::vector<std::string_view>& namespaces) {
  FrameWriter frame(out, kMemberUp);
  frame.u64(member);
  frame.string(sidecar);
  frame.string(name);
  frame.varint(static_cast<std::uint32_t>(namespaces.size()));
  for (const std::string_view nsp : namespaces) frame.string(nsp);
}

void write_member_down(Buffer& out, MemberId member, DownReason reason) {
  FrameWriter frame(out, kMemberDown);
  frame.u64(member);
  frame.u8(static_cast<std::uint8_t>(reason));
}

void write_presence(Buffer& out, MemberId member, bool present, std::string_view nsp) {
  FrameWriter frame(out, kPresence);
  frame.u64(member);
  frame.u8(present ? 1 : 0);
  frame.string(nsp);
}

void write_routed(Buffer& out, std::uint64_t seq, const std::vector<MemberId>& members) {
  FrameWriter frame(out, kRouted);
  frame.u64(seq);
  frame.varint(static_cast<std::uint32_t>(members.size()));
  for (const MemberId member : members) frame.u64(member);
}

void write_taken(Buffer& out, std::uint64_t seq) {
  FrameWriter frame(out, kTakenBack);
  frame.u64(seq);
}

void write_synced(Buffer& out, std::uint32_t id, bool complete) {
  FrameWriter frame(out, kSynced);
  frame.u32(id);
  frame.u8(complete ? 0 : 1);
}

void write_gap(Buffer& out, std::uint64_t frames, std::uint64_t messages, GapReason reason,
               std::string_view where) {
  FrameWriter frame(out, kGap);
  frame.u64(frames);
  frame.u64(messages);
  frame.u8(static_cast<std::uint8_t>(reason));
  frame.string(where);
}

void write_ping(Buffer& out, std::uint64_t token) {
  FrameWriter frame(out, kPing);
  frame.u64(token);
}

}  // namespace socketmesh::wire::app
