#include "sidecar/dropin/wire/messages.hpp"

#include <algorithm>

#include "lib/base/endpoint.hpp"
#include "sidecar/dropin/wire/msgpack.hpp"

namespace socketmesh::dropin {

namespace {

constexpr std::size_t kV2IdBytes = 16;
constexpr std::string_view kUuidForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
constexpr std::string_view kScheme = "ws://";

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Anything that could end a request line, or a line of the saved state.
bool is_plain(char c) {
  return c > ' ' && c < 0x7f;
}

}  // namespace

std::optional<Version> version_of(std::string_view server_id) {
  if (server_id.size() == kV2IdBytes && std::ranges::all_of(server_id, is_hex)) return Version::kV2;
  if (server_id.size() != kUuidForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kUuidForm.size(); ++i) {
    if (kUuidForm[i] == 'x' ? !is_hex(server_id[i]) : server_id[i] != kUuidForm[i])
      return std::nullopt;
  }
  return Version::kV1;
}

bool Address::is_local() const {
  const TcpEndpoint endpoint{host, port};
  return endpoint.is_loopback() || endpoint.is_wildcard();
}

std::string Address::at(std::string_view other_host) const {
  return std::string(kScheme) + TcpEndpoint{std::string(other_host), port}.to_string() + path;
}

std::string Address::host_and_port() const {
  return TcpEndpoint{host, port}.to_string();
}

std::optional<Address> parse_address(std::string_view text) {
  if (text.size() > kAddressBytesMax || !std::ranges::all_of(text, is_plain)) return std::nullopt;
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto endpoint = parse_tcp_endpoint(text.substr(0, slash));
  if (!endpoint || endpoint->port == 0) return std::nullopt;
  return Address{endpoint->host, endpoint->port, std::string(text.substr(slash))};
}

Discovery read_discovery(Bytes message, Register& out) {
  const auto fields = msgpack::read_map(message);
  if (!fields) return Discovery::kMalformed;
  const auto type = msgpack::text_of(*fields, "type");
  if (!type) return Discovery::kMalformed;
  if (*type != "register") return Discovery::kOther;
  const auto id = msgpack::text_of(*fields, "serverId");
  const auto address = msgpack::text_of(*fields, "address");
  if (!id || !address) return Discovery::kMalformed;
  out = {*id, *address, msgpack::text_of(*fields, "token")};
  return Discovery::kRegister;
}

void write_update(Buffer& out, std::span<const Server> servers) {
  msgpack::write_map_head(out, 2);
  msgpack::write_text(out, "type");
  msgpack::write_text(out, "update");
  msgpack::write_text(out, "servers");
  msgpack::write_array_head(out, static_cast<std::uint32_t>(servers.size()));
  for (const Server& server : servers) {
    msgpack::write_map_head(out, 2);
    msgpack::write_text(out, "serverId");
    msgpack::write_text(out, server.id);
    msgpack::write_text(out, "address");
    msgpack::write_text(out, server.address);
  }
}

std::optional<std::string_view> hello_uid(Bytes message) {
  if (message.empty() || message.front() != kHelloKind) return std::nullopt;
  const auto fields = msgpack::read_map(message.subspan(1));
  return fields ? msgpack::text_of(*fields, "uid") : std::nullopt;
}

std::optional<Buffer> rewrite_hello(Bytes message, std::string_view address) {
  if (message.empty() || message.front() != kHelloKind) return std::nullopt;
  const auto fields = msgpack::read_map(message.subspan(1));
  if (!fields) return std::nullopt;
  Buffer out;
  bool found = false;
  const std::uint8_t* copied = message.data();
  for (const msgpack::Field& field : *fields) {
    if (field.key != "address") continue;
    found = true;
    out.insert(out.end(), copied, field.value.data());
    msgpack::write_text(out, address);
    copied = field.value.data() + field.value.size();
  }
  if (!found) return std::nullopt;
  out.insert(out.end(), copied, message.data() + message.size());
  return out;
}

bool equal_secrets(std::string_view a, std::string_view b) {
  // As long as the stranger's word, so that the time says nothing about the length of ours either.
  unsigned differs = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    differs |= static_cast<unsigned char>(a[i] ^ other);
  }
  return differs == 0;
}

}  // namespace socketmesh::dropin
