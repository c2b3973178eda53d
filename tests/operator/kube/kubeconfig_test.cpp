#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "lib/base/base64.hpp"
#include "operator/kube/access.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/operator/kube/test_access.hpp"

namespace socketmesh::op::kube {
namespace {

using testing::HasSubstr;

class KubeconfigTest : public testing::Test {
 protected:
  KubeconfigTest() : user_(certificates_.make("user")) {}

  // `cluster` and `user` as flow maps.
  Expected<std::shared_ptr<const Access>> load(const std::string& cluster,
                                               const std::string& user) const {
    return load_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
        "contexts:\n- {name: there, context: {cluster: far, user: other}}\n"
        "- {name: here, context: {cluster: near, user: me, namespace: tools}}\n"
        "clusters:\n- {name: near, cluster: " +
        cluster +
        "}\n"
        "users:\n- {name: other, user: {exec: {command: x}}}\n- {name: me, user: " +
        user + "}\n");
  }
  Expected<std::shared_ptr<const Access>> load_text(const std::string& text) const {
    const std::string path = certificates_.folder() + "/config";
    std::ofstream(path) << text;
    return kubeconfig_access(path);
  }
  std::string error_of(const std::string& cluster, const std::string& user) const {
    const auto access = load(cluster, user);
    return access ? "" : access.error();
  }

  net::TestCertificates certificates_;
  net::TlsFiles user_;
  const std::string server_ = "server: 'https://127.0.0.1:6443', ";
  const std::string cluster_ = "{" + server_ + "certificate-authority: ca.crt}";
};

TEST_F(KubeconfigTest, ReadsFilesBesideIt) {
  const auto access = load(cluster_, "{client-certificate: user.crt, client-key: user.key}");
  ASSERT_TRUE(access) << access.error();
  EXPECT_EQ((*access)->server().url(), "https://127.0.0.1:6443");
  EXPECT_EQ((*access)->default_namespace(), "tools");
  EXPECT_EQ((*access)->ca_pem(), read_file(user_.ca));
  EXPECT_EQ((*access)->certificate()->cert_pem, read_file(user_.cert));
  EXPECT_EQ((*access)->certificate()->key_pem, read_file(user_.key));
  EXPECT_EQ((*access)->token(), "");
}

TEST_F(KubeconfigTest, ReadsDataInIt) {
  const auto access =
      load("{" + server_ + "certificate-authority-data: " + base64_encode(read_file(user_.ca)) +
               ", tls-server-name: kubernetes}",
           "{client-certificate-data: " + base64_encode(read_file(user_.cert)) +
               ", client-key-data: " + base64_encode(read_file(user_.key)) + ", token: t0k.en}");
  ASSERT_TRUE(access) << access.error();
  EXPECT_EQ((*access)->tls_name(), "kubernetes");
  EXPECT_EQ((*access)->ca_pem(), read_file(user_.ca));
  EXPECT_EQ((*access)->certificate()->key_pem, read_file(user_.key));
  EXPECT_EQ((*access)->token(), "t0k.en");
}

TEST_F(KubeconfigTest, ReadsATokenFileAnew) {
  const std::string token = certificates_.folder() + "/token";
  std::ofstream(token) << "one\n";
  const auto access = load(cluster_, "{tokenFile: " + token + "}");
  ASSERT_TRUE(access) << access.error();
  EXPECT_EQ((*access)->token(), "one");
  std::ofstream(token) << "two\n";
  (*access)->expire();
  EXPECT_EQ((*access)->token(), "two");
}

TEST_F(KubeconfigTest, RefusesByNameWhatItCannotDo) {
  EXPECT_THAT(error_of(cluster_, "{exec: {command: aws}}"),
              HasSubstr("user 'me': exec is not supported"));
  EXPECT_THAT(error_of(cluster_, "{auth-provider: {name: gcp}}"),
              HasSubstr("auth-provider is not supported"));
  EXPECT_THAT(error_of(cluster_, "{username: a, password: b}"), HasSubstr("username and password"));
  EXPECT_THAT(error_of("{" + server_ + "insecure-skip-tls-verify: true}", "{token: t}"),
              HasSubstr("cluster 'near': insecure-skip-tls-verify is not supported"));
  EXPECT_THAT(error_of("{" + server_ + "proxy-url: 'http://p'}", "{token: t}"),
              HasSubstr("proxy-url is not supported"));
  EXPECT_THAT(error_of("{server: 'http://127.0.0.1:8080'}", "{token: t}"),
              HasSubstr("must begin with https://"));
}

TEST_F(KubeconfigTest, SaysWhatIsMissingOrWrong) {
  EXPECT_THAT(error_of("{" + server_ + "}", "{token: t}"),
              HasSubstr("no certificate-authority is given"));
  EXPECT_THAT(error_of(cluster_, "{client-certificate: user.crt}"), HasSubstr("need each other"));
  EXPECT_THAT(error_of(cluster_, "{client-certificate: gone.crt, client-key: user.key}"),
              HasSubstr("gone.crt' cannot be read"));
  EXPECT_THAT(error_of("{" + server_ + "certificate-authority-data: '%'}", "{token: t}"),
              HasSubstr("certificate-authority-data is no base64"));
  EXPECT_THAT(
      error_of("{" + server_ + "certificate-authority-data: " + base64_encode("x") + "}", "{}"),
      HasSubstr("the CA holds no certificate"));
  EXPECT_THAT(error_of(cluster_, "{token: 'a b'}"), HasSubstr("token"));
  certificates_.make("other");
  EXPECT_THAT(error_of(cluster_, "{client-certificate: user.crt, client-key: other.key}"),
              HasSubstr("the key does not match the certificate"));
  EXPECT_THAT(load_text("a: 1\na: 2\n").error(), HasSubstr("config:2"));  // strict YAML
  EXPECT_THAT(load_text("current-context: here\n").error(), HasSubstr("context 'here' is missing"));
  EXPECT_THAT(load_text("{}\n").error(), HasSubstr("no current-context"));
  EXPECT_THAT(kubeconfig_access("/no/such").error(), HasSubstr("'/no/such' cannot be read"));
}

}  // namespace
}  // namespace socketmesh::op::kube
