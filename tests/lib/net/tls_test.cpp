#include "lib/net/tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/lib/net/test_certificates.hpp"

namespace socketmesh::net {
namespace {

using testing::HasSubstr;
using File = TlsError::File;
using Made = Expected<std::shared_ptr<boost::asio::ssl::context>, TlsError>;

Made make(const TlsFiles& files) {
  const auto pem = read_tls_files(files);
  if (!pem) return Unexpected{pem.error()};
  return make_tls_context(files, *pem);
}

class TlsTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = certificates_.folder() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  void expect_error(File file, const std::string& path, const std::string& reason) {
    const auto context = make(files_);
    ASSERT_FALSE(context);
    EXPECT_EQ(context.error().file, file);
    EXPECT_THAT(context.error().message, HasSubstr(path));
    EXPECT_THAT(context.error().message, HasSubstr(reason));
  }

  TestCertificates certificates_;
  TlsFiles files_ = certificates_.make("a");
};

TEST_F(TlsTest, TakesMatchingFiles) {
  EXPECT_TRUE(make(files_));
}

TEST_F(TlsTest, NamesFilesWithOtherContent) {
  const std::string good_ca = files_.ca;
  files_.ca = write("junk", "no PEM\n");
  expect_error(File::kCa, files_.ca, "no CA certificate");
  files_.ca = good_ca;
  files_.cert = files_.key;
  expect_error(File::kCert, files_.cert, "no certificate");
}

TEST_F(TlsTest, RefusesABundleWithABrokenPart) {
  files_.ca = write("half", read_text(files_.ca) +
                                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  expect_error(File::kCa, files_.ca, "no CA certificate");
}

TEST_F(TlsTest, NamesAKeyOfAnotherCertificate) {
  files_.key = certificates_.make("b").key;
  expect_error(File::kKey, files_.key, "does not match the certificate '" + files_.cert + "'");
}

TEST_F(TlsTest, DoesNotAskForAPassword) {
  files_.key = certificates_.encrypt_key(files_.key);
  expect_error(File::kKey, files_.key, "without password");
}

TEST_F(TlsTest, RefusesALeafThatNoRootOfTheBundleSigned) {
  const TestCertificates other;
  files_.ca = other.ca();
  expect_error(File::kCert, files_.cert, "does not chain to '" + files_.ca + "'");
}

TEST_F(TlsTest, TakesALeafOfAnyRootOfTheBundle) {
  TestCertificates other;  // its root has the same name
  files_.ca = certificates_.bundle_with(other);
  EXPECT_TRUE(make(files_));
  TlsFiles others = other.make("b");
  others.ca = files_.ca;
  EXPECT_TRUE(make(others));
}

TEST_F(TlsTest, FollowsIntermediates) {
  EXPECT_TRUE(make(certificates_.make_through_intermediate("deep")));
}

TEST_F(TlsTest, RefusesALeafForServersOnly) {
  files_ = certificates_.make("server", "", "extendedKeyUsage=serverAuth");
  expect_error(File::kCert, files_.cert, "purpose");
  EXPECT_TRUE(make(certificates_.make("both", "", "extendedKeyUsage=serverAuth,clientAuth")));
}

TEST_F(TlsTest, ChecksDatesApart) {
  constexpr std::int64_t kFrom = 1'700'000'000;
  constexpr std::int64_t kTo = kFrom + 600;
  // The root is of today, so the leaf's dates are the only ones that could be wrong there.
  const std::time_t now = std::time(nullptr);
  const auto past = make(certificates_.make_dated("past", kFrom, kTo));
  ASSERT_TRUE(past) << past.error().message;
  EXPECT_THAT(check_tls_dates(**past, now).error(), HasSubstr("expired"));
  const auto later = make(certificates_.make_dated("later", now + 3600, now + 7200));
  ASSERT_TRUE(later);
  EXPECT_THAT(check_tls_dates(**later, now).error(), HasSubstr("not yet valid"));
  EXPECT_TRUE(check_tls_dates(**later, now + 3601));
  const auto current = make(files_);
  EXPECT_TRUE(check_tls_dates(**current, now));
}

}  // namespace
}  // namespace socketmesh::net
