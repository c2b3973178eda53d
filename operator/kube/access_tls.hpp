// An Access as OpenSSL is told of it.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <string>

#include "lib/base/expected.hpp"
#include "operator/kube/access.hpp"

namespace socketmesh::op::kube {

// Prepares a fresh context for one connection to the API server: TLS 1.2 or newer, only the
// cluster's CA trusted, the server's name checked, the client certificate shown if there is one.
// `refused` is told why a server was refused.
Expected<void> set_up_client(SSL_CTX* context, const Access& access,
                             std::function<void(std::string)> refused);

// Whether that can succeed at all, to be told at start-up rather than by each call.
Expected<void> check_tls(const Access& access);

}  // namespace socketmesh::op::kube
