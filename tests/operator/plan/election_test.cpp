#include "operator/plan/election.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace socketmesh::op::plan {
namespace {

using namespace std::chrono_literals;
using Kind = Election::Kind;

// An API server with one Lease: optimistic locking, as the real one does it.
class LeaseServer {
 public:
  std::optional<Lease> lease;

  bool write(Lease wanted) {
    if (wanted.resource_version != (lease ? lease->resource_version : "")) return false;
    wanted.resource_version = std::to_string(++version_);
    lease = wanted;
    return true;
  }

 private:
  int version_ = 0;
};

// A replica whose calls answer at once, fail, or write without an answer.
class Replica {
 public:
  enum class Network { kUp, kDown, kAnswersLost };

  Replica(LeaseServer& server, std::string identity)
      : server_(server), election_(options(identity)) {}

  // Runs until it waits; returns until when.
  MonoTime run(MonoTime now) {
    for (int calls = 0;; ++calls) {
      EXPECT_LT(calls, 5) << "calls without a pause";
      const auto step = election_.next(now, wall(now), 0.5);
      if (step.kind == Kind::kWait) return step.at;
      if (step.kind == Kind::kRead) {
        read(now);
      } else {
        write(step.lease, now);
      }
    }
  }

  Election& election() { return election_; }
  void set(Network network) { network_ = network; }
  void set_clock_error(UnixTime error) { clock_error_ = error; }
  UnixTime wall(MonoTime now) const { return now + 1'000'000s + clock_error_; }

  static ElectionOptions options(std::string identity) {
    ElectionOptions options;
    options.identity = std::move(identity);
    return options;
  }

 private:
  void read(MonoTime now) {
    if (network_ != Network::kUp) {
      election_.failed(now);
    } else if (server_.lease) {
      election_.read(*server_.lease, now);
    } else {
      election_.absent(now);
    }
  }
  void write(const Lease& lease, MonoTime now) {
    const bool done = network_ != Network::kDown && server_.write(lease);
    if (done && network_ == Network::kUp) {
      election_.written(server_.lease->resource_version, now);
    } else {
      election_.failed(now);
    }
  }

  LeaseServer& server_;
  Election election_;
  Network network_ = Network::kUp;
  UnixTime clock_error_{};
};

TEST(Election, TheFirstCreatesTheLease) {
  LeaseServer server;
  Replica a(server, "a");
  EXPECT_FALSE(a.election().leading(0s));
  EXPECT_EQ(a.run(0s), 2200ms) << "two seconds and half of the jitter's share";
  EXPECT_TRUE(a.election().leading(0s));
  ASSERT_TRUE(server.lease);
  EXPECT_EQ(server.lease->holder, "a");
  EXPECT_EQ(server.lease->duration_s, 15);
  EXPECT_EQ(server.lease->transitions, 0);
  EXPECT_EQ(server.lease->acquired, a.wall(0s));
}

TEST(Election, TheLeaderRenewsWithoutReading) {
  LeaseServer server;
  Replica a(server, "a");
  const MonoTime at = a.run(0s);
  const auto step = a.election().next(at, a.wall(at), 0);
  ASSERT_EQ(step.kind, Kind::kWrite);
  EXPECT_EQ(step.lease.resource_version, server.lease->resource_version);
  EXPECT_EQ(step.lease.renewed, a.wall(at));
  EXPECT_EQ(step.lease.acquired, a.wall(0s));
}

TEST(Election, OthersWaitWhileTheLeaseIsRenewed) {
  LeaseServer server;
  Replica a(server, "a");
  Replica b(server, "b");
  MonoTime at_a = a.run(0s);
  MonoTime at_b = b.run(1s);
  for (MonoTime now = 1s; now < 120s; now += 100ms) {
    if (now >= at_a) at_a = a.run(now);
    if (now >= at_b) at_b = b.run(now);
    ASSERT_TRUE(a.election().leading(now));
    ASSERT_FALSE(b.election().leading(now));
  }
  EXPECT_EQ(b.election().holder(), "a");
}

// The heart: whatever the clocks say and however calls fail, never two at once.
TEST(Election, ASilentLeaderStopsBeforeAnotherStarts) {
  for (const UnixTime error : {UnixTime(0s), UnixTime(-3600s), UnixTime(3600s)}) {
    for (const auto fault : {Replica::Network::kDown, Replica::Network::kAnswersLost}) {
      LeaseServer server;
      Replica a(server, "a");
      Replica b(server, "b");
      b.set_clock_error(error);
      MonoTime at_a = a.run(0s);
      MonoTime at_b = b.run(0s);
      std::optional<MonoTime> taken_over;
      for (MonoTime now = 0s; now < 60s; now += 100ms) {
        if (now == 20s) a.set(fault);
        if (now >= at_a) at_a = a.run(now);
        if (now >= at_b) at_b = b.run(now);
        ASSERT_FALSE(a.election().leading(now) && b.election().leading(now)) << now.count();
        if (b.election().leading(now) && !taken_over) taken_over = now;
      }
      EXPECT_TRUE(a.election().lost(60s));
      ASSERT_TRUE(taken_over);
      EXPECT_GE(*taken_over, 32s) << "not before the lease ran out";
      EXPECT_LE(*taken_over, 52s);
      EXPECT_EQ(server.lease->transitions, 1);
    }
  }
}

TEST(Election, TheDeadlineCountsFromTheStartOfTheWrite) {
  LeaseServer server;
  Election election(Replica::options("a"));
  ASSERT_EQ(election.next(0s, 0s, 0).kind, Kind::kRead);
  election.absent(0s);
  ASSERT_EQ(election.next(0s, 0s, 0).kind, Kind::kWrite);
  election.written("1", 8s);  // the answer took eight seconds
  EXPECT_TRUE(election.leading(10s - 1us));
  EXPECT_FALSE(election.leading(10s));
  EXPECT_TRUE(election.lost(10s));
  EXPECT_EQ(election.next(10s, 10s, 0).at, MonoTime::max()) << "it does not run again";
}

TEST(Election, AWriteWithoutAnAnswerIsReadBeforeTheNext) {
  LeaseServer server;
  Replica a(server, "a");
  const MonoTime first = a.run(0s);
  a.set(Replica::Network::kAnswersLost);
  const MonoTime second = a.run(first);
  a.set(Replica::Network::kUp);
  EXPECT_EQ(a.election().next(second, a.wall(second), 0).kind, Kind::kRead);
  a.run(second);
  EXPECT_TRUE(a.election().leading(second + 9s));
  EXPECT_EQ(server.lease->transitions, 0);
}

TEST(Election, ALeaseTakenByForceIsObeyedAtOnce) {
  LeaseServer server;
  Replica a(server, "a");
  const MonoTime first = a.run(0s);
  Lease theirs = *server.lease;
  theirs.holder = "somebody";
  ASSERT_TRUE(server.write(theirs));
  const MonoTime second = a.run(first);  // refused: the version is another
  EXPECT_TRUE(a.election().leading(first));
  a.run(second);
  EXPECT_FALSE(a.election().leading(second));
  EXPECT_TRUE(a.election().lost(second));
}

TEST(Election, AReleasedLeaseIsTakenAtOnce) {
  LeaseServer server;
  Replica a(server, "a");
  Replica b(server, "b");
  a.run(0s);
  const MonoTime at_b = b.run(0s);
  const auto released = a.election().release(1s, a.wall(1s));
  ASSERT_TRUE(released);
  EXPECT_EQ(released->holder, "");
  EXPECT_FALSE(a.election().leading(1s));
  EXPECT_FALSE(a.election().lost(100s)) << "it was given, not lost";
  ASSERT_TRUE(server.write(*released));
  b.run(at_b);
  EXPECT_TRUE(b.election().leading(at_b));
  EXPECT_EQ(server.lease->transitions, 1);
  EXPECT_EQ(b.election().release(at_b + 11s, 0s), std::nullopt) << "no longer its own to give";
}

TEST(Election, AForeignDurationIsRespectedUpToItsLimit) {
  LeaseServer server;
  server.lease = Lease{"other", kLeaseDurationMaxS + 1, 0s, 0s, 7, "9"};
  Replica a(server, "a");
  a.run(0s);
  EXPECT_EQ(a.election().next(std::chrono::seconds(kLeaseDurationMaxS) - 1s, 0s, 0).kind,
            Kind::kRead);
  a.election().read(*server.lease, std::chrono::seconds(kLeaseDurationMaxS) - 1us);
  EXPECT_FALSE(a.election().leading(0s));
  Election late(Replica::options("late"));
  late.next(0s, 0s, 0);
  late.read(*server.lease, 0s);
  late.next(3600s, 0s, 0);
  late.read(*server.lease, std::chrono::seconds(kLeaseDurationMaxS));
  EXPECT_EQ(late.next(3600s, 0s, 0).kind, Kind::kWrite);
}

TEST(Election, ANegativeDurationHasRunOut) {
  Election election(Replica::options("a"));
  election.next(0s, 0s, 0);
  election.read(Lease{"other", -5, 0s, 0s, 0, "9"}, 0s);
  EXPECT_EQ(election.next(0s, 0s, 0).kind, Kind::kWrite);
}

}  // namespace
}  // namespace socketmesh::op::plan
