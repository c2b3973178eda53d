// The certificates and rules of a mesh's TLS, loaded from files once.
//
// TLS 1.3 only, both sides with a certificate that the mesh's CA signed. Addresses are never
// compared: pods change theirs. When the own certificate names an identity (a SAN URI spiffe://…),
// a peer's must name the same one. Immutable once loaded: a reload loads another one and swaps the
// shared_ptr; sessions hold the one that they began with. One thread.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "lib/base/expected.hpp"
#include "lib/net/tls.hpp"

namespace socketmesh::shell {

class TlsContext {
 public:
  // An error says which file, and what is wrong with it.
  static Expected<std::shared_ptr<const TlsContext>, net::TlsError> load(
      const net::TlsFiles& files);

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  [[nodiscard]] SSL_CTX* native() const { return context_->native_handle(); }
  // The SAN URI that peers must share; empty when the own certificate has none.
  [[nodiscard]] const std::string& identity() const { return identity_; }
  // When the own certificate ends, seconds since 1970.
  [[nodiscard]] std::int64_t not_after_s() const { return not_after_s_; }

 private:
  explicit TlsContext(std::shared_ptr<boost::asio::ssl::context> context);
  void apply_rules();

  std::shared_ptr<boost::asio::ssl::context> context_;
  std::string identity_;
  std::int64_t not_after_s_ = 0;
};

// The application protocol that both sides must speak.
inline constexpr char kTlsProtocol[] = "socketmesh/1";

// The first SAN URI of `certificate` that begins with spiffe://; empty without one.
std::string spiffe_identity(X509* certificate);
// Takes OpenSSL's error queue and says its last entry in words; `otherwise` when it is empty.
std::string take_tls_error(const std::string& otherwise);

}  // namespace socketmesh::shell
