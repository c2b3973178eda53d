#include "operator/pki/issue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "operator/pki/inspect.hpp"
#include "tests/support/temp_folder.hpp"

namespace socketmesh::op::pki {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr CertTime kNow{std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 9h};
constexpr Validity kYear{kNow - 5min, kNow + 24h * 365};
constexpr Validity kDay{kNow - 5min, kNow + 24h};

class IssueTest : public testing::Test {
 protected:
  static KeyPair root_for(const Identity& identity, Validity validity = kYear) {
    auto root = make_root(identity, validity);
    EXPECT_TRUE(root) << root.error();
    return *root;
  }
  static KeyPair leaf_for(const Identity& identity, const KeyPair& root, Validity validity = kDay) {
    auto leaf = issue_leaf(identity, validity, root);
    EXPECT_TRUE(leaf) << leaf.error();
    return *leaf;
  }

  const Identity mesh_ = mesh_identity("default", "chat");
  const KeyPair root_ = root_for(mesh_);
};

TEST_F(IssueTest, MakesARootThatMaySignLeavesOnly) {
  const auto facts = inspect_certificate(root_.certificate);
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->is_ca);
  EXPECT_EQ(facts->not_before, kNow - 5min);
  EXPECT_EQ(facts->not_after, kNow + 24h * 365);
  EXPECT_TRUE(key_matches(root_.certificate, root_.key));
  // Path length 0: what an intermediate signed does not count.
  EXPECT_FALSE(verify_leaf(root_.certificate, root_.certificate, std::nullopt));
}

TEST_F(IssueTest, MakesALeafOfTheMesh) {
  const KeyPair leaf = leaf_for(mesh_, root_);
  const auto facts = inspect_certificate(leaf.certificate);
  ASSERT_TRUE(facts);
  EXPECT_FALSE(facts->is_ca);
  EXPECT_THAT(facts->uris, ElementsAre("spiffe://socketmesh.io/ns/default/mesh/chat"));
  EXPECT_THAT(facts->dns_names, IsEmpty());
  EXPECT_EQ(facts->not_before, kNow - 5min);
  EXPECT_EQ(facts->not_after, kNow + 24h);
  EXPECT_TRUE(key_matches(leaf.certificate, leaf.key));
  EXPECT_FALSE(key_matches(leaf.certificate, root_.key));
}

TEST_F(IssueTest, ALeafCountsWithinItsTimesOnly) {
  const KeyPair leaf = leaf_for(mesh_, root_);
  const auto at = [&](CertTime time) {
    return verify_leaf(leaf.certificate, root_.certificate, time);
  };
  EXPECT_TRUE(at(kNow));
  EXPECT_TRUE(at(kNow - 5min));
  EXPECT_TRUE(at(kNow + 24h - 1s));
  EXPECT_THAT(at(kNow - 5min - 1s).error(), HasSubstr("not yet valid"));
  EXPECT_THAT(at(kNow + 24h).error(), HasSubstr("expired"));
  EXPECT_TRUE(verify_leaf(leaf.certificate, root_.certificate, std::nullopt));
}

TEST_F(IssueTest, ALeafEndsWithItsRoot) {
  const KeyPair leaf = leaf_for(mesh_, root_, {kNow, kYear.not_after + 1s});
  EXPECT_EQ(inspect_certificate(leaf.certificate)->not_after, kYear.not_after);
}

TEST_F(IssueTest, AnotherRootOfTheSameNameDoesNotVouch) {
  const KeyPair leaf = leaf_for(mesh_, root_);
  const KeyPair other = root_for(mesh_);
  EXPECT_FALSE(verify_leaf(leaf.certificate, other.certificate, kNow));
  EXPECT_NE(inspect_certificate(root_.certificate)->fingerprint,
            inspect_certificate(other.certificate)->fingerprint);
}

TEST_F(IssueTest, AMeshesRootVouchesForNoServiceAndNoOtherHost) {
  for (const Identity& identity :
       {service_identity("default", "web"),
        Identity{"chat", {"spiffe://example.com/ns/default/mesh/chat"}, {}}}) {
    const auto leaf = issue_leaf(identity, kDay, root_);
    ASSERT_FALSE(leaf);
    EXPECT_THAT(leaf.error(), HasSubstr("subtree violation"));
    EXPECT_THAT(leaf.error(), testing::Not(HasSubstr("PRIVATE")));
  }
}

TEST_F(IssueTest, AServicesRootVouchesForItsNamesOnly) {
  const Identity service = service_identity("socketmesh", "socketmesh-webhook");
  const KeyPair root = root_for(service);
  const KeyPair leaf = leaf_for(service, root);
  const auto facts = inspect_certificate(leaf.certificate);
  EXPECT_THAT(facts->dns_names, ElementsAre("socketmesh-webhook.socketmesh.svc"));
  EXPECT_THAT(facts->uris, IsEmpty());
  EXPECT_FALSE(issue_leaf(service_identity("socketmesh", "other"), kDay, root));
}

TEST_F(IssueTest, TakesTheLongestNames) {
  const std::string ns(63, 'n');
  const std::string mesh(kCommonNameBytesMax + 1, 'm');  // longer than a mesh can be called
  const Identity identity = mesh_identity(ns, mesh);
  const KeyPair root = root_for(identity);
  const KeyPair leaf = leaf_for(identity, root);
  EXPECT_TRUE(verify_leaf(leaf.certificate, root.certificate, kNow));
}

TEST_F(IssueTest, RefusesARootThatIsNone) {
  EXPECT_FALSE(issue_leaf(mesh_, kDay, KeyPair{}));
  EXPECT_FALSE(issue_leaf(mesh_, kDay, KeyPair{root_.certificate, "no key"}));
  const KeyPair leaf = leaf_for(mesh_, root_);
  EXPECT_FALSE(issue_leaf(mesh_, kDay, leaf));
  EXPECT_FALSE(issue_leaf(mesh_, kDay, KeyPair{root_.certificate, leaf.key}));
}

// The openssl program is a second opinion: strict, and for each purpose.
TEST_F(IssueTest, TheOpensslProgramAgrees) {
  const support::TempFolder folder;
  folder.write("ca.crt", root_for(mesh_).certificate + root_.certificate);  // a bundle of two
  folder.write("other.crt", root_for(mesh_).certificate);
  folder.write("tls.crt", leaf_for(mesh_, root_).certificate);
  const std::string at = " -attime " + std::to_string(kNow.time_since_epoch().count());
  const auto run = [&](const std::string& command) {
    return std::system(("cd " + folder.path() + " && " + command + " >openssl.log 2>&1").c_str());
  };
  for (const std::string purpose : {"sslserver", "sslclient"}) {
    const std::string verify = "openssl verify -x509_strict -purpose " + purpose + at;
    EXPECT_EQ(run(verify + " -CAfile ca.crt tls.crt"), 0);
    EXPECT_NE(run(verify + " -CAfile other.crt tls.crt"), 0);
  }
  EXPECT_EQ(run("openssl x509 -in tls.crt -noout -text | grep -q 'prime256v1'"), 0);
  EXPECT_EQ(run("openssl x509 -in ca.crt -noout -ext nameConstraints | grep -q critical"), 0);
}

}  // namespace
}  // namespace socketmesh::op::pki
