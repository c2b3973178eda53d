// What the drop-in parts of two sidecars say to one another: payloads of the drop-in channel
// (sidecar/core/node/channel.hpp). docs/protocol.md describes them. Decoders return nothing for a
// malformed payload; views point into it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sidecar/core/wire/bytes.hpp"

namespace socketmesh::dropin::peer {

using wire::Buffer;
using wire::Bytes;

inline constexpr std::uint8_t kVersion = 1;

enum Type : std::uint8_t {
  kBegin = 0x01,   // a list of servers begins: it replaces what is known of this sidecar
  kServer = 0x02,  // a server of this sidecar
  kGone = 0x03,
  kEnd = 0x04,  // the list is complete
  kOpen = 0x10,
  kOpened = 0x11,
  kData = 0x12,
  kCredit = 0x13,
  kClose = 0x14,
};

struct Begin {
  std::uint8_t version = kVersion;
  bool carries = false;
};
struct Server {
  std::string_view id;
  std::string_view address;
};
struct Open {
  std::uint64_t tunnel = 0;
  std::string_view server;
};
struct Data {
  std::uint64_t tunnel = 0;
  bool last = false;  // of its message
  bool text = false;
  Bytes bytes;
};
struct Credit {
  std::uint64_t tunnel = 0;
  std::uint32_t bytes = 0;
};
struct Close {
  std::uint64_t tunnel = 0;
  std::uint8_t reason = 0;  // CloseReason
  std::uint16_t code = 0;   // for the WebSocket; 0: cut it without a close frame
  std::string_view text;
};

std::optional<Begin> decode_begin(Bytes payload);
std::optional<Server> decode_server(Bytes payload);
std::optional<std::string_view> decode_gone(Bytes payload);
std::optional<Open> decode_open(Bytes payload);
std::optional<std::uint64_t> decode_opened(Bytes payload);
std::optional<Data> decode_data(Bytes payload);
std::optional<Credit> decode_credit(Bytes payload);
std::optional<Close> decode_close(Bytes payload);

// The payload starts with the type; decoders take what follows it.
Buffer begin(bool carries);
Buffer server(const Server& server);
Buffer gone(std::string_view id);
Buffer end();
Buffer open(const Open& open);
Buffer opened(std::uint64_t tunnel);
Buffer credit(const Credit& credit);
Buffer close(const Close& close);
// The head of a DATA payload; its bytes follow.
inline constexpr std::size_t kDataHeadBytes = 10;
std::array<std::uint8_t, kDataHeadBytes> data_head(std::uint64_t tunnel, bool last, bool text);

}  // namespace socketmesh::dropin::peer
