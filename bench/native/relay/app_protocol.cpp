#include <string>
#include <string_view>

#include "bench/native/relay/protocol.hpp"
#include "sidecar/core/wire/app_frames.hpp"
#include "sidecar/core/wire/data_frame.hpp"
#include "sidecar/core/wire/input_buffer.hpp"

namespace socketmesh::bench {
namespace {

namespace app = wire::app;

constexpr std::string_view kNamespace = "/";
constexpr std::string_view kRoom = "bench";
constexpr std::uint32_t kSyncId = 1;
constexpr int kSyncTries = 5;
constexpr std::uint8_t kBroadcastKind = 1;
constexpr std::size_t kSequenceOffset = 20;
// As the adapter reports: docs/protocol.md, TAKEN.
constexpr std::uint64_t kTakenBytes = 256U << 10U;

// A DATA frame to the room, of a plain event's size: the body is the payload, as one text chunk.
Buffer data_frame(std::uint64_t member, std::size_t payload_bytes) {
  Buffer frame;
  {
    wire::FrameWriter writer(frame, wire::kDataType);
    Buffer route;
    route.reserve(64);
    wire::Writer route_writer(route);
    route_writer.string(kNamespace);
    route_writer.varint(1);
    route_writer.string(kRoom);
    route_writer.varint(0);
    writer.u8(0);
    writer.u8(static_cast<std::uint8_t>(wire::RouteKind::kRooms));
    writer.u8(kBroadcastKind);
    writer.u32(static_cast<std::uint32_t>(route.size()));
    writer.u64(member);
    writer.u64(0);
    writer.bytes(route);
    writer.varint(1);
    writer.varint(static_cast<std::uint32_t>(payload_bytes << 1U));
    writer.bytes(Buffer(payload_bytes, 'x'));
  }
  return frame;
}

class AppProtocol final : public Protocol {
 public:
  AppProtocol(const ProtocolOptions& options, std::uint64_t member)
      : options_(options),
        member_(member),
        input_(wire::kMaxFrameBytes),
        frame_(data_frame(member, options.payload_bytes)) {}

  void greet(Buffer& out) override {
    {
      wire::FrameWriter writer(out, app::kAttach);
      writer.u8(app::kProtocolVersion);
      writer.u8(app::kProtocolVersion);
      writer.u64(member_);
      writer.string("bench");
      writer.string("bench");
      writer.string("");
      writer.varint(0);
    }
    wire::FrameWriter(out, app::kNspOpen).string(kNamespace);
    if (options_.subscriber) {
      wire::FrameWriter writer(out, app::kInterest);
      writer.string(kNamespace);
      writer.varint(1);
      writer.u8(1);
      writer.string(kRoom);
    }
    {
      const wire::FrameWriter ready(out, app::kReady);
    }
    wire::FrameWriter(out, app::kSync).u32(kSyncId);
  }

  void publish(Buffer& out, std::uint32_t count) override {
    for (std::uint32_t i = 0; i < count; ++i) {
      wire::store(frame_.data() + kSequenceOffset, ++sequence_);
      out.insert(out.end(), frame_.begin(), frame_.end());
    }
  }

  void received(Bytes bytes, Buffer& out) override {
    unreported_bytes_ += bytes.size();
    const wire::InputError error = input_.feed(bytes, [this, &out](Bytes run) {
      while (const auto frame = wire::first_frame(run)) {
        take(*frame, out);
        run = run.subspan(frame->size());
      }
      return true;
    });
    if (error != wire::InputError::kNone) throw std::runtime_error("the sidecar sent a bad frame");
    if (unreported_bytes_ >= kTakenBytes && delivered_ + replaced_ > 0) {
      wire::FrameWriter(out, app::kTaken).u64(delivered_ + replaced_);
      unreported_bytes_ = 0;
    }
  }

  bool ready() const override { return synced_; }

 private:
  void take(Bytes frame, Buffer& out) {
    const std::uint8_t type = wire::frame_type(frame);
    if (type == wire::kDataType) {
      ++delivered_;
      return;
    }
    wire::Reader reader(wire::frame_payload(frame));
    if (type == app::kGap) {
      replaced_ += reader.u64();
      dropped_ += reader.u64();
    } else if (type == app::kSynced) {
      reader.u32();
      synced_ = reader.u8() == 0;
      if (!synced_) sync_again(out);
    } else if (type == app::kPing) {
      wire::FrameWriter(out, app::kPong).u64(reader.u64());
    } else if (type == app::kRefused) {
      reader.u16();
      throw std::runtime_error("the sidecar refused: " + std::string(reader.string()));
    }
  }

  // Two sidecars that have just dialled each other keep one of the two connections, and an answer
  // that was to come over the other is not waited for.
  void sync_again(Buffer& out) {
    if (++unsynced_ == kSyncTries)
      throw std::runtime_error("the mesh did not take the subscription");
    wire::FrameWriter(out, app::kSync).u32(kSyncId);
  }

  ProtocolOptions options_;
  std::uint64_t member_;
  wire::InputBuffer input_;
  Buffer frame_;
  std::uint64_t sequence_ = 0;
  int unsynced_ = 0;            // syncs that were not answered by all
  std::uint64_t replaced_ = 0;  // frames that gaps stand for
  std::uint64_t unreported_bytes_ = 0;
  bool synced_ = false;
};

}  // namespace

std::unique_ptr<Protocol> make_app_protocol(const ProtocolOptions& options, std::uint64_t member) {
  return std::make_unique<AppProtocol>(options, member);
}

}  // namespace socketmesh::bench
