#include "lib/base/base64.hpp"

#include <gtest/gtest.h>

namespace socketmesh {
namespace {

using namespace std::string_literals;

TEST(Base64Test, AgreesWithTheRfc) {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xfb\xff\xfe"s, "+//+"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
}

TEST(Base64Test, KeepsEveryByte) {
  std::string bytes;
  for (int round = 0; round < 3; ++round) {  // each byte at each place of a group
    for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  }
  EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
}

TEST(Base64Test, RefusesWhatItWouldNotWrite) {
  for (const std::string text : {"Z", "Zg", "Zg=", "Zm9v\n", "Zm9 ", "Zm-_", "Zg==Zg==", "=",
                                 "====", "Z===", "Zh==", "Zm9=", "Zm9v=", "Zm8=Zm9v"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

}  // namespace
}  // namespace socketmesh
