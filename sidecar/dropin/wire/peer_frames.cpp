#include "sidecar/dropin/wire/peer_frames.hpp"

namespace socketmesh::dropin::peer {

namespace {

constexpr std::uint8_t kLast = 0x01;
constexpr std::uint8_t kText = 0x02;

template <typename T>
std::optional<T> when(bool good, T value) {
  return good ? std::optional<T>(value) : std::nullopt;
}

// A payload with its type written.
class Payload : public wire::Writer {
 public:
  explicit Payload(Type type) : Writer(bytes_) { u8(type); }
  Buffer take() { return std::move(bytes_); }

 private:
  Buffer bytes_;
};

}  // namespace

std::optional<Begin> decode_begin(Bytes payload) {
  wire::Reader reader(payload);
  Begin begin;
  begin.version = reader.u8();
  begin.carries = reader.u8() != 0;
  // What follows is a later version's.
  return when(reader.ok(), begin);
}

std::optional<Server> decode_server(Bytes payload) {
  wire::Reader reader(payload);
  Server server;
  server.id = reader.string();
  server.address = reader.string();
  return when(reader.done(), server);
}

std::optional<std::string_view> decode_gone(Bytes payload) {
  wire::Reader reader(payload);
  const std::string_view id = reader.string();
  return when(reader.done(), id);
}

std::optional<Open> decode_open(Bytes payload) {
  wire::Reader reader(payload);
  Open open;
  open.tunnel = reader.u64();
  open.server = reader.string();
  return when(reader.done(), open);
}

std::optional<std::uint64_t> decode_opened(Bytes payload) {
  wire::Reader reader(payload);
  const std::uint64_t tunnel = reader.u64();
  return when(reader.done(), tunnel);
}

std::optional<Data> decode_data(Bytes payload) {
  wire::Reader reader(payload);
  Data data;
  data.tunnel = reader.u64();
  const std::uint8_t flags = reader.u8();
  data.last = (flags & kLast) != 0;
  data.text = (flags & kText) != 0;
  data.bytes = reader.rest();
  return when(reader.ok(), data);
}

std::optional<Credit> decode_credit(Bytes payload) {
  wire::Reader reader(payload);
  Credit credit;
  credit.tunnel = reader.u64();
  credit.bytes = reader.u32();
  return when(reader.done(), credit);
}

std::optional<Close> decode_close(Bytes payload) {
  wire::Reader reader(payload);
  Close close;
  close.tunnel = reader.u64();
  close.reason = reader.u8();
  close.code = reader.u16();
  close.text = reader.string();
  return when(reader.done(), close);
}

Buffer begin(bool carries) {
  Payload payload(kBegin);
  payload.u8(kVersion);
  payload.u8(carries ? 1 : 0);
  return payload.take();
}

Buffer server(const Server& server) {
  Payload payload(kServer);
  payload.string(server.id);
  payload.string(server.address);
  return payload.take();
}

Buffer gone(std::string_view id) {
  Payload payload(kGone);
  payload.string(id);
  return payload.take();
}

Buffer end() {
  return Payload(kEnd).take();
}

Buffer open(const Open& open) {
  Payload payload(kOpen);
  payload.u64(open.tunnel);
  payload.string(open.server);
  return payload.take();
}

Buffer opened(std::uint64_t tunnel) {
  Payload payload(kOpened);
  payload.u64(tunnel);
  return payload.take();
}

Buffer credit(const Credit& credit) {
  Payload payload(kCredit);
  payload.u64(credit.tunnel);
  payload.u32(credit.bytes);
  return payload.take();
}

Buffer close(const Close& close) {
  Payload payload(kClose);
  payload.u64(close.tunnel);
  payload.u8(close.reason);
  payload.u16(close.code);
  payload.string(close.text);
  return payload.take();
}

std::array<std::uint8_t, kDataHeadBytes> data_head(std::uint64_t tunnel, bool last, bool text) {
  std::array<std::uint8_t, kDataHeadBytes> head;
  head[0] = kData;
  wire::store(&head[1], tunnel);
  head[9] = static_cast<std::uint8_t>((last ? kLast : 0U) | (text ? kText : 0U));
  return head;
}

}  // namespace socketmesh::dropin::peer
