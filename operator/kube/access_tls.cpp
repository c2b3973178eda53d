#include "operator/kube/access_tls.hpp"

#include <memory>
#include <utility>

#include "operator/kube/tls_setup.hpp"

namespace socketmesh::op::kube {

Expected<void> set_up_client(SSL_CTX* context, const Access& access,
                             std::function<void(std::string)> refused) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (auto trusted = trust_only(context, access.ca_pem()); !trusted) return trusted;
  if (const auto pair = access.certificate()) {
    if (auto shown = show_certificate(context, pair->cert_pem, pair->key_pem); !shown) return shown;
  }
  verify_peer(context, {PeerName::Kind::kHost, access.tls_name()}, std::move(refused));
  return {};
}

Expected<void> check_tls(const Access& access) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  return set_up_client(context.get(), access, [](const std::string&) {});
}

}  // namespace socketmesh::op::kube
