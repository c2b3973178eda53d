// Owners of OpenSSL's objects, and PEM in and out of them. Internal to operator/pki.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace socketmesh::op::pki {

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <typename T, auto kFree>
using Owner = std::unique_ptr<T, Deleter<kFree>>;

using Bio = Owner<BIO, BIO_free>;
using BigNumber = Owner<BIGNUM, BN_free>;
using Certificate = Owner<X509, X509_free>;
using Key = Owner<EVP_PKEY, EVP_PKEY_free>;
using Store = Owner<X509_STORE, X509_STORE_free>;
using StoreContext = Owner<X509_STORE_CTX, X509_STORE_CTX_free>;
using GeneralNames = Owner<GENERAL_NAMES, GENERAL_NAMES_free>;
using GeneralName = Owner<GENERAL_NAME, GENERAL_NAME_free>;
using GeneralSubtree = Owner<GENERAL_SUBTREE, GENERAL_SUBTREE_free>;
using NameConstraints = Owner<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>;
using Extension = Owner<X509_EXTENSION, X509_EXTENSION_free>;

// A reading view; null when memory is out or the text is empty.
Bio read_from(std::string_view text);

// The first of its kind in a PEM text; null when there is none, or it asks for a password.
// OpenSSL's error queue is empty afterwards.
Certificate read_certificate(std::string_view pem);
Key read_key(std::string_view pem);

// Empty when OpenSSL fails.
std::string to_pem(X509* certificate);
std::string to_pem(EVP_PKEY* key);

// Nothing for a time before year 1 or one that is no time.
std::optional<std::chrono::sys_seconds> to_time(const ASN1_TIME* time);

}  // namespace socketmesh::op::pki
