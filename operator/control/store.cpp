#include "operator/control/store.hpp"

#include <utility>

namespace socketmesh::op::control {
namespace {

std::string key_of(const OwnedObject& object) {
  return object.id.namespace_name + "/" + object.mesh;
}
std::string key_of(const PodRecord& pod) {
  return pod.namespace_name + "/" + pod.mesh;
}

bool in_scope(const std::string& scope, const std::string& ns) {
  return scope.empty() || scope == ns;
}

// A version of 0 is not known and counts as newer.
bool outdated(std::uint64_t version, std::uint64_t known) {
  return version != 0 && version < known;
}

// The entries of one namespace: keys are "<namespace>/<mesh>".
template <typename Map>
auto in_namespace(Map& map, const std::string& ns) {
  return std::pair(map.lower_bound(ns + "/"), map.lower_bound(ns + "0"));  // '0' follows '/'
}

bool same(const OwnedObject& a, const OwnedObject& b) {
  return a.version == b.version && a.live.uid == b.live.uid;
}

}  // namespace

void Store::tell(const std::set<std::string>& keys) const {
  for (const std::string& key : keys) listener_(key);
}

// With the lock held. An object that only lost its label may come back, in a newer version.
void Store::bury(const std::string& uid, std::uint64_t version) {
  const auto [entry, fresh] = gone_.insert_or_assign(uid, version);
  if (!fresh) return;
  gone_order_.push_back(uid);
  if (gone_order_.size() <= kGoneMax) return;
  gone_.erase(gone_order_.front());
  gone_order_.pop_front();
}

bool Store::buried(const std::string& uid, std::uint64_t version) const {
  const auto known = gone_.find(uid);
  return known != gone_.end() && version <= known->second;
}

void Store::replace_meshes(const std::string& scope, std::vector<MeshRecord> meshes) {
  std::set<std::string> present;
  for (MeshRecord& mesh : meshes) {
    present.insert(mesh.key());
    put_mesh(std::move(mesh));
  }
  std::set<std::string> gone;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(meshes_, [&](const auto& entry) {
      const bool lost = in_scope(scope, entry.second->mesh.metadata.namespace_name) &&
                        !present.contains(entry.first);
      if (!lost) return false;
      gone.insert(entry.first);
      bury(entry.second->mesh.metadata.uid, entry.second->version);
      return true;
    });
  }
  tell(gone);
}

void Store::put_mesh(MeshRecord mesh) {
  const std::string key = mesh.key();
  bool changed = true;
  {
    const std::lock_guard lock(mutex_);
    if (buried(mesh.mesh.metadata.uid, mesh.version)) return;
    auto& known = meshes_[key];
    if (known != nullptr) {
      if (known->mesh.metadata.uid == mesh.mesh.metadata.uid &&
          outdated(mesh.version, known->version)) {
        return;
      }
      changed = mesh.wants_other(*known);
    }
    known = std::make_shared<const MeshRecord>(std::move(mesh));
  }
  if (changed) tell({key});
}

void Store::remove_mesh(const MeshRecord& mesh) {
  const std::string key = mesh.key();
  {
    const std::lock_guard lock(mutex_);
    bury(mesh.mesh.metadata.uid, mesh.version);
    const auto known = meshes_.find(key);
    if (known == meshes_.end() || known->second->mesh.metadata.uid != mesh.mesh.metadata.uid)
      return;
    meshes_.erase(known);
  }
  tell({key});
}

void Store::replace_owned(const std::string& scope, const std::string& kind,
                          std::vector<OwnedObject> objects) {
  std::set<std::string> present;  // uids
  for (OwnedObject& object : objects) {
    present.insert(object.live.uid);
    put_owned(std::move(object));
  }
  std::set<std::string> changed;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, of_mesh] : owned_) {
      const std::size_t lost = std::erase_if(of_mesh, [&](const auto& entry) {
        const bool gone = entry.first.kind == kind && in_scope(scope, entry.first.namespace_name) &&
                          !present.contains(entry.second.live.uid);
        if (gone) bury(entry.second.live.uid, entry.second.version);
        return gone;
      });
      if (lost > 0) changed.insert(key);
    }
    std::erase_if(owned_, [](const auto& entry) { return entry.second.empty(); });
  }
  tell(changed);
}

void Store::put_owned(OwnedObject object) {
  std::set<std::string> changed;
  {
    const std::lock_guard lock(mutex_);
    if (buried(object.live.uid, object.version)) return;
    const std::string key = key_of(object);
    // Its label may have changed: it leaves one mesh and joins another.
    const auto [first, last] = in_namespace(owned_, object.id.namespace_name);
    for (auto entry = first; entry != last; ++entry) {
      const auto found = entry->second.find(object.id);
      if (found == entry->second.end()) continue;
      if (found->second.live.uid == object.live.uid &&
          outdated(object.version, found->second.version)) {
        return;
      }
      if (entry->first == key && same(found->second, object)) return;
      if (entry->first != key) {
        entry->second.erase(found);
        changed.insert(entry->first);
      }
      break;
    }
    if (!object.mesh.empty()) {
      changed.insert(key);
      owned_[key].insert_or_assign(object.id, std::move(object));
    }
  }
  tell(changed);
}

void Store::remove_owned(const OwnedObject& object) {
  std::set<std::string> changed;
  {
    const std::lock_guard lock(mutex_);
    bury(object.live.uid, object.version);
    const auto [first, last] = in_namespace(owned_, object.id.namespace_name);
    for (auto entry = first; entry != last; ++entry) {
      const auto found = entry->second.find(object.id);
      if (found == entry->second.end() || found->second.live.uid != object.live.uid) continue;
      changed.insert(entry->first);
      entry->second.erase(found);
      if (entry->second.empty()) owned_.erase(entry);
      break;
    }
  }
  tell(changed);
}

void Store::replace_pods(const std::string& scope, std::vector<PodRecord> pods) {
  std::set<std::string> present;
  for (PodRecord& pod : pods) {
    present.insert(pod.uid);
    put_pod(std::move(pod));
  }
  std::set<std::string> changed;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, of_mesh] : pods_) {
      const std::size_t lost = std::erase_if(of_mesh, [&](const auto& entry) {
        return in_scope(scope, entry.second.namespace_name) && !present.contains(entry.first);
      });
      if (lost > 0) changed.insert(key);
    }
    std::erase_if(pods_, [](const auto& entry) { return entry.second.empty(); });
  }
  tell(changed);
}

void Store::put_pod(PodRecord pod) {
  const std::string key = key_of(pod);
  std::set<std::string> changed;
  {
    const std::lock_guard lock(mutex_);
    const auto known = take_pod(pod, changed);
    if (known && outdated(pod.version, known->version)) pod = *known;
    if (known && known->same_but_version(pod))
      changed.clear();
    else
      changed.insert(key);
    pods_[key_of(pod)].insert_or_assign(pod.uid, std::move(pod));
  }
  tell(changed);
}

// Takes the pod out, from whatever mesh it was in, and adds that mesh to `changed`.
std::optional<PodRecord> Store::take_pod(const PodRecord& pod, std::set<std::string>& changed) {
  const auto [first, last] = in_namespace(pods_, pod.namespace_name);
  for (auto entry = first; entry != last; ++entry) {
    auto node = entry->second.extract(pod.uid);
    if (node.empty()) continue;
    changed.insert(entry->first);
    if (entry->second.empty()) pods_.erase(entry);
    return std::move(node.mapped());
  }
  return std::nullopt;
}

void Store::remove_pod(const PodRecord& pod) {
  std::set<std::string> changed;
  {
    const std::lock_guard lock(mutex_);
    take_pod(pod, changed);
  }
  tell(changed);
}

std::shared_ptr<const MeshRecord> Store::mesh(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto known = meshes_.find(key);
  return known == meshes_.end() ? nullptr : known->second;
}

std::vector<std::shared_ptr<const MeshRecord>> Store::meshes() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const MeshRecord>> all;
  all.reserve(meshes_.size());
  for (const auto& [key, mesh] : meshes_) all.push_back(mesh);
  return all;
}

std::map<plan::ObjectId, OwnedObject> Store::owned(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto known = owned_.find(key);
  if (known == owned_.end()) return {};
  return known->second;
}

std::vector<PodRecord> Store::pods(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  std::vector<PodRecord> found;
  if (const auto known = pods_.find(key); known != pods_.end())
    for (const auto& [uid, pod] : known->second) found.push_back(pod);
  return found;
}

std::set<std::string> Store::keys() const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> keys;
  for (const auto& [key, mesh] : meshes_) keys.insert(key);
  for (const auto& [key, pods] : pods_) keys.insert(key);
  return keys;
}

std::map<std::string, std::size_t> Store::bare_pods() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::size_t> bare;
  for (const auto& [key, pods] : pods_)
    for (const auto& [uid, pod] : pods)
      if (pod.bare()) ++bare[key];
  return bare;
}

}  // namespace socketmesh::op::control
