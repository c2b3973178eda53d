#include "sidecar/core/recovery/shadow.hpp"

namespace socketmesh::recovery {

namespace {

constexpr std::uint8_t kFirstKind = static_cast<std::uint8_t>(CopyKind::kBegin);
constexpr std::uint8_t kLastKind = static_cast<std::uint8_t>(CopyKind::kPeerAway);

}  // namespace

bool Shadow::apply(wire::Bytes records, TimeUs now, const HomeLimits& limits) {
  wire::Reader reader(records);
  heard_ = now;
  while (reader.remaining() > 0) {
    const std::uint8_t kind = reader.u8();
    if (kind < kFirstKind || kind > kLastKind) return false;
    if (!one(static_cast<CopyKind>(kind), reader, now, limits) || !reader.ok()) return false;
    ++records_;
  }
  // What its sessions want is nobody's business while the home lives.
  home_.take_interest();
  return true;
}

bool Shadow::one(CopyKind kind, wire::Reader& reader, TimeUs now, const HomeLimits& limits) {
  switch (kind) {
    case CopyKind::kBegin: {
      const Position head = reader.u64();
      if (head > wire::recovery::kPositionMax) return false;
      home_ = Home(home_.member(), limits);
      home_.log().start_at(head);
      ready_ = false;
      cursors_.clear();
      away_.clear();
      return true;
    }
    case CopyKind::kReady:
      ready_ = true;
      return true;
    case CopyKind::kEndOfCopy:
      over_ = true;
      return true;
    case CopyKind::kAsk:
      asked_ = true;
      return true;
    case CopyKind::kCursor: {
      const std::string sidecar(reader.string());
      wire::recovery::read_cursor(reader, cursors_[sidecar]);
      away_.erase(sidecar);
      return true;
    }
    case CopyKind::kPeerAway:
      away_.emplace(reader.string());
      return true;
    case CopyKind::kLog:
      return log(reader, now);
    case CopyKind::kState:
      return state(reader, now);
    case CopyKind::kSession:
      return session(reader, now, limits);
    case CopyKind::kQueued:
    case CopyKind::kPublished:
    case CopyKind::kArrived:
      return frames(kind, reader, now);
    case CopyKind::kRooms:
    case CopyKind::kData:
    case CopyKind::kClosed:
    case CopyKind::kEnded:
    case CopyKind::kLast:
    case CopyKind::kLent:
      return about_session(kind, reader, now, limits);
    default:
      return about_home(kind, reader, now, limits);
  }
}

bool Shadow::about_home(CopyKind kind, wire::Reader& reader, TimeUs now, const HomeLimits& limits) {
  switch (kind) {
    case CopyKind::kQueuedGap:
      home_.queued_gap(reader.u64(), now);
      return true;
    case CopyKind::kDelivered:
      home_.delivered(reader.u64(), now);
      return true;
    case CopyKind::kGap:
      home_.gap(now);
      return true;
    case CopyKind::kAttached: {
      const std::uint16_t attachment = reader.u16();
      Marks taken;
      wire::recovery::read_marks(reader, taken);
      home_.attach(attachment, taken, now);
      return true;
    }
    case CopyKind::kDetached:
      home_.detach(now, limits);
      return true;
    case CopyKind::kAllWritten:
      home_.all_written();
      return true;
    default:
      return false;
  }
}

bool Shadow::about_session(CopyKind kind, wire::Reader& reader, TimeUs now,
                           const HomeLimits& limits) {
  const bool joined = kind == CopyKind::kRooms && reader.u8() == 1;
  const std::string_view nsp = reader.string();
  const std::string_view sid = reader.string();
  const bool text = kind == CopyKind::kRooms || kind == CopyKind::kData || kind == CopyKind::kLast;
  const std::string_view value = text ? reader.string() : std::string_view();
  const Position position = kind == CopyKind::kLent ? reader.u64() : 0;
  Session* session = home_.find_socket(nsp, sid);
  // One that was not told yet: what is told then has it.
  if (session == nullptr || !reader.ok()) return true;
  switch (kind) {
    case CopyKind::kRooms:
      joined ? home_.join(*session, {value}) : home_.leave(*session, {value});
      return true;
    case CopyKind::kData:
      home_.set_data(*session, {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
      return true;
    case CopyKind::kClosed:
      home_.close(*session, {}, now, limits);
      return true;
    case CopyKind::kEnded:
      home_.end(*session);
      return true;
    case CopyKind::kLast:
      home_.written(*session, value);
      return true;
    default:
      home_.lend(*session, position);
      return true;
  }
}

bool Shadow::frames(CopyKind kind, wire::Reader& reader, TimeUs now) {
  const std::uint64_t last = kind == CopyKind::kQueued ? reader.u64() : 0;
  const wire::Bytes frames = reader.take(reader.u32());
  if (!reader.ok() || frames.empty() || !wire::recovery::are_data_frames(frames)) return false;
  if (kind == CopyKind::kQueued)
    home_.queued(frames, count_frames(frames), last, now);
  else if (kind == CopyKind::kPublished)
    home_.published(frames, now);
  else
    home_.arrived(frames, now);
  return true;
}

bool Shadow::log(wire::Reader& reader, TimeUs now) {
  const Position first = reader.u64();
  wire::Reader entries(reader.take(reader.u32()));
  if (!reader.ok() || first > wire::recovery::kPositionMax) return false;
  // The home has evicted what lay between.
  home_.adopt_from(first);
  while (entries.remaining() > 0) {
    wire::recovery::LogEntry entry;
    entry.age_us = entries.u64();
    entry.frame = entries.take(entries.u32());
    if (!entries.ok() || entry.age_us > wire::recovery::kAgeMaxUs) return false;
    if (!entry.frame.empty()) {
      const auto whole = wire::first_frame(entry.frame);
      if (!whole || whole->size() != entry.frame.size() || !wire::parse_data(*whole)) return false;
    }
    home_.adopt_entry(entry, now);
  }
  return true;
}

bool Shadow::state(wire::Reader& reader, TimeUs now) {
  CopyState state;
  state.attached = reader.u8() == 1;
  state.attachment = reader.u16();
  state.told_end = reader.u64();
  state.cut = reader.u64();
  state.after = reader.u64();
  wire::recovery::read_members(reader, state.suspects);
  wire::recovery::read_marks(reader, state.seen);
  if (reader.ok()) home_.set_state(state, now);
  return true;
}

bool Shadow::session(wire::Reader& reader, TimeUs now, const HomeLimits& limits) {
  const bool connected = reader.u8() == 1;
  const wire::Bytes bytes = reader.take(reader.u32());
  const auto frame = wire::first_frame(bytes);
  if (!reader.ok() || !frame || frame->size() != bytes.size() ||
      bytes.size() < wire::kFrameHeadBytes)
    return false;
  const auto said = wire::recovery::decode_adopt_session(wire::frame_payload(*frame));
  if (!said) return false;
  if (Session* before = home_.find(said->nsp, said->pid)) home_.end(*before);
  Session* session = home_.adopt(*said, now, limits);
  if (session == nullptr) return true;
  if (connected) session->state = Session::State::kLive;
  return true;
}

}  // namespace socketmesh::recovery
