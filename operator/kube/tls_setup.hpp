// What both TLS clients and the TLS server of this folder need of OpenSSL: trust only a given CA,
// show a certificate held in memory, and check whom the peer's certificate names.
//
// Set on a fresh SSL_CTX, before any connection. Errors are sentences for people and hold no
// secrets. Thread-safe for different contexts.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <string>
#include <string_view>

#include "lib/base/expected.hpp"

namespace socketmesh::op::kube {

// Only the certificates of `ca_pem` are trusted; whatever the context trusted before is forgotten.
Expected<void> trust_only(SSL_CTX* context, std::string_view ca_pem);

// The certificate (the leaf first, then intermediates) and its key, checked to match. A key with a
// password is refused.
Expected<void> show_certificate(SSL_CTX* context, std::string_view cert_pem,
                                std::string_view key_pem);

// Whom the peer must be, beyond being signed by the CA.
struct PeerName {
  enum class Kind { kHost, kUri };  // a DNS name or an IP address; a URI among its SANs
  Kind kind = Kind::kHost;
  std::string name;
};

// Verifies the peer by chain and name, in place of whatever verification the library above adds.
// `refused` is told why, in words, each time a peer is refused, on the thread of the handshake.
void verify_peer(SSL_CTX* context, PeerName name, std::function<void(std::string)> refused);

// Whether `host` is an IPv4 or IPv6 address (without brackets).
bool is_ip_address(const std::string& host);

}  // namespace socketmesh::op::kube
