#include "operator/api/values.hpp"

#include <gtest/gtest.h>

namespace socketmesh::op::api {
namespace {

using nlohmann::json;

TEST(Quantity, IsANumberWithAUnit) {
  EXPECT_EQ(parse_quantity(0), 0);
  EXPECT_EQ(parse_quantity(3), 3);
  EXPECT_EQ(parse_quantity("3"), 3);
  EXPECT_EQ(parse_quantity("32Mi"), 33'554'432);
  EXPECT_EQ(parse_quantity("1.5Gi"), 1'610'612'736);
  EXPECT_EQ(parse_quantity("2k"), 2000);
  EXPECT_EQ(parse_quantity(".5"), 0.5);
  EXPECT_EQ(parse_quantity("2."), 2);
  EXPECT_EQ(parse_quantity("1e3"), 1000);
  EXPECT_EQ(parse_quantity("1E+3"), 1000);
  EXPECT_DOUBLE_EQ(*parse_quantity("5E-1"), 0.5);
  EXPECT_EQ(parse_quantity("1E"), 1e18);
  EXPECT_DOUBLE_EQ(*parse_quantity("20m"), 0.02);
}

TEST(Quantity, IsNothingElse) {
  for (const json& bad : {json(""), json("."), json("Mi"), json("64MiB"), json("1 Gi"), json("-1"),
                          json(-1), json(1.5), json("1e"), json("1e+"), json("1ki"), json("0x1"),
                          json("1e100"), json(nullptr), json(true)}) {
    EXPECT_FALSE(parse_quantity(bad)) << bad;
  }
}

}  // namespace
}  // namespace socketmesh::op::api
