#include "operator/kube/access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "operator/kube/credential_file.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/operator/kube/test_access.hpp"

namespace socketmesh::op::kube {
namespace {

using testing::HasSubstr;

class InClusterTest : public testing::Test {
 protected:
  InClusterTest() {
    write("token", "secret-token\n");
    write("namespace", "mesh-system");
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(certificates_.folder() + "/" + name) << text;
  }
  Expected<std::shared_ptr<const Access>> open() const {
    return in_cluster_access(certificates_.folder(), [this](const std::string& name) {
      const auto found = environment_.find(name);
      return found == environment_.end() ? std::string() : found->second;
    });
  }

  net::TestCertificates certificates_;  // its folder has a ca.crt
  std::map<std::string, std::string> environment_{{"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
                                                  {"KUBERNETES_SERVICE_PORT", "443"}};
};

TEST_F(InClusterTest, ReadsEnvironmentAndFiles) {
  const auto access = open();
  ASSERT_TRUE(access) << access.error();
  EXPECT_EQ((*access)->server().url(), "https://10.96.0.1:443");
  EXPECT_EQ((*access)->tls_name(), "10.96.0.1");
  EXPECT_EQ((*access)->token(), "secret-token");
  EXPECT_EQ((*access)->default_namespace(), "mesh-system");
  EXPECT_EQ((*access)->ca_pem(), read_file(certificates_.folder() + "/ca.crt"));
  EXPECT_FALSE((*access)->certificate());
}

TEST_F(InClusterTest, TakesAnIpv6Server) {
  environment_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  const auto access = open();
  ASSERT_TRUE(access) << access.error();
  EXPECT_EQ((*access)->server().url(), "https://[fd00::1]:443");
  EXPECT_EQ((*access)->tls_name(), "fd00::1");
}

TEST_F(InClusterTest, ReadsARotatedTokenAndCaAnew) {
  const auto access = open();
  ASSERT_TRUE(access);
  write("token", "rotated");
  const net::TestCertificates other;
  const std::string fresh = read_file(other.folder() + "/ca.crt");
  write("ca.crt", fresh);
  EXPECT_EQ((*access)->token(), "secret-token");  // young enough
  (*access)->expire();
  EXPECT_EQ((*access)->token(), "rotated");
  EXPECT_EQ((*access)->ca_pem(), fresh);
}

TEST_F(InClusterTest, KeepsWhatItHasWhileAFileIsAway) {
  const auto access = open();
  ASSERT_TRUE(access);
  std::filesystem::remove(certificates_.folder() + "/token");
  (*access)->expire();
  EXPECT_EQ((*access)->token(), "secret-token");
}

TEST_F(InClusterTest, SaysWhatIsMissing) {
  write("token", "two words");
  EXPECT_THAT(open().error(), HasSubstr("token"));
  write("token", "");
  EXPECT_THAT(open().error(), HasSubstr("/token' cannot be read: it is empty"));
  std::filesystem::remove(certificates_.folder() + "/token");
  EXPECT_THAT(open().error(), HasSubstr("/token' cannot be read: No such file"));
  write("ca.crt", "no certificate");
  write("token", "t");
  EXPECT_THAT(open().error(), HasSubstr("/ca.crt: the CA holds no certificate in PEM form"));
  environment_.clear();
  EXPECT_THAT(open().error(), HasSubstr("KUBERNETES_SERVICE_HOST"));
}

TEST(CredentialFileTest, ReadsAnewWhatIsOld) {
  const net::TestCertificates folder;
  const std::string path = folder.folder() + "/file";
  std::ofstream(path) << "one";
  CredentialFile file(path, std::chrono::milliseconds(0));
  EXPECT_EQ(file.content(), "one");
  std::ofstream(path) << "two";
  EXPECT_EQ(file.content(), "two");
  CredentialFile slow(path, std::chrono::hours(1));
  ASSERT_TRUE(slow.open());
  std::ofstream(path) << "three";
  EXPECT_EQ(slow.content(), "two");
}

TEST(CredentialFileTest, BoundsWhatItReads) {
  const net::TestCertificates folder;
  const std::string path = folder.folder() + "/file";
  std::ofstream(path) << std::string(kCredentialBytesMax, 'x');
  EXPECT_TRUE(read_credential(path));
  std::ofstream(path) << std::string(kCredentialBytesMax + 1, 'x');
  EXPECT_THAT(read_credential(path).error(), HasSubstr("too large"));
  EXPECT_THAT(read_credential(folder.folder()).error(), HasSubstr("cannot be read"));
}

TEST(ServerUrlTest, ReadsHostsPortsAndPaths) {
  EXPECT_EQ(parse_server_url("https://k8s.example")->url(), "https://k8s.example:443");
  EXPECT_EQ(parse_server_url("https://10.0.0.1:6443/")->url(), "https://10.0.0.1:6443");
  EXPECT_EQ(parse_server_url("https://[fd00::1]")->url(), "https://[fd00::1]:443");
  EXPECT_EQ(parse_server_url("https://[fd00::1]:6443/k8s/c-1/")->url(),
            "https://[fd00::1]:6443/k8s/c-1");
  for (const char* bad : {"", "k8s.example", "http://k8s.example", "https://", "https://a:0",
                          "https://a:x", "https://a/b?c=d", "https://user@a", "https://a b"}) {
    EXPECT_FALSE(parse_server_url(bad)) << bad;
  }
}

}  // namespace
}  // namespace socketmesh::op::kube
