#include "operator/control/run.hpp"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <climits>
#include <cstdio>
#include <random>
#include <string>

#include "lib/net/signals.hpp"
#include "operator/control/operator.hpp"
#include "operator/kube/access.hpp"
#include "operator/kube/runtime.hpp"

namespace socketmesh::op::control {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kOneThread = 1;

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "socketmesh-operator";
  return name;
}

// Two lives of one pod are two candidates: the first may still hold the lease.
std::string unique(const std::string& name) {
  char suffix[16];
  std::snprintf(suffix, sizeof suffix, "_%08x", std::random_device()());
  return name + suffix;
}

Expected<std::shared_ptr<const kube::Access>> access_of(const Options& options) {
  return options.kubeconfig.empty() ? kube::in_cluster_access()
                                    : kube::kubeconfig_access(options.kubeconfig);
}

Options completed(Options options, const kube::Access& access) {
  if (options.namespace_name.empty()) options.namespace_name = access.default_namespace();
  options.settings.operator_namespace = options.namespace_name;
  options.identity = unique(options.identity.empty() ? host_name() : options.identity);
  return options;
}

}  // namespace

int run(const Options& wanted) {
  kube::init_runtime();
  const obs::Logger logger(wanted.log_level, wanted.log_format);
  auto access = access_of(wanted);
  if (!access) {
    std::fprintf(stderr, "socketmesh-operator: %s\n", access.error().c_str());
    return kExitUsage;
  }
  const Options options = completed(wanted, **access);
  int code = kExitOk;
  boost::asio::io_context io(kOneThread);
  Operator running(io, logger, options, *access, [&] {
    code = kExitFailed;
    io.stop();
  });
  if (const auto started = running.start(); !started) {
    std::fprintf(stderr, "socketmesh-operator: %s\n", started.error().c_str());
    return kExitUsage;
  }
  logger.info("operator started", {{"version", SOCKETMESH_VERSION},
                                   {"server", (*access)->server().url()},
                                   {"namespace", options.namespace_name},
                                   {"identity", options.identity}});
  const net::StopSignals signals(io, [&](int /*signal*/, int count) {
    if (count > 1) {
      io.stop();
    } else {
      running.stop([&io] { io.stop(); });
    }
  });
  io.run();
  logger.info("operator ended", {{"code", code}});
  return code;
}

}  // namespace socketmesh::op::control
