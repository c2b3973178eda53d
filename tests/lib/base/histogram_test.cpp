#include "lib/base/histogram.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace socketmesh {
namespace {

using testing::ElementsAre;

constexpr std::array<std::uint64_t, 3> kBounds = {10, 100, 1000};

TEST(Histogram, ABoundBelongsToItsBucket) {
  Histogram histogram(kBounds);
  for (const std::uint64_t value : {0U, 10U, 11U, 100U, 1000U, 1001U}) histogram.observe(value);
  EXPECT_THAT(histogram.counts(), ElementsAre(2, 2, 1, 1));
  EXPECT_EQ(histogram.sum(), 2122U);
  EXPECT_EQ(histogram.count(), 6U);
}

TEST(Histogram, ObservesManyAtOnceAndMerges) {
  Histogram a(kBounds);
  Histogram b(kBounds);
  a.observe(5, 3);
  b.observe(50);
  a.merge(b);
  EXPECT_THAT(a.counts(), ElementsAre(3, 1, 0, 0));
  EXPECT_EQ(a.sum(), 65U);
  EXPECT_EQ(a.count(), 4U);
}

}  // namespace
}  // namespace socketmesh
