#include <array>
#include <filesystem>
#include <utility>
#include <vector>

#include "lib/base/base64.hpp"
#include "lib/base/text.hpp"
#include "lib/config/yaml.hpp"
#include "lib/kube/in_cluster.hpp"
#include "operator/kube/access.hpp"
#include "operator/kube/access_tls.hpp"
#include "operator/kube/credential_file.hpp"

namespace socketmesh::op::kube {
namespace {

using config::YamlNode;
using socketmesh::kube::parse_token;

// A credential that stands in the kubeconfig, or in a file that it names.
class Credential {
 public:
  explicit Credential(std::string content) : content_(std::move(content)) {}
  explicit Credential(std::shared_ptr<CredentialFile> file) : file_(std::move(file)) {}

  std::string content() const { return file_ ? file_->content() : content_; }
  void expire() const {
    if (file_) file_->expire();
  }

 private:
  std::string content_;
  std::shared_ptr<CredentialFile> file_;
};

struct Credentials {
  std::optional<Credential> ca;
  std::optional<Credential> cert;
  std::optional<Credential> key;
  std::optional<Credential> token;
};

class ByKubeconfig final : public Access {
 public:
  ByKubeconfig(ServerAddress server, std::string tls_name, std::string ns, Credentials credentials)
      : server_(std::move(server)),
        tls_name_(std::move(tls_name)),
        namespace_(std::move(ns)),
        credentials_(std::move(credentials)) {}

  const ServerAddress& server() const override { return server_; }
  const std::string& tls_name() const override { return tls_name_; }
  std::string ca_pem() const override { return credentials_.ca->content(); }
  std::string token() const override {
    return credentials_.token ? parse_token(credentials_.token->content()).value_or("")
                              : std::string();
  }
  std::optional<ClientCertificate> certificate() const override {
    if (!credentials_.cert) return std::nullopt;
    return ClientCertificate{credentials_.cert->content(), credentials_.key->content()};
  }
  void expire() const override {
    const Credentials& all = credentials_;
    for (const auto* each : {&all.ca, &all.cert, &all.key, &all.token}) {
      if (*each) (*each)->expire();
    }
  }
  const std::string& default_namespace() const override { return namespace_; }

 private:
  ServerAddress server_;
  std::string tls_name_;
  std::string namespace_;
  Credentials credentials_;
};

std::string text_at(const YamlNode& map, std::string_view key) {
  const YamlNode* node = map.find(key);
  return node != nullptr && node->kind == YamlNode::Kind::kScalar ? node->scalar : std::string();
}

// The entry of this name in the list `lists` ("users"), its value under `key` ("user").
const YamlNode* named(const YamlNode& root, std::string_view lists, const std::string& name,
                      std::string_view key) {
  const YamlNode* list = root.find(lists);
  if (list == nullptr) return nullptr;
  for (const YamlNode& entry : list->items) {
    if (text_at(entry, "name") != name) continue;
    const YamlNode* value = entry.find(key);
    return value != nullptr && value->kind == YamlNode::Kind::kMap ? value : nullptr;
  }
  return nullptr;
}

// Reads one kubeconfig; each step ends with the first complaint, which names the file.
class Loader {
 public:
  explicit Loader(std::string path) : path_(std::move(path)) {}

  Expected<std::shared_ptr<const Access>> load() {
    const Expected<std::string> text = read_credential(path_);
    if (!text) return Unexpected{text.error()};
    std::vector<config::Problem> problems;
    const YamlNode root = config::parse_yaml(path_, *text, problems);
    if (!problems.empty()) return Unexpected{problems.front().to_string()};

    const std::string context_name = text_at(root, "current-context");
    if (context_name.empty()) return complain("it has no current-context");
    const YamlNode* context = named(root, "contexts", context_name, "context");
    if (context == nullptr) return complain("context " + in_quotes(context_name) + " is missing");
    const std::string cluster_name = text_at(*context, "cluster");
    const YamlNode* cluster = named(root, "clusters", cluster_name, "cluster");
    if (cluster == nullptr) return complain("cluster " + in_quotes(cluster_name) + " is missing");
    const std::string user_name = text_at(*context, "user");
    const YamlNode* user = named(root, "users", user_name, "user");
    if (user == nullptr) return complain("user " + in_quotes(user_name) + " is missing");
    return make(*context, *cluster, *user, cluster_name, user_name);
  }

 private:
  Unexpected<std::string> complain(const std::string& why) const {
    return Unexpected{in_quotes(path_) + ": " + why};
  }

  Expected<std::shared_ptr<const Access>> make(const YamlNode& context, const YamlNode& cluster,
                                               const YamlNode& user,
                                               const std::string& cluster_name,
                                               const std::string& user_name) const {
    const std::string at_cluster = "cluster " + in_quotes(cluster_name) + ": ";
    const std::string at_user = "user " + in_quotes(user_name) + ": ";
    if (auto fine = check_cluster(cluster); !fine) return complain(at_cluster + fine.error());
    if (auto fine = check_user(user); !fine) return complain(at_user + fine.error());
    auto server = parse_server_url(text_at(cluster, "server"));
    if (!server) return complain(at_cluster + server.error());

    Credentials all;
    for (const auto& [slot, map, key] : {std::tuple{&all.ca, &cluster, "certificate-authority"},
                                         std::tuple{&all.cert, &user, "client-certificate"},
                                         std::tuple{&all.key, &user, "client-key"}}) {
      auto found = pem_at(*map, key);
      if (!found) return complain((map == &cluster ? at_cluster : at_user) + found.error());
      *slot = std::move(found).value();
    }
    auto token = token_at(user);
    if (!token) return complain(at_user + token.error());
    all.token = std::move(token).value();

    if (!all.ca) return complain(at_cluster + "no certificate-authority is given");
    if (all.cert.has_value() != all.key.has_value()) {
      return complain(at_user + "client-certificate and client-key need each other");
    }
    std::string tls_name = text_at(cluster, "tls-server-name");
    if (tls_name.empty()) tls_name = server->endpoint.host;
    std::string ns = text_at(context, "namespace");
    if (ns.empty()) ns = "default";
    return std::shared_ptr<const Access>(std::make_shared<ByKubeconfig>(
        std::move(server).value(), std::move(tls_name), std::move(ns), std::move(all)));
  }

  static Expected<void> check_cluster(const YamlNode& cluster) {
    if (text_at(cluster, "insecure-skip-tls-verify") == "true") {
      return Unexpected{"insecure-skip-tls-verify is not supported; give certificate-authority"};
    }
    if (!text_at(cluster, "proxy-url").empty()) {
      return Unexpected{"proxy-url is not supported"};
    }
    return {};
  }

  static Expected<void> check_user(const YamlNode& user) {
    constexpr std::array kPlugins{"exec", "auth-provider"};
    for (const char* key : kPlugins) {
      if (user.find(key) != nullptr) {
        return Unexpected{std::string(key) +
                          " is not supported; use a client certificate or a token, such as "
                          "`kubectl create token` makes"};
      }
    }
    if (!text_at(user, "username").empty() || !text_at(user, "password").empty()) {
      return Unexpected{"username and password are not supported"};
    }
    return {};
  }

  // `key`-data in base64, or the file that `key` names; nothing without both.
  Expected<std::optional<Credential>> pem_at(const YamlNode& map, const std::string& key) const {
    if (std::string data = text_at(map, key + "-data"); !data.empty()) {
      std::erase_if(data, [](char c) { return c == '\n' || c == '\r'; });  // as base64(1) wraps
      auto decoded = base64_decode(data);
      if (!decoded) return Unexpected{key + "-data is no base64"};
      return std::optional<Credential>(Credential(*std::move(decoded)));
    }
    return file_at(map, key);
  }

  Expected<std::optional<Credential>> token_at(const YamlNode& user) const {
    auto file = file_at(user, "tokenFile");
    if (!file || *file) return file;
    std::string token = text_at(user, "token");
    if (token.empty()) return std::optional<Credential>();
    if (const auto good = parse_token(token); !good) return Unexpected{"token " + good.error()};
    return std::optional<Credential>(Credential(std::move(token)));
  }

  Expected<std::optional<Credential>> file_at(const YamlNode& map, const std::string& key) const {
    const std::filesystem::path path = text_at(map, key);
    if (path.empty()) return std::optional<Credential>();
    const auto whole = std::filesystem::path(path_).parent_path() / path;  // an absolute one stays
    auto file = std::make_shared<CredentialFile>(whole.string());
    if (auto opened = file->open(); !opened) return Unexpected{opened.error()};
    return std::optional<Credential>(Credential(std::move(file)));
  }

  std::string path_;
};

}  // namespace

Expected<std::shared_ptr<const Access>> kubeconfig_access(const std::string& path) {
  auto access = Loader(path).load();
  if (!access) return access;
  if (auto good = check_tls(**access); !good) {
    return Unexpected{in_quotes(path) + ": " + good.error()};
  }
  return access;
}

}  // namespace socketmesh::op::kube
