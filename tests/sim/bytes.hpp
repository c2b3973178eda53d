// Reading and writing the primitive shapes of docs/protocol.md. Written from the document, not from
// the core: a second implementation finds mistakes in both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace socketmesh::sim {

using Bytes = std::span<const std::uint8_t>;

// The 8 bytes of an id64, first byte highest, so that %016x shows them as the document says.
using MemberId = std::uint64_t;

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class Writer {
 public:
  Writer& u8(std::uint64_t v) { return little(v, 1); }
  Writer& u16(std::uint64_t v) { return little(v, 2); }
  Writer& u32(std::uint64_t v) { return little(v, 4); }
  Writer& u64(std::uint64_t v) { return little(v, 8); }
  Writer& id64(MemberId v) {
    for (int shift = 56; shift >= 0; shift -= 8) out_.push_back(static_cast<char>(v >> shift));
    return *this;
  }
  Writer& varint(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7U) out_.push_back(static_cast<char>(v | 0x80U));
    out_.push_back(static_cast<char>(v));
    return *this;
  }
  Writer& string(std::string_view s) { return varint(s.size()).raw(s); }
  Writer& raw(std::string_view s) {
    out_.append(s);
    return *this;
  }

  const std::string& str() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  Writer& little(std::uint64_t v, int bytes) {
    for (int i = 0; i < bytes; ++i) out_.push_back(static_cast<char>(v >> (8 * i)));
    return *this;
  }
  std::string out_;
};

// The peer wrote what the document does not allow.
class MalformedFrame : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(little(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(little(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(little(4)); }
  std::uint64_t u64() { return little(8); }
  MemberId id64() {
    MemberId id = 0;
    for (const std::uint8_t byte : take(8)) id = (id << 8U) | byte;
    return id;
  }
  std::uint32_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      const std::uint8_t byte = u8();
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) {
        if (value > UINT32_MAX) throw MalformedFrame("varint above 2^32");
        return static_cast<std::uint32_t>(value);
      }
    }
    throw MalformedFrame("varint of more than 5 bytes");
  }
  std::string string() { return std::string(as_text(take(varint()))); }
  Bytes take(std::size_t n) {
    if (n > bytes_.size()) throw MalformedFrame("frame shorter than its type needs");
    const Bytes head = bytes_.first(n);
    bytes_ = bytes_.subspan(n);
    return head;
  }
  Bytes rest() { return take(bytes_.size()); }
  std::size_t left() const { return bytes_.size(); }
  void end() const {
    if (!bytes_.empty()) throw MalformedFrame("bytes after the end of the frame's fields");
  }

 private:
  std::uint64_t little(std::size_t n) {
    std::uint64_t value = 0;
    unsigned shift = 0;
    for (const std::uint8_t byte : take(n)) {
      value |= static_cast<std::uint64_t>(byte) << shift;
      shift += 8;
    }
    return value;
  }
  Bytes bytes_;
};

// Cuts a byte stream into frames: u32 length, then that many bytes (the first is the type).
class FrameStream {
 public:
  void add(Bytes bytes) {
    if (read_ > kCompactBytes) {
      buffer_.erase(0, read_);
      read_ = 0;
    }
    buffer_.append(as_text(bytes));
  }
  // The next whole frame without its length, or empty. Valid until the next add() or clear().
  Bytes next() {
    const Bytes waiting = as_bytes(buffer_).subspan(read_);
    if (waiting.size() < 4) return {};
    const std::size_t length = Reader(waiting).u32();
    if (length == 0) throw MalformedFrame("frame without a type");
    if (waiting.size() < 4 + length) return {};
    read_ += 4 + length;
    return waiting.subspan(4, length);
  }
  void clear() {
    buffer_.clear();
    read_ = 0;
  }
  std::size_t waiting() const { return buffer_.size() - read_; }

 private:
  static constexpr std::size_t kCompactBytes = 64U << 10U;
  std::string buffer_;
  std::size_t read_ = 0;
};

// A frame: its length put in front of type and payload.
inline std::string frame(std::uint8_t type, std::string_view payload) {
  Writer writer;
  writer.u32(payload.size() + 1).u8(type).raw(payload);
  return writer.take();
}

}  // namespace socketmesh::sim
