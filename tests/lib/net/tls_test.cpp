#include "lib/net/tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/lib/net/test_certificates.hpp"

namespace socketmesh::net {
namespace {

using testing::HasSubstr;
using File = TlsError::File;

class TlsTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = certificates_.folder() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  void expect_error(File file, const std::string& path, const std::string& reason) {
    const auto context = make_tls_context(files_);
    ASSERT_FALSE(context);
    EXPECT_EQ(context.error().file, file);
    EXPECT_THAT(context.error().message, HasSubstr(path));
    EXPECT_THAT(context.error().message, HasSubstr(reason));
  }

  TestCertificates certificates_;
  TlsFiles files_ = certificates_.make("a");
};

TEST_F(TlsTest, TakesMatchingFiles) {
  EXPECT_TRUE(make_tls_context(files_));
}

TEST_F(TlsTest, NamesAMissingFile) {
  files_.cert += ".absent";
  expect_error(File::kCert, files_.cert, "No such file");
}

TEST_F(TlsTest, NamesAFolder) {
  files_.ca = certificates_.folder();
  expect_error(File::kCa, files_.ca, "folder");
}

TEST_F(TlsTest, NamesFilesWithOtherContent) {
  const std::string good_ca = files_.ca;
  files_.ca = write("junk", "no PEM\n");
  expect_error(File::kCa, files_.ca, "no CA certificate");
  files_.ca = good_ca;
  files_.cert = files_.key;
  expect_error(File::kCert, files_.cert, "no certificate");
}

TEST_F(TlsTest, NamesAnEmptyKey) {
  files_.key = write("empty", "");
  expect_error(File::kKey, files_.key, "empty");
}

TEST_F(TlsTest, NamesAKeyOfAnotherCertificate) {
  files_.key = certificates_.make("b").key;
  expect_error(File::kKey, files_.key, "does not match the certificate '" + files_.cert + "'");
}

TEST_F(TlsTest, DoesNotAskForAPassword) {
  files_.key = certificates_.encrypt_key(files_.key);
  expect_error(File::kKey, files_.key, "without password");
}

}  // namespace
}  // namespace socketmesh::net
