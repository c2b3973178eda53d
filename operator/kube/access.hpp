// How to reach the API server, and as whom: from inside a pod, or by a kubeconfig.
//
// Only the cluster's CA vouches for the server. Token and CA files are read again when they are
// older than kCredentialAge, so rotation needs no restart; should a new read fail, the last good
// content stays. Thread-safe. Errors are sentences for people and never hold secrets.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/endpoint.hpp"
#include "lib/base/expected.hpp"
#include "lib/kube/in_cluster.hpp"

namespace socketmesh::op::kube {

// How long a token or CA that was read from a file is used before the file is read again.
inline constexpr std::chrono::seconds kCredentialAge{10};
inline constexpr std::size_t kCredentialBytesMax = 1U << 20U;

struct ClientCertificate {
  std::string cert_pem;
  std::string key_pem;
};

// Where the API server is.
struct ServerAddress {
  TcpEndpoint endpoint;
  std::string path;  // what every target begins with: "" or "/clusters/a", no trailing slash

  // "https://10.96.0.1:443", for messages.
  [[nodiscard]] std::string url() const;
};

// "https://host", "https://host:6443/path", "https://[::1]:6443"; anything else is an error.
Expected<ServerAddress> parse_server_url(std::string_view url);

class Access {
 public:
  virtual ~Access() = default;

  [[nodiscard]] virtual const ServerAddress& server() const = 0;
  // What the server's certificate must be issued for: the server's host, or the kubeconfig's
  // tls-server-name.
  [[nodiscard]] virtual const std::string& tls_name() const = 0;
  [[nodiscard]] virtual std::string ca_pem() const = 0;
  // Empty: none.
  [[nodiscard]] virtual std::string token() const = 0;
  [[nodiscard]] virtual std::optional<ClientCertificate> certificate() const = 0;
  // The next reads go to the files, whatever their age: after a 401.
  virtual void expire() const = 0;
  // The pod's or the context's namespace; "default" when a context has none.
  [[nodiscard]] virtual const std::string& default_namespace() const = 0;
};

// The value of an environment variable, empty without: for tests, getenv by default.
using GetEnv = std::function<std::string(const std::string&)>;

// By KUBERNETES_SERVICE_HOST and _PORT, and the files of the ServiceAccount in `folder`.
Expected<std::shared_ptr<const Access>> in_cluster_access(
    const std::string& folder = std::string(socketmesh::kube::kServiceAccountFolder),
    const GetEnv& getenv = {});

// The current context of a kubeconfig: certificate-authority(-data), client-certificate(-data),
// client-key(-data), token, tokenFile, tls-server-name. Relative paths are relative to its folder.
// What is not supported is refused by name: exec and auth-provider plugins, user and password,
// insecure-skip-tls-verify, proxy-url, plain http.
Expected<std::shared_ptr<const Access>> kubeconfig_access(const std::string& path);

}  // namespace socketmesh::op::kube
