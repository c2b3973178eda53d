#include "sidecar/core/mesh/send_window.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace socketmesh::mesh {

namespace {

using wire::link::kRecordHeadBytes;

// First allocation of a record at low rates.
constexpr std::size_t kLeastReserve = 512;
// Two connections that are made at once begin a stream each.
constexpr std::size_t kOldStreams = 8;

// Of frames with the same flags. A broadcast without an offset is a gap in a log.
bool is_logged(wire::Bytes frames) {
  return (frames[5] & wire::kLogged) != 0 ||
         ((frames[5] & wire::kVolatile) == 0 && frames[7] == wire::kBroadcastKind);
}

}  // namespace

SendWindow::Record& SendWindow::open_record(std::deque<Record>& records, bool control,
                                            std::size_t more_bytes) {
  if (!records.empty()) {
    Record& last = records.back();
    // The record that is being written is closed, so that `last` may grow.
    if (!last.closed && last.control == control && last.bytes.size() + more_bytes <= chunk_bytes_)
      return last;
    last.closed = true;
    next_reserve_ = last.bytes.size();
  }
  Record& added = records.emplace_back();
  added.control = control;
  // The record before tells how much gathers at today's rate.
  added.bytes.reserve(std::max(
      {kRecordHeadBytes + more_bytes, std::min(next_reserve_, chunk_bytes_), kLeastReserve}));
  added.bytes.resize(kRecordHeadBytes);
  bytes_ += kRecordHeadBytes;
  backlog_ += kRecordHeadBytes;
  if (control) control_bytes_ += kRecordHeadBytes;
  if (&records == &records_) added.first_seq = next_seq_;
  return added;
}

std::uint64_t SendWindow::append_data(wire::Bytes frames, std::uint32_t count) {
  Record& record = open_record(holding_ ? held_ : records_, false, frames.size());
  record.bytes.insert(record.bytes.end(), frames.begin(), frames.end());
  record.count += count;
  record.logged = record.logged || is_logged(frames);
  position_ += count;
  record.position = position_;
  bytes_ += frames.size();
  backlog_ += frames.size();
  if (!holding_) {
    next_seq_ += count;
    stream_position_ = position_;
  }
  return position_;
}

std::uint64_t SendWindow::append_control(wire::Bytes frames, std::uint32_t count) {
  Record& record = open_record(records_, true, frames.size());
  record.bytes.insert(record.bytes.end(), frames.begin(), frames.end());
  record.count += count;
  record.position = stream_position_;
  bytes_ += frames.size();
  control_bytes_ += frames.size();
  backlog_ += frames.size();
  next_seq_ += count;
  return last_seq();
}

void SendWindow::append_loss(std::uint64_t messages) {
  Record record;
  record.bytes.resize(kRecordHeadBytes);
  wire::Writer(record.bytes).u64(messages);
  record.count = 1;
  record.lost = messages;
  record.skipped = true;
  record.closed = true;
  record.position = stream_position_;
  bytes_ += record.bytes.size();
  push_to_stream(std::move(record));
}

void SendWindow::push_to_stream(Record&& record) {
  if (!records_.empty()) records_.back().closed = true;
  record.first_seq = next_seq_;
  next_seq_ += record.count;
  backlog_ += record.bytes.size();
  records_.push_back(std::move(record));
}

void SendWindow::restart(std::uint32_t stream, bool new_life) {
  std::deque<Record> data;
  for (Record& record : records_) {
    if (record.control || record.skipped) {
      held_lost_ += record.lost;
      if (record.skipped) held_lost_position_ = std::max(held_lost_position_, record.position);
      bytes_ -= record.bytes.size();
      continue;
    }
    if (record.old_stream == 0) {
      record.old_stream = stream_;
      record.old_last = record.last_seq();
    }
    record.first_seq = 0;
    record.closed = true;
    data.push_back(std::move(record));
  }
  // What was freed before it was taken can't be sent to the peer's next life.
  const std::uint64_t forgotten = std::exchange(forgotten_, 0);
  if (new_life) held_lost_ += forgotten;
  held_.insert(held_.begin(), std::make_move_iterator(data.begin()),
               std::make_move_iterator(data.end()));
  records_.clear();
  control_bytes_ = 0;
  restarted_ = restarted_ || logged_freed_ > 0;
  if (stream_ != 0) old_.push_back({stream_, logged_freed_});
  if (old_.size() > kOldStreams) old_.pop_front();
  logged_freed_ = 0;
  stream_ = stream;
  stream_position_ = freed_position_;
  next_seq_ = 1;
  received_ = 0;
  control_freed_ = 0;
  written_seq_ = 0;
  forgotten_seq_ = 0;
  cursor_ = 0;
  offset_ = 0;
  holding_ = true;
  connected_ = true;
  recount_backlog();
}

void SendWindow::disconnect() {
  connected_ = false;
  offset_ = 0;
}

bool SendWindow::resume(std::uint64_t received) {
  if (received < received_ || received > written_seq_) return false;
  const auto next = std::ranges::find_if(
      records_, [received](const Record& record) { return record.last_seq() > received; });
  if (next != records_.end() && next->first_seq != received + 1) return false;
  received_ = received;
  cursor_ = static_cast<std::size_t>(next - records_.begin());
  offset_ = 0;
  connected_ = true;
  for (auto again = next; again != records_.end() && again->written; ++again) {
    if (again->skipped) {
      loss_.dropped += again->lost;
      again->written = false;
    } else {
      retransmitted_ += again->count;
    }
  }
  recount_backlog();
  return true;
}

void SendWindow::release() {
  if (!holding_) return;
  holding_ = false;
  // What was dropped is settled when all before it is: by its declaration, unless older data still
  // follows, else by the last record.
  const std::uint64_t before_held =
      held_.empty() ? position_ : held_.front().position - held_.front().count;
  stream_position_ = std::max(stream_position_, std::min(held_lost_position_, before_held));
  if (held_lost_ > 0) append_loss(std::exchange(held_lost_, 0));
  for (Record& record : held_) {
    backlog_ -= record.bytes.size();
    stream_position_ = record.position;
    push_to_stream(std::move(record));
  }
  held_.clear();
  stream_position_ = std::max(stream_position_, held_lost_position_);
  if (!records_.empty())
    records_.back().position = std::max(records_.back().position, stream_position_);
}

bool SendWindow::on_received(std::uint64_t seq) {
  if (seq > written_seq_) return false;
  received_ = std::max(received_, seq);
  free_received_control();
  return true;
}

// Nobody asks for control frames again that the peer's sidecar has: a new stream begins without
// them. So their bytes go, however long data before them waits to be taken, and what is left of
// neighbours becomes one record.
void SendWindow::free_received_control() {
  const auto first = std::ranges::upper_bound(records_, control_freed_, {}, &Record::last_seq);
  auto at = static_cast<std::size_t>(first - records_.begin());
  while (at < cursor_ && records_[at].last_seq() <= received_) {
    Record& record = records_[at];
    control_freed_ = record.last_seq();
    if (!record.control) {
      ++at;
      continue;
    }
    bytes_ -= record.bytes.size();
    control_bytes_ -= record.bytes.size();
    record.bytes = wire::Buffer();
    const bool merges =
        at > 0 && records_[at - 1].control && records_[at - 1].count <= UINT32_MAX - record.count;
    if (!merges) {
      ++at;
      continue;
    }
    Record& before = records_[at - 1];
    before.count += record.count;
    before.position = std::max(before.position, record.position);
    records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(at));
    --cursor_;
  }
}

std::uint64_t SendWindow::on_taken(std::uint64_t seq) {
  seq = std::min(seq, received_);
  const std::uint64_t before = freed_position_;
  while (cursor_ > 0 && records_.front().last_seq() <= seq) pop_front();
  if (seq >= forgotten_seq_) forgotten_ = 0;
  return freed_position_ > before ? freed_position_ : 0;
}

bool SendWindow::keeps_behind(std::uint32_t stream, std::uint64_t seq) const {
  if (stream == stream_) return logged_freed_ <= seq;
  if (logged_freed_ != 0) return false;
  for (auto old = old_.rbegin(); old != old_.rend(); ++old) {
    if (old->stream == stream) return old->freed <= seq;
    if (old->freed != 0) return false;
  }
  return stream == 0 && !restarted_;
}

void SendWindow::pop_front() {
  assert(cursor_ > 0);
  const Record& front = records_.front();
  freed_position_ = std::max(freed_position_, front.position);
  if (front.logged) logged_freed_ = front.last_seq();
  bytes_ -= front.bytes.size();
  if (front.control) control_bytes_ -= front.bytes.size();
  records_.pop_front();
  --cursor_;
}

SendWindow::Loss SendWindow::enforce() {
  const std::uint64_t before = freed_position_;
  while (bytes_ - control_bytes_ > window_bytes_ && (shrink_stream() || shrink_held())) {
  }
  Loss loss = std::exchange(loss_, {});
  loss.settled = freed_position_ > before ? freed_position_ : 0;
  return loss;
}

// Makes the stream's oldest data smaller: forgets what the peer's sidecar has, else replaces a
// record by its declaration.
bool SendWindow::shrink_stream() {
  if (cursor_ > 0 && records_.front().last_seq() <= received_) {
    const Record& front = records_.front();
    if (!front.control) {
      const std::uint64_t messages = front.messages();
      if (!front.skipped) loss_.forgotten += messages;
      forgotten_ += messages;
      forgotten_seq_ = front.last_seq();
    }
    pop_front();
    return true;
  }
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const bool being_written = i == cursor_ && offset_ > 0;
    if (records_[i].control || records_[i].skipped || being_written) continue;
    skip(i);
    return true;
  }
  return false;
}

bool SendWindow::shrink_held() {
  if (held_.empty()) return false;
  const Record& front = held_.front();
  const std::uint64_t messages = front.messages();
  held_lost_ += messages;
  loss_.dropped += messages;
  bytes_ -= front.bytes.size();
  backlog_ -= front.bytes.size();
  held_lost_position_ = std::max(held_lost_position_, front.position);
  if (records_.empty()) freed_position_ = std::max(freed_position_, front.position);
  held_.pop_front();
  return true;
}

void SendWindow::skip(std::size_t index) {
  Record& record = records_[index];
  record.lost = record.messages();
  // Written already: lost only if it has to be written again.
  (record.written ? loss_.forgotten : loss_.dropped) += record.lost;
  bytes_ -= record.bytes.size();
  if (index >= cursor_) backlog_ -= record.bytes.size();
  record.skipped = true;
  record.closed = true;
  record.bytes = wire::Buffer(kRecordHeadBytes);
  wire::Writer(record.bytes).u64(record.lost);
  bytes_ += record.bytes.size();
  if (index >= cursor_) backlog_ += record.bytes.size();
  if (index > 0) merge_skipped(index);
}

// Joins a skipped record with the one before it, so that their number stays bounded. Never one that
// was written: the peer may have received the first and not the second, and resumes at their
// border.
void SendWindow::merge_skipped(std::size_t index) {
  Record& into = records_[index - 1];
  const Record& from = records_[index];
  const bool being_written = index - 1 == cursor_ && offset_ > 0;
  if (!into.skipped || being_written || into.written || from.written) return;
  if (into.count > UINT32_MAX - from.count) return;
  into.count += from.count;
  into.lost += from.lost;
  into.position = from.position;
  wire::store(into.bytes.data() + kRecordHeadBytes, into.lost);
  bytes_ -= from.bytes.size();
  backlog_ -= from.bytes.size();
  records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(index));
}

std::uint64_t SendWindow::Record::messages() const {
  if (control) return 0;
  return skipped ? lost : wire::message_count(wire::Bytes(bytes).subspan(kRecordHeadBytes));
}

SendWindow::AtRisk SendWindow::at_risk() const {
  AtRisk risk{held_lost_, forgotten_};
  for (const Record& record : records_)
    (record.last_seq() <= received_ ? risk.received : risk.unsent) += record.messages();
  for (const Record& record : held_) risk.unsent += record.messages();
  return risk;
}

SendWindow::Loss SendWindow::drop_all() {
  Loss loss = std::exchange(loss_, {});
  for (const Record& record : records_) {
    const bool counted = record.skipped && !record.written;
    if (!counted && record.last_seq() > received_) loss.dropped += record.messages();
  }
  for (const Record& record : held_) loss.dropped += record.messages();
  held_lost_ = 0;
  held_lost_position_ = 0;
  forgotten_ = 0;
  restarted_ = restarted_ || position_ > freed_position_;
  logged_freed_ = next_seq_ - 1;
  records_.clear();
  held_.clear();
  bytes_ = 0;
  control_bytes_ = 0;
  backlog_ = 0;
  cursor_ = 0;
  offset_ = 0;
  connected_ = false;
  holding_ = true;
  freed_position_ = position_;
  stream_position_ = position_;
  loss.settled = position_;
  return loss;
}

std::size_t SendWindow::gather(std::span<wire::Bytes> out, const wire::link::Watermarks& marks) {
  if (!connected_) return 0;
  std::size_t shown = 0;
  for (std::size_t i = cursor_; i < records_.size() && shown < out.size(); ++i) {
    Record& record = records_[i];
    const std::size_t from = i == cursor_ ? offset_ : 0;
    if (from == 0) write_head(record, marks);
    record.closed = true;
    out[shown++] = wire::Bytes(record.bytes).subspan(from);
  }
  return shown;
}

void SendWindow::write_head(Record& record, const wire::link::Watermarks& marks) const {
  wire::link::Record head;
  head.flags = record.skipped ? wire::link::kSkipped : 0;
  head.stream = stream_;
  head.count = record.count;
  head.first_seq = record.first_seq;
  head.marks = marks;
  wire::link::store_record_head(record.bytes, head);
}

std::uint32_t SendWindow::written(std::size_t bytes) {
  assert(cursor_ < records_.size());
  Record& record = records_[cursor_];
  offset_ += bytes;
  backlog_ -= bytes;
  assert(offset_ <= record.bytes.size());
  if (offset_ < record.bytes.size()) return 0;
  record.written = true;
  written_seq_ = std::max(written_seq_, record.last_seq());
  offset_ = 0;
  ++cursor_;
  return record.count;
}

void SendWindow::recount_backlog() {
  backlog_ = 0;
  for (std::size_t i = cursor_; i < records_.size(); ++i) backlog_ += records_[i].bytes.size();
  for (const Record& record : held_) backlog_ += record.bytes.size();
}

}  // namespace socketmesh::mesh
