#include "sidecar/core/wire/shadow_frames.hpp"

namespace socketmesh::wire::recovery {

bool are_data_frames(Bytes bytes) {
  while (!bytes.empty()) {
    const auto frame = first_frame(bytes);
    if (!frame || !parse_data(*frame)) return false;
    bytes = bytes.subspan(frame->size());
  }
  return true;
}

void read_cursor(Reader& reader, Cursor& cursor) {
  cursor.epoch = reader.u64();
  cursor.stream = reader.u32();
  cursor.seq = reader.u64();
}

void write_cursor(Writer& writer, const Cursor& cursor) {
  writer.u64(cursor.epoch);
  writer.u32(cursor.stream);
  writer.u64(cursor.seq);
}

std::optional<Copy> decode_copy(Bytes payload) {
  Reader reader(payload);
  Copy copy;
  copy.member = reader.u64();
  copy.records = reader.rest();
  if (!reader.done()) return std::nullopt;
  return copy;
}

std::optional<Holders> decode_holders(Bytes payload) {
  Reader reader(payload);
  Holders holders;
  holders.member = reader.u64();
  read_names(reader, holders.sidecars);
  if (!reader.done()) return std::nullopt;
  return holders;
}

std::optional<Takeover> decode_takeover(Bytes payload) {
  Reader reader(payload);
  Takeover takeover;
  takeover.token = reader.u64();
  takeover.member = reader.u64();
  takeover.sidecar = reader.string();
  takeover.epoch = reader.u64();
  read_cursor(reader, takeover.cursor);
  read_marks(reader, takeover.marks);
  if (!reader.done()) return std::nullopt;
  return takeover;
}

std::optional<Tail> decode_tail(Bytes payload) {
  Reader reader(payload);
  Tail tail;
  tail.token = reader.u64();
  const std::uint8_t kind = reader.u8();
  tail.frames = reader.rest();
  if (!reader.done() || kind > static_cast<std::uint8_t>(TailKind::kHeard)) return std::nullopt;
  tail.kind = static_cast<TailKind>(kind);
  if (!are_data_frames(tail.frames)) return std::nullopt;
  return tail;
}

std::optional<TailEnd> decode_tail_end(Bytes payload) {
  Reader reader(payload);
  TailEnd end;
  end.token = reader.u64();
  const std::uint8_t result = reader.u8();
  if (!reader.done() || result > kLastTailResult) return std::nullopt;
  end.result = static_cast<TailResult>(result);
  return end;
}

std::optional<MemberId> decode_copy_lost(Bytes payload) {
  Reader reader(payload);
  const MemberId member = reader.u64();
  if (!reader.done()) return std::nullopt;
  return member;
}

void write_copy(Buffer& out, const Copy& copy) {
  FrameWriter frame(out, kCopy);
  frame.u64(copy.member);
  frame.bytes(copy.records);
}

void write_holders(Buffer& out, const Holders& holders) {
  FrameWriter frame(out, kHolders);
  frame.u64(holders.member);
  write_names(frame, holders.sidecars);
}

void write_takeover(Buffer& out, const Takeover& takeover) {
  FrameWriter frame(out, kTakeover);
  frame.u64(takeover.token);
  frame.u64(takeover.member);
  frame.string(takeover.sidecar);
  frame.u64(takeover.epoch);
  write_cursor(frame, takeover.cursor);
  write_marks(frame, takeover.marks);
}

void write_tail(Buffer& out, const Tail& tail) {
  FrameWriter frame(out, kTail);
  frame.u64(tail.token);
  frame.u8(static_cast<std::uint8_t>(tail.kind));
  frame.bytes(tail.frames);
}

void write_tail_end(Buffer& out, const TailEnd& end) {
  FrameWriter frame(out, kTailEnd);
  frame.u64(end.token);
  frame.u8(static_cast<std::uint8_t>(end.result));
}

std::optional<GoneOn> decode_gone_on(Bytes payload) {
  Reader reader(payload);
  GoneOn said;
  said.nsp = reader.string();
  said.pid = reader.string();
  said.generation = reader.u64();
  if (!reader.done()) return std::nullopt;
  return said;
}

void write_gone_on(Buffer& out, const GoneOn& gone_on) {
  FrameWriter frame(out, kGoneOn);
  frame.string(gone_on.nsp);
  frame.string(gone_on.pid);
  frame.u64(gone_on.generation);
}

void write_copy_lost(Buffer& out, MemberId member) {
  FrameWriter frame(out, kCopyLost);
  frame.u64(member);
}

}  // namespace socketmesh::wire::recovery
