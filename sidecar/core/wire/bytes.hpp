// Reading and writing the wire's primitive types: little-endian integers, varints, strings. See
// docs/protocol.md.
//
// Reader never reads past its span: the first short or malformed read makes it !ok() and every
// later one returns zero or empty, so that a decoder checks once at the end. Views point into the
// span that it was given.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace socketmesh::wire {

static_assert(std::endian::native == std::endian::little,
              "the wire is copied as it lies in memory");

using Bytes = std::span<const std::uint8_t>;
using Buffer = std::vector<std::uint8_t>;

// Bytes of the longest varint that is accepted.
inline constexpr std::size_t kMaxVarintBytes = 5;

template <typename T>
T load(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <typename T>
void store(std::uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  // Everything was read, and nothing was malformed.
  bool done() const { return ok_ && bytes_.empty(); }
  std::size_t remaining() const { return bytes_.size(); }

  std::uint8_t u8() { return fixed<std::uint8_t>(); }
  std::uint16_t u16() { return fixed<std::uint16_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }

  std::uint32_t varint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kMaxVarintBytes; ++i) {
      const std::uint8_t byte = u8();
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << (7 * i);
      if ((byte & 0x80U) == 0) {
        if (value <= UINT32_MAX) return static_cast<std::uint32_t>(value);
        break;
      }
    }
    ok_ = false;
    return 0;
  }

  // A count of things that take at least `least_bytes` each: refuses one that the remaining bytes
  // can't hold, so that no decoder reserves memory on a stranger's word.
  std::uint32_t count(std::size_t least_bytes) {
    const std::uint32_t value = varint();
    if (static_cast<std::uint64_t>(value) * least_bytes > bytes_.size()) {
      ok_ = false;
      return 0;
    }
    return value;
  }

  Bytes take(std::size_t size) {
    if (!ok_ || size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const Bytes taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }

  std::string_view string() {
    const Bytes text = take(varint());
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

  Bytes rest() { return take(bytes_.size()); }

 private:
  template <typename T>
  T fixed() {
    if (!ok_ || bytes_.size() < sizeof(T)) {
      ok_ = false;
      return 0;
    }
    const T value = load<T>(bytes_.data());
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }

  Bytes bytes_;
  bool ok_ = true;
};

// Appends to a buffer that outlives it.
class Writer {
 public:
  explicit Writer(Buffer& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(value); }
  void u16(std::uint16_t value) { fixed(value); }
  void u32(std::uint32_t value) { fixed(value); }
  void u64(std::uint64_t value) { fixed(value); }
  void varint(std::uint32_t value) {
    while (value >= 0x80U) {
      out_.push_back(static_cast<std::uint8_t>(value | 0x80U));
      value >>= 7U;
    }
    out_.push_back(static_cast<std::uint8_t>(value));
  }
  void bytes(Bytes bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void string(std::string_view text) {
    varint(static_cast<std::uint32_t>(text.size()));
    bytes({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }

 private:
  template <typename T>
  void fixed(T value) {
    const std::size_t at = out_.size();
    out_.resize(at + sizeof value);
    store(out_.data() + at, value);
  }

  Buffer& out_;
};

}  // namespace socketmesh::wire
