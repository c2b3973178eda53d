#include "sidecar/core/recovery/copy.hpp"

#include "sidecar/core/recovery/session.hpp"

namespace socketmesh::recovery {

namespace {

// Calls visit(piece, frames left behind it): whole frames of about kCopyPieceBytes at most.
template <typename Visit>
void in_pieces(wire::Bytes frames, Visit&& visit) {
  std::uint32_t left = 0;
  if (frames.size() > kCopyPieceBytes) left = count_frames(frames);
  while (frames.size() > kCopyPieceBytes) {
    std::size_t size = 0;
    while (const auto frame = wire::first_frame(frames.subspan(size))) {
      if (size > 0 && size + frame->size() > kCopyPieceBytes) break;
      size += frame->size();
      --left;
    }
    visit(frames.first(size), left);
    frames = frames.subspan(size);
  }
  if (!frames.empty()) visit(frames, 0);
}

}  // namespace

std::uint32_t count_frames(wire::Bytes frames) {
  std::uint32_t count = 0;
  while (const auto frame = wire::first_frame(frames)) {
    frames = frames.subspan(frame->size());
    ++count;
  }
  return count;
}

std::vector<wire::Buffer> CopyNotes::take() {
  if (!out_.empty()) full_.push_back(std::exchange(out_, {}));
  return std::exchange(full_, {});
}

wire::Writer CopyNotes::start(CopyKind kind, std::size_t bytes) {
  if (!out_.empty() && out_.size() + bytes > kCopyPieceBytes)
    full_.push_back(std::exchange(out_, {}));
  wire::Writer writer(out_);
  writer.u8(static_cast<std::uint8_t>(kind));
  return writer;
}

wire::Writer CopyNotes::start(CopyKind kind, const Session& session, std::size_t bytes) {
  wire::Writer writer = start(kind, bytes);
  writer.string(session.nsp);
  writer.string(session.sid);
  return writer;
}

void CopyNotes::begin(Position head) {
  number(CopyKind::kBegin, head);
}

void CopyNotes::log(Position first, wire::Bytes entries) {
  wire::Writer writer = start(CopyKind::kLog, entries.size());
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
  wire::recovery::write_members(writer, state.suspects);
  wire::recovery::write_marks(writer, state.seen);
}

void CopyNotes::session(bool connected, wire::Bytes frame) {
  wire::Writer writer = start(CopyKind::kSession, frame.size());
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
  in_pieces(frames, [&](wire::Bytes piece, std::uint32_t) {
    wire::Writer writer = start(kind, piece.size());
    writer.u32(static_cast<std::uint32_t>(piece.size()));
    writer.bytes(piece);
  });
}

void CopyNotes::queued(std::uint64_t last, wire::Bytes frames) {
  in_pieces(frames, [&](wire::Bytes piece, std::uint32_t left) {
    wire::Writer writer = start(CopyKind::kQueued, piece.size());
    writer.u64(last - left);
    writer.u32(static_cast<std::uint32_t>(piece.size()));
    writer.bytes(piece);
  });
}

void CopyNotes::cursor(std::string_view sidecar, const wire::recovery::Cursor& cursor) {
  wire::Writer writer = start(CopyKind::kCursor);
  writer.string(sidecar);
  wire::recovery::write_cursor(writer, cursor);
}

void CopyNotes::peer_away(std::string_view sidecar) {
  start(CopyKind::kPeerAway).string(sidecar);
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
  (void)start(kind, session);
}

void CopyNotes::about(CopyKind kind, const Session& session, std::string_view text) {
  start(kind, session, text.size()).string(text);
}

void CopyNotes::lent(const Session& session, Position position) {
  start(CopyKind::kLent, session).u64(position);
}

}  // namespace socketmesh::recovery
