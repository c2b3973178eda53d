// The messages of socket.io-mesh-adapter that this sidecar reads or writes: the discovery
// service's, and the hello of its peers. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sidecar/core/wire/bytes.hpp"

namespace socketmesh::dropin {

using wire::Buffer;
using wire::Bytes;

// Which release of the package an app runs; they do not understand each other.
enum class Version : std::uint8_t { kV1 = 1, kV2 = 2 };

inline constexpr std::size_t kAddressBytesMax = 512;
// Of one message to the discovery service, and of a hello.
inline constexpr std::size_t kMessageHeadBytesMax = 64U << 10U;

// By the form of a server id: a UUID is v1's, 16 hexadecimal digits are v2's, else nothing.
std::optional<Version> version_of(std::string_view server_id);

// "ws://host:port/path".
struct Address {
  std::string host;  // an IPv6 address without brackets
  std::uint16_t port = 0;
  std::string path;  // with its slash; empty when there is none

  [[nodiscard]] bool is_local() const;  // loopback, or every address
  [[nodiscard]] std::string at(std::string_view other_host) const;
  [[nodiscard]] std::string host_and_port() const;
};
// Nothing for other schemes, a missing port, or one that is too long.
std::optional<Address> parse_address(std::string_view text);

struct Register {
  std::string_view server_id;
  std::string_view address;
  std::optional<std::string_view> token;
};
enum class Discovery : std::uint8_t { kRegister, kOther, kMalformed };
// `out` is filled for kRegister; views point into `message`.
Discovery read_discovery(Bytes message, Register& out);

struct Server {
  std::string id;
  std::string address;
  bool operator==(const Server&) const = default;
};
void write_update(Buffer& out, std::span<const Server> servers);

// Byte 0 of a message between v2 peers.
inline constexpr std::uint8_t kHelloKind = 0x00;

// The uid of a hello (its kind byte included); nothing when it is none.
std::optional<std::string_view> hello_uid(Bytes message);
// The hello with `address` in place of its own; every other byte stays. Nothing when it is no hello
// with an address.
std::optional<Buffer> rewrite_hello(Bytes message, std::string_view address);

// In a time that tells nothing about where they differ.
bool equal_secrets(std::string_view a, std::string_view b);

}  // namespace socketmesh::dropin
