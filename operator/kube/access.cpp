#include "operator/kube/access.hpp"

#include <cstdlib>
#include <utility>

#include "lib/base/text.hpp"
#include "lib/kube/in_cluster.hpp"
#include "operator/kube/access_tls.hpp"
#include "operator/kube/credential_file.hpp"

namespace socketmesh::op::kube {
namespace {

class InCluster final : public Access {
 public:
  explicit InCluster(socketmesh::kube::InClusterAccess at)
      : server_{std::move(at.server), ""},
        ca_(std::move(at.ca_file)),
        token_(std::move(at.token_file)),
        namespace_file_(std::move(at.namespace_file)) {}

  Expected<void> open() {
    if (auto opened = ca_.open(); !opened) return opened;
    if (auto opened = token_.open(); !opened) return opened;
    if (const auto token = socketmesh::kube::parse_token(token_.content()); !token) {
      return Unexpected{"the ServiceAccount's token: " + token.error()};
    }
    const auto text = read_credential(namespace_file_);
    if (!text) return Unexpected{text.error()};
    auto name = socketmesh::kube::parse_namespace(*text);
    if (!name) return Unexpected{in_quotes(namespace_file_) + ": " + name.error()};
    namespace_ = std::move(name).value();
    return {};
  }

  const ServerAddress& server() const override { return server_; }
  const std::string& tls_name() const override { return server_.endpoint.host; }
  std::string ca_pem() const override { return ca_.content(); }
  std::string token() const override {
    return socketmesh::kube::parse_token(token_.content()).value_or("");
  }
  std::optional<ClientCertificate> certificate() const override { return std::nullopt; }
  void expire() const override {
    ca_.expire();
    token_.expire();
  }
  const std::string& default_namespace() const override { return namespace_; }

 private:
  ServerAddress server_;
  mutable CredentialFile ca_;
  mutable CredentialFile token_;
  std::string namespace_file_;
  std::string namespace_;
};

std::string process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

std::string ServerAddress::url() const {
  return "https://" + endpoint.to_string() + path;
}

Expected<ServerAddress> parse_server_url(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  const auto refuse = [&](const std::string& why) {
    return Unexpected{in_quotes(url) + " is no server: " + why};
  };
  if (!url.starts_with(kScheme)) return refuse("it must begin with https://");
  std::string_view rest = url.substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  std::string path(slash == std::string_view::npos ? "" : rest.substr(slash));
  while (!path.empty() && path.back() == '/') path.pop_back();
  if (path.find_first_of("?# ") != std::string::npos) return refuse("its path has a query");

  std::string authority(rest.substr(0, slash));
  const std::size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string::npos && authority.find(']', colon) == std::string::npos;
  if (!has_port) authority += ":443";
  auto endpoint = parse_tcp_endpoint(authority);
  if (!endpoint) return refuse(endpoint.error());
  if (endpoint->port == 0) return refuse("port 0");
  return ServerAddress{std::move(endpoint).value(), std::move(path)};
}

Expected<std::shared_ptr<const Access>> in_cluster_access(const std::string& folder,
                                                          const GetEnv& getenv) {
  const GetEnv& variable = getenv ? getenv : process_environment;
  auto at = socketmesh::kube::in_cluster_access(
      variable(std::string(socketmesh::kube::kServiceHostVariable)),
      variable(std::string(socketmesh::kube::kServicePortVariable)), folder);
  if (!at) return Unexpected{at.error()};
  auto access = std::make_shared<InCluster>(std::move(at).value());
  if (auto opened = access->open(); !opened) return Unexpected{opened.error()};
  if (auto good = check_tls(*access); !good) return Unexpected{folder + "/ca.crt: " + good.error()};
  return std::shared_ptr<const Access>(std::move(access));
}

}  // namespace socketmesh::op::kube
