#include "bench/native/clients/client.hpp"

#include <charconv>
#include <stdexcept>

namespace socketmesh::bench {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::uint8_t kText = 0x81;   // a final text frame
constexpr std::uint8_t kClose = 0x88;  // a final close frame
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;

std::uint8_t at(std::string_view bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}

// A short masked text frame; the mask is zero, which is a mask like any other.
void append_frame(std::string& out, std::string_view text) {
  out.push_back(static_cast<char>(kText));
  out.push_back(static_cast<char>(kMasked | text.size()));
  out.append(4, '\0');
  out.append(text);
}

struct Head {
  std::size_t bytes = 0;    // of the head itself; 0: not all there
  std::size_t payload = 0;  // bytes
};

Head read_head(std::string_view bytes) {
  if (bytes.size() < 2) return {};
  const std::uint8_t length = at(bytes, 1);
  std::size_t extra = 0;
  if (length == kLength16) extra = 2;
  if (length == kLength64) extra = 8;
  if (bytes.size() < 2 + extra) return {};
  if (extra == 0) return {2, length};
  std::size_t payload = 0;
  for (std::size_t i = 0; i < extra; ++i) payload = payload << 8U | at(bytes, 2 + i);
  return {2 + extra, payload};
}

}  // namespace

std::string Client::request(const std::string& host) {
  return "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: " + host +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: c29ja2V0bWVzaC1iZW5jaA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

void Client::received(std::span<const std::uint8_t> bytes, std::string& out, Events& events) {
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string joined;
  if (!begun_.empty()) {
    joined = std::move(begun_);
    joined.append(rest);
    rest = joined;
  }
  if (state_ == State::kUpgrading) rest = upgraded(rest);
  if (state_ != State::kUpgrading) rest = frames(rest, out, events);
  begun_.assign(rest);
  if (begun_.empty()) begun_.shrink_to_fit();
}

std::string_view Client::upgraded(std::string_view bytes) {
  const std::size_t end = bytes.find(kHeadEnd);
  if (end == std::string_view::npos) return bytes;
  if (!bytes.starts_with("HTTP/1.1 101 "))
    throw std::runtime_error(std::string(bytes.substr(0, bytes.find('\r'))));
  state_ = State::kConnecting;
  return bytes.substr(end + kHeadEnd.size());
}

std::string_view Client::frames(std::string_view bytes, std::string& out, Events& events) {
  for (Head head = read_head(bytes); head.bytes > 0 && bytes.size() - head.bytes >= head.payload;
       head = read_head(bytes)) {
    if (at(bytes, 0) == kClose) throw std::runtime_error("the server closed the connection");
    if (at(bytes, 0) != kText) throw std::runtime_error("a frame that is not a whole text");
    text(bytes.substr(head.bytes, head.payload), out, events);
    bytes.remove_prefix(head.bytes + head.payload);
  }
  return bytes;
}

void Client::text(std::string_view message, std::string& out, Events& events) {
  constexpr std::string_view kEvent = "42[\"e\",";
  if (message.starts_with(kEvent)) {
    std::int64_t sent_us = 0;
    message.remove_prefix(kEvent.size());
    std::from_chars(message.data(), message.data() + message.size(), sent_us);
    events.message(sent_us);
  } else if (message == "2") {
    append_frame(out, "3");  // ping, pong
  } else if (message.starts_with("0{")) {
    append_frame(out, "40");
  } else if (message.starts_with("40")) {
    state_ = State::kConnected;
    events.connected();
  } else {
    throw std::runtime_error("unexpected: " + std::string(message.substr(0, 80)));
  }
}

}  // namespace socketmesh::bench
