// The running sidecar: its node, listeners, discovery and admin server, put together.
//
//   Sidecar sidecar(io, logger, config);
//   if (auto started = sidecar.start(); !started) ...   // "mesh.yaml:4: app.listen: ...: in use"
//   io.run();
//
// One thread runs the io_context. Lifetime: the sidecar outlives the last run(). Errors of start()
// name where in the configuration the value stands; after it nothing fails, but is logged and
// counted.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "lib/base/expected.hpp"
#include "lib/net/admin_server.hpp"
#include "lib/obs/log.hpp"
#include "sidecar/shell/config.hpp"
#include "sidecar/shell/discovery/provider.hpp"
#include "sidecar/shell/listener.hpp"
#include "sidecar/shell/node_driver.hpp"
#include "sidecar/shell/report.hpp"
#include "sidecar/shell/tls/certificate_watch.hpp"

namespace socketmesh::shell {

class Sidecar {
 public:
  // Ready without an answer from discovery after this long, so that its outage stops no rollout.
  static constexpr std::chrono::seconds kDiscoveryPatience{10};
  // Between looks at the certificate files, and samples of the round-trip histograms.
  static constexpr std::chrono::seconds kTickInterval{1};

  // Config and logger outlive the sidecar.
  Sidecar(boost::asio::io_context& io, const obs::Logger& logger,
          const config::SidecarConfig& config,
          std::chrono::milliseconds discovery_patience = kDiscoveryPatience);
  ~Sidecar();
  Sidecar(const Sidecar&) = delete;
  Sidecar& operator=(const Sidecar&) = delete;

  Expected<void> start();
  // Says goodbye to members and peers, then calls `done`, at the latest after
  // NodeDriver::kLeaveTimeout.
  void leave(std::function<void()> done);

  [[nodiscard]] Report report() const;
  [[nodiscard]] bool ready() const;
  // For configured ports that are 0.
  [[nodiscard]] std::uint16_t link_port() const { return link_listener_.port(); }
  [[nodiscard]] std::uint16_t admin_port() const { return admin_.port(); }
  // Null without a dropin section.
  [[nodiscard]] const DropInDriver* dropin() const { return dropin_.get(); }

 private:
  Expected<void> load_certificates();
  Expected<void> listen();
  void add_routes();
  void start_discovery();
  void use_certificates(const CertificateWatch::Context& context);
  void tick_later();
  void tick();
  [[nodiscard]] std::optional<TlsReport> tls_report() const;

  boost::asio::io_context& io_;
  const obs::Logger& logger_;
  const config::SidecarConfig& config_;
  std::chrono::milliseconds discovery_patience_;
  std::unique_ptr<CertificateWatch> certificates_;  // none: plain links
  std::unique_ptr<NodeDriver> driver_;
  std::unique_ptr<DropInDriver> dropin_;  // none: off
  Listener app_listener_;
  Listener link_listener_;
  net::AdminServer admin_;
  std::unique_ptr<Provider> provider_;
  boost::asio::steady_timer ticker_;
  RoundTrips round_trips_;
  std::chrono::steady_clock::time_point started_;
  bool app_listens_ = false;
  bool discovery_answered_ = false;
};

}  // namespace socketmesh::shell
