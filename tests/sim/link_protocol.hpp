// The link protocol of docs/protocol.md, as far as a bystander needs it: to name what passes by.
#pragma once

#include <string>

#include "tests/sim/bytes.hpp"

namespace socketmesh::sim {

enum class LinkType : std::uint8_t {
  kHello = 0x01,
  kResume = 0x02,
  kRefuse = 0x03,
  kRecord = 0x04,
  kAck = 0x05,
  kPing = 0x06,
  kPong = 0x07,
  kGoodbye = 0x08,
};

// One line about a frame (its length left out).
std::string describe_link_frame(Bytes frame);

}  // namespace socketmesh::sim
