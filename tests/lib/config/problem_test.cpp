#include "lib/config/problem.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Problem, ReadsAsFileLineKeyMessage) {
  EXPECT_EQ((Problem{{"mesh.yaml", 7}, "link.listen", "is wrong"}).to_string(),
            "mesh.yaml:7: link.listen: is wrong");
  EXPECT_EQ((Problem{{"mesh.yaml", 0}, "", "cannot be read"}).to_string(),
            "mesh.yaml: cannot be read");
  EXPECT_EQ(to_string(std::vector<Problem>{{{"A", 0}, "k", "m"}, {{"f", 1}, "", "m"}}),
            "A: k: m\nf:1: m\n");
}

TEST(NearMatches, AreFewEditsAway) {
  const std::vector<std::string> keys = {"listen", "tuning", "window", "hold", "idle_timeout"};
  EXPECT_THAT(near_matches("listn", keys), ElementsAre("listen"));
  EXPECT_THAT(near_matches("lsiten", keys), IsEmpty());  // a swap is two edits of six letters
  EXPECT_THAT(near_matches("Idle-Timeout", keys), ElementsAre("idle_timeout"));
  EXPECT_THAT(near_matches("idle_timeouts", keys), ElementsAre("idle_timeout"));
  EXPECT_THAT(near_matches("colour", keys), IsEmpty());
  EXPECT_THAT(near_matches(std::string(300, 'x'), keys), IsEmpty());
}

TEST(NearMatches, NearestFirstAndAtMostThree) {
  EXPECT_THAT(near_matches("aaaaaaaa", {"aaaaaabb", "aaaaaaab", "aaaaaaaa", "aaaaaabc", "b"}),
              ElementsAre("aaaaaaaa", "aaaaaaab", "aaaaaabb"));
  EXPECT_EQ(suggestion("listn", {"listen", "listens"}), " (did you mean 'listen'?)");
  EXPECT_EQ(suggestion("aaaa", {"aaab", "aaac"}), " (did you mean 'aaab' or 'aaac'?)");
  EXPECT_EQ(suggestion("x", {"listen"}), "");
}

}  // namespace
}  // namespace socketmesh::config
