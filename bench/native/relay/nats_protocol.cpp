#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include "bench/native/relay/protocol.hpp"

namespace socketmesh::bench {
namespace {

constexpr std::string_view kEnd = "\r\n";

void append(Buffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

class NatsProtocol final : public Protocol {
 public:
  explicit NatsProtocol(const ProtocolOptions& options) : options_(options) {
    append(message_, "PUB bench " + std::to_string(options.payload_bytes) + "\r\n");
    message_.insert(message_.end(), options.payload_bytes, 'x');
    append(message_, kEnd);
  }

  void greet(Buffer& out) override {
    append(out, "CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":\"bench\"}\r\n");
    if (options_.subscriber) append(out, "SUB bench 1\r\n");
    append(out, "PING\r\n");  // its answer says that what is before it is in force
  }

  void publish(Buffer& out, std::uint32_t count) override {
    for (std::uint32_t i = 0; i < count; ++i)
      out.insert(out.end(), message_.begin(), message_.end());
  }

  void received(Bytes bytes, Buffer& out) override {
    while (!bytes.empty()) {
      if (payload_left_ > 0) {
        const std::size_t size = std::min(payload_left_, bytes.size());
        payload_left_ -= size;
        bytes = bytes.subspan(size);
        if (payload_left_ == 0) ++delivered_;
        continue;
      }
      const void* end = std::memchr(bytes.data(), '\n', bytes.size());
      if (end == nullptr) {
        line_.append(bytes.begin(), bytes.end());
        return;
      }
      const auto size =
          static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - bytes.data() + 1);
      if (line_.empty()) {
        take({reinterpret_cast<const char*>(bytes.data()), size}, out);
      } else {
        line_.append(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        take(line_, out);
        line_.clear();
      }
      bytes = bytes.subspan(size);
    }
  }

  bool ready() const override { return confirmed_; }

 private:
  // A line with its end: MSG <subject> <sid> <bytes>, or a word of the protocol.
  void take(std::string_view line, Buffer& out) {
    line.remove_suffix(kEnd.size());
    if (line.starts_with("MSG ")) {
      const std::string_view number = line.substr(line.rfind(' ') + 1);
      std::size_t size = 0;
      std::from_chars(number.data(), number.data() + number.size(), size);
      payload_left_ = size + kEnd.size();
    } else if (line == "PING") {
      append(out, "PONG\r\n");
    } else if (line == "PONG") {
      confirmed_ = true;
    } else if (line.starts_with("-ERR")) {
      throw std::runtime_error("nats-server: " + std::string(line));
    }
  }

  ProtocolOptions options_;
  Buffer message_;
  std::string line_;              // a begun one
  std::size_t payload_left_ = 0;  // of the message that is being read, its end included
  bool confirmed_ = false;
};

}  // namespace

std::unique_ptr<Protocol> make_nats_protocol(const ProtocolOptions& options) {
  return std::make_unique<NatsProtocol>(options);
}

}  // namespace socketmesh::bench
