#include "operator/control/metrics.hpp"

#include <utility>

#include "lib/obs/metrics.hpp"
#include "operator/control/leadership.hpp"
#include "operator/webhook/admission.hpp"

namespace socketmesh::op::control {
namespace {

using obs::MetricSet;

// The controller, and its queue.
constexpr char kName[] = "socketmesh";
constexpr double kMicrosecondsPerSecond = 1e6;

double seconds(plan::MonoTime time) {
  return std::chrono::duration<double>(time).count();
}

// "default/chat" -> "default", "chat".
std::pair<std::string, std::string> split(const std::string& key) {
  const std::size_t slash = key.find('/');
  return {key.substr(0, slash), key.substr(slash + 1)};
}

void add_queue(MetricSet& set, const KeyQueue::Snapshot& queue) {
  const MetricSet::Labels labels = {{"name", kName}};
  const auto& figures = queue.figures;
  set.gauge("workqueue_depth", "Keys that wait.", figures.depth, labels);
  set.counter("workqueue_adds_total", "Keys added.", figures.adds, labels);
  set.counter("workqueue_retries_total", "Keys added again after an error.", figures.retries,
              labels);
  set.gauge("workqueue_unfinished_work_seconds", "Age of all work in progress.",
            seconds(figures.unfinished), labels);
  set.gauge("workqueue_longest_running_processor_seconds", "Age of the oldest work in progress.",
            seconds(figures.longest_running), labels);
  set.histogram("workqueue_queue_duration_seconds", "How long keys waited.", queue.queue_us,
                kMicrosecondsPerSecond, labels);
  set.histogram("workqueue_work_duration_seconds", "How long keys were worked on.", queue.work_us,
                kMicrosecondsPerSecond, labels);
}

void add_workers(MetricSet& set, const Workers::Figures& workers) {
  const MetricSet::Labels labels = {{"controller", kName}};
  for (std::size_t i = 0; i < workers.outcomes.size(); ++i)
    set.counter("controller_runtime_reconcile_total", "Reconciles by result.",
                workers.outcomes.at(i),
                {{"controller", kName}, {"result", Workers::kOutcomes.at(i)}});
  set.counter("controller_runtime_reconcile_errors_total", "Reconciles that failed.",
              workers.outcomes.at(static_cast<std::size_t>(Workers::Outcome::kError)), labels);
  set.histogram("controller_runtime_reconcile_time_seconds", "How long a reconcile took.",
                workers.durations_us, kMicrosecondsPerSecond, labels);
  set.gauge("controller_runtime_active_workers", "Reconciles in progress.", workers.active, labels);
  set.gauge("controller_runtime_max_concurrent_reconciles", "Reconciles that may run at once.",
            kWorkers, labels);
}

void add_watches(MetricSet& set, const std::vector<Informers::Figures>& watches) {
  for (const Informers::Figures& watch : watches) {
    const MetricSet::Labels labels = {{"resource", watch.resource}};
    set.gauge("socketmesh_operator_watch_staleness_seconds",
              "Since the API server was last heard of on a watch.",
              std::chrono::duration<double>(watch.staleness).count(), labels);
    set.gauge("socketmesh_operator_watch_troubled", "1 while listing or watching fails.",
              watch.troubled ? 1 : 0, labels);
    set.counter("socketmesh_operator_watch_events_total", "Changes that watches told.",
                watch.events, labels);
    set.counter("socketmesh_operator_watch_relists_total", "Lists after the first.", watch.relists,
                labels);
    set.counter("socketmesh_operator_watch_failures_total", "Lists and watches that failed.",
                watch.failures, labels);
  }
}

void add_api(MetricSet& set, const kube::ClientStats& api) {
  for (const auto& [request, count] : api.requests)
    set.counter("socketmesh_operator_api_requests_total",
                "Calls to the API server by method and status; 0: no response.", count,
                {{"method", request.first}, {"code", std::to_string(request.second)}});
  for (const auto& [method, latency] : api.latencies)
    set.histogram("socketmesh_operator_api_request_duration_seconds",
                  "How long calls to the API server took.", latency, kMicrosecondsPerSecond,
                  {{"method", method}});
}

void add_webhook(MetricSet& set, const WebhookServer::Figures& webhook) {
  for (std::size_t i = 0; i < webhook.outcomes.size(); ++i)
    set.counter("socketmesh_operator_webhook_reviews_total",
                "Pods that the webhook saw, by outcome.", webhook.outcomes.at(i),
                {{"outcome", webhook::name_of(static_cast<webhook::Outcome>(i))}});
  set.gauge("socketmesh_operator_webhook_certificate_expiry_timestamp_seconds",
            "When the certificate that the webhook serves ends; 0: it serves none.",
            webhook.not_after);
  set.counter("socketmesh_operator_webhook_failed_handshakes_total", "TLS handshakes that failed.",
              webhook.https.failed_handshakes);
  set.counter("socketmesh_operator_webhook_bad_requests_total",
              "Requests that were malformed, too large, or for nobody.",
              webhook.https.bad_requests);
}

// How many meshes have each status of each condition.
void add_conditions(MetricSet& set, const std::vector<std::shared_ptr<const MeshRecord>>& meshes) {
  std::map<std::pair<std::string, std::string>, std::size_t> counts;
  for (const char* type :
       {api::kReady, api::kAvailable, api::kMeshConverged, api::kCertificatesReady})
    for (const char* status : {"True", "False", "Unknown"}) counts[{type, status}] = 0;
  for (const auto& record : meshes)
    for (const api::Condition& condition : record->mesh.status.conditions)
      if (const auto count = counts.find({condition.type, condition.status}); count != counts.end())
        ++count->second;
  for (const auto& [condition, count] : counts)
    set.gauge("socketmesh_operator_meshes", "SocketMeshes by the status of a condition.", count,
              {{"condition", condition.first}, {"status", condition.second}});
}

// `end` in unix seconds; 0: not known.
void add_expiry(MetricSet& set, const std::string& key, const char* certificate, std::int64_t end) {
  if (end == 0) return;
  const auto [ns, mesh] = split(key);
  set.gauge("socketmesh_operator_certificate_expiry_timestamp_seconds",
            "When a mesh's certificate ends.", end,
            {{"namespace", ns}, {"mesh", mesh}, {"certificate", certificate}});
}

void add_meshes(MetricSet& set, const Figures& figures) {
  add_conditions(set, figures.meshes);
  for (const auto& [key, count] : figures.bare_pods) {
    const auto [ns, mesh] = split(key);
    set.gauge("socketmesh_operator_bare_pods", "Pods of a mesh that run without sidecar.", count,
              {{"namespace", ns}, {"mesh", mesh}});
  }
  for (const auto& [key, expiry] : figures.expiries) {
    add_expiry(set, key, "leaf", expiry.leaf);
    add_expiry(set, key, "root", expiry.root);
  }
}

}  // namespace

std::string metrics_text(const Figures& figures) {
  MetricSet set;
  set.gauge("leader_election_master_status", "1 while this replica leads.", figures.leading ? 1 : 0,
            {{"name", kLeaseName}});
  add_queue(set, figures.queue);
  add_workers(set, figures.workers);
  add_watches(set, figures.watches);
  add_api(set, figures.api);
  add_meshes(set, figures);
  if (figures.webhook) add_webhook(set, *figures.webhook);
  set.counter("socketmesh_operator_events_total", "Events by what became of them.",
              figures.events.written, {{"result", "written"}});
  set.counter("socketmesh_operator_events_total", "Events by what became of them.",
              figures.events.failed, {{"result", "failed"}});
  set.counter("socketmesh_operator_events_total", "Events by what became of them.",
              figures.events.dropped, {{"result", "dropped"}});
  set.counter("socketmesh_operator_polls_total", "Sidecars asked for their status.",
              figures.polls.polls);
  set.counter("socketmesh_operator_poll_failures_total", "Sidecars that did not answer.",
              figures.polls.failures);
  set.gauge("socketmesh_operator_info", "The version.", 1, {{"version", SOCKETMESH_VERSION}});
  obs::add_process_metrics(set);
  return set.text();
}

}  // namespace socketmesh::op::control
