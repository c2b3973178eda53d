#include "operator/kube/base64.hpp"

#include <gtest/gtest.h>

namespace socketmesh::op::kube {
namespace {

TEST(Base64Test, Decodes) {
  EXPECT_EQ(decode_base64("").value(), "");
  EXPECT_EQ(decode_base64("Zg==").value(), "f");
  EXPECT_EQ(decode_base64("Zm8=").value(), "fo");
  EXPECT_EQ(decode_base64("Zm9v").value(), "foo");
  EXPECT_EQ(decode_base64("Zm9v\nYmFy\r\n").value(), "foobar");
  EXPECT_EQ(decode_base64("AAD/").value(), std::string("\0\0\xff", 3));
}

TEST(Base64Test, RefusesWhatIsNone) {
  for (const char* bad : {"Z", "Zg", "Zg=", "====", "Z===", "Zm9v!bad", "Zg==Zg==", "Z=g="}) {
    EXPECT_FALSE(decode_base64(bad)) << bad;
  }
}

}  // namespace
}  // namespace socketmesh::op::kube
