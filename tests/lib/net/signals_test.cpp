#include <utility>  // before Asio 1.74, which forgets it

#include "lib/net/signals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <vector>

namespace socketmesh::net {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(StopSignals, CountsSignalsAndStops) {
  boost::asio::io_context io;
  std::vector<std::pair<int, int>> seen;
  StopSignals signals(io, [&](int signal, int count) {
    seen.emplace_back(signal, count);
    if (count == 2) signals.stop();
    if (count == 1) std::raise(SIGINT);
  });
  std::raise(SIGTERM);
  io.run();  // returns: nothing waits after stop()
  EXPECT_THAT(seen, ElementsAre(Pair(SIGTERM, 1), Pair(SIGINT, 2)));
}

TEST(StopSignals, DestructionEndsTheWait) {
  boost::asio::io_context io;
  {
    const StopSignals signals(io, [](int, int) { FAIL(); });
  }
  io.run();
}

TEST(StopSignals, IgnoresBrokenPipes) {
  boost::asio::io_context io;
  const StopSignals signals(io, [](int, int) { FAIL(); });
  std::raise(SIGPIPE);
}

}  // namespace
}  // namespace socketmesh::net
