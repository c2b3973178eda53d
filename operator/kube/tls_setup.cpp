#include "operator/kube/tls_setup.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "lib/base/assert.hpp"

namespace socketmesh::op::kube {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Store = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;

Bio read_only(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A password prompt would hang a daemon.
int no_password(char*, int, int, void*) {
  return -1;
}

std::vector<Certificate> read_certificates(std::string_view pem) {
  std::vector<Certificate> certificates;
  const Bio bio = read_only(pem);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();
  return certificates;
}

struct Verification {
  PeerName name;
  std::function<void(std::string)> refused;
};

bool names_uri(X509* certificate, const std::string& uri) {
  const GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* text = name->d.uniformResourceIdentifier;
    const std::string_view found(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                 static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (found == uri) return true;
  }
  return false;
}

// OpenSSL's verification with our trust and our parameters alone: Boost.Asio's own callback, which
// would compare names by its rules, is taken off.
int verify(X509_STORE_CTX* store, void* argument) {
  const auto& verification = *static_cast<const Verification*>(argument);
  X509_STORE_CTX_set_verify_cb(store, [](int good, X509_STORE_CTX*) { return good; });
  if (X509_verify_cert(store) != 1) {
    verification.refused(X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    return 0;
  }
  const PeerName& name = verification.name;
  if (name.kind == PeerName::Kind::kUri && !names_uri(X509_STORE_CTX_get0_cert(store), name.name)) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    verification.refused("its certificate does not name " + name.name);
    return 0;
  }
  return 1;
}

void free_verification(void*, void* pointer, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Verification*>(pointer);
}

// Ties a Verification to the life of its context.
int verification_index() {
  static const int index =
      SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_verification);
  return index;
}

}  // namespace

Expected<void> trust_only(SSL_CTX* context, std::string_view ca_pem) {
  const std::vector<Certificate> certificates = read_certificates(ca_pem);
  if (certificates.empty()) return Unexpected{"the CA holds no certificate in PEM form"};
  Store store(X509_STORE_new());
  for (const Certificate& certificate : certificates) {
    X509_STORE_add_cert(store.get(), certificate.get());
  }
  // What is given is trusted, be it self-signed or an intermediate.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_cert_store(context, store.release());
  ERR_clear_error();
  return {};
}

Expected<void> show_certificate(SSL_CTX* context, std::string_view cert_pem,
                                std::string_view key_pem) {
  const std::vector<Certificate> chain = read_certificates(cert_pem);
  if (chain.empty()) return Unexpected{"the certificate is no certificate in PEM form"};
  const Bio bio = read_only(key_pem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (!key) return Unexpected{"the key is no private key in PEM form (without password)"};
  const auto mismatch = [] {
    ERR_clear_error();
    return Unexpected{"the key does not match the certificate"};
  };
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) return mismatch();
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) {
    ERR_clear_error();
    return Unexpected{"the certificate is refused by OpenSSL's security level"};
  }
  SSL_CTX_clear_chain_certs(context);
  for (std::size_t i = 1; i < chain.size(); ++i) {
    SSL_CTX_add1_chain_cert(context, chain[i].get());
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) return mismatch();
  return {};
}

void verify_peer(SSL_CTX* context, PeerName name, std::function<void(std::string)> refused) {
  SM_ASSERT(!name.name.empty());  // OpenSSL takes no name for any name
  X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(context);
  if (name.kind == PeerName::Kind::kHost) {
    X509_VERIFY_PARAM_set_hostflags(
        parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set = is_ip_address(name.name)
                        ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.name.c_str())
                        : X509_VERIFY_PARAM_set1_host(parameters, name.name.c_str(), 0);
    SM_ASSERT(set == 1);
  }
  auto verification = std::make_unique<Verification>();
  verification->name = std::move(name);
  verification->refused = std::move(refused);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify, verification.get());
  // The context's from here on.
  const int kept = SSL_CTX_set_ex_data(context, verification_index(), verification.release());
  SM_ASSERT(kept == 1);
}

bool is_ip_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

}  // namespace socketmesh::op::kube
