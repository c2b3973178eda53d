// TLS contexts for links, from PEM files: both sides show a certificate of the mesh's CA.
//
// A context is built fresh and checked whole, then shared: to reload, build another and swap the
// pointer; live sessions hold theirs. TLS 1.3 only. Whether the peer is who the link expects is the
// caller's check; here only that the CA signed it. In TLS 1.3 a refused client sees its handshake
// succeed and the refusal on its first read. Errors name the file. Not for hot paths: reads files.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "lib/base/expected.hpp"

namespace socketmesh::net {

struct TlsFiles {
  std::string ca;
  std::string cert;  // the leaf first, then intermediates
  std::string key;
};

struct TlsError {
  enum class File { kCa, kCert, kKey };
  File file = File::kCa;  // which of TlsFiles is to blame
  std::string message;    // says the path and the reason
};

// The same context serves both directions: it requires and verifies a certificate of the peer.
Expected<std::shared_ptr<boost::asio::ssl::context>, TlsError> make_tls_context(
    const TlsFiles& files);

}  // namespace socketmesh::net
