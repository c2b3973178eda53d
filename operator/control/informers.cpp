#include "operator/control/informers.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "operator/api/names.hpp"

namespace socketmesh::op::control {
namespace {

using nlohmann::json;

// A page is a JSON tree for a moment, many times what is kept of it. Small pages keep that peak,
// and what it leaves of holes in the heap, low; lists are rare.
constexpr std::uint32_t kPageSize = 10;
constexpr std::uint32_t kMetadataPageSize = 30;

const kube::Resource kOwned[] = {
    kube::kDeployments,       kube::kServices,    kube::kConfigMaps,      kube::kRoleBindings,
    kube::kDisruptionBudgets, kube::kAutoscalers, kube::kNetworkPolicies, kube::kIngresses};

// Metadata-only lists say another kind.
void restore_kind(json& object, const kube::Resource& resource) {
  object["apiVersion"] = resource.api_version();
  object["kind"] = resource.kind;
}

template <typename Record, typename Read>
std::vector<Record> read_all(const std::vector<json>& objects, Read&& read) {
  std::vector<Record> records;
  records.reserve(objects.size());
  for (const json& object : objects) records.push_back(read(object));
  return records;
}

std::string managed_selector() {
  return std::string("app.kubernetes.io/managed-by=") + api::kFieldManager + "," + api::kMeshLabel;
}

}  // namespace

Informers::Informers(std::shared_ptr<const kube::Access> access, const obs::Logger& logger,
                     Store& store, std::vector<std::string> namespaces)
    : access_(std::move(access)),
      logger_(logger),
      store_(store),
      scopes_(namespaces.empty() ? std::vector<std::string>{""} : std::move(namespaces)) {}

void Informers::add(const kube::WatchOptions& options,
                    kube::WatchHandlers (Informers::*handlers)(const std::string&,
                                                               kube::Resource)) {
  const std::lock_guard lock(mutex_);
  for (const std::string& scope : scopes_) {
    kube::WatchOptions scoped = options;
    scoped.ns = scope;
    scoped.page_size = options.metadata_only ? kMetadataPageSize : kPageSize;
    watches_.push_back({options.resource,
                        std::make_unique<kube::Watch>(access_, logger_, scoped,
                                                      (this->*handlers)(scope, options.resource))});
    watches_.back().watch->start();
  }
}

void Informers::start_meshes() {
  kube::WatchOptions options;
  options.resource = kube::kSocketMeshes;
  options.trim = trim_mesh;
  add(options, &Informers::mesh_handlers);
}

void Informers::start_owned() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(owned_started_, true)) return;
  }
  for (const kube::Resource& resource : kOwned) watch_owned(resource);
  kube::WatchOptions pods;
  pods.resource = kube::kPods;
  pods.label_selector = api::kMeshLabel;
  pods.trim = trim_pod;
  add(pods, &Informers::pod_handlers);
}

void Informers::start_pod_monitors() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(pod_monitors_started_, true)) return;
  }
  watch_owned(kube::kPodMonitors);
}

bool Informers::has_pod_monitors() const {
  const std::lock_guard lock(mutex_);
  return pod_monitors_started_;
}

void Informers::watch_owned(const kube::Resource& resource) {
  kube::WatchOptions options;
  options.resource = resource;
  options.label_selector = managed_selector();
  options.metadata_only = resource != kube::kDeployments;
  options.trim = [resource](json& object) {
    restore_kind(object, resource);
    trim_owned(object);
  };
  add(options, &Informers::owned_handlers);
}

void Informers::stop() {
  std::vector<Kept> watches;
  {
    const std::lock_guard lock(mutex_);
    watches = std::move(watches_);
    watches_.clear();
  }
  for (const Kept& kept : watches) kept.watch->stop();
}

kube::WatchHandlers Informers::mesh_handlers(const std::string& scope, kube::Resource) {
  kube::WatchHandlers handlers;
  handlers.replace = [this, scope](const std::vector<json>& objects) {
    store_.replace_meshes(scope, read_all<MeshRecord>(objects, read_mesh));
  };
  handlers.upsert = [this](const json& object) { store_.put_mesh(read_mesh(object)); };
  handlers.remove = [this](const json& object) { store_.remove_mesh(read_mesh(object)); };
  return handlers;
}

kube::WatchHandlers Informers::owned_handlers(const std::string& scope, kube::Resource resource) {
  kube::WatchHandlers handlers;
  handlers.replace = [this, scope, resource](const std::vector<json>& objects) {
    store_.replace_owned(scope, std::string(resource.kind),
                         read_all<OwnedObject>(objects, read_owned));
  };
  handlers.upsert = [this](const json& object) { store_.put_owned(read_owned(object)); };
  handlers.remove = [this](const json& object) { store_.remove_owned(read_owned(object)); };
  return handlers;
}

kube::WatchHandlers Informers::pod_handlers(const std::string& scope, kube::Resource) {
  kube::WatchHandlers handlers;
  handlers.replace = [this, scope](const std::vector<json>& objects) {
    store_.replace_pods(scope, read_all<PodRecord>(objects, read_pod));
  };
  handlers.upsert = [this](const json& object) { store_.put_pod(read_pod(object)); };
  handlers.remove = [this](const json& object) { store_.remove_pod(read_pod(object)); };
  return handlers;
}

bool Informers::meshes_listed() const {
  const std::lock_guard lock(mutex_);
  return std::all_of(watches_.begin(), watches_.end(), [](const Kept& kept) {
    return kept.resource != kube::kSocketMeshes || kept.watch->state().listed;
  });
}

bool Informers::all_listed() const {
  const std::lock_guard lock(mutex_);
  return std::all_of(watches_.begin(), watches_.end(),
                     [](const Kept& kept) { return kept.watch->state().listed; });
}

std::vector<std::string> Informers::hanging() const {
  std::vector<std::string> found;
  const std::lock_guard lock(mutex_);
  for (const Kept& kept : watches_) {
    const kube::WatchState state = kept.watch->state();
    if (!state.troubled && state.staleness > kWatchHangs) found.emplace_back(kept.resource.plural);
  }
  return found;
}

std::vector<Informers::Figures> Informers::figures() const {
  std::map<std::string, Figures> by_resource;
  const std::lock_guard lock(mutex_);
  for (const Kept& kept : watches_) {
    const kube::WatchState state = kept.watch->state();
    Figures& figures = by_resource[std::string(kept.resource.plural)];
    figures.resource = kept.resource.plural;
    figures.troubled = figures.troubled || state.troubled;
    figures.staleness = std::max(figures.staleness, state.staleness);
    figures.events += state.stats.events;
    figures.relists += state.stats.relists;
    figures.failures +=
        std::accumulate(state.stats.failures.begin(), state.stats.failures.end(), std::uint64_t{0});
  }
  std::vector<Figures> all;
  all.reserve(by_resource.size());
  for (auto& [name, figures] : by_resource) all.push_back(std::move(figures));
  return all;
}

}  // namespace socketmesh::op::control
