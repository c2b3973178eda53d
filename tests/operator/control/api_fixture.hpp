// A MiniApi behind real TLS, and a real client to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "operator/kube/client.hpp"
#include "operator/kube/runtime.hpp"
#include "tests/lib/net/test_certificates.hpp"
#include "tests/operator/control/mini_api.hpp"
#include "tests/operator/kube/test_access.hpp"

namespace socketmesh::op::control {

class ApiFixture : public testing::Test {
 protected:
  ApiFixture() : files_(certificates_.make("server", ",IP:::1")) {
    kube::init_runtime();
    serve();
    access_ = std::make_shared<kube::TestAccess>("127.0.0.1", server_->port(),
                                                 kube::read_file(files_.ca));
    client_ = std::make_unique<kube::Client>(access_);
  }

  void serve() {
    server_ = std::make_unique<kube::ScriptedServer>(
        files_,
        [this](const auto& request, auto& connection) { api_.answer(request, connection); });
  }

  obs::Logger logger_{obs::LogLevel::kError, obs::LogFormat::kText, [](std::string_view) {}};
  net::TestCertificates certificates_;
  net::TlsFiles files_;
  MiniApi api_;
  std::unique_ptr<kube::ScriptedServer> server_;
  std::shared_ptr<kube::TestAccess> access_;
  std::unique_ptr<kube::Client> client_;
};

}  // namespace socketmesh::op::control
