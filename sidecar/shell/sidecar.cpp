#include "sidecar/shell/sidecar.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <random>
#include <variant>

#include "sidecar/shell/dashboard.hpp"
#include "sidecar/shell/discovery/dns_provider.hpp"
#include "sidecar/shell/discovery/static_provider.hpp"
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
  node.seed = (std::uint64_t{random()} << 32U) | random();
  node.limits.member_queue_bytes = config.app.queue_bytes;
  node.limits.link_window_bytes = config.link.window_bytes;
  node.limits.hold_time = to_us(config.link.hold);
  node.limits.peer_timeout = to_us(config.link.peer_timeout);
  node.limits.idle_timeout = to_us(config.link.idle_timeout);
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
                 const config::SidecarConfig& config)
    : io_(io),
      logger_(logger),
      config_(config),
      app_listener_(io, logger,
                    [this](Listener::Socket socket, const std::string& remote) {
                      driver_->accept_app(std::move(socket), remote);
                    }),
      link_listener_(io, logger,
                     [this](Listener::Socket socket, const std::string& remote) {
                       driver_->accept_link(std::move(socket), remote);
                     }),
      admin_(io, logger),
      sample_timer_(io) {}

Sidecar::~Sidecar() = default;

Expected<void> Sidecar::start() {
  started_ = steady_clock::now();
  if (auto loaded = load_certificates(); !loaded) return loaded;
  NodeDriver::Options options;
  options.node = node_config(config_);
  if (tls_ != nullptr) options.transport = tls_transport(tls_);
  driver_ = std::make_unique<NodeDriver>(io_, logger_, std::move(options));
  if (auto listening = listen(); !listening) return listening;
  start_discovery();
  sample_later();
  logger_.info("sidecar started", {{"version", SOCKETMESH_VERSION},
                                   {"mesh", config_.mesh.name},
                                   {"id", config_.mesh.id},
                                   {"app", to_string(config_.app.listen)},
                                   {"link", config_.link.listen.to_string()},
                                   {"admin", config_.admin.listen.to_string()},
                                   {"tls", tls_ != nullptr}});
  return {};
}

Expected<void> Sidecar::load_certificates() {
  if (!config_.tls) return {};
  auto loaded = TlsContext::load(*config_.tls);
  if (!loaded) {
    const net::TlsError& error = loaded.error();
    return Unexpected{config_.origin(key_of(error.file)) + ": " + error.message};
  }
  tls_ = std::move(loaded).value();
  return {};
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
  if (const auto* dns = std::get_if<config::DnsDiscovery>(&config_.discovery)) {
    DnsProvider::Options options;
    options.name = dns->name;
    options.interval = dns->interval;
    options.loopback_only = config_.loopback_only();
    provider_ = std::make_unique<DnsProvider>(io_, logger_, options);
  } else {
    Provider::Addresses addresses;
    for (const auto& peer : std::get<config::StaticDiscovery>(config_.discovery).peers) {
      addresses.push_back(peer.to_string());
    }
    provider_ = std::make_unique<StaticProvider>(io_, std::move(addresses));
  }
  provider_->start([this](const Provider::Addresses& addresses) {
    discovery_answered_ = true;
    driver_->set_addresses(addresses);
  });
}

void Sidecar::sample_later() {
  sample_timer_.expires_after(kSampleInterval);
  sample_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    round_trips_.sample(driver_->status());
    sample_later();
  });
}

void Sidecar::leave(std::function<void()> done) {
  logger_.info("leaving");
  app_listener_.close();
  link_listener_.close();
  provider_->stop();
  driver_->leave(std::move(done));
}

bool Sidecar::ready() const {
  return app_listens_ &&
         (discovery_answered_ || steady_clock::now() - started_ >= kDiscoveryPatience);
}

Report Sidecar::report() const {
  Report report;
  report.status = driver_->status();
  report.counters = driver_->counters();
  report.driver = driver_->stats();
  report.admin = admin_.stats();
  report.process = read_process_figures();
  report.ready = ready();
  report.tls = tls_ != nullptr;
  if (tls_ != nullptr) report.certificate_not_after_s = tls_->not_after_s();
  return report;
}

}  // namespace socketmesh::shell
