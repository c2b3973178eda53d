#include "tests/sim/link_protocol.hpp"

namespace socketmesh::sim {

namespace {

std::string field(const char* name, std::uint64_t value) {
  return std::string(" ") + name + " " + std::to_string(value);
}

std::string watermarks(Reader& reader) {
  std::string text = field("ack_stream", reader.u32());
  text += field("received", reader.u64());
  return text + field("taken", reader.u64());
}

std::string record(Reader& reader) {
  const bool skipped = (reader.u8() & 0x01U) != 0;
  reader.u16();
  std::string text = field("stream", reader.u32());
  text += field("count", reader.u32());
  text += field("first", reader.u64());
  text += watermarks(reader);
  if (skipped) return "SKIPPED" + text + field("messages", reader.u64());
  text += " types";
  while (reader.left() >= 5) {
    const Bytes frame = reader.take(reader.u32());
    text += field("", frame.empty() ? 0 : frame[0]);
  }
  return "RECORD" + text;
}

}  // namespace

std::string describe_link_frame(Bytes frame) {
  Reader reader(frame);
  try {
    switch (static_cast<LinkType>(reader.u8())) {
      case LinkType::kHello:
        return "HELLO";
      case LinkType::kResume: {
        reader.u8();
        std::string text = field("epoch", reader.u64());
        text += field("stream", reader.u32());
        text += field("received", reader.u64());
        return "RESUME" + text + field("taken", reader.u64());
      }
      case LinkType::kRefuse:
        return "REFUSE" + field("code", reader.u16()) + " " + reader.string();
      case LinkType::kRecord:
        return record(reader);
      case LinkType::kAck:
        return "ACK" + watermarks(reader);
      case LinkType::kPing:
        return "PING";
      case LinkType::kPong:
        return "PONG";
      case LinkType::kGoodbye:
        return "GOODBYE" + field("returning", reader.u8());
    }
  } catch (const MalformedFrame& error) {
    return std::string("malformed: ") + error.what();
  }
  return "unknown type " + std::to_string(frame[0]);
}

}  // namespace socketmesh::sim
