// The decoders of drop-in: messages of discovery, hellos, WebSocket frames and heads, and what
// sidecars say to one another. First byte which, the rest its bytes.
#include <algorithm>

#include "sidecar/dropin/websocket/frames.hpp"
#include "sidecar/dropin/websocket/upgrade.hpp"
#include "sidecar/dropin/wire/messages.hpp"
#include "sidecar/dropin/wire/msgpack.hpp"
#include "sidecar/dropin/wire/peer_frames.hpp"
#include "tests/fuzz/input.hpp"

namespace socketmesh::fuzz {
namespace {

// A hello keeps every field but its address, in order.
void hello(Bytes message) {
  constexpr std::string_view kAddress = "ws://127.0.0.1:8001/00000000000000aa";
  const auto out = dropin::rewrite_hello(message, kAddress);
  if (!out) return;
  const auto before = dropin::msgpack::read_map(message.subspan(1));
  const auto after = dropin::msgpack::read_map(Bytes(*out).subspan(1));
  require(before && after && before->size() == after->size());
  for (std::size_t i = 0; i < before->size(); ++i) {
    const auto& one = (*before)[i];
    const auto& two = (*after)[i];
    require(one.key == two.key);
    require(one.key == "address" ? two.text == kAddress : std::ranges::equal(one.value, two.value));
  }
  require(dropin::hello_uid(message) == dropin::hello_uid(*out));
}

class Counter final : public dropin::ws::Parser::Sink {
 public:
  void message(Bytes piece, bool text, bool last) override {
    bytes += piece.size();
    seen.insert(seen.end(), piece.begin(), piece.end());
    if (last) seen.push_back(text ? 1 : 0);
  }
  void control(dropin::ws::Opcode opcode, Bytes payload) override {
    require(payload.size() <= dropin::ws::kControlBytesMax);
    seen.push_back(static_cast<std::uint8_t>(opcode));
    seen.insert(seen.end(), payload.begin(), payload.end());
  }
  std::size_t bytes = 0;
  wire::Buffer seen;
};

// However the bytes are cut, the same messages come, and no more bytes than went in.
void frames(Bytes input) {
  constexpr std::size_t kLimit = 4096;
  if (input.empty()) return;
  const auto role = (input[0] & 1U) != 0 ? dropin::ws::Role::kServer : dropin::ws::Role::kClient;
  const std::size_t step = 1 + (input[0] >> 1U);
  input = input.subspan(1);
  dropin::ws::Parser whole(role, kLimit);
  dropin::ws::Parser cut(role, kLimit);
  Counter one;
  Counter two;
  const std::uint16_t wrong = whole.feed(input, one);
  std::uint16_t other = 0;
  for (std::size_t at = 0; at < input.size() && other == 0; at += step)
    other = cut.feed(input.subspan(at, std::min(step, input.size() - at)), two);
  require(wrong == other && one.seen == two.seen && one.bytes <= input.size());
}

void peers(Bytes payload) {
  namespace peer = dropin::peer;
  (void)peer::decode_begin(payload);
  (void)peer::decode_gone(payload);
  (void)peer::decode_opened(payload);
  (void)peer::decode_credit(payload);
  (void)peer::decode_close(payload);
  if (const auto said = peer::decode_server(payload)) {
    const auto again = peer::server(*said);
    const auto read = peer::decode_server(Bytes(again).subspan(1));
    require(read && read->id == said->id && read->address == said->address);
  }
  if (const auto said = peer::decode_open(payload)) {
    const auto again = peer::open(*said);
    const auto read = peer::decode_open(Bytes(again).subspan(1));
    require(read && read->tunnel == said->tunnel && read->server == said->server);
  }
  if (const auto said = peer::decode_data(payload)) {
    require(said->bytes.size() + peer::kDataHeadBytes - 1 == payload.size());
  }
}

void decode(std::uint8_t which, Bytes bytes) {
  switch (which % 6) {
    case 0: {
      dropin::Register said;
      if (dropin::read_discovery(bytes, said) != dropin::Discovery::kRegister) return;
      require(said.server_id.size() + said.address.size() <= bytes.size());
      (void)dropin::version_of(said.server_id);
      if (const auto address = dropin::parse_address(said.address))
        require(dropin::parse_address(address->at("10.0.0.1")).has_value());
      return;
    }
    case 1:
      return hello(bytes);
    case 2:
      return frames(bytes);
    case 3: {
      const auto request = dropin::ws::read_request(bytes);
      require(request.used <= bytes.size());
      return;
    }
    case 4:
      (void)dropin::ws::read_response(bytes, "dGhlIHNhbXBsZSBub25jZQ==");
      return;
    default:
      return peers(bytes);
  }
}

}  // namespace
}  // namespace socketmesh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  socketmesh::fuzz::decode(data[0], {data + 1, size - 1});
  return 0;
}
