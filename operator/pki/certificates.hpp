// The two Secrets that hold a mesh's, or the webhook's, certificates: facts out of them, and steps
// of a rotation (operator/plan/rotation.hpp) into them.
//
// The reconciler's loop, for Secrets that it has read (absent = nullopt) and may write:
//   inputs.ca / inputs.tls = facts_of(...);  decision = plan::decide_rotation(inputs);
//   while decision.step != kNone: secrets = carry_out(...), write what changed, decide again
// (kStepsMax times at most). A written object carries the resourceVersion that was read, so a
// second operator's write is a conflict and not a loss; without one it must be created by POST.
// Its `data` is whole: apply or replace it, a merge patch would keep what must go.
//
// The CA Secret, Opaque: ca.crt, ca.key (may be absent), next.crt, next.key, previous.crt.
// The TLS Secret, kubernetes.io/tls: ca.crt (the bundle), tls.crt, tls.key.
// Keys live in these objects only; errors never hold them. Any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "lib/base/expected.hpp"
#include "operator/pki/issue.hpp"
#include "operator/plan/rotation.hpp"

namespace socketmesh::op::pki {

// The steps of one reconcile: create, bridge or begin; promote; bundle; leaf; clean up; and one.
inline constexpr int kStepsMax = 6;

// Annotations of the Secrets.
inline constexpr const char* kRotateLeafAnnotation = "socketmesh.io/rotate-leaf";
inline constexpr const char* kRotateRootAnnotation = "socketmesh.io/rotate-root";
inline constexpr const char* kChangedAnnotation = "socketmesh.io/changed";  // unix seconds

struct Secrets {
  std::optional<nlohmann::json> ca;
  std::optional<nlohmann::json> tls;
};

// What a new Secret looks like around its data: namespace, labels and owner are the caller's.
struct SecretNames {
  std::string ca;                  // "chat-mesh-ca"
  std::string tls;                 // "chat-mesh-tls"
  nlohmann::json metadata_common;  // namespace, labels, ownerReferences; no name
};

// Whatever the Secrets hold, damaged or foreign, is facts: nothing here fails.
plan::CaFacts ca_facts(const Secrets& secrets);
plan::TlsFacts tls_facts(const Secrets& secrets, const Identity& identity);

// The Secrets after the step (which is not kNone); the one that it is not about is as it was.
struct CarriedOut {
  enum class Changed { kCa, kTls };
  Changed changed = Changed::kCa;
  nlohmann::json secret;  // to write
};
Expected<CarriedOut> carry_out(const plan::RotationDecision& decision,
                               const plan::RotationInputs& inputs, const Secrets& secrets,
                               const SecretNames& names, const Identity& identity);

// The TLS Secret's files, for the poller and the webhook's listener; empty when one is missing.
struct TlsFiles {
  std::string bundle;
  std::string certificate;
  std::string key;
};
std::optional<TlsFiles> tls_files(const nlohmann::json& tls_secret);

}  // namespace socketmesh::op::pki
