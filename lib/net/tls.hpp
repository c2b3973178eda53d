// TLS contexts for the mesh, from PEM files: both sides show a certificate of the mesh's CA.
//
// A context is built fresh and checked whole, then shared: to reload, build another and swap the
// pointer; live sessions hold theirs. TLS 1.3 only. Whether the peer is who the link expects is the
// caller's check; here only that the CA signed it. In TLS 1.3 a refused client sees its handshake
// succeed and the refusal on its first read. Errors name the file. Not for hot paths: reads files.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "lib/base/expected.hpp"
#include "lib/net/tls_files.hpp"

namespace socketmesh::net {

// The same context serves both directions: it requires and verifies a certificate of the peer.
// What is checked: key and leaf belong together, and a root of the bundle vouches for the leaf, as
// a server and as a client. Dates are not: see check_tls_dates(). `files` is how errors name them.
Expected<std::shared_ptr<boost::asio::ssl::context>, TlsError> make_tls_context(
    const TlsFiles& files, const TlsPem& pem);

// Whether a peer with the right clock accepts the context's own certificate at `now_s`, seconds
// since 1970; else why not, as "certificate has expired".
Expected<void> check_tls_dates(boost::asio::ssl::context& context, std::int64_t now_s);

}  // namespace socketmesh::net
