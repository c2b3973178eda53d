// What `socketmesh-operator run` can be told. Plain values.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "lib/base/endpoint.hpp"
#include "lib/obs/log.hpp"
#include "operator/plan/settings.hpp"

namespace socketmesh::op::control {

struct Options {
  std::string kubeconfig;                     // a path; empty: as a pod
  std::string namespace_name;                 // its own; empty: as the credentials say
  std::vector<std::string> watch_namespaces;  // empty: all
  plan::Settings settings;                    // operator_namespace follows namespace_name
  std::string identity;                       // this replica's name; empty: the host's

  bool webhook = true;
  std::string webhook_service = "socketmesh-webhook";
  std::string webhook_configuration = "socketmesh-injector";
  TcpEndpoint webhook_listen{"::", 10250};

  bool leader_elect = true;
  TcpEndpoint metrics_listen{"::", 8080};
  TcpEndpoint health_listen{"::", 8081};
  std::chrono::milliseconds resync = std::chrono::minutes(10);

  obs::LogLevel log_level = obs::LogLevel::kInfo;
  obs::LogFormat log_format = obs::LogFormat::kText;
};

// Between full looks at everything, Secrets included.
inline constexpr std::chrono::milliseconds kResyncMin = std::chrono::seconds(10);
inline constexpr std::chrono::milliseconds kResyncMax = std::chrono::hours(24);

}  // namespace socketmesh::op::control
