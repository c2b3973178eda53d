// The pods behind a headless Service, by a list-watch of its EndpointSlices.
//
// lib/kube decides; this carries out: HTTPS requests with the pod's token and CA, both read anew
// for each connection or request, as the kubelet rotates them. Changes of one burst are handed on
// together, kCoalesce after the first. While the API server is away the last list stands; that is
// logged when it begins and ends, not at each attempt.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "lib/kube/endpoint_slices.hpp"
#include "lib/kube/in_cluster.hpp"
#include "lib/kube/list_watch_options.hpp"
#include "lib/obs/log.hpp"
#include "sidecar/shell/discovery/provider.hpp"

namespace socketmesh::shell {

class KubernetesProvider final : public Provider {
 public:
  struct Options {
    kube::InClusterAccess access;
    std::string space;  // the namespace
    std::string service;
    kube::PortChoice port{"link", 7400};
    kube::AddressFamily preferred = kube::AddressFamily::kIPv4;
    kube::ListWatchTimes times;
    std::uint64_t seed = 0;  // for jitter; differs from sidecar to sidecar
  };

  // How long a change waits for others of its burst.
  static constexpr std::chrono::milliseconds kCoalesce{20};
  // Slices in one page of a list: each has up to 100 endpoints, some 40 KiB.
  static constexpr std::uint32_t kPageSize = 20;

  // The logger outlives the provider.
  KubernetesProvider(boost::asio::io_context& io, const obs::Logger& logger, Options options);
  ~KubernetesProvider() override;

  void start(Callback callback) override;
  void stop() override;
  [[nodiscard]] std::optional<WatchFigures> watch_figures() const override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace socketmesh::shell
