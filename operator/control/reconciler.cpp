#include "operator/control/reconciler.hpp"

#include <algorithm>
#include <utility>

#include "operator/api/json_access.hpp"
#include "operator/control/clock.hpp"
#include "operator/control/mesh_facts.hpp"
#include "operator/control/told.hpp"
#include "operator/plan/plan.hpp"
#include "operator/plan/status.hpp"

namespace socketmesh::op::control {
namespace {

using nlohmann::json;

// Whoever waits for a Secret's change looks no more often than this.
constexpr plan::MonoTime kWakeMin = std::chrono::seconds(1);

plan::RotationSettings rotation_settings(const api::TlsSpec& tls) {
  plan::RotationSettings settings;
  settings.leaf_validity = std::chrono::duration_cast<std::chrono::seconds>(tls.leaf_validity);
  settings.rotate_after = std::chrono::duration_cast<std::chrono::seconds>(tls.rotate_after);
  return settings;
}

plan::ObjectId config_id(const api::Metadata& metadata) {
  return {"v1", "ConfigMap", metadata.namespace_name, api::mesh_object_name(metadata.name)};
}

std::string annotation(const api::Metadata& metadata, const char* name) {
  const auto found = metadata.annotations.find(name);
  return found == metadata.annotations.end() ? std::string() : found->second;
}

// A time of the certificates as a time from now.
plan::MonoTime until(plan::CertTime time) {
  if (time == plan::CertTime::max()) return plan::MonoTime::max();
  return std::max<plan::MonoTime>(time - wall_seconds(), kWakeMin);
}

}  // namespace

struct Reconciler::Mesh {
  Mesh(Store& store, const obs::Logger& logger) : objects(store, logger), certificates(logger) {}

  std::string uid;
  ObjectSync objects;
  Certificates certificates;
  std::shared_ptr<const kube::MeshCredentials> credentials;
  std::uint64_t resync = 0;                   // seen
  std::optional<plan::MonoTime> status_at{};  // written last
  std::set<std::string> bare_told;            // uids of pods
};

struct Reconciler::Run {
  std::string key;
  std::shared_ptr<const MeshRecord> record;
  std::shared_ptr<Mesh> memory;
  Api api;
  bool anew = false;  // a resync
  std::vector<PodRecord> pods;
  plan::Plan plan;
  SyncReport synced;
  CertificateReport certified;
  plan::Observations seen;
  ReconcileResult result;

  [[nodiscard]] const api::SocketMesh& mesh() const { return record->mesh; }
  [[nodiscard]] const api::Metadata& metadata() const { return record->mesh.metadata; }
  void again_after(plan::MonoTime delay) {
    if (delay == plan::MonoTime::max()) return;
    result.again = std::min(result.again.value_or(delay), delay);
  }
  void fail(const std::string& error) {
    if (result.error.empty()) result.error = error;
  }
};

Reconciler::Reconciler(ReconcilerParts parts, plan::Settings settings)
    : parts_(std::move(parts)), settings_(std::move(settings)) {}

ReconcileResult Reconciler::reconcile(const std::string& key) {
  Api api(parts_.client, parts_.may_act, mono_now() + kReconcileDeadline);
  const auto record = parts_.store.mesh(key);
  auto pods = parts_.store.pods(key);
  if (record == nullptr) {
    const auto memory = remember(key);
    tell_bare_pods(api, key, pods, memory->bare_told);
    if (pods.empty()) forget(key);
    return {};
  }
  // What belongs to a mesh that is deleted goes by its owner references.
  if (record->mesh.metadata.deleting) {
    forget(key);
    return {};
  }
  if (const auto memory = remember(key); memory->uid != record->mesh.metadata.uid) {
    forget(key);
    remember(key)->uid = record->mesh.metadata.uid;
  }
  Run run{key, record, remember(key), api, false, std::move(pods), {}, {}, {}, {}, {}};
  if (!record->problems.empty()) {
    reject(run);
    return run.result;
  }
  run.anew = run.memory->resync != resyncs_;
  run.seen.paused = run.metadata().annotated(api::kPausedAnnotation);
  if (!run.seen.paused) {
    keep_certificates(run);
    keep_objects(run);
  }
  keep_polls(run);
  observe(run);
  tell(run);
  write_status(run, plan::make_status(run.mesh(), run.seen, plan::format_time(unix_now())));
  return run.result;
}

// A spec that this operator cannot read: said, and nothing is touched.
void Reconciler::reject(Run& run) {
  parts_.events.tell(run.api, about_mesh(run.metadata(), true, "InvalidSpec", "Read",
                                         api::to_string(run.record->problems)));
  write_status(run, plan::invalid_status(run.metadata(), run.mesh().status, run.record->problems,
                                         plan::format_time(unix_now())));
}

void Reconciler::keep_certificates(Run& run) {
  const api::Metadata& metadata = run.metadata();
  CertificateWishes wishes;
  wishes.names = {api::ca_secret_name(metadata.name), api::tls_secret_name(metadata.name),
                  secret_metadata(run.mesh())};
  wishes.identity = pki::mesh_identity(metadata.namespace_name, metadata.name);
  wishes.owner_uid = metadata.uid;
  wishes.settings = rotation_settings(run.mesh().spec.tls);
  wishes.rotate_leaf = annotation(metadata, api::kRotateLeafAnnotation);
  wishes.rotate_root = annotation(metadata, api::kRotateRootAnnotation);
  wishes.sidecars = reports_of(parts_.polls.view(run.key), run.pods);

  Mesh& memory = *run.memory;
  run.certified = memory.certificates.keep(run.api, wishes, run.anew);
  if (run.certified.error && namespace_ends(*run.certified.error)) {
    run.again_after(kRefusedPause);
  } else if (run.certified.error) {
    run.fail(run.certified.error->to_string());
  }
  if (!run.certified.failure.empty()) run.fail(run.certified.failure);
  if (run.result.error.empty()) memory.resync = resyncs_;
  const CertificateView* view = memory.certificates.view();
  if (view == nullptr) return;
  run.again_after(until(view->decision.wake_at));
  memory.credentials = credentials_of(*view, metadata, memory.credentials);
  const std::lock_guard lock(mutex_);
  expiries_[run.key] = {
      view->leaf_not_after.time_since_epoch().count(),
      view->root_not_after ? view->root_not_after->time_since_epoch().count() : 0};
}

void Reconciler::keep_objects(Run& run) {
  const auto owned = parts_.store.owned(run.key);
  plan::Inputs inputs;
  inputs.pod_monitor_crd = parts_.has_pod_monitors();
  const auto live = owned.find(plan::record_id(run.mesh()));
  if (live != owned.end() && live->second.live.controller_uid == run.metadata().uid) {
    inputs.record = live->second.record;
    if (live->second.deployment)
      inputs.deployment = {live->second.deployment->wanted, live->second.owns_replicas};
  }
  run.plan = plan::make_plan(run.mesh(), settings_, inputs);
  run.synced = run.memory->objects.sync(run.api, run.metadata(), run.plan);
  if (run.synced.error) run.fail(run.synced.error->to_string());
  if (run.synced.again) run.again_after(*run.synced.again);
}

void Reconciler::keep_polls(Run& run) {
  const CertificateView* view = run.memory->certificates.view();
  const bool hurry = view != nullptr && view->decision.awaits_reports;
  parts_.polls.set(run.key, targets_of(run.pods), run.memory->credentials,
                   expected_sidecars(run.mesh()), hurry);
}

void Reconciler::observe(Run& run) {
  plan::Observations& seen = run.seen;
  seen.conflicts = run.certified.conflicts;
  seen.conflicts.insert(seen.conflicts.end(), run.synced.conflicts.begin(),
                        run.synced.conflicts.end());
  seen.refusals = run.synced.refusals;
  seen.findings = run.plan.findings;
  const auto owned = parts_.store.owned(run.key);
  const auto deployment = owned.find(plan::record_id(run.mesh()));
  if (deployment != owned.end() && deployment->second.live.controller_uid == run.metadata().uid)
    seen.deployment = deployment->second.deployment;
  seen.pods = count_pods(run.pods);
  seen.convergence = plan::converge(parts_.polls.view(run.key), expected_sidecars(run.mesh()));
  const CertificateView* view = run.memory->certificates.view();
  see_certificates(view, run.mesh().status, run.certified, seen);
  // Pods join by this condition, and mount the ConfigMap too.
  const auto config = owned.find(config_id(run.metadata()));
  if (config == owned.end() || config->second.live.controller_uid != run.metadata().uid)
    seen.certificates = {false, "NoConfiguration", "The sidecars' ConfigMap is not there."};
  // A paused mesh has no plan; what it had stays.
  seen.revision = seen.paused ? run.mesh().status.sidecar_revision : run.plan.revision;
  seen.selector = seen.paused ? run.mesh().status.selector : run.plan.selector;
}

void Reconciler::tell(Run& run) {
  for (const plan::Event& event : events_of(run.metadata(), run.synced, run.certified))
    parts_.events.tell(run.api, event);
  tell_bare_pods(run.api, run.key, run.pods, run.memory->bare_told);
}

// Each bare pod is told of once, for as long as it is one.
void Reconciler::tell_bare_pods(Api& api, const std::string& key,
                                const std::vector<PodRecord>& pods, std::set<std::string>& told) {
  std::set<std::string> bare;
  const bool mesh_exists = parts_.store.mesh(key) != nullptr;
  for (const PodRecord& pod : pods) {
    if (!pod.bare()) continue;
    bare.insert(pod.uid);
    if (told.contains(pod.uid)) continue;
    parts_.logger.warn("pod without sidecar",
                       {{"namespace", pod.namespace_name}, {"pod", pod.name}, {"mesh", pod.mesh}});
    parts_.events.tell(api, about_bare_pod(pod, mesh_exists));
  }
  told = std::move(bare);
}

void Reconciler::write_status(Run& run, const api::Status& status) {
  if (status == run.mesh().status) return;
  const plan::MonoTime now = mono_now();
  if (const auto last = run.memory->status_at; last && now - *last < kStatusInterval)
    return run.again_after(*last + kStatusInterval - now);
  run.memory->status_at = now;
  const api::Metadata& metadata = run.metadata();
  const json object = {
      {"apiVersion", api::kApiVersion},
      {"kind", api::kKind},
      {"metadata",
       {{"name", metadata.name}, {"namespace", metadata.namespace_name}, {"uid", metadata.uid}}},
      {"status", api::to_json(status)}};
  const auto answer = run.api.apply_own(object, "status");
  if (!answer) {
    // It was deleted, and the watch will say so.
    if (answer.error().kind == kube::ApiError::Kind::kNotFound) return;
    return run.fail("status: " + answer.error().to_string());
  }
  json stored = *answer;
  trim_mesh(stored);
  parts_.store.put_mesh(read_mesh(stored));
}

std::shared_ptr<Reconciler::Mesh> Reconciler::remember(const std::string& key) {
  const std::lock_guard lock(mutex_);
  auto& mesh = meshes_[key];
  if (mesh == nullptr) mesh = std::make_shared<Mesh>(parts_.store, parts_.logger);
  return mesh;
}

void Reconciler::forget(const std::string& key) {
  parts_.polls.remove(key);
  const std::lock_guard lock(mutex_);
  meshes_.erase(key);
  expiries_.erase(key);
}

std::map<std::string, Reconciler::Expiry> Reconciler::expiries() const {
  const std::lock_guard lock(mutex_);
  return expiries_;
}

}  // namespace socketmesh::op::control
