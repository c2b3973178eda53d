#include "sidecar/core/recovery/copy.hpp"

#include "sidecar/core/recovery/session.hpp"

namespace socketmesh::recovery {

wire::Writer CopyNotes::start(CopyKind kind) {
  wire::Writer writer(out_);
  writer.u8(static_cast<std::uint8_t>(kind));
  return writer;
}

void CopyNotes::begin(Position head) {
  number(CopyKind::kBegin, head);
}

void CopyNotes::log(Position first, wire::Bytes entries) {
  wire::Writer writer = start(CopyKind::kLog);
  writer.u64(first);
  writer.u32(static_cast<std::uint32_t>(entries.size()));
  writer.bytes(entries);
}

void CopyNotes::state(const CopyState& state) {
  wire::Writer writer = start(CopyKind::kState);
  writer.u8(state.attached ? 1 : 0);
  writer.u16(state.attachment);
  writer.u64(state.told_end);
  writer.u64(state.cut);
  writer.u64(state.after);
  wire::recovery::write_marks(writer, state.seen);
}

void CopyNotes::session(bool connected, wire::Bytes frame) {
  wire::Writer writer = start(CopyKind::kSession);
  writer.u8(connected ? 1 : 0);
  writer.u32(static_cast<std::uint32_t>(frame.size()));
  writer.bytes(frame);
}

void CopyNotes::plain(CopyKind kind) {
  start(kind);
}

void CopyNotes::number(CopyKind kind, std::uint64_t value) {
  start(kind).u64(value);
}

void CopyNotes::frames(CopyKind kind, wire::Bytes frames) {
  wire::Writer writer = start(kind);
  writer.u32(static_cast<std::uint32_t>(frames.size()));
  writer.bytes(frames);
}

void CopyNotes::queued(std::uint64_t last, wire::Bytes frames) {
  wire::Writer writer = start(CopyKind::kQueued);
  writer.u64(last);
  writer.u32(static_cast<std::uint32_t>(frames.size()));
  writer.bytes(frames);
}

void CopyNotes::cursor(std::string_view sidecar, const wire::recovery::Cursor& cursor) {
  wire::Writer writer = start(CopyKind::kCursor);
  writer.string(sidecar);
  wire::recovery::write_cursor(writer, cursor);
}

void CopyNotes::attached(std::uint16_t attachment, const wire::recovery::Marks& taken) {
  wire::Writer writer = start(CopyKind::kAttached);
  writer.u16(attachment);
  wire::recovery::write_marks(writer, taken);
}

void CopyNotes::rooms(const Session& session, bool joined, std::string_view room) {
  wire::Writer writer = start(CopyKind::kRooms);
  writer.u8(joined ? 1 : 0);
  writer.string(session.nsp);
  writer.string(session.sid);
  writer.string(room);
}

void CopyNotes::about(CopyKind kind, const Session& session) {
  wire::Writer writer = start(kind);
  writer.string(session.nsp);
  writer.string(session.sid);
}

void CopyNotes::about(CopyKind kind, const Session& session, std::string_view text) {
  about(kind, session);
  wire::Writer(out_).string(text);
}

void CopyNotes::lent(const Session& session, Position position) {
  about(CopyKind::kLent, session);
  wire::Writer(out_).u64(position);
}

}  // namespace socketmesh::recovery
