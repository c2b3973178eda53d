#include "sidecar/shell/sidecar.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <random>

#include "sidecar/shell/dashboard.hpp"
#include "sidecar/shell/discovery/make_provider.hpp"
#include "sidecar/shell/metrics.hpp"
#include "sidecar/shell/status_json.hpp"
#include "sidecar/shell/tls/session.hpp"

namespace socketmesh::shell {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

node::TimeUs to_us(milliseconds duration) {
  return microseconds(duration).count();
}

node::NodeConfig node_config(const config::SidecarConfig& config) {
  node::NodeConfig node;
  node.mesh = config.mesh.name;
  node.sidecar_id = config.mesh.id;
  // The wall clock: a later life of this sidecar has the larger epoch.
  node.epoch = static_cast<std::uint64_t>(
      std::chrono::duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  std::random_device random;
  if (config.dropin) node.channels |= node::channel_bit(node::Channel::kDropIn);
  node.seed = (std::uint64_t{random()} << 32U) | random();
  node.limits.member_queue_bytes = config.app.queue_bytes;
  node.limits.link_window_bytes = config.link.window_bytes;
  node.limits.hold_time = to_us(config.link.hold);
  node.limits.peer_timeout = to_us(config.link.peer_timeout);
  node.limits.idle_timeout = to_us(config.link.idle_timeout);
  if (config.recovery) {
    node.limits.recovery_window = to_us(config.recovery->window);
    node.limits.recovery_memory_bytes = config.recovery->memory_bytes;
    node.limits.recovery_replicas = static_cast<std::size_t>(config.recovery->replicas);
    node.node = config.recovery->node;
  }
  return node;
}

TransportFactory tls_transport(std::shared_ptr<const TlsContext> context) {
  return [context = std::move(context)](TransportRole role) {
    return std::make_unique<TlsSession>(context, role);
  };
}

const char* key_of(net::TlsError::File file) {
  switch (file) {
    case net::TlsError::File::kCa:
      return "tls.ca";
    case net::TlsError::File::kCert:
      return "tls.cert";
    case net::TlsError::File::kKey:
      return "tls.key";
  }
  return "tls";
}

}  // namespace

Sidecar::Sidecar(boost::asio::io_context& io, const obs::Logger& logger,
                 const config::SidecarConfig& config, milliseconds discovery_patience)
    : io_(io),
      logger_(logger),
      config_(config),
      discovery_patience_(discovery_patience),
      app_listener_(io, logger,
                    [this](Listener::Socket socket, const std::string& remote) {
                      driver_->accept_app(std::move(socket), remote);
                    }),
      link_listener_(io, logger,
                     [this](Listener::Socket socket, const std::string& remote) {
                       driver_->accept_link(std::move(socket), remote);
                     }),
      admin_(io, logger),
      ticker_(io) {}

Sidecar::~Sidecar() = default;

Expected<void> Sidecar::start() {
  started_ = steady_clock::now();
  if (auto loaded = load_certificates(); !loaded) return loaded;
  auto provider = make_provider(io_, logger_, config_);
  if (!provider) return Unexpected{provider.error()};
  provider_ = std::move(provider).value();
  NodeDriver::Options options;
  options.node = node_config(config_);
  if (certificates_) options.transport = tls_transport(certificates_->context());
  driver_ = std::make_unique<NodeDriver>(io_, logger_, std::move(options));
  if (config_.dropin) dropin_ = std::make_unique<DropInDriver>(io_, logger_, *driver_, config_);
  if (auto listening = listen(); !listening) return listening;
  if (dropin_) {
    if (auto started = dropin_->start(); !started) return started;
  }
  start_discovery();
  tick_later();
  logger_.info("sidecar started", {{"version", SOCKETMESH_VERSION},
                                   {"mesh", config_.mesh.name},
                                   {"id", config_.mesh.id},
                                   {"app", to_string(config_.app.listen)},
                                   {"link", config_.link.listen.to_string()},
                                   {"admin", config_.admin.listen.to_string()},
                                   {"tls", certificates_ != nullptr}});
  return {};
}

Expected<void> Sidecar::load_certificates() {
  if (!config_.tls) return {};
  certificates_ = std::make_unique<CertificateWatch>(logger_, *config_.tls);
  if (auto loaded = certificates_->load(); !loaded) {
    const net::TlsError& error = loaded.error();
    return Unexpected{config_.origin(key_of(error.file)) + ": " + error.message};
  }
  admin_.use_tls(TlsContext::https(certificates_->context()));
  return {};
}

// What is open goes on with what it began with.
void Sidecar::use_certificates(const CertificateWatch::Context& context) {
  driver_->set_transport(tls_transport(context));
  admin_.use_tls(TlsContext::https(context));
}

Expected<void> Sidecar::listen() {
  const auto listening = [this](const char* key, const Expected<void>& result) -> Expected<void> {
    if (result) return {};
    return Unexpected{config_.origin(key) + ": " + result.error()};
  };
  add_routes();
  auto result = listening("admin.listen", admin_.listen(config_.admin.listen));
  if (result) result = listening("link.listen", link_listener_.listen(config_.link.listen));
  if (result) result = listening("app.listen", app_listener_.listen(config_.app.listen));
  app_listens_ = result.has_value();
  return result;
}

void Sidecar::add_routes() {
  using net::HttpRequest;
  using net::HttpResponse;
  // An answer means that the event loop turns; there is nothing else to be healthy about.
  admin_.get("/healthz", [](const HttpRequest&) { return HttpResponse::text(200, "ok\n"); });
  admin_.get("/readyz", [this](const HttpRequest&) {
    return ready() ? HttpResponse::text(200, "ready\n")
                   : HttpResponse::text(503, "waiting for the first answer of discovery\n");
  });
  admin_.get("/status",
             [this](const HttpRequest&) { return HttpResponse::json(200, status_json(report())); });
  admin_.stream("/events", [this] { return status_json(report()); });
  admin_.get("/metrics", [this](const HttpRequest&) {
    HttpResponse response;
    response.content_type = obs::MetricSet::kContentType;
    response.body = make_metrics(report(), round_trips_).text();
    return response;
  });
  for (const DashboardFile& file : dashboard_files()) {
    admin_.get(std::string(file.path), [&file](const HttpRequest&) {
      HttpResponse response;
      response.content_type = file.content_type;
      response.body = file.body;
      return response;
    });
  }
}

void Sidecar::start_discovery() {
  provider_->start([this](const Provider::Addresses& addresses) {
    discovery_answered_ = true;
    driver_->set_addresses(addresses);
  });
}

void Sidecar::tick_later() {
  ticker_.expires_after(kTickInterval);
  ticker_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    tick();
    tick_later();
  });
}

void Sidecar::tick() {
  round_trips_.sample(driver_->status());
  if (dropin_) dropin_->look_at_token();
  if (!certificates_) return;
  certificates_->look(
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()),
      [this](const CertificateWatch::Context& context) { use_certificates(context); });
}

void Sidecar::leave(std::function<void()> done) {
  logger_.info("leaving");
  app_listener_.close();
  if (dropin_) dropin_->leave();
  driver_->leave(std::move(done), [this] {
    link_listener_.close();
    provider_->stop();
  });
}

bool Sidecar::ready() const {
  return app_listens_ &&
         (discovery_answered_ || steady_clock::now() - started_ >= discovery_patience_);
}

std::optional<TlsReport> Sidecar::tls_report() const {
  if (!certificates_) return std::nullopt;
  TlsReport report;
  report.bundle_sha256 = certificates_->context()->bundle_sha256();
  report.leaf_not_after_s = certificates_->context()->not_after_s();
  report.reloads = certificates_->stats().reloads;
  report.reloads_refused = certificates_->stats().refused;
  report.problem = certificates_->problem();
  return report;
}

Report Sidecar::report() const {
  Report report;
  report.status = driver_->status();
  report.counters = driver_->counters();
  report.driver = driver_->stats();
  report.admin = admin_.stats();
  report.process = read_process_figures();
  report.ready = ready();
  report.watch = provider_->watch_figures();
  report.tls = tls_report();
  if (dropin_) report.dropin = dropin_->report();
  return report;
}

}  // namespace socketmesh::shell
