#include "lib/kube/target.hpp"

#include <gtest/gtest.h>

namespace socketmesh::kube {
namespace {

TEST(Target, EncodesWhatIsNotUnreserved) {
  EXPECT_EQ(percent_encoded("aZ0-._~"), "aZ0-._~");
  EXPECT_EQ(percent_encoded("a b&c=d/e%f+"), "a%20b%26c%3Dd%2Fe%25f%2B");
  EXPECT_EQ(percent_encoded(std::string_view("\xc3\xa4\r\n\0", 5)), "%C3%A4%0D%0A%00");
}

TEST(Target, AListHasItsSelectorsAndItsPage) {
  EXPECT_EQ(list_target({"/apis/x", "", ""}, 50, ""), "/apis/x?limit=50");
  EXPECT_EQ(list_target({"/apis/x", "a=b", "c=d"}, 50, "n/x"),
            "/apis/x?labelSelector=a%3Db&fieldSelector=c%3Dd&limit=50&continue=n%2Fx");
}

TEST(Target, AWatchAsksForBookmarksAndAnEnd) {
  EXPECT_EQ(watch_target({"/apis/x", "a=b", ""}, "12", std::chrono::seconds(290)),
            "/apis/x?labelSelector=a%3Db&watch=1&allowWatchBookmarks=true&resourceVersion=12"
            "&timeoutSeconds=290");
}

}  // namespace
}  // namespace socketmesh::kube
