#include "sidecar/core/wire/recovery_frames.hpp"

namespace socketmesh::wire::recovery {

namespace {

constexpr std::size_t kMarkBytes = 16;

Result read_result(Reader& reader, bool& good) {
  const std::uint8_t value = reader.u8();
  good = value <= static_cast<std::uint8_t>(Result::kSuperseded);
  return static_cast<Result>(value);
}

}  // namespace

void read_names(Reader& reader, Names& names) {
  const std::uint32_t count = reader.count(1);
  names.reserve(count);
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) names.push_back(reader.string());
}

void write_names(Writer& writer, const Names& names) {
  writer.varint(static_cast<std::uint32_t>(names.size()));
  for (const std::string_view name : names) writer.string(name);
}

void write_marks(Writer& writer, const Marks& marks) {
  writer.varint(static_cast<std::uint32_t>(marks.size()));
  for (const Mark& mark : marks) {
    writer.u64(mark.origin);
    writer.u64(mark.seq);
  }
}

void read_marks(Reader& reader, Marks& marks) {
  const std::uint32_t count = reader.count(kMarkBytes);
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    const MemberId origin = reader.u64();
    marks.push_back({origin, reader.u64()});
  }
}

void read_members(Reader& reader, Members& members) {
  const std::uint32_t count = reader.count(sizeof(MemberId));
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) members.push_back(reader.u64());
}

void write_members(Writer& writer, const Members& members) {
  writer.varint(static_cast<std::uint32_t>(members.size()));
  for (const MemberId member : members) writer.u64(member);
}

std::optional<Order> read_order(Bytes body) {
  if (body.size() < kOrderBytes) return std::nullopt;
  const auto word = load<std::uint64_t>(body.data() + body.size() - kOrderBytes);
  return Order{static_cast<std::uint16_t>(word & 0xffffU), word >> 16U};
}

std::optional<SessionOp> decode_session_op(Bytes body) {
  if (body.size() < kOrderBytes) return std::nullopt;
  Reader reader(body.first(body.size() - kOrderBytes));
  SessionOp said;
  const std::uint8_t op = reader.u8();
  if (op < static_cast<std::uint8_t>(Op::kOpen) || op > static_cast<std::uint8_t>(Op::kAllWritten))
    return std::nullopt;
  said.op = static_cast<Op>(op);
  if (said.op == Op::kRestore) {
    said.request = reader.u32();
    said.nsp = reader.string();
    said.pid = reader.string();
    said.offset = reader.string();
  } else if (said.op != Op::kAllWritten) {
    said.nsp = reader.string();
    said.sid = reader.string();
    if (said.op == Op::kOpen) said.pid = reader.string();
    if (said.op <= Op::kLeave) read_names(reader, said.rooms);
    if (said.op == Op::kOpen) {
      said.generation = reader.u64();
      read_marks(reader, said.marks);
      said.last = reader.string();
    }
    if (said.op == Op::kLast) said.offset = reader.string();
    if (said.op == Op::kOpen || said.op == Op::kData || said.op == Op::kClose)
      said.data = reader.rest();
  }
  if (!reader.done()) return std::nullopt;
  return said;
}

std::optional<Find> decode_find(Bytes payload) {
  Reader reader(payload);
  Find find;
  find.token = reader.u64();
  find.nsp = reader.string();
  find.pid = reader.string();
  if (!reader.done()) return std::nullopt;
  return find;
}

std::optional<Found> decode_found(Bytes payload) {
  Reader reader(payload);
  bool good = false;
  Found found;
  found.token = reader.u64();
  found.result = read_result(reader, good);
  if (found.result == Result::kRestored) {
    found.generation = reader.u64();
    found.cut = reader.u64();
    found.sid = reader.string();
    read_names(reader, found.rooms);
    found.data = reader.rest();
  }
  if (!reader.done() || !good) return std::nullopt;
  return found;
}

std::optional<Barrier> decode_barrier(Bytes payload) {
  Reader reader(payload);
  Barrier barrier;
  barrier.barrier = reader.u64();
  barrier.sidecar = reader.string();
  if (!reader.done()) return std::nullopt;
  return barrier;
}

std::optional<Replay> decode_replay(Bytes payload) {
  Reader reader(payload);
  Replay replay;
  replay.token = reader.u64();
  replay.frames = reader.rest();
  if (!reader.done()) return std::nullopt;
  // Whole, well-formed DATA frames and nothing else.
  for (Bytes left = replay.frames; !left.empty();) {
    const auto frame = first_frame(left);
    if (!frame || !parse_data(*frame)) return std::nullopt;
    left = left.subspan(frame->size());
  }
  return replay;
}

std::optional<Replayed> decode_replayed(Bytes payload) {
  Reader reader(payload);
  bool good = false;
  Replayed replayed;
  replayed.token = reader.u64();
  replayed.result = read_result(reader, good);
  if (replayed.result == Result::kRestored) {
    read_marks(reader, replayed.marks);
    read_members(reader, replayed.suspects);
  }
  if (!reader.done() || !good) return std::nullopt;
  return replayed;
}

std::optional<Moved> decode_moved(Bytes payload) {
  Reader reader(payload);
  Moved moved;
  moved.token = reader.u64();
  const std::uint8_t done = reader.u8();
  moved.done = done == 1;
  if (!reader.done() || done > 1) return std::nullopt;
  return moved;
}

std::optional<Fetch> decode_fetch(Bytes payload) {
  Reader reader(payload);
  Fetch fetch;
  fetch.token = reader.u64();
  fetch.barrier = reader.u64();
  fetch.offset = reader.string();
  read_names(reader, fetch.sidecars);
  if (!reader.done()) return std::nullopt;
  return fetch;
}

void write_restored(Buffer& out, std::uint32_t request, const Found& session, const Marks& marks) {
  FrameWriter frame(out, kRestored);
  frame.u32(request);
  frame.u8(static_cast<std::uint8_t>(Result::kRestored));
  frame.string(session.sid);
  write_names(frame, session.rooms);
  frame.u64(session.generation);
  write_marks(frame, marks);
  frame.bytes(session.data);
}

void write_refusal(Buffer& out, std::uint32_t request, Result why) {
  FrameWriter frame(out, kRestored);
  frame.u32(request);
  frame.u8(static_cast<std::uint8_t>(why));
}

void write_replay(Buffer& out, std::uint32_t request, Bytes frames) {
  FrameWriter frame(out, kReplay);
  frame.u32(request);
  frame.bytes(frames);
}

void write_close_session(Buffer& out, std::string_view nsp, std::string_view sid) {
  FrameWriter frame(out, kCloseSession);
  frame.string(nsp);
  frame.string(sid);
}

void write_find(Buffer& out, const Find& find) {
  FrameWriter frame(out, kFind);
  frame.u64(find.token);
  frame.string(find.nsp);
  frame.string(find.pid);
}

void write_found(Buffer& out, const Found& found) {
  FrameWriter frame(out, kFound);
  frame.u64(found.token);
  frame.u8(static_cast<std::uint8_t>(found.result));
  if (found.result != Result::kRestored) return;
  frame.u64(found.generation);
  frame.u64(found.cut);
  frame.string(found.sid);
  write_names(frame, found.rooms);
  frame.bytes(found.data);
}

void write_barrier(Buffer& out, LinkType type, const Barrier& barrier) {
  FrameWriter frame(out, type);
  frame.u64(barrier.barrier);
  frame.string(barrier.sidecar);
}

void write_link_replay(Buffer& out, const Replay& replay) {
  FrameWriter frame(out, kLinkReplay);
  frame.u64(replay.token);
  frame.bytes(replay.frames);
}

void write_replayed(Buffer& out, const Replayed& replayed) {
  FrameWriter frame(out, kReplayed);
  frame.u64(replayed.token);
  frame.u8(static_cast<std::uint8_t>(replayed.result));
  if (replayed.result != Result::kRestored) return;
  write_marks(frame, replayed.marks);
  write_members(frame, replayed.suspects);
}

void write_moved(Buffer& out, const Moved& moved) {
  FrameWriter frame(out, kMoved);
  frame.u64(moved.token);
  frame.u8(moved.done ? 1 : 0);
}

void write_fetch(Buffer& out, const Fetch& fetch) {
  FrameWriter frame(out, kFetch);
  frame.u64(fetch.token);
  frame.u64(fetch.barrier);
  frame.string(fetch.offset);
  write_names(frame, fetch.sidecars);
}

}  // namespace socketmesh::wire::recovery
