// A Client and the ScriptedServer that it calls.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "operator/kube/client.hpp"
#include "operator/kube/runtime.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/operator/kube/scripted_server.hpp"
#include "tests/operator/kube/test_access.hpp"

namespace socketmesh::op::kube {

inline const ObjectRef kChat{kDeployments, "default", "chat"};

class ClientFixture : public testing::Test {
 protected:
  ClientFixture() { init_runtime(); }

  void serve(ScriptedServer::Script script, const ScriptedServer::Options& options = {}) {
    files_ = certificates_.make("server", ",IP:::1");
    server_ = std::make_unique<ScriptedServer>(files_, std::move(script), options);
    access_ = std::make_shared<TestAccess>(options.address, server_->port(), read_file(files_.ca));
  }
  Client& client(ClientOptions options = {}) {
    if (!client_) client_ = std::make_unique<Client>(access_, std::move(options));
    return *client_;
  }
  ScriptedServer::Request request() { return server_->requests().back(); }
  static std::string header(const ScriptedServer::Request& request, const char* name) {
    return std::string(request[name]);
  }

  net::TestCertificates certificates_;
  net::TlsFiles files_;
  std::unique_ptr<ScriptedServer> server_;
  std::shared_ptr<TestAccess> access_;
  std::unique_ptr<Client> client_;
};

}  // namespace socketmesh::op::kube
