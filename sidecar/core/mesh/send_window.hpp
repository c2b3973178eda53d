// What one sidecar sends another, kept until it is taken: the sender's half of a reliable, bounded
// link.
//
// Frames gather in records; a record is closed when it is first shown to the writer, so that
// batches form by themselves. Data may be *held* while the peer (or its members) is away: it gets
// its place in the stream when release() says so, while control frames pass. A *position* numbers
// data frames over the window's whole life, whatever streams come and go; it only grows. Limits:
// over `window_bytes` the oldest data goes: taken by the peer's sidecar already, it is merely
// forgotten; not yet received, it is replaced by a skipped record, which declares it. Pure; not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "sidecar/core/wire/data_frame.hpp"
#include "sidecar/core/wire/link_frames.hpp"

namespace socketmesh::mesh {

class SendWindow {
 public:
  SendWindow(std::size_t window_bytes, std::size_t chunk_bytes)
      : window_bytes_(window_bytes), chunk_bytes_(chunk_bytes) {}

  struct Loss {
    std::uint64_t dropped =
        0;  // messages that can't reach the peer any more; declared in the stream
    std::uint64_t forgotten =
        0;  // messages that are written and not kept: lost only if the connection or the peer dies
    std::uint64_t settled = 0;  // all positions up to this one are done with; 0 = unchanged
  };

  // Starts a stream: the peer knows nothing of an earlier one. Untaken data becomes held data,
  // control frames are forgotten.
  // What was forgotten is lost to a new life of the peer's sidecar; the life that has it delivers
  // it.
  void restart(std::uint32_t stream, bool new_life = true);
  // No connection: nothing more is written until resume() or restart().
  void disconnect();
  // The peer has `received` of the current stream; writing goes on behind it. False when that can't
  // be (a peer that lies).
  bool resume(std::uint64_t received);
  // Held data takes its place behind what is in the stream; data goes straight there from now on.
  void release();
  void hold() { holding_ = true; }

  // Appends whole DATA frames; returns the position of the last of them.
  std::uint64_t append_data(wire::Bytes frames, std::uint32_t count);
  // Appends one or more whole control frames to the stream; returns the seq of the last.
  std::uint64_t append_control(wire::Bytes frames, std::uint32_t count);
  // `messages` were lost before this stream: declares them in it.
  void append_loss(std::uint64_t messages);

  // The peer's sidecar has all up to `seq`. False: it acknowledges what was never sent.
  bool on_received(std::uint64_t seq);
  // The peer's members took all up to `seq`. Returns the highest data position that is free now, 0
  // when none is; frees memory.
  std::uint64_t on_taken(std::uint64_t seq);
  // Enforces the window; call after appends and resumes. Returns what was lost since the last call.
  Loss enforce();
  // Messages that a member misses which never comes back to what is kept for it: those that its
  // sidecar's present life has, and all others.
  struct AtRisk {
    std::uint64_t unsent = 0;
    std::uint64_t received = 0;
  };
  AtRisk at_risk() const;
  // Drops all data, held and sent (the hold ended); only restart() makes the window usable again.
  // Declares nothing: see at_risk().
  Loss drop_all();

  // Visits held data in order: visit(frames, count).
  template <typename Visit>
  void each_held(Visit&& visit) const {
    for (const Record& record : held_)
      visit(wire::Bytes(record.bytes).subspan(wire::link::kRecordHeadBytes), record.count);
  }

  // Visits the control frames of the stream behind `received`, in order: visit(frame).
  template <typename Visit>
  void each_control(std::uint64_t received, Visit&& visit) const {
    for (const Record& record : records_) {
      if (!record.control || record.last_seq() <= received || record.bytes.empty()) continue;
      wire::Bytes frames = wire::Bytes(record.bytes).subspan(wire::link::kRecordHeadBytes);
      for (std::uint64_t seq = record.first_seq; const auto frame = wire::first_frame(frames);
           ++seq) {
        if (seq > received) visit(*frame);
        frames = frames.subspan(frame->size());
      }
    }
  }

  // Visits data that the peer need not have when it has read `stream` up to `seq` (stream 0:
  // nothing): visit(frames, count, sent), in order; `sent`: it was written to the peer. False when
  // some that recovery logs is not kept, or not known to be.
  template <typename Visit>
  bool each_behind(std::uint32_t stream, std::uint64_t seq, Visit&& visit) const {
    const bool same = stream == stream_;
    bool whole = held_lost_ == 0 && keeps_behind(stream, seq);
    const auto show = [&](const Record& record) {
      if (record.control) return;
      const bool numbered = same ? record.first_seq != 0 : record.old_stream == stream;
      const std::uint64_t last = same ? record.last_seq() : record.old_last;
      if (numbered && last <= seq) return;
      whole = whole && !record.skipped;
      if (record.skipped) return;
      wire::Bytes frames = wire::Bytes(record.bytes).subspan(wire::link::kRecordHeadBytes);
      std::uint32_t count = record.count;
      for (; numbered && last - count < seq; --count)
        frames = frames.subspan(wire::first_frame(frames)->size());
      visit(frames, count, record.written);
    };
    for (const Record& record : records_) show(record);
    for (const Record& record : held_) show(record);
    return whole;
  }

  // Messages that had to go from what is held, or before it, and are not declared yet.
  std::uint64_t held_lost() const { return held_lost_; }

  // The writer's view: bytes of the record that is being written, then of further ones; closes
  // records as it shows them, with the watermarks of the opposite direction in their heads.
  std::size_t gather(std::span<wire::Bytes> out, const wire::link::Watermarks& marks);
  // `bytes` of the first record that gather showed were written. Returns the frames of it when it
  // is now complete, else 0.
  std::uint32_t written(std::size_t bytes);
  bool mid_record() const { return offset_ > 0; }
  bool has_unwritten() const { return connected_ && cursor_ < records_.size(); }

  std::uint64_t last_seq() const { return next_seq_ - 1; }
  std::uint64_t received_seq() const { return received_; }
  std::uint64_t position() const { return position_; }
  std::uint32_t stream() const { return stream_; }
  bool holding() const { return holding_; }
  // Control frames pass what was appended before them.
  bool holds_back() const { return !held_.empty() || held_lost_ > 0; }
  std::size_t bytes() const { return bytes_; }
  // Of control frames that the peer's sidecar has not said to have.
  std::size_t control_bytes() const { return control_bytes_; }
  std::size_t records() const { return records_.size(); }
  // Bytes that have not been written (again).
  std::size_t backlog_bytes() const { return backlog_; }
  std::uint64_t untaken_messages() const { return position_ - freed_position_; }
  std::uint64_t retransmitted() const { return retransmitted_; }

 private:
  // Whether what recovery logs is kept from there on: what was in an earlier stream is held, or in
  // a later one again.
  bool keeps_behind(std::uint32_t stream, std::uint64_t seq) const;
  struct Record {
    wire::Buffer bytes;           // room for the head, then frames
    std::uint64_t first_seq = 0;  // 0 while held
    std::uint64_t position = 0;   // of its last data frame
    std::uint64_t lost = 0;       // messages that a skipped record declares
    std::uint32_t count = 0;
    bool control = false;
    bool closed = false;
    bool skipped = false;
    bool written = false;  // at least once
    bool logged = false;   // has data that recovery logs
    // Where it was before, in an earlier stream; 0: in none.
    std::uint32_t old_stream = 0;
    std::uint64_t old_last = 0;
    std::uint64_t last_seq() const { return first_seq + count - 1; }
    std::uint64_t messages() const;  // 0 of control frames
  };

  Record& open_record(std::deque<Record>& records, bool control, std::size_t more_bytes);
  void push_to_stream(Record&& record);
  void pop_front();
  bool shrink_stream();
  bool shrink_held();
  void skip(std::size_t index);
  void free_received_control();
  void merge_skipped(std::size_t index);
  void write_head(Record& record, const wire::link::Watermarks& marks) const;
  void recount_backlog();

  std::size_t window_bytes_;
  std::size_t chunk_bytes_;
  std::deque<Record> records_;  // of the stream, from the first untaken
  std::deque<Record> held_;
  std::size_t cursor_ = 0;  // record being written, an index into records_
  std::size_t offset_ = 0;  // bytes of it that are written
  std::uint64_t next_seq_ = 1;
  std::uint64_t received_ = 0;
  std::uint64_t control_freed_ = 0;  // control records up to this seq hold no bytes any more
  std::uint64_t logged_freed_ = 0;   // highest seq of logged data in this stream that is not kept
  struct Old {
    std::uint32_t stream;
    std::uint64_t freed;  // what was not kept of it, as logged_freed_
  };
  std::deque<Old> old_;            // the last streams before this one, the newest at the end
  bool restarted_ = false;         // some data of earlier streams is not kept
  std::uint64_t written_seq_ = 0;  // highest that was ever written whole in this stream
  std::uint64_t position_ = 0;
  std::uint64_t freed_position_ = 0;
  std::uint64_t stream_position_ =
      0;                         // of the last data in the stream: what a record there may settle
  std::uint64_t held_lost_ = 0;  // messages dropped from held data, to be declared at release
  std::uint64_t held_lost_position_ = 0;  // the highest position among them
  std::uint64_t forgotten_ = 0;  // messages freed before they were taken, up to forgotten_seq_
  std::uint64_t forgotten_seq_ = 0;
  Loss loss_;
  std::uint64_t retransmitted_ = 0;
  std::uint32_t stream_ = 0;
  std::size_t bytes_ = 0;
  std::size_t control_bytes_ = 0;
  std::size_t backlog_ = 0;
  std::size_t next_reserve_ = 0;
  bool holding_ = true;
  bool connected_ = false;
};

}  // namespace socketmesh::mesh
