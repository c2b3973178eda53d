// An Access for tests, to a ScriptedServer.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "operator/kube/access.hpp"

namespace socketmesh::op::kube {

inline std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class TestAccess final : public Access {
 public:
  TestAccess(std::string host, std::uint16_t port, std::string ca)
      : server_{{std::move(host), port}, ""},
        tls_name_(server_.endpoint.host),
        ca_(std::move(ca)) {}

  const ServerAddress& server() const override { return server_; }
  const std::string& tls_name() const override { return tls_name_; }
  std::string ca_pem() const override { return ca_; }
  std::string token() const override { return expired_ == 0 ? token_ : fresh_token_; }
  std::optional<ClientCertificate> certificate() const override { return certificate_; }
  void expire() const override { ++expired_; }
  const std::string& default_namespace() const override { return namespace_; }

  ServerAddress server_;
  std::string tls_name_;
  std::string ca_;
  std::string token_ = "old-token";
  std::string fresh_token_ = "fresh-token";
  std::optional<ClientCertificate> certificate_;
  std::string namespace_ = "default";
  mutable std::atomic<int> expired_ = 0;
};

}  // namespace socketmesh::op::kube
