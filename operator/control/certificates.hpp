// Keeps the two Secrets of a mesh, or of the webhook, in order: reads them, lets
// plan::decide_rotation say what to do, and writes, until nothing is left to do.
//
// Secrets are not watched. They are read again when the rotation wants to go on, when what it
// depends on has changed, and when the caller says so (a resync). Keys are held in memory for the
// polls and the webhook's listener only, and never logged. One thread at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/obs/log.hpp"
#include "operator/control/api.hpp"
#include "operator/pki/certificates.hpp"
#include "operator/plan/rotation.hpp"

namespace socketmesh::op::control {

struct CertificateWishes {
  pki::SecretNames names;
  pki::Identity identity;
  std::string owner_uid;  // who must control the Secrets; empty: nobody need
  plan::RotationSettings settings;
  std::string rotate_leaf;  // tokens
  std::string rotate_root;
  std::optional<std::vector<plan::SidecarReport>> sidecars;  // as plan::RotationInputs

  // Whatever can change the decision, apart from time and the Secrets, as one text.
  [[nodiscard]] std::string digest() const;
};

// What the Secrets hold, after the last look.
struct CertificateView {
  plan::RotationDecision decision;
  std::optional<pki::TlsTexts> texts;  // nothing: no usable TLS Secret
  plan::CertTime leaf_not_after{};
  std::optional<plan::CertTime> root_not_after;
};

struct CertificateReport {
  std::vector<std::string> conflicts;   // "Secret default/chat-mesh-tls": somebody else's
  std::vector<std::string> steps;       // what was done, and why
  std::optional<kube::ApiError> error;  // to be tried again
  std::string failure;                  // OpenSSL would not; to be tried again
};

class Certificates {
 public:
  explicit Certificates(const obs::Logger& logger) : logger_(logger) {}

  // Looks only if it must, or `anew`.
  CertificateReport keep(Api& api, const CertificateWishes& wishes, bool anew);

  // Null before the first look that succeeded.
  [[nodiscard]] const CertificateView* view() const { return view_ ? &*view_ : nullptr; }

 private:
  [[nodiscard]] bool must_look(const std::string& digest) const;
  void look(Api& api, const CertificateWishes& wishes, CertificateReport& report);
  static bool write(Api& api, pki::CarriedOut carried, pki::Secrets& secrets,
                    CertificateReport& report);

  const obs::Logger& logger_;
  std::optional<CertificateView> view_;
  std::string looked_with_;  // digest; empty: the last look failed
};

}  // namespace socketmesh::op::control
