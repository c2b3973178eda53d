// The virtual network keeps TCP's promises, and only those.
#include <gtest/gtest.h>

#include "tests/sim/network.hpp"
#include "tests/sim/trace.hpp"

namespace socketmesh::sim {
namespace {

class Recorder : public NetUser {
 public:
  void dialed(EndId id, const std::string&) override { end = id; }
  void dial_failed(const std::string&, const char* reason) override { failure = reason; }
  void accepted(EndId id, const std::string&, const std::string&) override { end = id; }
  void readable(EndId, Bytes bytes) override {
    got += as_text(bytes);
    ++reads;
  }
  void writable(EndId) override { ++writables; }
  void closed(EndId) override { is_closed = true; }

  EndId end = 0;
  std::string failure, got;
  int reads = 0, writables = 0;
  bool is_closed = false;
};

class NetworkTest : public ::testing::Test {
 protected:
  void connect(NetOptions options = {}) {
    network = std::make_unique<Network>(clock, Rng(7), stats, trace, options);
    network->listen("b:1", 2, &b);
    network->dial(&a, 1, "b:1");
    clock.run_until(clock.now() + kSecondUs);
    ASSERT_NE(a.end, 0U);
    ASSERT_NE(b.end, 0U);
  }
  std::string text(std::size_t bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(i * 31);
    return out;
  }

  Scheduler clock;
  Stats stats;
  Trace trace{clock};
  std::unique_ptr<Network> network;
  Recorder a, b;
};

TEST_F(NetworkTest, BytesArriveWholeAndInOrderInAnyCut) {
  connect();
  std::string sent;
  for (int i = 0; i < 200; ++i) {
    const std::string part = text(100);
    EXPECT_EQ(network->write(a.end, as_bytes(part)), part.size());
    sent += part;
    clock.run_until(clock.now() + 50);
  }
  clock.run_until(clock.now() + kSecondUs);
  EXPECT_EQ(b.got, sent);
  EXPECT_NE(b.reads, 200);
}

TEST_F(NetworkTest, AFullBufferTakesPartAndTellsWhenThereIsRoom) {
  NetOptions options;
  options.buffer_bytes = 1000;
  connect(options);
  network->pause(b.end, true);
  EXPECT_EQ(network->write(a.end, as_bytes(text(1500))), 1000U);
  clock.run_until(clock.now() + kSecondUs);
  EXPECT_EQ(a.writables, 0);
  network->pause(b.end, false);
  clock.run_until(clock.now() + kSecondUs);
  EXPECT_EQ(b.got.size(), 1000U);
  EXPECT_EQ(a.writables, 1);
}

TEST_F(NetworkTest, APartitionWithholdsAndAHealingDelivers) {
  connect();
  network->block(1, 2);
  network->write(a.end, as_bytes(text(10)));
  clock.run_until(clock.now() + 10 * kSecondUs);
  EXPECT_TRUE(b.got.empty());
  EXPECT_FALSE(b.is_closed);
  network->heal_all();
  clock.run_until(clock.now() + kSecondUs);
  EXPECT_EQ(b.got, text(10));
}

TEST_F(NetworkTest, ACloseComesBehindTheBytesAResetMayLoseThem) {
  connect();
  network->write(a.end, as_bytes(text(50)));
  network->close(a.end);
  clock.run_until(clock.now() + kSecondUs);
  EXPECT_EQ(b.got, text(50));
  EXPECT_TRUE(b.is_closed);
  EXPECT_EQ(network->connections(), 0U);
}

TEST_F(NetworkTest, ACutEndsBothSides) {
  connect();
  network->write(a.end, as_bytes(text(50)));
  ASSERT_TRUE(network->cut_one());
  clock.run_until(clock.now() + kSecondUs);
  EXPECT_TRUE(a.is_closed);
  EXPECT_TRUE(b.is_closed);
  EXPECT_EQ(b.got, text(b.got.size())) << "a part, from the beginning";
  EXPECT_EQ(network->connections(), 0U);
}

TEST_F(NetworkTest, ASilentDeathIsNotToldUntilTheHostIsBack) {
  connect();
  network->kill(&b, 2, true);
  clock.run_until(clock.now() + 5 * kSecondUs);
  EXPECT_FALSE(a.is_closed);
  network->host_is_back(2);
  clock.run_until(clock.now() + 2 * kSecondUs);
  EXPECT_TRUE(a.is_closed);
}

TEST_F(NetworkTest, DialsAreRefusedOrTimeOut) {
  connect();
  Recorder c;
  network->unlisten("b:1");
  network->dial(&c, 1, "b:1");
  clock.run_until(clock.now() + kSecondUs);
  EXPECT_EQ(c.failure, "connection refused");
  network->block(2, 1);
  network->dial(&c, 1, "b:1");
  clock.run_until(clock.now() + 5 * kSecondUs);
  EXPECT_EQ(c.failure, "timed out");
}

}  // namespace
}  // namespace socketmesh::sim
