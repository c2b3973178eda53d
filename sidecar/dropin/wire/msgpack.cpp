#include "sidecar/dropin/wire/msgpack.hpp"

namespace socketmesh::dropin::msgpack {

namespace {

// One value's head: what it holds itself, and how many values follow inside it.
struct Head {
  std::size_t bytes = 0;    // of its own: number, text, binary, extension
  std::uint64_t items = 0;  // nested values
  bool text = false;
  bool map = false;
};

class Scanner {
 public:
  explicit Scanner(Bytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool done() const { return ok_ && at_ == bytes_.size(); }
  std::size_t at() const { return at_; }
  Bytes since(std::size_t from) const { return bytes_.subspan(from, at_ - from); }

  Head head() {
    Head head;
    const auto byte = static_cast<std::uint8_t>(big(1));
    if (byte <= 0x7f || byte >= 0xe0) return head;
    if (byte <= 0x8f) return map(byte & 0x0fU);
    if (byte <= 0x9f) return array(byte & 0x0fU);
    if (byte <= 0xbf) return text(byte & 0x1fU);
    switch (byte) {
      case 0xc0:  // nil
      case 0xc2:  // false
      case 0xc3:  // true
        return head;
      case 0xc4:  // bin
      case 0xc5:
      case 0xc6:
        return text(big(std::size_t{1} << (byte - 0xc4U)));
      case 0xc7:  // ext
      case 0xc8:
      case 0xc9:
        head.bytes = big(std::size_t{1} << (byte - 0xc7U)) + 1;
        return head;
      case 0xca:  // float
        head.bytes = 4;
        return head;
      case 0xcb:
        head.bytes = 8;
        return head;
      case 0xcc:  // uint
      case 0xcd:
      case 0xce:
      case 0xcf:
        head.bytes = std::size_t{1} << (byte - 0xccU);
        return head;
      case 0xd0:  // int
      case 0xd1:
      case 0xd2:
      case 0xd3:
        head.bytes = std::size_t{1} << (byte - 0xd0U);
        return head;
      case 0xd4:  // fixext
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        head.bytes = (std::size_t{1} << (byte - 0xd4U)) + 1;
        return head;
      case 0xd9:  // str
      case 0xda:
      case 0xdb:
        return text(big(std::size_t{1} << (byte - 0xd9U)));
      case 0xdc:
        return array(big(2));
      case 0xdd:
        return array(big(4));
      case 0xde:
        return map(big(2));
      case 0xdf:
        return map(big(4));
      default:  // 0xc1 is never used
        ok_ = false;
        return head;
    }
  }

  Bytes take(std::size_t size) {
    if (!ok_ || size > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }

  // The rest of a value whose head was read.
  void skip(const Head& outer) {
    take(outer.bytes);
    std::vector<std::uint64_t> left;  // values still to come, by depth
    if (outer.items > 0) left.push_back(outer.items);
    while (ok_ && !left.empty()) {
      if (left.size() > kDepthMax) {
        ok_ = false;
        return;
      }
      if (--left.back() == 0) left.pop_back();
      const Head inner = head();
      take(inner.bytes);
      if (inner.items > 0) left.push_back(inner.items);
    }
  }

 private:
  std::uint64_t big(std::size_t size) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(size)) value = (value << 8U) | byte;
    return value;
  }
  static Head text(std::uint64_t size) {
    Head head;
    head.bytes = size;
    head.text = true;
    return head;
  }
  static Head array(std::uint64_t items) {
    Head head;
    head.items = items;
    return head;
  }
  static Head map(std::uint64_t fields) {
    Head head;
    head.items = 2 * fields;
    head.map = true;
    return head;
  }

  Bytes bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

std::string_view view(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::optional<std::vector<Field>> read_map(Bytes message) {
  Scanner scanner(message);
  const Head map = scanner.head();
  if (!scanner.ok() || !map.map) return std::nullopt;
  std::vector<Field> fields;
  for (std::uint64_t i = 0; i < map.items / 2 && scanner.ok(); ++i) {
    const Head key = scanner.head();
    if (!key.text) return std::nullopt;
    Field field;
    field.key = view(scanner.take(key.bytes));
    const std::size_t from = scanner.at();
    const Head value = scanner.head();
    const std::size_t behind_head = scanner.at();
    scanner.skip(value);
    if (!scanner.ok()) return std::nullopt;
    field.value = scanner.since(from);
    if (value.text) field.text = view(scanner.since(behind_head));
    fields.push_back(field);
  }
  if (!scanner.done()) return std::nullopt;
  return fields;
}

std::optional<std::string_view> text_of(const std::vector<Field>& fields, std::string_view key) {
  std::optional<std::string_view> text;
  for (const Field& field : fields) {
    if (field.key == key) text = field.text;
  }
  return text;
}

void write_map_head(Buffer& out, std::uint32_t fields) {
  if (fields <= 0x0f) {
    out.push_back(static_cast<std::uint8_t>(0x80U | fields));
    return;
  }
  out.push_back(0xdf);
  for (unsigned shift = 32; shift > 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(fields >> (shift - 8)));
}

void write_array_head(Buffer& out, std::uint32_t items) {
  if (items <= 0x0f) {
    out.push_back(static_cast<std::uint8_t>(0x90U | items));
    return;
  }
  out.push_back(0xdd);
  for (unsigned shift = 32; shift > 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(items >> (shift - 8)));
}

void write_text(Buffer& out, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  if (size <= 0x1f) {
    out.push_back(static_cast<std::uint8_t>(0xa0U | size));
  } else if (size <= UINT8_MAX) {
    out.push_back(0xd9);
    out.push_back(static_cast<std::uint8_t>(size));
  } else {
    out.push_back(0xdb);
    for (unsigned shift = 32; shift > 0; shift -= 8)
      out.push_back(static_cast<std::uint8_t>(size >> (shift - 8)));
  }
  out.insert(out.end(), text.begin(), text.end());
}

}  // namespace socketmesh::dropin::msgpack
