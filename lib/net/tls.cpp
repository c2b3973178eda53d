#include "lib/net/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <optional>

#include "lib/base/assert.hpp"
#include "lib/base/text.hpp"

namespace socketmesh::net {
namespace {

namespace ssl = boost::asio::ssl;
using boost::asio::buffer;
using boost::system::error_code;
using File = TlsError::File;

Unexpected<TlsError> make_error(File file, const std::string& path, const std::string& reason) {
  return Unexpected{TlsError{file, in_quotes(path) + " " + reason}};
}

std::shared_ptr<ssl::context> make_strict_context() {
  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Links live long and are few: resumption would only keep secrets around.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(native, 0);
  // A password prompt would hang a daemon.
  SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return -1; });
  return context;
}

// Why a root of the context's bundle does not vouch for its leaf, in OpenSSL's words; nothing when
// one does. Without `now_s` dates are left aside.
std::optional<std::string> chain_problem(SSL_CTX* context, int purpose,
                                         std::optional<std::int64_t> now_s) {
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get_extra_chain_certs(context, static_cast<void*>(&chain));
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> store(X509_STORE_CTX_new(),
                                                                              X509_STORE_CTX_free);
  SM_ASSERT(store != nullptr);
  SM_ASSERT(X509_STORE_CTX_init(store.get(), SSL_CTX_get_cert_store(context),
                                SSL_CTX_get0_certificate(context), chain) == 1);
  X509_STORE_CTX_set_purpose(store.get(), purpose);
  if (now_s) {
    X509_STORE_CTX_set_time(store.get(), 0, static_cast<std::time_t>(*now_s));
  } else {
    X509_STORE_CTX_set_flags(store.get(), X509_V_FLAG_NO_CHECK_TIME);
  }
  const bool good = X509_verify_cert(store.get()) == 1;
  ERR_clear_error();
  if (good) return std::nullopt;
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(store.get()));
}

bool is_mismatch(const error_code& error) {
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
  return reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH;
}

}  // namespace

Expected<std::shared_ptr<ssl::context>, TlsError> make_tls_context(const TlsFiles& files,
                                                                   const TlsPem& pem) {
  auto context = make_strict_context();
  error_code error;
  ERR_clear_error();
  context->add_certificate_authority(buffer(pem.ca), error);
  if (error) return make_error(File::kCa, files.ca, "holds no CA certificates in PEM form");
  context->use_certificate_chain(buffer(pem.cert), error);
  if (error) return make_error(File::kCert, files.cert, "holds no certificate in PEM form");
  context->use_private_key(buffer(pem.key), ssl::context::pem, error);
  const bool fits = SSL_CTX_check_private_key(context->native_handle()) == 1;
  ERR_clear_error();
  if (error && !is_mismatch(error)) {
    return make_error(File::kKey, files.key, "holds no private key in PEM form (without password)");
  }
  if (error || !fits) {
    return make_error(File::kKey, files.key,
                      "does not match the certificate " + in_quotes(files.cert));
  }
  for (const int purpose : {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT}) {
    if (const auto problem = chain_problem(context->native_handle(), purpose, std::nullopt)) {
      return make_error(File::kCert, files.cert,
                        "does not chain to " + in_quotes(files.ca) + ": " + *problem);
    }
  }
  return context;
}

Expected<void> check_tls_dates(ssl::context& context, std::int64_t now_s) {
  if (const auto problem = chain_problem(context.native_handle(), X509_PURPOSE_SSL_SERVER, now_s)) {
    return Unexpected{*problem};
  }
  return {};
}

}  // namespace socketmesh::net
