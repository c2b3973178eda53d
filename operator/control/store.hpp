// The operator's picture of the cluster: what the watches told, by mesh.
//
// Watches write, reconciles and the webhook read copies or shared values. Whatever changes what a
// reconcile would see names the mesh to the listener ("default/chat"), after the change. A state
// older than the one that is known, or than the object's end, is ignored: so the answer to an own
// write may be put in before its watch event comes, and after. Thread-safe; the listener runs on
// the caller's thread, without the store's lock.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/control/view.hpp"

namespace socketmesh::op::control {

// Objects that are gone and still remembered as such: an answer to an own write that comes after
// the watch told of their end must not bring them back.
inline constexpr std::size_t kGoneMax = 4096;

class Store {
 public:
  // Called with the key of a mesh that is to be reconciled.
  using Listener = std::function<void(const std::string& key)>;

  explicit Store(Listener listener) : listener_(std::move(listener)) {}

  // `scope`: the namespace that the list was of; empty: all.
  void replace_meshes(const std::string& scope, std::vector<MeshRecord> meshes);
  void put_mesh(MeshRecord mesh);
  void remove_mesh(const MeshRecord& mesh);

  // `kind`: of the objects in the list, as empty lists do not tell.
  void replace_owned(const std::string& scope, const std::string& kind,
                     std::vector<OwnedObject> objects);
  void put_owned(OwnedObject object);
  void remove_owned(const OwnedObject& object);

  void replace_pods(const std::string& scope, std::vector<PodRecord> pods);
  void put_pod(PodRecord pod);
  void remove_pod(const PodRecord& pod);

  [[nodiscard]] std::shared_ptr<const MeshRecord> mesh(const std::string& key) const;
  [[nodiscard]] std::vector<std::shared_ptr<const MeshRecord>> meshes() const;
  // What bears the mesh's label, whoever controls it.
  [[nodiscard]] std::map<plan::ObjectId, OwnedObject> owned(const std::string& key) const;
  [[nodiscard]] std::vector<PodRecord> pods(const std::string& key) const;
  // Every mesh that is there, or has pods.
  [[nodiscard]] std::set<std::string> keys() const;
  // Bare pods by mesh; meshes without any are left out.
  [[nodiscard]] std::map<std::string, std::size_t> bare_pods() const;

 private:
  template <typename T>
  using ByMesh = std::map<std::string, std::map<std::string, T>>;  // key, then uid

  void tell(const std::set<std::string>& keys) const;
  void bury(const std::string& uid, std::uint64_t version);
  [[nodiscard]] bool buried(const std::string& uid, std::uint64_t version) const;
  std::optional<PodRecord> take_pod(const PodRecord& pod, std::set<std::string>& changed);

  Listener listener_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const MeshRecord>> meshes_;
  std::map<std::string, std::map<plan::ObjectId, OwnedObject>> owned_;
  ByMesh<PodRecord> pods_;
  std::map<std::string, std::uint64_t> gone_;  // uid, and the version of its end
  std::deque<std::string> gone_order_;         // oldest first
};

}  // namespace socketmesh::op::control
