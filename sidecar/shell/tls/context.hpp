// The certificates and rules of a mesh's TLS, loaded from files once.
//
// TLS 1.3 only, both sides with a certificate that the mesh's CA signed. Addresses are never
// compared: pods change theirs. When the own certificate names an identity (a SAN URI spiffe://…),
// a peer's must name the same one. The same rules hold for links and for the admin port, which
// differ in the application protocol (ALPN) alone. Immutable once loaded: a reload loads another
// one and swaps the shared_ptr; sessions hold the one that they began with. One thread.
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

  // Of links.
  [[nodiscard]] SSL_CTX* native() const { return links_->native_handle(); }
  // Of the admin port. Shares the ownership of `context`.
  static std::shared_ptr<boost::asio::ssl::context> https(
      const std::shared_ptr<const TlsContext>& context) {
    return {context, context->https_.get()};
  }
  // The SAN URI that peers must share; empty when the own certificate has none.
  [[nodiscard]] const std::string& identity() const { return identity_; }
  // When the own certificate ends, seconds since 1970.
  [[nodiscard]] std::int64_t not_after_s() const { return not_after_s_; }
  // SHA-256 of the bytes of the ca file, in lower-case hexadecimal.
  [[nodiscard]] const std::string& bundle_sha256() const { return bundle_sha256_; }
  // Whether peers accept the own certificate at `now_s`, seconds since 1970; else why not.
  [[nodiscard]] Expected<void> check_dates(std::int64_t now_s) const {
    return net::check_tls_dates(*links_, now_s);
  }

 private:
  using Context = std::shared_ptr<boost::asio::ssl::context>;

  TlsContext(Context links, Context https);

  Context links_;
  Context https_;
  std::string identity_;
  std::int64_t not_after_s_ = 0;
  std::string bundle_sha256_;
};

// The application protocol that both sides of a link must speak.
inline constexpr char kTlsProtocol[] = "socketmesh/1";
// That of the admin port, for clients that name any.
inline constexpr char kHttpsProtocol[] = "http/1.1";

// The first SAN URI of `certificate` that begins with spiffe://; empty without one.
std::string spiffe_identity(X509* certificate);
// Takes OpenSSL's error queue and says its last entry in words; `otherwise` when it is empty.
std::string take_tls_error(const std::string& otherwise);

}  // namespace socketmesh::shell
