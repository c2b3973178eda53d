// Real files, made-up time: one look() stands for one second.
#include "sidecar/shell/tls/certificate_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>

#include "tests/lib/net/test_certificates.hpp"
#include "tests/support/temp_folder.hpp"

namespace socketmesh::shell {
namespace {

namespace fs = std::filesystem;
using net::TestCertificates;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kChat[] = ",URI:spiffe://socketmesh.io/ns/default/mesh/chat";
constexpr char kOther[] = ",URI:spiffe://socketmesh.io/ns/default/mesh/other";

class CertificateWatchTest : public testing::Test {
 protected:
  CertificateWatchTest() { install(mesh_.make("first", kChat)); }

  void install(const net::TlsFiles& from) {
    constexpr auto kOver = fs::copy_options::overwrite_existing;
    fs::copy_file(from.ca, files_.ca, kOver);
    fs::copy_file(from.cert, files_.cert, kOver);
    fs::copy_file(from.key, files_.key, kOver);
  }
  void look(int times = 2) {
    for (int i = 0; i < times; ++i) {
      watch_.look(now_, [this](const CertificateWatch::Context& context) {
        EXPECT_EQ(context, watch_.context());
        ++changes_;
      });
    }
  }
  // What is in use stays, and the reason is told once.
  void expect_refusal(const std::string& reason) {
    const auto before = watch_.context();
    const auto refused = watch_.stats().refused;
    lines_.clear();
    look(3 * ReloadSchedule::kRetryLooks);
    EXPECT_EQ(watch_.context(), before);
    EXPECT_EQ(watch_.stats().refused, refused + 1);
    EXPECT_THAT(watch_.problem(), HasSubstr(reason));
    EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("the old ones stay"), HasSubstr(reason))));
    EXPECT_EQ(changes_, 0);
  }

  TestCertificates mesh_;
  support::TempFolder folder_;
  net::TlsFiles files_{folder_ / "ca.crt", folder_ / "tls.crt", folder_ / "tls.key"};
  std::vector<std::string> lines_;
  obs::Logger logger_{obs::LogLevel::kInfo, obs::LogFormat::kText,
                      [this](std::string_view line) { lines_.emplace_back(line); }};
  CertificateWatch watch_{logger_, files_};
  std::int64_t now_ = std::time(nullptr) + 5;
  int changes_ = 0;
};

TEST_F(CertificateWatchTest, NamesTheFileThatItCannotBeginWith) {
  fs::remove(files_.key);
  const auto loaded = watch_.load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().file, net::TlsError::File::kKey);
}

TEST_F(CertificateWatchTest, IsQuietWhileNothingChanges) {
  ASSERT_TRUE(watch_.load());
  look(100);
  EXPECT_EQ(changes_, 0);
  EXPECT_THAT(lines_, IsEmpty());
  EXPECT_EQ(watch_.problem(), "");
}

TEST_F(CertificateWatchTest, TakesANewLeaf) {
  ASSERT_TRUE(watch_.load());
  const auto before = watch_.context();
  install(mesh_.make("second", kChat));
  look();
  EXPECT_EQ(changes_, 1);
  EXPECT_NE(watch_.context(), before);
  EXPECT_EQ(watch_.context()->bundle_sha256(), before->bundle_sha256());
  EXPECT_EQ(watch_.stats().reloads, 1U);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("certificates reloaded")));
}

TEST_F(CertificateWatchTest, TakesANewRoot) {
  ASSERT_TRUE(watch_.load());
  const std::string before = watch_.context()->bundle_sha256();
  TestCertificates next;
  net::TlsFiles files = next.make("second", kChat);
  files.ca = next.bundle_with(mesh_);
  install(files);
  look();
  EXPECT_EQ(watch_.stats().reloads, 1U);
  EXPECT_NE(watch_.context()->bundle_sha256(), before);
}

TEST_F(CertificateWatchTest, KeepsTheOldOnesWhenTheNewOnesDoNotMatch) {
  ASSERT_TRUE(watch_.load());
  fs::copy_file(mesh_.make("second", kChat).cert, files_.cert,
                fs::copy_options::overwrite_existing);
  expect_refusal("does not match");
  fs::copy_file(mesh_.folder() + "/second.key", files_.key, fs::copy_options::overwrite_existing);
  look();
  EXPECT_EQ(watch_.stats().reloads, 1U) << "the key came later";
  EXPECT_EQ(watch_.problem(), "");
}

TEST_F(CertificateWatchTest, KeepsTheOldOnesWhenTheBundleDoesNotVouchForTheNewLeaf) {
  ASSERT_TRUE(watch_.load());
  TestCertificates stranger;
  net::TlsFiles files = stranger.make("second", kChat);
  files.ca = mesh_.ca();
  install(files);
  expect_refusal("does not chain");
}

TEST_F(CertificateWatchTest, KeepsTheOldOnesWhenFilesGo) {
  ASSERT_TRUE(watch_.load());
  fs::remove(files_.ca);
  expect_refusal("No such file");
}

TEST_F(CertificateWatchTest, KeepsTheOldOnesWhenTheNewLeafHasEnded) {
  const auto first = mesh_.make_dated("dated", now_ - 7200, now_ + 7200);
  install(first);
  ASSERT_TRUE(watch_.load());
  install(mesh_.make_dated("past", now_ - 7200, now_ - 3600));
  expect_refusal("expired");
}

TEST_F(CertificateWatchTest, TakesALeafOnceItsTimeComes) {
  install(mesh_.make_dated("first", now_ - 7200, now_ + 7200));
  ASSERT_TRUE(watch_.load());
  install(mesh_.make_dated("later", now_ + 600, now_ + 7200));
  expect_refusal("not yet valid");
  now_ += 601;
  look(ReloadSchedule::kRetryLooks);
  EXPECT_EQ(watch_.stats().reloads, 1U);
  EXPECT_EQ(watch_.stats().refused, 1U);
  EXPECT_EQ(watch_.problem(), "");
}

TEST_F(CertificateWatchTest, KeepsToItsMesh) {
  ASSERT_TRUE(watch_.load());
  install(mesh_.make("second", kOther));
  expect_refusal("names spiffe://socketmesh.io/ns/default/mesh/other, not spiffe://socketmesh.io");
  install(mesh_.make("third"));
  expect_refusal("names no mesh");
}

TEST_F(CertificateWatchTest, TellsOnceThatItsCertificateHasEnded) {
  ASSERT_TRUE(watch_.load());
  now_ = watch_.context()->not_after_s();
  look();
  EXPECT_THAT(lines_, IsEmpty());
  ++now_;
  look(5);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("the own certificate has ended")));
}

TEST_F(CertificateWatchTest, BeginsWithACertificateThatHasEnded) {
  install(mesh_.make_dated("past", now_ - 7200, now_ - 3600));
  ASSERT_TRUE(watch_.load()) << "a pod must start: the next certificate may be on its way";
  look();
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("the own certificate has ended")));
  install(mesh_.make("second"));
  look();
  EXPECT_EQ(watch_.stats().reloads, 1U);
}

}  // namespace
}  // namespace socketmesh::shell
