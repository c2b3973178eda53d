#include "lib/net/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "lib/base/text.hpp"

namespace socketmesh::net {
namespace {

namespace ssl = boost::asio::ssl;
using File = TlsError::File;

TlsError make_error(File file, const std::string& path, const std::string& reason) {
  return TlsError{file, in_quotes(path) + " " + reason};
}

// Why a file cannot be read, in words better than OpenSSL's; empty when it can.
std::string unreadable(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::string("cannot be read: ") + std::strerror(errno);
  if (file.peek() == std::ifstream::traits_type::eof()) {
    return errno == EISDIR ? "is a folder" : "is empty or cannot be read";
  }
  return "";
}

}  // namespace

Expected<std::shared_ptr<ssl::context>, TlsError> make_tls_context(const TlsFiles& files) {
  for (const auto& [kind, path] :
       {std::pair{File::kCa, files.ca}, std::pair{File::kCert, files.cert},
        std::pair{File::kKey, files.key}}) {
    const std::string reason = unreadable(path);
    if (!reason.empty()) return Unexpected{make_error(kind, path, reason)};
  }

  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Links live long and are few: resumption would only keep secrets around.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(native, 0);
  // A password prompt would hang a daemon.
  SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return -1; });

  ERR_clear_error();
  if (SSL_CTX_load_verify_locations(native, files.ca.c_str(), nullptr) != 1) {
    ERR_clear_error();
    return Unexpected{make_error(File::kCa, files.ca, "holds no CA certificate in PEM form")};
  }
  if (SSL_CTX_use_certificate_chain_file(native, files.cert.c_str()) != 1) {
    ERR_clear_error();
    return Unexpected{make_error(File::kCert, files.cert, "holds no certificate in PEM form")};
  }
  if (SSL_CTX_use_PrivateKey_file(native, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const bool mismatch = ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
                          ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH;
    return Unexpected{make_error(File::kKey, files.key,
                                 mismatch
                                     ? "does not match the certificate " + in_quotes(files.cert)
                                     : "holds no private key in PEM form (without password)")};
  }
  if (SSL_CTX_check_private_key(native) != 1) {
    ERR_clear_error();
    return Unexpected{make_error(File::kKey, files.key,
                                 "does not match the certificate " + in_quotes(files.cert))};
  }
  return context;
}

}  // namespace socketmesh::net
