// A home's log: messages and gap marks in the order in which its app delivered them, bounded by age
// and memory.
//
// Appending copies bytes and nothing more; where messages lie, by id and by room, is looked up in
// an index that is made when somebody asks, and goes on from there. A position numbers entries and
// is never reused; entries before head() are evicted. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sidecar/core/wire/recovery_frames.hpp"

namespace socketmesh::recovery {

// Microseconds on the node's monotonic clock.
using TimeUs = std::int64_t;
using Position = std::uint64_t;

// What a logged frame's route says, by name.
struct LoggedRoute {
  std::string_view nsp;
  wire::recovery::Names rooms;  // none: everyone in the namespace
  wire::recovery::Names except;
};
// False when it is malformed or not a route of broadcasts.
bool read_route(const wire::DataFrame& data, LoggedRoute& route);

// A message's id; origin 0 with seq 0 is no message.
struct MessageId {
  wire::MemberId origin = 0;
  std::uint64_t seq = 0;
  bool operator==(const MessageId&) const = default;
};
// "<16 hex digits>.<seq>"; nothing for any other text.
std::optional<MessageId> parse_offset(std::string_view text);

class Log {
 public:
  // One message, or a gap mark (no bytes).
  struct Entry {
    const std::uint8_t* at = nullptr;
    std::uint32_t size = 0;
    std::uint32_t chunk = 0;
    TimeUs time = 0;
    wire::Bytes frame() const { return {at, size}; }
    MessageId id() const;
  };

  // Copies whole frames that lie behind each other, and calls put(Entry) for each of them. What is
  // put must be given to push() or drop(), in any order.
  template <typename Put>
  void keep(wire::Bytes frames, TimeUs now, Put&& put) {
    const auto [at, chunk] = copy(frames);
    for (std::size_t offset = 0; offset < frames.size();) {
      const auto size =
          static_cast<std::uint32_t>(wire::kLengthBytes) + wire::load<std::uint32_t>(at + offset);
      ++chunks_[chunk - first_chunk_].entries;
      put(Entry{at + offset, size, chunk, now});
      offset += size;
    }
  }
  void push(const Entry& entry) { entries_.push_back(entry); }
  void drop(const Entry& entry);
  void push_gap(TimeUs now) {
    last_gap_ = end();
    entries_.push_back({nullptr, 0, 0, now});
  }

  // Whatever is here is evicted, and the next entry has this position.
  void start_at(Position head);

  // Calls visit(position) for each message of `origin` above `seq`, in order.
  template <typename Visit>
  void each_above(wire::MemberId origin, std::uint64_t seq, Visit&& visit) {
    index();
    const auto found = by_origin_.find(origin);
    if (found == by_origin_.end()) return;
    for (const auto& [number, position] : found->second) {
      if (number > seq && position >= head_) visit(position);
    }
  }

  // Evicts what is older than `oldest`, and the oldest while more than `bytes` are held.
  void evict(TimeUs oldest, std::size_t bytes);

  Position head() const { return head_; }
  Position end() const { return head_ + entries_.size(); }
  std::size_t bytes() const { return bytes_ + entries_.size() * sizeof(Entry); }
  // Of the oldest entry; nothing when there is none.
  std::optional<TimeUs> oldest() const;
  const Entry& at(Position position) const { return entries_[position - head_]; }
  // A gap mark at `from` or behind it.
  bool gap_since(Position from) const { return last_gap_ && *last_gap_ >= from; }

  // Where that message is; nothing when it is not here (any more).
  std::optional<Position> find(const MessageId& id);
  // Positions at or behind `from` of messages to one of these rooms or to everyone in the
  // namespace, in order. By hash: the caller filters by name.
  void candidates(std::string_view nsp, const wire::recovery::Names& rooms, Position from,
                  std::vector<Position>& out);

 private:
  struct Chunk {
    wire::Buffer bytes;
    std::uint32_t entries = 0;
  };
  struct Copied {
    const std::uint8_t* at;
    std::uint32_t chunk;
  };

  Copied copy(wire::Bytes frames);
  void free_chunks();
  void index();
  void index_entry(Position position, LoggedRoute& route);

  std::deque<Entry> entries_;
  Position head_ = 0;
  std::optional<Position> last_gap_;
  std::deque<Chunk> chunks_;
  std::uint32_t first_chunk_ = 0;
  std::size_t bytes_ = 0;  // of chunks

  Position indexed_from_ = 0;
  Position indexed_to_ = 0;
  std::unordered_map<wire::MemberId, std::vector<std::pair<std::uint64_t, Position>>> by_origin_;
  std::unordered_map<std::uint64_t, std::vector<Position>> by_room_;
};

}  // namespace socketmesh::recovery
