#include "operator/pki/inspect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/pki/issue.hpp"

namespace socketmesh::op::pki {
namespace {

using namespace std::chrono_literals;

constexpr CertTime kNow{std::chrono::sys_days(std::chrono::year(2026) / 11 / 23)};

class InspectTest : public testing::Test {
 protected:
  static std::string make_certificate(CertTime not_after = kNow + 1h) {
    return make_root(mesh_identity("default", "chat"), {kNow, not_after})->certificate;
  }
};

TEST_F(InspectTest, ReadsABundleInItsOrder) {
  const std::string first = make_certificate(kNow + 1h);
  const std::string second = make_certificate(kNow + 2h);
  const auto bundle = inspect_bundle("what OpenSSL prints before\n" + first + "\n" + second);
  ASSERT_TRUE(bundle);
  ASSERT_EQ(bundle->size(), 2U);
  EXPECT_EQ((*bundle)[0].pem, first);
  EXPECT_EQ((*bundle)[1].pem, second);
  EXPECT_EQ((*bundle)[1].not_after, kNow + 2h);
  EXPECT_EQ((*bundle)[0].fingerprint.size(), 64U);
}

TEST_F(InspectTest, ReadsTimesOfEveryCentury) {
  // After 2049 the form in the certificate is another.
  const CertTime far{std::chrono::sys_days(std::chrono::year(2199) / 12 / 31) + 23h + 59min + 58s};
  EXPECT_EQ(inspect_certificate(make_certificate(far))->not_after, far);
  const CertTime leap{std::chrono::sys_days(std::chrono::year(2028) / 2 / 29) + 1s};
  EXPECT_EQ(inspect_certificate(make_certificate(leap))->not_after, leap);
}

TEST_F(InspectTest, RefusesWhatIsNoCertificate) {
  const std::string good = make_certificate();
  std::string damaged = good;
  damaged[damaged.size() / 2] = damaged[damaged.size() / 2] == 'A' ? 'B' : 'A';
  damaged[damaged.size() / 4] = '!';
  std::string cut = good.substr(0, good.size() / 2);
  for (const std::string& text : {std::string(), std::string("text"), damaged, cut, good + damaged,
                                  good + cut, std::string("-----BEGIN CERTIFICATE-----\n")}) {
    EXPECT_FALSE(inspect_bundle(text)) << text;
    EXPECT_FALSE(inspect_certificate(text));
  }
}

TEST_F(InspectTest, BoundsABundle) {
  std::string text;
  for (std::size_t i = 0; i < kBundleMax; ++i) text += make_certificate();
  ASSERT_LT(text.size(), kPemBytesMax);
  EXPECT_TRUE(inspect_bundle(text));
  EXPECT_FALSE(inspect_bundle(text + make_certificate()));

  std::string padded = make_certificate();
  padded.insert(0, kPemBytesMax - padded.size(), '\n');
  EXPECT_TRUE(inspect_bundle(padded));
  EXPECT_FALSE(inspect_bundle("\n" + padded));
  EXPECT_FALSE(key_matches("\n" + padded, ""));
  EXPECT_FALSE(verify_leaf("\n" + padded, padded, kNow));
}

TEST_F(InspectTest, ADamagedOrEncryptedKeyDoesNotMatch) {
  const auto root = make_root(mesh_identity("default", "chat"), {kNow, kNow + 1h});
  EXPECT_TRUE(key_matches(root->certificate, root->key));
  EXPECT_FALSE(key_matches(root->certificate, root->key.substr(0, root->key.size() / 2)));
  EXPECT_FALSE(key_matches(root->key, root->certificate));
  EXPECT_FALSE(key_matches(root->certificate, ""));
  // Would ask for a password, if it could.
  EXPECT_FALSE(key_matches(root->certificate,
                           "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                           "MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBAAAAAAAAAAAAAAAAAA\n"
                           "-----END ENCRYPTED PRIVATE KEY-----\n"));
}

}  // namespace
}  // namespace socketmesh::op::pki
