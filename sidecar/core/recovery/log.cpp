#include "sidecar/core/recovery/log.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

namespace socketmesh::recovery {

namespace {

// Frames are copied into chunks of this many bytes; a larger run has a chunk of its own.
constexpr std::size_t kChunkBytes = 64U << 10U;
constexpr std::size_t kMemberDigits = 16;

void read_names(wire::Reader& reader, wire::recovery::Names& names) {
  const std::uint32_t count = reader.count(1);
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) names.push_back(reader.string());
}

std::uint64_t room_hash(std::string_view nsp, std::string_view room) {
  const std::uint64_t hash = std::hash<std::string_view>{}(nsp);
  return std::hash<std::string_view>{}(room) ^ (hash * 0x9e3779b97f4a7c15ULL);
}

std::uint64_t everyone_hash(std::string_view nsp) {
  return ~std::hash<std::string_view>{}(nsp);
}

}  // namespace

bool read_route(const wire::DataFrame& data, LoggedRoute& route) {
  route.nsp = {};
  route.rooms.clear();
  route.except.clear();
  wire::Reader reader(data.route);
  if (data.route_kind != wire::RouteKind::kRooms &&
      data.route_kind != wire::RouteKind::kNamespace) {
    return false;
  }
  route.nsp = reader.string();
  if (data.route_kind == wire::RouteKind::kRooms) {
    read_names(reader, route.rooms);
    read_names(reader, route.except);
  }
  return reader.done();
}

std::optional<MessageId> parse_offset(std::string_view text) {
  if (text.size() < kMemberDigits + 2 || text[kMemberDigits] != '.') return std::nullopt;
  MessageId id;
  // The digits are those of the bytes, byte 0 first.
  for (std::size_t i = 0; i < kMemberDigits; i += 2) {
    unsigned byte = 0;
    const char* digits = text.data() + i;
    const auto [end, error] = std::from_chars(digits, digits + 2, byte, 16);
    if (error != std::errc() || end != digits + 2) return std::nullopt;
    id.origin |= static_cast<std::uint64_t>(byte) << (4 * i);
  }
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + kMemberDigits + 1, last, id.seq);
  if (error != std::errc() || end != last || id.seq == 0) return std::nullopt;
  return id;
}

MessageId Log::Entry::id() const {
  if (at == nullptr) return {};
  return {wire::load<std::uint64_t>(at + 12), wire::load<std::uint64_t>(at + 20)};
}

Log::Copied Log::copy(wire::Bytes frames) {
  if (chunks_.empty() ||
      chunks_.back().bytes.capacity() - chunks_.back().bytes.size() < frames.size()) {
    Chunk& fresh = chunks_.emplace_back();
    fresh.bytes.reserve(std::max(kChunkBytes, frames.size()));
    bytes_ += fresh.bytes.capacity();
  }
  wire::Buffer& bytes = chunks_.back().bytes;
  const std::size_t offset = bytes.size();
  bytes.insert(bytes.end(), frames.begin(), frames.end());  // within what is reserved
  return {bytes.data() + offset, first_chunk_ + static_cast<std::uint32_t>(chunks_.size() - 1)};
}

void Log::drop(const Entry& entry) {
  if (entry.at == nullptr) return;
  --chunks_[entry.chunk - first_chunk_].entries;
  free_chunks();
}

// The last chunk stays: it is being filled.
void Log::free_chunks() {
  while (chunks_.size() > 1 && chunks_.front().entries == 0) {
    bytes_ -= chunks_.front().bytes.capacity();
    chunks_.pop_front();
    ++first_chunk_;
  }
}

void Log::evict(TimeUs oldest, std::size_t limit) {
  while (!entries_.empty() && (entries_.front().time < oldest || bytes() > limit)) {
    const Entry entry = entries_.front();
    entries_.pop_front();
    ++head_;
    drop(entry);
  }
}

void Log::start_at(Position head) {
  for (const Entry& entry : entries_) drop(entry);
  entries_.clear();
  head_ = head;
}

std::optional<TimeUs> Log::oldest() const {
  if (entries_.empty()) return std::nullopt;
  return entries_.front().time;
}

void Log::index_entry(Position position, LoggedRoute& route) {
  const Entry& entry = at(position);
  if (entry.at == nullptr) return;
  const MessageId id = entry.id();
  by_origin_[id.origin].emplace_back(id.seq, position);
  const auto data = wire::parse_data(entry.frame());
  if (!data || !read_route(*data, route)) return;
  if (route.rooms.empty()) by_room_[everyone_hash(route.nsp)].push_back(position);
  for (const std::string_view room : route.rooms) {
    std::vector<Position>& positions = by_room_[room_hash(route.nsp, room)];
    if (positions.empty() || positions.back() != position) positions.push_back(position);
  }
}

// Goes on with what came since; makes all anew when half of what it holds is evicted.
void Log::index() {
  if (indexed_to_ < head_ || (head_ - indexed_from_) * 2 > indexed_to_ - indexed_from_) {
    by_origin_.clear();
    by_room_.clear();
    indexed_from_ = indexed_to_ = head_;
  }
  LoggedRoute route;
  for (; indexed_to_ < end(); ++indexed_to_) index_entry(indexed_to_, route);
}

std::optional<Position> Log::find(const MessageId& id) {
  index();
  const auto origin = by_origin_.find(id.origin);
  if (origin == by_origin_.end()) return std::nullopt;
  const auto found = std::ranges::lower_bound(origin->second, id.seq, {},
                                              [](const auto& item) { return item.first; });
  if (found == origin->second.end() || found->first != id.seq || found->second < head_)
    return std::nullopt;
  return found->second;
}

void Log::candidates(std::string_view nsp, const wire::recovery::Names& rooms, Position from,
                     std::vector<Position>& out) {
  index();
  out.clear();
  const auto add = [&](std::uint64_t hash) {
    const auto found = by_room_.find(hash);
    if (found == by_room_.end()) return;
    const auto first = std::ranges::lower_bound(found->second, std::max(from, head_));
    out.insert(out.end(), first, found->second.end());
  };
  add(everyone_hash(nsp));
  for (const std::string_view room : rooms) add(room_hash(nsp, room));
  std::ranges::sort(out);
  const auto [first, last] = std::ranges::unique(out);
  out.erase(first, last);
}

}  // namespace socketmesh::recovery
