// A process that writes whatever a test wants on a connection, and keeps the frames that come back.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/bytes.hpp"
#include "tests/sim/world.hpp"

namespace socketmesh::sim {

class RawClient : public NetUser {
 public:
  RawClient(World& world, const std::string& address, HostId host = 1000)
      : network_(world.network()), host_(host) {
    network_.dial(this, host_, address);
  }
  ~RawClient() override { network_.kill(this, host_, false); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // Sent at once, or as soon as the connection is open. All of it must fit into the socket's
  // buffer.
  void send(const std::string& bytes) {
    out_ += bytes;
    flush();
  }
  bool open() const { return end_ != 0; }
  bool closed() const { return closed_; }
  // Frames without their length; the first byte is the type.
  const std::vector<std::string>& frames() const { return got_; }
  // How many frames of that type came.
  std::size_t count(std::uint8_t type) const {
    std::size_t n = 0;
    for (const auto& frame : got_) n += static_cast<std::uint8_t>(frame[0]) == type ? 1 : 0;
    return n;
  }
  // The u16 that follows the type of the first frame of that type: the code of a refusal; 0 when
  // none came.
  std::uint16_t code(std::uint8_t type) const {
    for (const auto& frame : got_) {
      Reader reader(as_bytes(frame));
      if (reader.u8() == type) return reader.u16();
    }
    return 0;
  }

  void dialed(EndId end, const std::string& /*address*/) override {
    end_ = end;
    flush();
  }
  void dial_failed(const std::string& /*address*/, const char* /*reason*/) override {
    closed_ = true;
  }
  void accepted(EndId /*end*/, const std::string& /*to*/, const std::string& /*remote*/) override {}
  void readable(EndId /*end*/, Bytes bytes) override {
    stream_.add(bytes);
    for (Bytes next = stream_.next(); !next.empty(); next = stream_.next())
      got_.emplace_back(as_text(next));
  }
  void writable(EndId /*end*/) override { flush(); }
  void closed(EndId /*end*/) override {
    end_ = 0;
    closed_ = true;
  }

 private:
  void flush() {
    if (end_ == 0) return;
    out_.erase(0, network_.write(end_, as_bytes(out_)));
  }

  Network& network_;
  HostId host_;
  EndId end_ = 0;
  bool closed_ = false;
  std::string out_;
  FrameStream stream_;
  std::vector<std::string> got_;
};

}  // namespace socketmesh::sim
