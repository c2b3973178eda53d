#include "lib/base/hex.hpp"

#include <gtest/gtest.h>

namespace socketmesh {
namespace {

TEST(Hex, TwoCharactersAByte) {
  EXPECT_EQ(to_hex(""), "");
  EXPECT_EQ(to_hex(std::string("\0\x0f\xa0\xff", 4)), "000fa0ff");
}

}  // namespace
}  // namespace socketmesh
