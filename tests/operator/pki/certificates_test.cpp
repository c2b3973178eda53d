#include "operator/pki/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/base64.hpp"
#include "lib/digest/sha256.hpp"
#include "operator/pki/inspect.hpp"

namespace socketmesh::op::pki {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using plan::RotationPhase;
using plan::RotationStep;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

std::string text_of(const json& secret, const char* key) {
  return base64_decode(secret.at("data").at(key).get<std::string>()).value();
}

std::vector<std::string> keys_of(const json& secret) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : secret.at("data").items()) keys.push_back(key);
  return keys;
}

// A reconciler with an API server that keeps what it is given.
class CertificatesTest : public testing::Test {
 protected:
  plan::RotationDecision look() {
    in_.ca = ca_facts(secrets_);
    in_.tls = tls_facts(secrets_, identity_);
    return plan::decide_rotation(in_);
  }

  void write(CarriedOut carried) {
    auto& secret = carried.which == CarriedOut::Secret::kCa ? secrets_.ca : secrets_.tls;
    EXPECT_EQ(carried.object["metadata"].contains("resourceVersion"), secret.has_value());
    secret = std::move(carried.object);
    (*secret)["metadata"]["uid"] = "u";
    (*secret)["metadata"]["resourceVersion"] = std::to_string(++version_);
  }

  std::vector<RotationStep> reconcile() {
    std::vector<RotationStep> steps;
    for (int round = 0; round < kStepsMax; ++round) {
      const plan::RotationDecision decision = look();
      if (decision.step == RotationStep::kNone) return steps;
      steps.push_back(decision.step);
      auto carried = carry_out(decision, in_, secrets_, names_, identity_);
      if (!carried) {
        ADD_FAILURE() << carried.error();
        return steps;
      }
      write(*std::move(carried));
    }
    ADD_FAILURE() << "the loop does not end";
    return steps;
  }

  // Every sidecar takes up what is written, and reports it, after the dwell.
  void report() {
    in_.now += 44s;
    const auto facts = tls_facts(secrets_, identity_);
    in_.sidecars = {{"chat-a", facts.bundle_sha256, facts.leaf_not_after}};
  }

  void expect_trusted() {
    const auto texts = tls_texts(*secrets_.tls);
    ASSERT_TRUE(texts);
    EXPECT_TRUE(key_matches(texts->cert_pem, texts->key_pem));
    const auto bundle = inspect_bundle(texts->ca_pem);
    ASSERT_TRUE(bundle);
    EXPECT_TRUE(std::ranges::any_of(*bundle, [&](const CertificateFacts& root) {
      return verify_leaf(texts->cert_pem, root.pem, in_.now).has_value();
    }));
  }

  const Identity identity_ = mesh_identity("default", "chat");
  const SecretNames names_{
      "chat-mesh-ca", "chat-mesh-tls", {{"namespace", "default"}, {"labels", {{"a", "b"}}}}};
  Secrets secrets_;
  plan::RotationInputs in_ = [] {
    plan::RotationInputs inputs;
    inputs.now = CertTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23));
    inputs.sidecars.emplace();
    return inputs;
  }();
  int version_ = 0;
};

TEST_F(CertificatesTest, MakesBothSecrets) {
  in_.rotate_root = "r";
  in_.rotate_leaf = "l";
  EXPECT_THAT(reconcile(), ElementsAre(RotationStep::kCreateRoot, RotationStep::kIssueLeaf));
  expect_trusted();

  const json& ca = *secrets_.ca;
  EXPECT_EQ(ca["kind"], "Secret");
  EXPECT_EQ(ca["apiVersion"], "v1");
  EXPECT_EQ(ca["type"], "Opaque");
  EXPECT_EQ(ca["metadata"]["name"], "chat-mesh-ca");
  EXPECT_EQ(ca["metadata"]["namespace"], "default");
  EXPECT_EQ(ca["metadata"]["labels"], json({{"a", "b"}}));
  EXPECT_EQ(ca["metadata"]["annotations"], json({{"socketmesh.io/rotate-root", "r"}}));
  EXPECT_THAT(keys_of(ca), UnorderedElementsAre("ca.crt", "ca.key"));

  const json& tls = *secrets_.tls;
  EXPECT_EQ(tls["type"], "kubernetes.io/tls");
  EXPECT_EQ(tls["metadata"]["name"], "chat-mesh-tls");
  EXPECT_EQ(tls["metadata"]["annotations"],
            json({{"socketmesh.io/rotate-leaf", "l"}, {"socketmesh.io/changed", "1795392000"}}));
  EXPECT_THAT(keys_of(tls), UnorderedElementsAre("ca.crt", "tls.crt", "tls.key"));
  EXPECT_EQ(text_of(tls, "ca.crt"), text_of(ca, "ca.crt"));
  EXPECT_THAT(text_of(tls, "tls.key"), Not(HasSubstr(text_of(ca, "ca.key"))));

  const plan::RotationDecision after = look();
  EXPECT_EQ(after.step, RotationStep::kNone);
  EXPECT_TRUE(after.condition.ready);
  EXPECT_EQ(in_.tls.bundle_sha256, sha256_hex(text_of(tls, "ca.crt")));
  EXPECT_EQ(in_.tls.leaf_not_before, in_.now - 5min);
  EXPECT_EQ(in_.tls.leaf_not_after, in_.now + 24h);
  EXPECT_EQ(in_.ca.current->not_before, in_.now - 5min);
  EXPECT_EQ(in_.ca.current->not_after, in_.now + 365 * 24h);
}

TEST_F(CertificatesTest, RotatesARootThroughItsPhases) {
  reconcile();
  report();
  const std::string old_root = text_of(*secrets_.ca, "ca.crt");
  const std::string old_leaf = text_of(*secrets_.tls, "tls.crt");
  in_.rotate_root = "1";

  EXPECT_THAT(reconcile(), ElementsAre(RotationStep::kBeginRotation, RotationStep::kWriteBundle));
  EXPECT_THAT(keys_of(*secrets_.ca),
              UnorderedElementsAre("ca.crt", "ca.key", "next.crt", "next.key"));
  const std::string new_root = text_of(*secrets_.ca, "next.crt");
  EXPECT_EQ(text_of(*secrets_.tls, "ca.crt"), old_root + new_root);
  EXPECT_EQ(text_of(*secrets_.tls, "tls.crt"), old_leaf);
  EXPECT_TRUE((*secrets_.ca)["metadata"]["annotations"].contains(kDeadlineAnnotation));
  EXPECT_EQ(look().phase, RotationPhase::kDistribute);
  EXPECT_EQ(in_.ca.deadline, in_.tls.leaf_not_after);
  expect_trusted();

  report();
  EXPECT_THAT(reconcile(), ElementsAre(RotationStep::kPromoteNext, RotationStep::kIssueLeaf));
  EXPECT_THAT(keys_of(*secrets_.ca), UnorderedElementsAre("ca.crt", "ca.key", "previous.crt"));
  EXPECT_EQ(text_of(*secrets_.ca, "ca.crt"), new_root);
  EXPECT_EQ(text_of(*secrets_.ca, "previous.crt"), old_root);
  EXPECT_EQ(text_of(*secrets_.tls, "ca.crt"), old_root + new_root);
  EXPECT_TRUE(verify_leaf(text_of(*secrets_.tls, "tls.crt"), new_root, in_.now));
  EXPECT_EQ(look().phase, RotationPhase::kSign);

  report();
  EXPECT_THAT(reconcile(), ElementsAre(RotationStep::kCleanUp, RotationStep::kWriteBundle));
  EXPECT_THAT(keys_of(*secrets_.ca), UnorderedElementsAre("ca.crt", "ca.key"));
  EXPECT_EQ(text_of(*secrets_.tls, "ca.crt"), new_root);
  EXPECT_FALSE((*secrets_.ca)["metadata"]["annotations"].contains(kDeadlineAnnotation));
  expect_trusted();
  report();
  EXPECT_THAT(reconcile(), IsEmpty());
}

TEST_F(CertificatesTest, BridgesALostCaSecret) {
  reconcile();
  report();
  const std::string old_root = text_of(*secrets_.ca, "ca.crt");
  secrets_.ca.reset();
  EXPECT_THAT(reconcile(), ElementsAre(RotationStep::kBridgeRoot, RotationStep::kWriteBundle));
  EXPECT_THAT(keys_of(*secrets_.ca), UnorderedElementsAre("ca.crt", "next.crt", "next.key"));
  EXPECT_EQ(text_of(*secrets_.ca, "ca.crt"), old_root);
  expect_trusted();
  report();
  EXPECT_THAT(reconcile(), ElementsAre(RotationStep::kPromoteNext, RotationStep::kIssueLeaf));
  report();
  EXPECT_THAT(reconcile(), ElementsAre(RotationStep::kCleanUp, RotationStep::kWriteBundle));
  expect_trusted();
}

TEST_F(CertificatesTest, BridgesToTheRootThatABackupBroughtBack) {
  reconcile();
  report();
  const Secrets backup = secrets_;
  secrets_.ca.reset();
  for (int phase = 0; phase < 3; ++phase) {
    reconcile();
    report();
  }
  (*secrets_.ca)["data"] = (*backup.ca)["data"];
  EXPECT_THAT(reconcile(), ElementsAre(RotationStep::kBridgeRoot, RotationStep::kWriteBundle));
  EXPECT_EQ(text_of(*secrets_.ca, "next.key"), text_of(*backup.ca, "ca.key"));
  EXPECT_THAT(keys_of(*secrets_.ca), UnorderedElementsAre("ca.crt", "next.crt", "next.key"));
  expect_trusted();
}

TEST_F(CertificatesTest, HealsADamagedSecret) {
  const std::vector<json> damages = {
      json::parse(R"({"data": null})"),
      json::parse(R"({"data": []})"),
      json::parse(R"({"data": {"ca.crt": 7, "tls.crt": null}})"),
      json::parse(R"({"data": {"ca.crt": "!!", "tls.crt": "AAAA"}})"),
      json::parse(R"({"data": {"ca.key": "AAAA", "tls.key": ""}})"),
      json::parse(R"({"metadata": {"annotations": {"socketmesh.io/changed": "99999999999999999999",
                                                   "socketmesh.io/rotate-leaf": 3}}})"),
      {{"data", {{"tls.crt", std::string(kPemBytesMax * 2, 'A')}}}},
  };
  for (const json& damage : damages) {
    for (auto Secrets::* which : {&Secrets::ca, &Secrets::tls}) {
      SCOPED_TRACE(damage.dump().substr(0, 80));
      secrets_ = {};
      reconcile();
      report();
      (secrets_.*which)->merge_patch(damage);
      for (int phase = 0; phase < 4; ++phase) {
        reconcile();
        expect_trusted();
        report();
      }
      EXPECT_THAT(reconcile(), IsEmpty());
      EXPECT_EQ(look().phase, RotationPhase::kStable);
    }
  }
}

TEST_F(CertificatesTest, ALeafOfAnotherMeshIsNoLeaf) {
  reconcile();
  const Identity other = mesh_identity("default", "chat2");
  EXPECT_FALSE(tls_facts(secrets_, other).leaf_valid);
  EXPECT_FALSE(tls_facts(secrets_, service_identity("default", "chat")).leaf_valid);
  EXPECT_TRUE(tls_facts(secrets_, identity_).leaf_valid);
  // Nor is one whose key was exchanged.
  const Secrets mine = secrets_;
  secrets_ = {};
  reconcile();
  Secrets mixed = mine;
  (*mixed.tls)["data"]["tls.key"] = (*secrets_.tls)["data"]["tls.key"];
  EXPECT_FALSE(tls_facts(mixed, identity_).leaf_valid);
  // Nor one whose root neither Secret knows.
  mixed = mine;
  mixed.ca = secrets_.ca;
  (*mixed.tls)["data"]["ca.crt"] = (*secrets_.tls)["data"]["ca.crt"];
  EXPECT_FALSE(tls_facts(mixed, identity_).leaf_valid);
}

TEST_F(CertificatesTest, ARootThatIsALeafIsNoRoot) {
  reconcile();
  (*secrets_.ca)["data"]["ca.crt"] = (*secrets_.tls)["data"]["tls.crt"];
  EXPECT_FALSE(ca_facts(secrets_).current);
}

TEST_F(CertificatesTest, NeverTellsAKey) {
  reconcile();
  const plan::RotationDecision decision = [&] {
    in_.rotate_leaf = "1";
    return look();
  }();
  // The root's key is another certificate's by the time the step is carried out.
  Secrets broken = secrets_;
  (*broken.ca)["data"]["ca.key"] = (*secrets_.tls)["data"]["tls.key"];
  const auto carried = carry_out(decision, in_, broken, names_, identity_);
  ASSERT_FALSE(carried);
  EXPECT_THAT(carried.error(), Not(HasSubstr("KEY")));
  broken.ca.reset();
  EXPECT_FALSE(carry_out(decision, in_, broken, names_, identity_));
}

TEST_F(CertificatesTest, TlsTextsAreAllOrNothing) {
  reconcile();
  json tls = *secrets_.tls;
  const auto texts = tls_texts(tls);
  ASSERT_TRUE(texts);
  EXPECT_EQ(texts->ca_pem, text_of(tls, "ca.crt"));
  EXPECT_EQ(texts->cert_pem, text_of(tls, "tls.crt"));
  EXPECT_EQ(texts->key_pem, text_of(tls, "tls.key"));
  for (const char* key : {"ca.crt", "tls.crt", "tls.key"}) {
    json less = tls;
    less["data"].erase(key);
    EXPECT_FALSE(tls_texts(less));
  }
  EXPECT_FALSE(tls_texts(json()));
}

}  // namespace
}  // namespace socketmesh::op::pki
