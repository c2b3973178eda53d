#include "sidecar/shell/tls/context.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>

#include "lib/digest/sha256.hpp"

namespace socketmesh::shell {
namespace {

constexpr std::string_view kSpiffeScheme = "spiffe://";

// ALPN wants a length byte before the name.
std::string alpn_list(const char* protocol) {
  const std::string name = protocol;
  return static_cast<char>(name.size()) + name;
}

// `protocol` is one of the constants. A peer that offers others only is refused; of one that offers
// nothing this is not asked (TlsSession refuses it).
int select_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* offered, unsigned int offered_length, void* protocol) {
  const std::string ours = alpn_list(static_cast<const char*>(protocol));
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(
      &chosen, out_length, reinterpret_cast<const unsigned char*>(ours.data()),
      static_cast<unsigned int>(ours.size()), offered, offered_length);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  // What OpenSSL chose lies in `ours`, which goes: the constant has the same bytes, and stays.
  *out = static_cast<const unsigned char*>(protocol);
  return SSL_TLSEXT_ERR_OK;
}

// Where a context's rules hang on its SSL_CTX. Not the "app data": Asio deletes what it finds
// there.
int rules_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Runs inside the handshake, so that a peer of another mesh hears of it as a TLS alert.
int verify_peer(int chain_is_good, X509_STORE_CTX* store) {
  if (chain_is_good == 0 || X509_STORE_CTX_get_error_depth(store) != 0) return chain_is_good;
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* rules =
      static_cast<const TlsContext*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), rules_index()));
  if (rules->identity().empty()) return 1;
  if (spiffe_identity(X509_STORE_CTX_get_current_cert(store)) == rules->identity()) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

// The context lives in `rules`, so both go together.
void apply_rules(SSL_CTX* context, const TlsContext* rules, const char* protocol) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verify_peer);
  SSL_CTX_set_ex_data(context, rules_index(), const_cast<TlsContext*>(rules));  // only read again
  SSL_CTX_set_alpn_select_cb(context, select_protocol, const_cast<char*>(protocol));
}

}  // namespace

std::string take_tls_error(const std::string& otherwise) {
  std::string text = otherwise;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (reason != nullptr) {
      text = reason;
    } else if (ERR_SYSTEM_ERROR(code)) {
      text = std::strerror(ERR_GET_REASON(code));
    }
  }
  return text;
}

std::string spiffe_identity(X509* certificate) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string found;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && found.empty(); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                                static_cast<std::size_t>(ASN1_STRING_length(uri)));
    if (text.starts_with(kSpiffeScheme)) found = text;
  }
  GENERAL_NAMES_free(names);
  return found;
}

Expected<std::shared_ptr<const TlsContext>, net::TlsError> TlsContext::load(
    const net::TlsFiles& files) {
  const auto pem = net::read_tls_files(files);
  if (!pem) return Unexpected{pem.error()};
  auto links = net::make_tls_context(files, *pem);
  if (!links) return Unexpected{links.error()};
  auto https = net::make_tls_context(files, *pem);
  if (!https) return Unexpected{https.error()};
  std::shared_ptr<TlsContext> context(
      new TlsContext(std::move(links).value(), std::move(https).value()));

  X509* own = SSL_CTX_get0_certificate(context->native());
  context->identity_ = spiffe_identity(own);
  context->bundle_sha256_ = sha256_hex(pem->ca);
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(own), &end) != 1) {
    return Unexpected{net::TlsError{net::TlsError::File::kCert,
                                    files.cert + ": its end of validity cannot be read"}};
  }
  context->not_after_s_ = static_cast<std::int64_t>(::timegm(&end));
  return std::shared_ptr<const TlsContext>(std::move(context));
}

TlsContext::TlsContext(Context links, Context https)
    : links_(std::move(links)), https_(std::move(https)) {
  apply_rules(native(), this, kTlsProtocol);
  SSL_CTX_set_mode(native(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
  const std::string protocols = alpn_list(kTlsProtocol);
  SSL_CTX_set_alpn_protos(native(), reinterpret_cast<const unsigned char*>(protocols.data()),
                          static_cast<unsigned int>(protocols.size()));
  apply_rules(https_->native_handle(), this, kHttpsProtocol);
}

}  // namespace socketmesh::shell
