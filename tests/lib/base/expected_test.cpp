#include "lib/base/expected.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace socketmesh {
namespace {

Expected<int> half(int number) {
  if (number % 2 != 0) return Unexpected{"odd"};
  return number / 2;
}

Expected<void> check(bool good) {
  if (!good) return Unexpected{std::string("bad")};
  return {};
}

TEST(Expected, HoldsAValue) {
  const auto result = half(4);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 2);
  EXPECT_EQ(result.value_or(7), 2);
}

TEST(Expected, HoldsAnError) {
  const auto result = half(3);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), "odd");
  EXPECT_EQ(result.value_or(7), 7);
}

TEST(Expected, KeepsValueAndErrorOfOneTypeApart) {
  const Expected<std::string> good = std::string("text");
  const Expected<std::string> bad = Unexpected{"text"};
  EXPECT_TRUE(good);
  EXPECT_FALSE(bad);
}

TEST(Expected, MovesWhatCannotBeCopied) {
  Expected<std::unique_ptr<int>> made = std::make_unique<int>(5);
  const std::unique_ptr<int> taken = std::move(made).value();
  EXPECT_EQ(*taken, 5);
}

TEST(Expected, OfVoid) {
  EXPECT_TRUE(check(true));
  EXPECT_EQ(check(false).error(), "bad");
}

TEST(ExpectedDeathTest, ValueOfAnErrorIsABug) {
  const auto result = half(3);
  EXPECT_DEATH((void)result.value(), "");
}

}  // namespace
}  // namespace socketmesh
