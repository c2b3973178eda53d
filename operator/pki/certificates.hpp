// The two Secrets that hold a mesh's, or the webhook's, certificates: facts out of them, and steps
// of a rotation (operator/plan/rotation.hpp) into them.
//
// The reconciler's loop, with Secrets that it read (absent: nullopt) and may write:
//   do {
//     inputs.ca = ca_facts(secrets); inputs.tls = tls_facts(secrets, identity);
//     decision = plan::decide_rotation(inputs);
//     if (decision.step != kNone) { carry_out(...), apply what it returns, keep the answer }
//   } while (decision.step != kNone);   // ends within kStepsMax rounds
// A written object carries uid and resourceVersion of what was read, so that a write by a second
// operator is a conflict and not a loss; an absent one must be created by POST. `data` is whole:
// apply or replace it, a merge patch would keep what must go.
//
// The CA Secret, Opaque: ca.crt, ca.key (not while it is lost), next.crt, next.key, previous.crt.
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

// Steps of one reconcile, at most. A loop that wants more has somebody else writing against it, or
// an admission policy that drops what it writes: an error, to be tried again later.
inline constexpr int kStepsMax = 8;

// When the TLS Secret was last written, in unix seconds. Beside it the Secrets are annotated with
// the tokens last obeyed, under the names of the SocketMesh's own annotations.
inline constexpr char kChangedAnnotation[] = "socketmesh.io/changed";
// On the CA Secret: the deadline of the rotation's phase, in unix seconds.
inline constexpr char kDeadlineAnnotation[] = "socketmesh.io/phase-deadline";

struct Secrets {
  std::optional<nlohmann::json> ca;
  std::optional<nlohmann::json> tls;
};

// Whatever the Secrets hold, damaged or foreign, becomes facts: nothing here fails.
plan::CaFacts ca_facts(const Secrets& secrets);
plan::TlsFacts tls_facts(const Secrets& secrets, const Identity& identity);

// What a Secret looks like around its data.
struct SecretNames {
  std::string ca;           // "chat-mesh-ca"
  std::string tls;          // "chat-mesh-tls"
  nlohmann::json metadata;  // namespace, labels, ownerReferences: of both
};

struct CarriedOut {
  enum class Secret { kCa, kTls };
  Secret which = Secret::kCa;
  nlohmann::json object;  // to be written
};

// The Secret as it must be after the decision's step, which is not kNone. `secrets` are those that
// the inputs' facts are of.
Expected<CarriedOut> carry_out(const plan::RotationDecision& decision,
                               const plan::RotationInputs& inputs, const Secrets& secrets,
                               const SecretNames& names, const Identity& identity);

// The TLS Secret's texts, for the poller and the webhook's listener.
struct TlsTexts {
  std::string ca_pem;
  std::string cert_pem;
  std::string key_pem;
};
// Nothing when one is missing.
std::optional<TlsTexts> tls_texts(const nlohmann::json& tls_secret);

}  // namespace socketmesh::op::pki
