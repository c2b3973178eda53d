// Makes roots and leaves: ECDSA P-256 keys, X.509 v3, by OpenSSL.
//
// Time is a parameter; serial numbers and keys come from OpenSSL's random generator. Errors say
// what failed and carry no key. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "lib/base/expected.hpp"

namespace socketmesh::op::pki {

using CertTime = std::chrono::sys_seconds;  // since 1970

// X.509 cannot say more of a common name, in bytes (ub-common-name).
inline constexpr std::size_t kCommonNameBytesMax = 64;

// Texts in PEM. The key is PKCS #8, without password; it must not reach a message or a log.
struct KeyPair {
  std::string certificate;
  std::string key;
};

// What a certificate names. A mesh's: one SPIFFE URI. The webhook's: DNS names of its Service.
struct Identity {
  std::string common_name;
  std::vector<std::string> uris;  // as "spiffe://socketmesh.io/ns/default/mesh/chat"
  std::vector<std::string> dns_names;
};

Identity mesh_identity(const std::string& ns, const std::string& mesh);
Identity service_identity(const std::string& ns, const std::string& service);

struct Validity {
  CertTime not_before;
  CertTime not_after;
};

// A self-signed root that can sign leaves only (path length 0), and only for this kind of name: the
// URI host socketmesh.io and no DNS name or address, or these very DNS names and no address.
Expected<KeyPair> make_root(const Identity& identity, Validity validity);

// A leaf for server and client. Its end is the root's at the latest.
Expected<KeyPair> issue_leaf(const Identity& identity, Validity validity, const KeyPair& root);

}  // namespace socketmesh::op::pki
