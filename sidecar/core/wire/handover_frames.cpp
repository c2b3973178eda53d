#include "sidecar/core/wire/handover_frames.hpp"

namespace socketmesh::wire::recovery {

namespace {

constexpr std::size_t kChangeBytes = 10;  // at least
constexpr std::size_t kEntryBytes = 12;

// Whole, well-formed DATA frames and nothing else.
bool are_frames(Bytes left) {
  while (!left.empty()) {
    const auto frame = first_frame(left);
    if (!frame || !parse_data(*frame)) return false;
    left = left.subspan(frame->size());
  }
  return true;
}

Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::optional<Adopt> decode_adopt(Bytes payload) {
  Reader reader(payload);
  Adopt adopt;
  adopt.token = reader.u64();
  adopt.member = reader.u64();
  adopt.head = reader.u64();
  adopt.told_end = reader.u64();
  adopt.cut = reader.u64();
  adopt.after = reader.u64();
  read_members(reader, adopt.suspects);
  if (!reader.done() || adopt.head > kPositionMax) return std::nullopt;
  return adopt;
}

std::optional<AdoptSession> decode_adopt_session(Bytes payload) {
  Reader reader(payload);
  AdoptSession session;
  session.token = reader.u64();
  session.nsp = reader.string();
  session.sid = reader.string();
  session.pid = reader.string();
  session.generation = reader.u64();
  session.left_us = reader.u64();
  session.start = reader.u64();
  session.base = reader.string();
  session.last = reader.string();
  session.last_position = reader.u64();
  session.lent = reader.u64();
  read_members(reader, session.suspects);
  session.doomed = reader.u8() == 1;
  read_names(reader, session.rooms);
  const std::uint32_t changes = reader.count(kChangeBytes);
  for (std::uint32_t i = 0; i < changes && reader.ok(); ++i) {
    RoomChange change;
    change.at = reader.u64();
    change.join = reader.u8() == 1;
    change.room = reader.string();
    session.changes.push_back(change);
  }
  read_marks(reader, session.marks);
  session.data = as_bytes(reader.string());
  session.carried = reader.rest();
  if (!reader.done() || !are_frames(session.carried)) return std::nullopt;
  return session;
}

std::optional<std::uint64_t> decode_adopt_ready(Bytes payload) {
  Reader reader(payload);
  const std::uint64_t token = reader.u64();
  if (!reader.done()) return std::nullopt;
  return token;
}

std::optional<AdoptFetch> decode_adopt_fetch(Bytes payload) {
  Reader reader(payload);
  AdoptFetch fetch;
  fetch.token = reader.u64();
  fetch.barrier = reader.u64();
  read_names(reader, fetch.sidecars);
  if (!reader.done()) return std::nullopt;
  return fetch;
}

std::optional<AdoptLog> decode_adopt_log(Bytes payload) {
  Reader reader(payload);
  AdoptLog log;
  log.token = reader.u64();
  log.first = reader.u64();
  while (reader.ok() && reader.remaining() >= kEntryBytes) {
    LogEntry entry;
    entry.age_us = reader.u64();
    entry.frame = reader.take(reader.u32());
    const auto whole = entry.frame.empty() ? entry.frame : first_frame(entry.frame);
    if (!whole || whole->size() != entry.frame.size() || entry.age_us > kAgeMaxUs ||
        (!entry.frame.empty() && !parse_data(entry.frame))) {
      return std::nullopt;
    }
    log.entries.push_back(entry);
  }
  if (!reader.done() || log.first > kPositionMax) return std::nullopt;
  return log;
}

std::optional<AdoptEnd> decode_adopt_end(Bytes payload) {
  Reader reader(payload);
  AdoptEnd end;
  end.token = reader.u64();
  const std::uint8_t result = reader.u8();
  end.result = static_cast<Result>(result);
  if (end.result == Result::kRestored) read_marks(reader, end.marks);
  if (!reader.done() || result > static_cast<std::uint8_t>(Result::kSuperseded))
    return std::nullopt;
  return end;
}

void write_adopt(Buffer& out, const Adopt& adopt) {
  FrameWriter frame(out, kAdopt);
  frame.u64(adopt.token);
  frame.u64(adopt.member);
  frame.u64(adopt.head);
  frame.u64(adopt.told_end);
  frame.u64(adopt.cut);
  frame.u64(adopt.after);
  write_members(frame, adopt.suspects);
}

void write_adopt_session(Buffer& out, const AdoptSession& session) {
  FrameWriter frame(out, kAdoptSession);
  frame.u64(session.token);
  frame.string(session.nsp);
  frame.string(session.sid);
  frame.string(session.pid);
  frame.u64(session.generation);
  frame.u64(session.left_us);
  frame.u64(session.start);
  frame.string(session.base);
  frame.string(session.last);
  frame.u64(session.last_position);
  frame.u64(session.lent);
  write_members(frame, session.suspects);
  frame.u8(session.doomed ? 1 : 0);
  write_names(frame, session.rooms);
  frame.varint(static_cast<std::uint32_t>(session.changes.size()));
  for (const RoomChange& change : session.changes) {
    frame.u64(change.at);
    frame.u8(change.join ? 1 : 0);
    frame.string(change.room);
  }
  write_marks(frame, session.marks);
  frame.string(as_text(session.data));
  frame.bytes(session.carried);
}

void write_adopt_ready(Buffer& out, std::uint64_t token) {
  FrameWriter frame(out, kAdoptReady);
  frame.u64(token);
}

void write_adopt_fetch(Buffer& out, const AdoptFetch& fetch) {
  FrameWriter frame(out, kAdoptFetch);
  frame.u64(fetch.token);
  frame.u64(fetch.barrier);
  write_names(frame, fetch.sidecars);
}

void write_adopt_log(Buffer& out, const AdoptLog& log) {
  FrameWriter frame(out, kAdoptLog);
  frame.u64(log.token);
  frame.u64(log.first);
  for (const LogEntry& entry : log.entries) {
    frame.u64(entry.age_us);
    frame.u32(static_cast<std::uint32_t>(entry.frame.size()));
    frame.bytes(entry.frame);
  }
}

void write_adopt_end(Buffer& out, const AdoptEnd& end) {
  FrameWriter frame(out, kAdoptEnd);
  frame.u64(end.token);
  frame.u8(static_cast<std::uint8_t>(end.result));
  if (end.result == Result::kRestored) write_marks(frame, end.marks);
}

void write_adopted(Buffer& out, const Moved& adopted) {
  FrameWriter frame(out, kAdopted);
  frame.u64(adopted.token);
  frame.u8(adopted.done ? 1 : 0);
}

}  // namespace socketmesh::wire::recovery
