#include "operator/pki/inspect.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <array>

#include "lib/base/hex.hpp"
#include "operator/pki/openssl.hpp"

namespace socketmesh::op::pki {
namespace {

std::string fingerprint_of(X509* certificate) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

void read_names(X509* certificate, CertificateFacts& facts) {
  const GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const auto* text = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    if (type != GEN_URI && type != GEN_DNS) continue;
    (type == GEN_URI ? facts.uris : facts.dns_names)
        .emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                      static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
}

Expected<CertificateFacts> facts_of(X509* certificate) {
  const auto not_before = to_time(X509_get0_notBefore(certificate));
  const auto not_after = to_time(X509_get0_notAfter(certificate));
  CertificateFacts facts;
  facts.pem = to_pem(certificate);
  facts.fingerprint = fingerprint_of(certificate);
  if (!not_before || !not_after || facts.pem.empty() || facts.fingerprint.empty()) {
    return Unexpected{"a certificate has no readable validity"};
  }
  facts.not_before = *not_before;
  facts.not_after = *not_after;
  // Basic constraints say CA, and key usage does not say otherwise.
  facts.is_ca = X509_check_ca(certificate) == 1;
  read_names(certificate, facts);
  return facts;
}

}  // namespace

Expected<std::vector<CertificateFacts>> inspect_bundle(std::string_view pem) {
  if (pem.size() > kPemBytesMax) return Unexpected{"the PEM text is too long"};
  std::vector<CertificateFacts> bundle;
  const Bio bio = read_from(pem);
  while (bio) {
    const Certificate certificate(
        PEM_read_bio_X509(bio.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr));
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!certificate) {
      if (at_end) break;
      return Unexpected{"a certificate cannot be read"};
    }
    if (bundle.size() == kBundleMax) return Unexpected{"the bundle has too many certificates"};
    auto facts = facts_of(certificate.get());
    ERR_clear_error();
    if (!facts) return Unexpected{facts.error()};
    bundle.push_back(*std::move(facts));
  }
  if (bundle.empty()) return Unexpected{"there is no certificate"};
  return bundle;
}

Expected<CertificateFacts> inspect_certificate(std::string_view pem) {
  auto bundle = inspect_bundle(pem);
  if (!bundle) return Unexpected{bundle.error()};
  return std::move(bundle->front());
}

bool key_matches(std::string_view certificate_pem, std::string_view key_pem) {
  if (certificate_pem.size() > kPemBytesMax || key_pem.size() > kPemBytesMax) return false;
  const Certificate certificate = read_certificate(certificate_pem);
  const Key key = read_key(key_pem);
  const bool matches =
      certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return matches;
}

Expected<void> verify_leaf(std::string_view leaf_pem, std::string_view root_pem,
                           std::optional<CertTime> at) {
  if (leaf_pem.size() > kPemBytesMax || root_pem.size() > kPemBytesMax) {
    return Unexpected{"the PEM text is too long"};
  }
  const Certificate leaf = read_certificate(leaf_pem);
  const Certificate root = read_certificate(root_pem);
  if (!leaf || !root) return Unexpected{"a certificate cannot be read"};
  const Store store(X509_STORE_new());
  if (!store || X509_STORE_add_cert(store.get(), root.get()) != 1) {
    return Unexpected{"OpenSSL has no memory"};
  }
  for (const int purpose : {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT}) {
    const StoreContext context(X509_STORE_CTX_new());
    if (!context || X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr) != 1 ||
        X509_STORE_CTX_set_purpose(context.get(), purpose) != 1) {
      return Unexpected{"OpenSSL has no memory"};
    }
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
    if (at) {
      X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(at->time_since_epoch().count()));
    } else {
      X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_NO_CHECK_TIME);
    }
    const int result = X509_verify_cert(context.get());
    const int code = X509_STORE_CTX_get_error(context.get());
    ERR_clear_error();
    if (result != 1) return Unexpected{std::string(X509_verify_cert_error_string(code))};
  }
  return {};
}

}  // namespace socketmesh::op::pki
