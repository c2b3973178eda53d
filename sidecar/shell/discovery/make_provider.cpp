#include "sidecar/shell/discovery/make_provider.hpp"

#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <variant>

#include "sidecar/shell/discovery/account_files.hpp"
#include "sidecar/shell/discovery/dns_provider.hpp"
#include "sidecar/shell/discovery/kubernetes_provider.hpp"
#include "sidecar/shell/discovery/static_provider.hpp"

namespace socketmesh::shell {
namespace {

std::string variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::string() : std::string(value);
}

// Where the API server is, and what to watch there. The error names the configuration's key.
Expected<KubernetesProvider::Options> kubernetes_options(
    const config::SidecarConfig& config, const config::KubernetesDiscovery& kubernetes) {
  const auto blame = [&](const char* key, const std::string& reason) {
    return Unexpected{config.origin(std::string("discovery.kubernetes.") + key) + ": " + reason};
  };
  auto access = kube::in_cluster_access(variable(kube::kServiceHostVariable),
                                        variable(kube::kServicePortVariable), kubernetes.account);
  if (!access) return blame("service", access.error());
  KubernetesProvider::Options options;
  options.access = std::move(access).value();
  options.space = kubernetes.space;
  options.service = kubernetes.service;
  options.port.number = config.link.listen.port;
  // "::" takes IPv4 as well, so only a single IPv6 address is a reason to prefer IPv6.
  const bool only_v6 =
      config.link.listen.host.find(':') != std::string::npos && !config.link.listen.is_wildcard();
  if (only_v6) options.preferred = kube::AddressFamily::kIPv6;
  if (options.space.empty()) {
    auto space = read_namespace(options.access);
    if (!space) return blame("namespace", space.error());
    options.space = std::move(space).value();
  }
  options.seed = std::random_device()();
  return options;
}

DnsProvider::Options dns_options(const config::SidecarConfig& config,
                                 const config::DnsDiscovery& dns) {
  DnsProvider::Options options;
  options.name = dns.name;
  options.interval = dns.interval;
  options.loopback_only = config.loopback_only();
  return options;
}

Provider::Addresses static_addresses(const config::StaticDiscovery& discovery) {
  Provider::Addresses addresses;
  addresses.reserve(discovery.peers.size());
  for (const TcpEndpoint& peer : discovery.peers) addresses.push_back(peer.to_string());
  return addresses;
}

}  // namespace

Expected<std::unique_ptr<Provider>> make_provider(boost::asio::io_context& io,
                                                  const obs::Logger& logger,
                                                  const config::SidecarConfig& config) {
  std::unique_ptr<Provider> provider;
  if (const auto* kubernetes = std::get_if<config::KubernetesDiscovery>(&config.discovery)) {
    auto options = kubernetes_options(config, *kubernetes);
    if (!options) return Unexpected{options.error()};
    provider = std::make_unique<KubernetesProvider>(io, logger, std::move(options).value());
  } else if (const auto* dns = std::get_if<config::DnsDiscovery>(&config.discovery)) {
    provider = std::make_unique<DnsProvider>(io, logger, dns_options(config, *dns));
  } else {
    provider = std::make_unique<StaticProvider>(
        io, static_addresses(std::get<config::StaticDiscovery>(config.discovery)));
  }
  return provider;
}

}  // namespace socketmesh::shell
