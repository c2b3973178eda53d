#include "operator/plan/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::op::plan {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

// A sidecar with one member, linked with `peers`, seeing `members` in all.
SidecarPod pod(const std::string& id, std::vector<std::string> peers, std::uint32_t members) {
  SidecarPod made;
  made.name = "pod-" + id;
  made.started = made.asked = true;
  made.status.emplace();
  made.status->sidecar_id = id;
  made.status->members_local = 1;
  made.status->members_up = members;
  made.status->linked = std::move(peers);
  return made;
}

std::vector<SidecarPod> three() {
  return {pod("a", {"b", "c"}, 3), pod("b", {"a", "c"}, 3), pod("c", {"a", "b"}, 3)};
}

TEST(Convergence, AllLinked) {
  const auto result = converge(three(), 3);
  EXPECT_EQ(result.converged, Converged::kTrue);
  EXPECT_EQ(result.reason, "AllLinked");
  EXPECT_EQ(result.members, 3);
}

TEST(Convergence, ALoneSidecarIsAMesh) {
  const std::vector<SidecarPod> pods = {pod("a", {}, 1)};
  EXPECT_EQ(converge(pods, 1).converged, Converged::kTrue);
}

TEST(Convergence, AMissingLinkIsNamed) {
  auto pods = three();
  pods[1].status->linked = {"a"};
  const auto result = converge(pods, 3);
  EXPECT_EQ(result.converged, Converged::kFalse);
  EXPECT_EQ(result.reason, "LinksMissing");
  EXPECT_THAT(result.message, HasSubstr("pod-b has no link to that of pod-c"));
  EXPECT_EQ(result.members, 3);
}

TEST(Convergence, MembersThatSomebodyDoesNotKnow) {
  auto pods = three();
  pods[2].status->members_up = 2;
  const auto result = converge(pods, 3);
  EXPECT_EQ(result.converged, Converged::kFalse);
  EXPECT_THAT(result.message, HasSubstr("pod-c knows 2 of 3 members"));
}

TEST(Convergence, OneThatCannotBeAskedMakesItUnknown) {
  auto pods = three();
  pods[0].status.reset();
  pods[0].error = "connection refused";
  const auto result = converge(pods, 3);
  EXPECT_EQ(result.converged, Converged::kUnknown);
  EXPECT_EQ(result.reason, "SidecarsUnreachable");
  EXPECT_THAT(result.message, HasSubstr("1 of 3 sidecars cannot be asked; pod pod-a: connection"));
  EXPECT_EQ(result.members, 3) << "the others know its member";
}

TEST(Convergence, NobodyReachedKnowsNoMembers) {
  auto pods = three();
  for (SidecarPod& silent : pods) silent.status.reset();
  EXPECT_EQ(converge(pods, 3).members, std::nullopt);
}

TEST(Convergence, BeforeTheFirstAnswerItIsUnknown) {
  auto pods = three();
  pods[1].asked = false;
  pods[1].status.reset();
  EXPECT_EQ(converge(pods, 3).converged, Converged::kUnknown);
  EXPECT_EQ(converge(pods, 3).reason, "SidecarsNotAsked");
}

TEST(Convergence, ThoseThatStartAreWaitedFor) {
  auto pods = three();
  SidecarPod starting;
  starting.name = "pod-d";
  pods.push_back(starting);
  const auto result = converge(pods, 3);
  EXPECT_EQ(result.converged, Converged::kFalse);
  EXPECT_EQ(result.reason, "SidecarsStarting");
  EXPECT_THAT(result.message, HasSubstr("3 of 4"));
  EXPECT_EQ(converge({&starting, 1}, 1).reason, "SidecarsStarting");
  EXPECT_EQ(converge({}, 3).reason, "SidecarsStarting");
}

TEST(Convergence, OneThatLeavesNeedsNoLinks) {
  auto pods = three();
  pods[2].status->leaving = true;
  pods[0].status->linked = {"b"};
  pods[1].status->linked = {"a"};
  pods[0].status->members_up = pods[1].status->members_up = 2;
  EXPECT_EQ(converge(pods, 2).converged, Converged::kTrue);
}

TEST(Convergence, NobodyIsExpected) {
  const auto result = converge({}, 0);
  EXPECT_EQ(result.converged, Converged::kUnknown);
  EXPECT_EQ(result.reason, kNoSidecars);
}

TEST(SidecarStatus, IsReadFromTheBody) {
  const json body = {{"sidecar_id", "s1"},
                     {"leaving", true},
                     {"members",
                      {{{"id", "m1"}, {"local", true}, {"up", true}},
                       {{"id", "m2"}, {"local", false}, {"up", true}},
                       {{"id", "m3"}, {"local", false}, {"up", false}}}},
                     {"links",
                      {{{"peer", "s3"}, {"state", "linked"}},
                       {{"peer", "s2"}, {"state", "linked"}},
                       {{"peer", "s4"}, {"state", "parked"}}}},
                     {"tls", {{"bundle_sha256", "ab"}, {"leaf_not_after", 1234}}}};
  const auto status = read_sidecar_status(body);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->sidecar_id, "s1");
  EXPECT_TRUE(status->leaving);
  EXPECT_EQ(status->members_local, 1U);
  EXPECT_EQ(status->members_up, 2U);
  EXPECT_THAT(status->linked, ElementsAre("s2", "s3"));
  EXPECT_EQ(status->bundle_sha256, "ab");
  EXPECT_EQ(status->leaf_not_after, CertTime(seconds(1234)));
}

TEST(SidecarStatus, WithoutTlsThereIsNoReport) {
  const json body = {
      {"sidecar_id", "s1"}, {"members", json::array()}, {"links", json::array()}, {"tls", false}};
  const auto status = read_sidecar_status(body);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->bundle_sha256, std::nullopt);
  EXPECT_EQ(status->leaf_not_after, std::nullopt);
}

TEST(SidecarStatus, AnythingElseIsNone) {
  for (const char* text :
       {"null", "[]", "7", "{}", R"({"sidecar_id": 7, "members": [], "links": []})",
        R"({"sidecar_id": "a", "members": {}, "links": []})", R"({"sidecar_id": "a"})"})
    EXPECT_EQ(read_sidecar_status(json::parse(text)), std::nullopt) << text;
  const auto odd = read_sidecar_status(json::parse(
      R"({"sidecar_id": "a", "members": [1, null, {"local": "yes"}], "links": ["x", {"peer": 5}]})"));
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->members_local, 0U);
}

}  // namespace
}  // namespace socketmesh::op::plan
