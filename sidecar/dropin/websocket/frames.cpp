#include "sidecar/dropin/websocket/frames.hpp"

#include <algorithm>

namespace socketmesh::dropin::ws {

namespace {

constexpr std::uint8_t kLastBit = 0x80;
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kMaskBit = 0x80;
constexpr std::uint8_t kSize16 = 126;
constexpr std::uint8_t kSize64 = 127;

bool is_control(Opcode opcode) {
  return opcode >= Opcode::kClose;
}

std::uint64_t big_endian(const std::uint8_t* at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = (value << 8U) | at[i];
  return value;
}

}  // namespace

bool is_close_code(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != kNoCode && code != 1006;
}

// Bytes of the head, as far as its first two tell; two before that.
std::size_t Parser::head_bytes() const {
  if (head_size_ < 2) return 2;
  const std::uint8_t size = head_[1] & ~kMaskBit;
  std::size_t bytes = 2;
  if (size == kSize16) bytes += 2;
  if (size == kSize64) bytes += 8;
  if ((head_[1] & kMaskBit) != 0) bytes += mask_.size();
  return bytes;
}

std::uint16_t Parser::check(Opcode opcode, bool last, std::uint64_t size) const {
  switch (opcode) {
    case Opcode::kContinuation:
      if (!in_message_) return kProtocolError;
      break;
    case Opcode::kText:
    case Opcode::kBinary:
      if (in_message_) return kProtocolError;
      break;
    case Opcode::kClose:
    case Opcode::kPing:
    case Opcode::kPong:
      return last && size <= kControlBytesMax ? 0 : kProtocolError;
    default:
      return kProtocolError;
  }
  const std::uint64_t before = opcode == Opcode::kContinuation ? message_bytes_ : 0;
  return size <= max_ - before ? 0 : kTooBig;
}

// The head is whole.
std::uint16_t Parser::head() {
  const bool last = (head_[0] & kLastBit) != 0;
  const auto opcode = static_cast<Opcode>(head_[0] & 0x0fU);
  masked_ = (head_[1] & kMaskBit) != 0;
  const std::uint8_t short_size = head_[1] & ~kMaskBit;
  std::uint64_t size = short_size;
  if (short_size == kSize16) size = big_endian(&head_[2], 2);
  if (short_size == kSize64) size = big_endian(&head_[2], 8);
  if ((head_[0] & kReservedBits) != 0 || masked_ != (role_ == Role::kServer)) return kProtocolError;
  if (const std::uint16_t wrong = check(opcode, last, size); wrong != 0) return wrong;
  if (masked_) std::copy_n(&head_[head_size_ - mask_.size()], mask_.size(), mask_.begin());
  masked_ = masked_ && std::ranges::any_of(mask_, [](std::uint8_t byte) { return byte != 0; });
  mask_at_ = 0;
  opcode_ = opcode;
  frame_last_ = last;
  left_ = size;
  in_frame_ = true;
  head_size_ = 0;
  if (is_control(opcode)) {
    control_.clear();
    return 0;
  }
  if (opcode != Opcode::kContinuation) {
    text_ = opcode == Opcode::kText;
    message_bytes_ = 0;
  }
  message_bytes_ += size;
  in_message_ = !last;
  return 0;
}

Bytes Parser::unmask(Bytes bytes) {
  if (!masked_) return bytes;
  plain_.resize(bytes.size());
  std::array<std::uint8_t, 8> key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = mask_[(mask_at_ + i) % mask_.size()];
  const auto wide = wire::load<std::uint64_t>(key.data());
  std::size_t i = 0;
  for (; i + sizeof wide <= bytes.size(); i += sizeof wide)
    wire::store(plain_.data() + i, wire::load<std::uint64_t>(bytes.data() + i) ^ wide);
  for (; i < bytes.size(); ++i) plain_[i] = bytes[i] ^ key[i % key.size()];
  mask_at_ = (mask_at_ + bytes.size()) % mask_.size();
  return plain_;
}

void Parser::payload(Bytes bytes, Sink& sink) {
  left_ -= bytes.size();
  const Bytes plain = unmask(bytes);
  if (is_control(opcode_)) {
    control_.insert(control_.end(), plain.begin(), plain.end());
    if (left_ > 0) return;
    in_frame_ = false;
    if (opcode_ == Opcode::kClose) stopped_ = true;
    sink.control(opcode_, control_);
    return;
  }
  const bool last = left_ == 0 && frame_last_;
  in_frame_ = left_ > 0;
  // The end of a frame that does not end its message says nothing by itself.
  if (!plain.empty() || last) sink.message(plain, text_, last);
}

std::uint16_t Parser::feed(Bytes bytes, Sink& sink) {
  while (!stopped_ && !bytes.empty()) {
    if (!in_frame_) {
      while (head_size_ < head_bytes() && !bytes.empty()) {
        head_[head_size_++] = bytes.front();
        bytes = bytes.subspan(1);
      }
      if (head_size_ < head_bytes()) return 0;
      if (const std::uint16_t wrong = head(); wrong != 0) {
        stopped_ = true;
        return wrong;
      }
      if (left_ == 0) payload({}, sink);
      continue;
    }
    const Bytes part =
        bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
    bytes = bytes.subspan(part.size());
    payload(part, sink);
  }
  return 0;
}

void write_head(Buffer& out, Role role, Opcode opcode, bool last, std::size_t size) {
  const std::uint8_t mask = role == Role::kClient ? kMaskBit : 0;
  out.push_back(static_cast<std::uint8_t>((last ? kLastBit : 0) | static_cast<unsigned>(opcode)));
  const auto big = [&](std::size_t bytes) {
    for (std::size_t i = bytes; i-- > 0;)
      out.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(size) >> (8 * i)));
  };
  if (size < kSize16) {
    out.push_back(static_cast<std::uint8_t>(mask | size));
  } else if (size <= UINT16_MAX) {
    out.push_back(mask | kSize16);
    big(2);
  } else {
    out.push_back(mask | kSize64);
    big(8);
  }
  if (mask != 0) out.insert(out.end(), 4, 0);
}

void write_frame(Buffer& out, Role role, Opcode opcode, bool last, Bytes payload) {
  write_head(out, role, opcode, last, payload.size());
  out.insert(out.end(), payload.begin(), payload.end());
}

void write_close(Buffer& out, Role role, std::uint16_t code, std::string_view reason) {
  if (code == kNoCode) return write_frame(out, role, Opcode::kClose, true, {});
  reason = reason.substr(0, kControlBytesMax - 2);
  Buffer payload = {static_cast<std::uint8_t>(code >> 8U), static_cast<std::uint8_t>(code)};
  payload.insert(payload.end(), reason.begin(), reason.end());
  write_frame(out, role, Opcode::kClose, true, payload);
}

}  // namespace socketmesh::dropin::ws
