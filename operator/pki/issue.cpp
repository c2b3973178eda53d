#include "operator/pki/issue.hpp"

#include <openssl/err.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "lib/digest/sha256.hpp"
#include "operator/api/names.hpp"
#include "operator/pki/inspect.hpp"
#include "operator/pki/openssl.hpp"

namespace socketmesh::op::pki {
namespace {

constexpr char kOrganization[] = "SocketMesh";
constexpr char kSpiffeHost[] = "socketmesh.io";
constexpr int kSerialBits = 127;  // RFC 5280 allows 20 bytes, positive

// What OpenSSL failed at: a step's name. Its own error queue may cite input, so it is dropped.
Unexpected<std::string> failed(const char* step) {
  ERR_clear_error();
  return Unexpected{std::string("OpenSSL could not ") + step};
}

GeneralName make_name(int type, const std::string& value) {
  GeneralName name(GENERAL_NAME_new());
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  if (!name || text == nullptr ||
      ASN1_STRING_set(text, value.data(), static_cast<int>(value.size())) != 1) {
    ASN1_IA5STRING_free(text);
    return nullptr;
  }
  GENERAL_NAME_set0_value(name.get(), type, text);
  return name;
}

// Every IPv4 or IPv6 address, as a constraint: address and mask of zeros.
GeneralName make_any_address(std::size_t bytes) {
  const std::array<unsigned char, 32> zeros{};
  GeneralName name(GENERAL_NAME_new());
  ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
  if (!name || octets == nullptr ||
      ASN1_OCTET_STRING_set(octets, zeros.data(), static_cast<int>(bytes * 2)) != 1) {
    ASN1_OCTET_STRING_free(octets);
    return nullptr;
  }
  GENERAL_NAME_set0_value(name.get(), GEN_IPADD, octets);
  return name;
}

bool add_subtree(STACK_OF(GENERAL_SUBTREE) * *list, GeneralName base) {
  GeneralSubtree subtree(GENERAL_SUBTREE_new());
  if (!subtree || !base) return false;
  if (*list == nullptr) *list = sk_GENERAL_SUBTREE_new_null();
  if (*list == nullptr) return false;
  GENERAL_NAME_free(subtree->base);
  subtree->base = base.release();
  if (sk_GENERAL_SUBTREE_push(*list, subtree.get()) <= 0) return false;
  return subtree.release() != nullptr;  // the list owns it now
}

// A root vouches for the identity's kind of name and no other.
NameConstraints make_constraints(const Identity& identity) {
  NameConstraints constraints(NAME_CONSTRAINTS_new());
  if (!constraints) return nullptr;
  auto* permitted = &constraints->permittedSubtrees;
  auto* excluded = &constraints->excludedSubtrees;
  bool ok = add_subtree(excluded, make_any_address(4)) &&
            add_subtree(excluded, make_any_address(16)) &&
            // A URI constraint is about the host.
            add_subtree(permitted, make_name(GEN_URI, kSpiffeHost));
  for (const std::string& name : identity.dns_names) {
    ok = ok && add_subtree(permitted, make_name(GEN_DNS, name));
  }
  // Names of a kind without any constraint would all be permitted; "" stands for every DNS name.
  if (identity.dns_names.empty()) ok = ok && add_subtree(excluded, make_name(GEN_DNS, ""));
  return ok ? std::move(constraints) : nullptr;
}

GeneralNames make_alternative_names(const Identity& identity) {
  GeneralNames names(GENERAL_NAMES_new());
  if (!names) return nullptr;
  const auto add = [&](int type, const std::string& value) {
    GeneralName name = make_name(type, value);
    if (!name || sk_GENERAL_NAME_push(names.get(), name.get()) <= 0) return false;
    return name.release() != nullptr;  // the list owns it now
  };
  for (const std::string& uri : identity.uris) {
    if (!add(GEN_URI, uri)) return nullptr;
  }
  for (const std::string& name : identity.dns_names) {
    if (!add(GEN_DNS, name)) return nullptr;
  }
  return names;
}

bool set_time(ASN1_TIME* field, CertTime time) {
  return ASN1_TIME_set(field, static_cast<time_t>(time.time_since_epoch().count())) != nullptr;
}

bool set_serial(X509* certificate) {
  const BigNumber number(BN_new());
  return number != nullptr &&
         BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_subject(X509* certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [&](const char* field, std::string_view text) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()), -1, 0) == 1;
  };
  return add("O", kOrganization) && add("CN", common_name);
}

// Extensions whose text is ours alone.
bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool sign(X509* certificate, EVP_PKEY* key) {
  return X509_sign(certificate, key, EVP_sha256()) > 0;
}

// Everything but the extensions that make it a root or a leaf, the issuer and the signature.
Certificate make_certificate(EVP_PKEY* key, const std::string& common_name, Validity validity) {
  Certificate certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !set_serial(certificate.get()) || !set_subject(certificate.get(), common_name) ||
      !set_time(X509_getm_notBefore(certificate.get()), validity.not_before) ||
      !set_time(X509_getm_notAfter(certificate.get()), validity.not_after) ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return nullptr;
  }
  return certificate;
}

// Two roots of a mesh in one bundle must not look alike.
std::string root_name(const Identity& identity) {
  std::array<unsigned char, 4> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return {};
  const std::string tail =
      " root " +
      sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).substr(0, 8);
  return identity.common_name.substr(0, kCommonNameBytesMax - tail.size()) + tail;
}

Expected<KeyPair> to_pair(const Certificate& certificate, const Key& key) {
  KeyPair pair{to_pem(certificate.get()), to_pem(key.get())};
  if (pair.certificate.empty() || pair.key.empty()) return failed("write PEM");
  return pair;
}

}  // namespace

Identity mesh_identity(const std::string& ns, const std::string& mesh) {
  return {mesh, {api::spiffe_id(ns, mesh)}, {}};
}

Identity service_identity(const std::string& ns, const std::string& service) {
  return {service, {}, {service + "." + ns + ".svc"}};
}

Expected<KeyPair> make_root(const Identity& identity, Validity validity) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return failed("make a key");
  const std::string name = root_name(identity);
  if (name.empty()) return failed("draw random bytes");
  const Certificate root = make_certificate(key.get(), name, validity);
  if (!root) return failed("fill in a root certificate");
  X509* raw = root.get();
  const NameConstraints constraints = make_constraints(identity);
  if (X509_set_issuer_name(raw, X509_get_subject_name(raw)) != 1 ||
      !add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(raw, raw, NID_subject_key_identifier, "hash") || !constraints ||
      X509_add1_ext_i2d(raw, NID_name_constraints, constraints.get(), 1, X509V3_ADD_DEFAULT) != 1) {
    return failed("add the extensions of a root certificate");
  }
  if (!sign(raw, key.get())) return failed("sign a root certificate");
  return to_pair(root, key);
}

Expected<KeyPair> issue_leaf(const Identity& identity, Validity validity, const KeyPair& root) {
  const Certificate issuer = read_certificate(root.certificate);
  const Key issuer_key = read_key(root.key);
  if (!issuer || !issuer_key) return failed("read the root");
  const auto root_end = to_time(X509_get0_notAfter(issuer.get()));
  if (!root_end) return failed("read the root's times");
  validity.not_after = std::min(validity.not_after, *root_end);

  const Key key(EVP_EC_gen("P-256"));
  if (!key) return failed("make a key");
  const Certificate leaf =
      make_certificate(key.get(), identity.common_name.substr(0, kCommonNameBytesMax), validity);
  if (!leaf) return failed("fill in a certificate");
  X509* raw = leaf.get();
  const GeneralNames names = make_alternative_names(identity);
  if (X509_set_issuer_name(raw, X509_get_subject_name(issuer.get())) != 1 ||
      !add_extension(raw, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(raw, issuer.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(raw, issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(raw, issuer.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(raw, issuer.get(), NID_authority_key_identifier, "keyid:always") || !names ||
      X509_add1_ext_i2d(raw, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) != 1) {
    return failed("add the extensions of a certificate");
  }
  if (!sign(raw, issuer_key.get())) return failed("sign a certificate");
  auto pair = to_pair(leaf, key);
  if (!pair) return pair;
  // A root that somebody put there may not be one for such names.
  if (auto fits = verify_leaf(pair->certificate, root.certificate, std::nullopt); !fits) {
    return Unexpected{"the root cannot vouch for its leaf: " + fits.error()};
  }
  return pair;
}

}  // namespace socketmesh::op::pki
