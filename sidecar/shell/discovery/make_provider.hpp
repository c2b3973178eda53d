// The provider that a configuration asks for.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>
#include <memory>

#include "lib/base/expected.hpp"
#include "lib/obs/log.hpp"
#include "sidecar/shell/config.hpp"
#include "sidecar/shell/discovery/provider.hpp"

namespace socketmesh::shell {

// For discovery by Kubernetes it looks where the API server is (the environment of a pod) and, when
// the configuration names no namespace, in which one the pod is. The error names the
// configuration's key. The logger outlives the provider.
Expected<std::unique_ptr<Provider>> make_provider(boost::asio::io_context& io,
                                                  const obs::Logger& logger,
                                                  const config::SidecarConfig& config);

}  // namespace socketmesh::shell
