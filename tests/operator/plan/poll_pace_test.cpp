#include "operator/plan/poll_pace.hpp"

#include <gtest/gtest.h>

namespace socketmesh::op::plan {
namespace {

using namespace std::chrono_literals;

TEST(PollPace, AsksSoonAfterAChangeAndOnceForABurst) {
  PollPace pace;
  EXPECT_EQ(pace.due(), MonoTime::max());
  pace.changed(10s);
  pace.changed(10s + 200ms);
  EXPECT_EQ(pace.due(), 10s + 300ms);
}

TEST(PollPace, AsksLessAndLessOftenUntilTheMeshIsAtRest) {
  PollPace pace;
  pace.changed(0s);
  for (const MonoTime interval : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    pace.started();
    pace.finished(false, 100s);
    EXPECT_EQ(pace.due(), 100s + interval);
  }
  pace.started();
  pace.finished(true, 200s);
  EXPECT_EQ(pace.due(), 230s);
  pace.started();
  pace.finished(false, 230s);
  EXPECT_EQ(pace.due(), 231s) << "what breaks is watched closely again";
}

TEST(PollPace, WhatChangesDuringARoundIsAskedAfterIt) {
  PollPace pace;
  pace.changed(0s);
  pace.started();
  EXPECT_EQ(pace.due(), MonoTime::max());
  pace.changed(10s);
  pace.finished(true, 12s);
  EXPECT_EQ(pace.due(), 10s + 300ms);
}

TEST(PollPace, HurriesOnlyForward) {
  PollPace pace;
  pace.finished(true, 0s);
  pace.hurry(5s, 1s);
  EXPECT_EQ(pace.due(), 6s);
  pace.hurry(20s, 1s);
  EXPECT_EQ(pace.due(), 6s);
}

}  // namespace
}  // namespace socketmesh::op::plan
