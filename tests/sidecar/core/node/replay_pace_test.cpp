// Replays go to an app, and to a peer, as fast as these read, and messages go in between.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "sidecar/core/node/recovery.hpp"
#include "tests/sim/app_protocol.hpp"

namespace socketmesh::node {
namespace {

using sim::Writer;

constexpr ConnId kReader = 1;
constexpr ConnId kTalker = 2;
constexpr std::uint8_t kLoggedFlag = 0x40;
constexpr std::uint8_t kHomeFlag = 0x80;
constexpr std::uint8_t kReplayType = 0x31;
constexpr std::uint8_t kRestoredType = 0x30;
constexpr std::uint8_t kDataFrame = 0x40;
constexpr std::size_t kMessage = 64U << 10U;
constexpr std::size_t kMessages = 128;  // 8 MiB

NodeConfig config() {
  NodeConfig config;
  config.mesh = "m";
  config.sidecar_id = "here";
  config.epoch = 7;
  config.limits.recovery_window = 60 * kSecondUs;
  return config;
}

class ReplayPaceTest : public testing::Test {
 protected:
  ReplayPaceTest() : node_(config(), now_) {
    for (const ConnId conn : {kReader, kTalker}) {
      node_.app_opened(conn, now_);
      sim::Attach attach;
      attach.member = conn;
      attach.parser = "p";
      std::string frame = sim::encode_attach(attach) + Writer().u8(1).u16(1).varint(0).take();
      frame.replace(0, 4, Writer().u32(frame.size() - 4).str());
      say(conn, frame + sim::encode_text(sim::AppType::kNspOpen, "/") +
                    sim::encode_empty(sim::AppType::kReady));
    }
  }

  void say(ConnId conn, const std::string& bytes) {
    node_.received(conn, sim::as_bytes(bytes), now_);
  }
  std::string order() const { return Writer().u16(1).u32(taken_).u16(0).take(); }
  void publish(ConnId from, std::size_t bytes) {
    sim::Data data;
    data.flags = kLoggedFlag;
    data.route = sim::Route::kNamespace;
    data.origin = from;
    data.seq = ++seq_[from];
    data.nsp = "/";
    data.body = std::string(bytes, 'x') + order();
    say(from, sim::encode_data(data));
  }
  void session(const std::string& op) {
    sim::Data data;
    data.flags = kHomeFlag;
    data.route = sim::Route::kMesh;
    data.kind = static_cast<sim::Kind>(11);
    data.origin = kReader;
    data.seq = ++seq_[kReader];
    data.body = op + order();
    say(kReader, sim::encode_data(data));
  }

  // Reads at most so many bytes; the types of the frames that are whole by then.
  std::vector<std::uint8_t> read(std::size_t most) {
    std::vector<std::uint8_t> types;
    std::array<std::span<const std::uint8_t>, 8> slices;
    while (most > 0) {
      const std::size_t count = node_.gather(kReader, slices);
      if (count == 0) break;
      const std::size_t bytes = std::min(most, slices[0].size());
      stream_.add(slices[0].first(bytes));
      node_.written(kReader, bytes, now_);
      most -= bytes;
      for (auto frame = stream_.next(); !frame.empty(); frame = stream_.next()) {
        types.push_back(frame[0]);
        if (frame[0] == kDataFrame) ++taken_;
      }
    }
    return types;
  }
  std::size_t waiting() {
    for (const auto& member : node_.status(now_).members) {
      if (member.id == "0000000000000001") return member.queue_bytes;
    }
    return 0;
  }

  TimeUs now_ = 1'000'000;
  Node node_;
  std::array<std::uint64_t, 3> seq_{};
  std::uint64_t taken_ = 0;
  sim::FrameStream stream_;
};

TEST_F(ReplayPaceTest, ALargeReplayWaitsForItsReader) {
  session(Writer()
              .u8(1)
              .string("/")
              .string("s")
              .string("p")
              .varint(0)
              .u64(0)
              .varint(0)
              .string("")
              .take());
  session(Writer().u8(5).string("/").string("s").take());
  for (std::size_t i = 0; i < kMessages; ++i) {
    publish(kTalker, kMessage);
    (void)read(SIZE_MAX);
  }
  say(kReader, sim::encode_u64(sim::AppType::kTaken, static_cast<std::uint32_t>(taken_)));
  session(Writer().u8(8).u32(1).string("/").string("p").string("").take());

  EXPECT_GT(waiting(), kMemberBacklogBytes);
  EXPECT_LE(waiting(), kMemberBacklogBytes + kReplayPieceBytes + 1000);
  publish(kTalker, 10);
  std::vector<std::uint8_t> types;
  for (int reads = 0; reads < 200 && waiting() > 0; ++reads) {
    const std::vector<std::uint8_t> more = read(100'000);
    types.insert(types.end(), more.begin(), more.end());
    EXPECT_LE(waiting(), kMemberBacklogBytes + kReplayPieceBytes + 1000);
  }

  ASSERT_EQ(types.back(), kRestoredType);
  const auto live = std::ranges::find(types, kDataFrame);
  ASSERT_NE(live, types.end());
  // Less of the replay goes before it than behind it.
  EXPECT_LT(live - types.begin(), types.end() - live);
  EXPECT_EQ(std::ranges::count(types, kReplayType),
            static_cast<std::ptrdiff_t>(kMessages * kMessage / kReplayPieceBytes) * 4 / 3 + 1);
}

}  // namespace
}  // namespace socketmesh::node
