#include "operator/control/operator.hpp"

#include <boost/asio/post.hpp>
#include <set>
#include <thread>

#include "lib/obs/metrics.hpp"
#include "operator/control/clock.hpp"
#include "operator/control/health.hpp"

namespace socketmesh::op::control {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick{500};
// A call for the lease ends well before the leader must give up.
constexpr milliseconds kLeaseTimeout{4'000};
// A stop waits no longer for reconciles; their calls end by then.
constexpr plan::MonoTime kDrainMax = std::chrono::seconds(8);
// The API server goes on sending pods to a webhook that is being deleted until kube-proxy and its
// own connections have learnt of it.
constexpr milliseconds kWebhookLinger{3'000};
constexpr milliseconds kListedPause{50};

kube::ClientOptions lease_client_options() {
  kube::ClientOptions options;
  options.timeout = kLeaseTimeout;
  return options;
}

net::HttpResponse verdict(const std::string& trouble) {
  return trouble.empty() ? net::HttpResponse::text(200, "ok\n")
                         : net::HttpResponse::text(503, trouble + "\n");
}

}  // namespace

Operator::Operator(boost::asio::io_context& io, const obs::Logger& logger, Options options,
                   const std::shared_ptr<const kube::Access>& access, std::function<void()> ended)
    : io_(io),
      logger_(logger),
      options_(std::move(options)),
      ended_(std::move(ended)),
      client_(access),
      lease_client_(access, lease_client_options()),
      store_([this](const std::string& key) { queue_.add(key); }),
      informers_(access, logger, store_, options_.watch_namespaces),
      events_(logger, options_.identity),
      polls_(poller_, [this](const std::string& key) { queue_.add(key); }),
      reconciler_({client_, store_, polls_, events_, logger, [this] { return may_act(); },
                   [this] { return informers_.has_pod_monitors(); }},
                  options_.settings),
      workers_(queue_, logger,
               [this](const std::string& key) { return reconciler_.reconcile(key); }),
      chores_(logger),
      metrics_server_(io, logger),
      health_server_(io, logger),
      timer_(io),
      stop_timer_(io) {
  if (options_.webhook) {
    webhook_.emplace(store_, logger,
                     WebhookOptions{{options_.namespace_name, options_.webhook_service},
                                    options_.webhook_configuration,
                                    options_.webhook_listen});
    chores_.add([this] { return webhook_->keep(client_, [this] { return may_act(); }); });
  }
  chores_.add([this] { return resync(); });
}

Operator::~Operator() {
  stopping_ = true;
  queue_.shut_down();
  client_.close();
  lease_client_.close();
  chores_.stop();
  if (leadership_) leadership_->stop();
  workers_.join();
  poller_.close();
  informers_.stop();
  if (webhook_) webhook_->close();
}

Expected<void> Operator::start() {
  serve_http();
  if (auto listening = health_server_.listen(options_.health_listen); !listening) return listening;
  if (auto listening = metrics_server_.listen(options_.metrics_listen); !listening)
    return listening;
  informers_.start_meshes();
  chores_.start();
  if (options_.leader_elect) {
    plan::ElectionOptions election;
    election.identity = options_.identity;
    leadership_.emplace(lease_client_, logger_, options_.namespace_name, election,
                        Leadership::Callbacks{[this] { lead(); },
                                              [this] {
                                                stopping_ = true;
                                                queue_.shut_down();
                                                client_.close();
                                                boost::asio::post(io_, ended_);
                                              }});
    leadership_->start();
  } else {
    lead();
  }
  return {};
}

void Operator::lead() {
  leads_ = true;
  informers_.start_owned();
  workers_.start([this] { return wait_until_listed(); });
  chores_.wake();
  boost::asio::post(io_, [this] { tick(); });
}

bool Operator::wait_until_listed() {
  while (!stopping_ && !informers_.all_listed()) std::this_thread::sleep_for(kListedPause);
  return !stopping_;
}

bool Operator::may_act() const {
  return leads_ && (leadership_ ? leadership_->leading() : true);
}

// Looks at everything again: what no watch tells (Secrets, a new CRD) is found here.
plan::MonoTime Operator::resync() {
  if (!may_act()) return options_.resync;  // woken when it leads
  if (!informers_.has_pod_monitors()) {
    const auto served = client_.serves(kube::kPodMonitors);
    if (!served) return kChoreRetry;
    if (*served) informers_.start_pod_monitors();
  }
  reconciler_.resync();
  for (const std::string& key : store_.keys()) queue_.add(key);
  return options_.resync;
}

void Operator::tick() {
  polls_.tick(mono_now());
  timer_.expires_after(kTick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !stopping_) tick();
  });
}

void Operator::stop(std::function<void()> done) {
  if (stopping_.exchange(true)) return;
  logger_.info("stopping");
  const auto start = std::chrono::steady_clock::now();
  queue_.shut_down();
  if (leads_ && !queue_.drained(kDrainMax)) logger_.warn("reconciles were cut off");
  if (leadership_) leadership_->stop();
  stop_timer_.expires_at(start + (webhook_ ? kWebhookLinger : milliseconds(0)));
  stop_timer_.async_wait([done = std::move(done)](const boost::system::error_code&) { done(); });
}

void Operator::serve_http() {
  health_server_.get("/healthz", [this](const net::HttpRequest&) { return healthz(); });
  health_server_.get("/readyz", [this](const net::HttpRequest&) { return readyz(); });
  metrics_server_.get("/metrics", [this](const net::HttpRequest&) {
    net::HttpResponse response = net::HttpResponse::text(200, metrics_text(figures()));
    response.content_type = obs::MetricSet::kContentType;
    return response;
  });
}

net::HttpResponse Operator::healthz() const {
  return verdict(what_hangs({queue_.longest_running(),
                             leadership_ && !stopping_ ? leadership_->idle() : plan::MonoTime{},
                             informers_.hanging()}));
}

net::HttpResponse Operator::readyz() const {
  return verdict(
      what_is_missing({stopping_, informers_.meshes_listed(), leads_, informers_.all_listed(),
                       webhook_.has_value(), webhook_ && webhook_->serving()}));
}

Figures Operator::figures() const {
  Figures figures;
  figures.queue = queue_.snapshot();
  figures.workers = workers_.figures();
  figures.leading = may_act();
  figures.watches = informers_.figures();
  figures.api = client_.stats();
  figures.events = events_.stats();
  figures.polls = polls_.stats();
  if (webhook_) figures.webhook = webhook_->figures();
  figures.meshes = store_.meshes();
  figures.bare_pods = store_.bare_pods();
  figures.expiries = reconciler_.expiries();
  return figures;
}

}  // namespace socketmesh::op::control
