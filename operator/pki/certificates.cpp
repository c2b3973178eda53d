#include "operator/pki/certificates.hpp"

#include <algorithm>
#include <vector>

#include "lib/base/assert.hpp"
#include "lib/base/parse.hpp"
#include "lib/digest/sha256.hpp"
#include "operator/api/names.hpp"
#include "operator/pki/inspect.hpp"
#include "operator/pki/secret_data.hpp"

namespace socketmesh::op::pki {
namespace {

using plan::RotationStep;

// Keys of the Secrets' data.
constexpr char kCaCrt[] = "ca.crt";
constexpr char kCaKey[] = "ca.key";
constexpr char kNextCrt[] = "next.crt";
constexpr char kNextKey[] = "next.key";
constexpr char kPreviousCrt[] = "previous.crt";
constexpr char kTlsCrt[] = "tls.crt";
constexpr char kTlsKey[] = "tls.key";

// A root as a Secret holds it; all empty when it cannot be read.
struct Root {
  KeyPair pair;  // the key is empty unless it matches
  std::optional<plan::RootFacts> facts;
};

plan::RootFacts to_facts(const CertificateFacts& certificate, bool has_key) {
  return {certificate.fingerprint, certificate.not_before, certificate.not_after, has_key};
}

Root make_read_root(const std::string& certificate_pem, const std::string& key_pem) {
  const auto certificate = inspect_certificate(certificate_pem);
  if (!certificate || !certificate->is_ca) return {};
  const bool has_key = key_matches(certificate->pem, key_pem);
  return {{certificate->pem, has_key ? key_pem : std::string()}, to_facts(*certificate, has_key)};
}

struct CaMaterial {
  Root current;
  Root next;
  Root previous;

  explicit CaMaterial(const std::optional<nlohmann::json>& secret)
      : current(make_read_root(secret_text(secret, kCaCrt), secret_text(secret, kCaKey))),
        next(make_read_root(secret_text(secret, kNextCrt), secret_text(secret, kNextKey))),
        previous(make_read_root(secret_text(secret, kPreviousCrt), "")) {}
};

std::vector<CertificateFacts> read_bundle(const std::optional<nlohmann::json>& tls_secret) {
  auto bundle = inspect_bundle(secret_text(tls_secret, kCaCrt));
  return bundle ? std::move(*bundle) : std::vector<CertificateFacts>();
}

// The fingerprint of the root that signed the leaf; empty when none did.
std::string find_issuer(const std::string& leaf_pem, const std::vector<CertificateFacts>& bundle,
                        const CaMaterial& ca) {
  std::vector<std::pair<std::string, std::string>> roots;  // fingerprint, PEM
  roots.reserve(bundle.size() + 3);
  for (const CertificateFacts& root : bundle) roots.emplace_back(root.fingerprint, root.pem);
  for (const Root* root : {&ca.current, &ca.next, &ca.previous}) {
    if (root->facts) roots.emplace_back(root->facts->fingerprint, root->pair.certificate);
  }
  const auto signed_it = std::ranges::find_if(roots, [&](const auto& root) {
    return verify_leaf(leaf_pem, root.second, std::nullopt).has_value();
  });
  return signed_it == roots.end() ? std::string() : signed_it->first;
}

std::optional<plan::CertTime> read_time(const std::optional<nlohmann::json>& secret,
                                        const char* annotation) {
  constexpr std::uint64_t kYear9999 = 253'402'300'799;
  const auto count = parse_uint(secret_annotation(secret, annotation), kYear9999);
  if (!count) return std::nullopt;
  return plan::CertTime(plan::seconds(static_cast<std::int64_t>(*count)));
}

void put_time(nlohmann::json& secret, const char* annotation, plan::CertTime time) {
  put_annotation(secret, annotation, std::to_string(time.time_since_epoch().count()));
}

Expected<KeyPair> make_fresh_root(const plan::RotationInputs& inputs, const Identity& identity) {
  const plan::seconds validity = plan::root_validity(plan::bounded(inputs.settings).leaf_validity);
  return make_root(identity, {inputs.now - plan::kBackdate, inputs.now + validity});
}

struct CaContent {
  KeyPair current;
  KeyPair next;
  std::string previous;
  std::string rotate_root;  // the token obeyed
};

// The leaf's issuer from the bundle, and a root that can follow it.
Expected<CaContent> bridge(const plan::RotationInputs& inputs, const Secrets& secrets,
                           const CaMaterial& ca, const Identity& identity) {
  CaContent content;
  content.rotate_root = inputs.ca.rotate_root;
  std::string next_fingerprint;
  for (const Root* root : {&ca.current, &ca.next}) {
    if (!content.next.key.empty() || root->pair.key.empty()) continue;
    if (inputs.now < root->facts->not_before || inputs.now >= root->facts->not_after) continue;
    content.next = root->pair;
    next_fingerprint = root->facts->fingerprint;
  }
  if (content.next.key.empty()) {
    auto fresh = make_fresh_root(inputs, identity);
    if (!fresh) return Unexpected{fresh.error()};
    content.next = *std::move(fresh);
    content.rotate_root = plan::token_record(inputs.rotate_root);
  }
  for (const CertificateFacts& root : read_bundle(secrets.tls)) {
    if (root.fingerprint == inputs.tls.leaf_issuer) {
      content.current.certificate = root.pem;
    } else if (root.fingerprint != next_fingerprint && root.is_ca && inputs.now < root.not_after) {
      content.previous = root.pem;
    }
  }
  return content;
}

Expected<CaContent> ca_content(RotationStep step, const plan::RotationInputs& inputs,
                               const Secrets& secrets, const Identity& identity) {
  const CaMaterial ca(secrets.ca);
  if (step == RotationStep::kBridgeRoot) return bridge(inputs, secrets, ca, identity);
  CaContent content{ca.current.pair, {}, ca.previous.pair.certificate, inputs.ca.rotate_root};
  switch (step) {
    case RotationStep::kCreateRoot:
    case RotationStep::kBeginRotation: {
      auto fresh = make_fresh_root(inputs, identity);
      if (!fresh) return Unexpected{fresh.error()};
      if (step == RotationStep::kCreateRoot) {
        content = {*std::move(fresh), {}, "", ""};
      } else {
        content.next = *std::move(fresh);
      }
      content.rotate_root = plan::token_record(inputs.rotate_root);
      return content;
    }
    case RotationStep::kPromoteNext:
      content.previous = content.current.certificate;
      content.current = ca.next.pair;
      return content;
    case RotationStep::kCleanUp:
      content.previous.clear();
      return content;
    default:
      SM_ASSERT(false);
  }
  return content;
}

nlohmann::json to_ca_secret(const CaContent& content, const Secrets& secrets,
                            const SecretNames& names, std::optional<plan::CertTime> deadline) {
  nlohmann::json secret = make_secret(names.ca, "Opaque", names.metadata, secrets.ca);
  put_text(secret, kCaCrt, content.current.certificate);
  put_text(secret, kCaKey, content.current.key);
  put_text(secret, kNextCrt, content.next.certificate);
  put_text(secret, kNextKey, content.next.key);
  put_text(secret, kPreviousCrt, content.previous);
  put_annotation(secret, api::kRotateRootAnnotation, content.rotate_root);
  if (deadline) put_time(secret, kDeadlineAnnotation, *deadline);
  return secret;
}

// The PEM texts of the roots that the decision names, in its order; empty when one is missing.
std::string bundle_text(const std::vector<std::string>& fingerprints, const CaMaterial& ca) {
  std::string text;
  for (const std::string& fingerprint : fingerprints) {
    const Root* found = nullptr;
    for (const Root* root : {&ca.current, &ca.next, &ca.previous}) {
      if (root->facts && root->facts->fingerprint == fingerprint) found = root;
    }
    if (found == nullptr) return {};
    text += found->pair.certificate;
  }
  return text;
}

Expected<nlohmann::json> tls_secret_after(const plan::RotationDecision& decision,
                                          const plan::RotationInputs& inputs,
                                          const Secrets& secrets, const SecretNames& names,
                                          const Identity& identity) {
  const CaMaterial ca(secrets.ca);
  const std::string bundle = bundle_text(decision.bundle, ca);
  if (bundle.empty()) return Unexpected{"the CA Secret lacks a root to be trusted"};

  KeyPair leaf{secret_text(secrets.tls, kTlsCrt), secret_text(secrets.tls, kTlsKey)};
  std::string rotate_leaf = inputs.tls.rotate_leaf;
  if (decision.step == RotationStep::kIssueLeaf) {
    const plan::seconds validity = plan::bounded(inputs.settings).leaf_validity;
    auto issued = issue_leaf(identity, {inputs.now - plan::kBackdate, inputs.now + validity},
                             ca.current.pair);
    if (!issued) return Unexpected{issued.error()};
    leaf = *std::move(issued);
    rotate_leaf = plan::token_record(inputs.rotate_leaf);
  }
  nlohmann::json secret = make_secret(names.tls, "kubernetes.io/tls", names.metadata, secrets.tls);
  put_text(secret, kCaCrt, bundle);
  put_text(secret, kTlsCrt, leaf.certificate);
  put_text(secret, kTlsKey, leaf.key);
  put_annotation(secret, api::kRotateLeafAnnotation, rotate_leaf);
  put_time(secret, kChangedAnnotation, inputs.now);
  return secret;
}

}  // namespace

plan::CaFacts ca_facts(const Secrets& secrets) {
  const CaMaterial ca(secrets.ca);
  return {ca.current.facts, ca.next.facts, ca.previous.facts,
          secret_annotation(secrets.ca, api::kRotateRootAnnotation),
          read_time(secrets.ca, kDeadlineAnnotation)};
}

plan::TlsFacts tls_facts(const Secrets& secrets, const Identity& identity) {
  plan::TlsFacts facts;
  const auto bundle = read_bundle(secrets.tls);
  for (const CertificateFacts& root : bundle) facts.bundle.push_back(to_facts(root, false));
  const std::string bundle_text = secret_text(secrets.tls, kCaCrt);
  if (!bundle_text.empty()) facts.bundle_sha256 = sha256_hex(bundle_text);
  facts.rotate_leaf = secret_annotation(secrets.tls, api::kRotateLeafAnnotation);
  facts.changed = read_time(secrets.tls, kChangedAnnotation);

  const std::string leaf_text = secret_text(secrets.tls, kTlsCrt);
  const auto leaf = inspect_certificate(leaf_text);
  if (!leaf || leaf->uris != identity.uris || leaf->dns_names != identity.dns_names ||
      !key_matches(leaf_text, secret_text(secrets.tls, kTlsKey))) {
    return facts;
  }
  facts.leaf_issuer = find_issuer(leaf_text, bundle, CaMaterial(secrets.ca));
  facts.leaf_valid = !facts.leaf_issuer.empty();
  facts.leaf_not_before = leaf->not_before;
  facts.leaf_not_after = leaf->not_after;
  return facts;
}

Expected<CarriedOut> carry_out(const plan::RotationDecision& decision,
                               const plan::RotationInputs& inputs, const Secrets& secrets,
                               const SecretNames& names, const Identity& identity) {
  SM_ASSERT(decision.step != RotationStep::kNone);
  if (decision.step == RotationStep::kIssueLeaf || decision.step == RotationStep::kWriteBundle) {
    auto secret = tls_secret_after(decision, inputs, secrets, names, identity);
    if (!secret) return Unexpected{secret.error()};
    return CarriedOut{CarriedOut::Secret::kTls, *std::move(secret)};
  }
  const auto content = ca_content(decision.step, inputs, secrets, identity);
  if (!content) return Unexpected{content.error()};
  return CarriedOut{CarriedOut::Secret::kCa,
                    to_ca_secret(*content, secrets, names, decision.deadline)};
}

std::optional<TlsTexts> tls_texts(const nlohmann::json& tls_secret) {
  TlsTexts texts{secret_text(tls_secret, kCaCrt), secret_text(tls_secret, kTlsCrt),
                 secret_text(tls_secret, kTlsKey)};
  if (texts.ca_pem.empty() || texts.cert_pem.empty() || texts.key_pem.empty()) return std::nullopt;
  return texts;
}

}  // namespace socketmesh::op::pki
