#include "sidecar/core/wire/link_frames.hpp"

namespace socketmesh::wire::link {

std::optional<Hello> decode_hello(Bytes payload) {
  Reader reader(payload);
  Hello hello;
  hello.magic = reader.u32();
  hello.min_version = reader.u8();
  hello.max_version = reader.u8();
  hello.mesh = reader.string();
  hello.sidecar = reader.string();
  hello.epoch = reader.u64();
  if (reader.remaining() >= sizeof hello.channels) hello.channels = reader.u32();
  if (Reader tail = reader; tail.remaining() > 0) {
    const std::string_view node = tail.string();
    if (tail.ok()) hello.node = node;
  }
  // What follows is a later version's; the version range decides.
  if (!reader.ok() || hello.magic != kMagic) return std::nullopt;
  if (hello.sidecar.empty() || hello.sidecar.size() > kMaxSidecarIdBytes) return std::nullopt;
  return hello;
}

std::optional<Resume> decode_resume(Bytes payload) {
  Reader reader(payload);
  Resume resume;
  resume.version = reader.u8();
  resume.peer_epoch = reader.u64();
  resume.peer_stream = reader.u32();
  resume.received = reader.u64();
  resume.taken = reader.u64();
  if (!reader.done()) return std::nullopt;
  return resume;
}

std::optional<Refuse> decode_refuse(Bytes payload) {
  Reader reader(payload);
  Refuse refuse;
  refuse.code = reader.u16();
  refuse.message = reader.string();
  if (!reader.done()) return std::nullopt;
  return refuse;
}

std::optional<Record> decode_record(Bytes frame) {
  if (frame.size() < kRecordHeadBytes) return std::nullopt;
  const std::uint8_t* at = frame.data();
  Record record;
  record.flags = at[5];
  record.stream = load<std::uint32_t>(at + 8);
  record.count = load<std::uint32_t>(at + 12);
  record.first_seq = load<std::uint64_t>(at + 16);
  record.marks.stream = load<std::uint32_t>(at + 24);
  record.marks.received = load<std::uint64_t>(at + 28);
  record.marks.taken = load<std::uint64_t>(at + 36);
  record.frames = frame.subspan(kRecordHeadBytes);
  if (record.count == 0 || record.first_seq == 0 || record.stream == 0) return std::nullopt;
  if (record.first_seq > UINT64_MAX - record.count) return std::nullopt;
  return record;
}

std::optional<Watermarks> decode_ack(Bytes payload) {
  Reader reader(payload);
  Watermarks marks;
  marks.stream = reader.u32();
  marks.received = reader.u64();
  marks.taken = reader.u64();
  if (!reader.done()) return std::nullopt;
  return marks;
}

bool decode_interest(Bytes payload, std::vector<InterestOp>& ops) {
  Reader reader(payload);
  ops.clear();
  reader.u64();  // version: for people who read captures
  const std::uint32_t count = reader.count(kInterestOpBytes);
  ops.reserve(count);
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint8_t op = reader.u8();
    if (op > 1) return false;
    ops.push_back({op == 1, reader.u64()});
  }
  return reader.done();
}

std::optional<MemberUp> decode_member_up(Bytes payload) {
  Reader reader(payload);
  MemberUp up;
  up.member = reader.u64();
  up.name = reader.string();
  up.parser = reader.string();
  const std::uint32_t count = reader.count(1);
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) up.namespaces.push_back(reader.string());
  if (!reader.done()) return std::nullopt;
  return up;
}

std::optional<Presence> decode_presence(Bytes payload) {
  Reader reader(payload);
  Presence presence;
  presence.member = reader.u64();
  presence.present = reader.u8() == 1;
  presence.nsp = reader.string();
  if (!reader.done()) return std::nullopt;
  return presence;
}

std::optional<MemberLoss> decode_member_loss(Bytes payload) {
  Reader reader(payload);
  MemberLoss loss;
  loss.member = reader.u64();
  loss.messages = reader.u64();
  loss.released_seq = reader.u64();
  if (!reader.done()) return std::nullopt;
  return loss;
}

void write_hello(Buffer& out, const Hello& hello) {
  FrameWriter frame(out, kHello);
  frame.u32(hello.magic);
  frame.u8(hello.min_version);
  frame.u8(hello.max_version);
  frame.string(hello.mesh);
  frame.string(hello.sidecar);
  frame.u64(hello.epoch);
  frame.u32(hello.channels);
  frame.string(hello.node);
}

void write_resume(Buffer& out, const Resume& resume) {
  FrameWriter frame(out, kResume);
  frame.u8(resume.version);
  frame.u64(resume.peer_epoch);
  frame.u32(resume.peer_stream);
  frame.u64(resume.received);
  frame.u64(resume.taken);
}

void write_refuse(Buffer& out, Refusal code, std::string_view message) {
  FrameWriter frame(out, kRefuse);
  frame.u16(static_cast<std::uint16_t>(code));
  frame.string(message);
}

void write_ack(Buffer& out, const Watermarks& marks) {
  FrameWriter frame(out, kAck);
  frame.u32(marks.stream);
  frame.u64(marks.received);
  frame.u64(marks.taken);
}

void write_ping(Buffer& out, std::uint64_t token) {
  FrameWriter frame(out, kPing);
  frame.u64(token);
}

void write_pong(Buffer& out, std::uint64_t token) {
  FrameWriter frame(out, kPong);
  frame.u64(token);
}

void write_goodbye(Buffer& out, bool returning) {
  FrameWriter frame(out, kGoodbye);
  frame.u8(returning ? 1 : 0);
}

void store_record_head(Buffer& record, const Record& head) {
  std::uint8_t* at = record.data();
  store(at, static_cast<std::uint32_t>(record.size() - kLengthBytes));
  at[4] = kRecord;
  at[5] = head.flags;
  store<std::uint16_t>(at + 6, 0);
  store(at + 8, head.stream);
  store(at + 12, head.count);
  store(at + 16, head.first_seq);
  store(at + 24, head.marks.stream);
  store(at + 28, head.marks.received);
  store(at + 36, head.marks.taken);
}

void write_snapshot_begin(Buffer& out, std::uint64_t version) {
  FrameWriter frame(out, kSnapshotBegin);
  frame.u64(version);
}

void write_snapshot_end(Buffer& out) {
  FrameWriter frame(out, kSnapshotEnd);
}

void write_interest(Buffer& out, std::uint64_t version, std::span<const InterestOp> ops) {
  FrameWriter frame(out, kInterest);
  frame.u64(version);
  frame.varint(static_cast<std::uint32_t>(ops.size()));
  for (const InterestOp& op : ops) {
    frame.u8(op.add ? 1 : 0);
    frame.u64(op.hash);
  }
}

void write_member_up(Buffer& out, MemberId member, std::string_view name, std::string_view parser,
                     const std::vector<std::string_view>& namespaces) {
  FrameWriter frame(out, kMemberUp);
  frame.u64(member);
  frame.string(name);
  frame.string(parser);
  frame.varint(static_cast<std::uint32_t>(namespaces.size()));
  for (const std::string_view nsp : namespaces) frame.string(nsp);
}

void write_member_down(Buffer& out, MemberId member, std::uint8_t reason) {
  FrameWriter frame(out, kMemberDown);
  frame.u64(member);
  frame.u8(reason);
}

void write_presence(Buffer& out, MemberId member, bool present, std::string_view nsp) {
  FrameWriter frame(out, kPresence);
  frame.u64(member);
  frame.u8(present ? 1 : 0);
  frame.string(nsp);
}

void write_member_loss(Buffer& out, const MemberLoss& loss) {
  FrameWriter frame(out, kMemberLoss);
  frame.u64(loss.member);
  frame.u64(loss.messages);
  frame.u64(loss.released_seq);
}

}  // namespace socketmesh::wire::link
