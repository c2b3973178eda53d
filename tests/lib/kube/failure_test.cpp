#include "lib/kube/failure.hpp"

#include <gtest/gtest.h>

#include <set>

namespace socketmesh::kube {
namespace {

TEST(Failure, EachKindHasAName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kFailureKinds; ++i) {
    names.insert(to_string(static_cast<FailureKind>(i)));
  }
  EXPECT_EQ(names.size(), kFailureKinds);
  EXPECT_EQ(to_string(FailureKind::kTransport), "transport");
  EXPECT_EQ(to_string(FailureKind::kTooLarge), "too_large");
}

TEST(Failure, EachStatusHasAKind) {
  EXPECT_EQ(failure_of_status(401), FailureKind::kUnauthorized);
  EXPECT_EQ(failure_of_status(403), FailureKind::kForbidden);
  EXPECT_EQ(failure_of_status(404), FailureKind::kNotFound);
  EXPECT_EQ(failure_of_status(410), FailureKind::kExpired);
  EXPECT_EQ(failure_of_status(429), FailureKind::kThrottled);
  EXPECT_EQ(failure_of_status(499), FailureKind::kRefused);
  EXPECT_EQ(failure_of_status(500), FailureKind::kServer);
  EXPECT_EQ(failure_of_status(599), FailureKind::kServer);
  EXPECT_EQ(failure_of_status(600), FailureKind::kRefused);
  EXPECT_EQ(failure_of_status(0), FailureKind::kRefused);
}

}  // namespace
}  // namespace socketmesh::kube
