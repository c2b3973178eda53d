#include "operator/control/object_sync.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/assert.hpp"
#include "operator/api/json_access.hpp"
#include "operator/control/clock.hpp"

namespace socketmesh::op::control {
namespace {

using Kind = kube::ApiError::Kind;
using nlohmann::json;

// An object that is going away is looked at again after this.
constexpr plan::MonoTime kGoingPause = std::chrono::seconds(2);

kube::ObjectRef ref_of(const plan::ObjectId& id) {
  const kube::Resource* resource = kube::find_resource(id.api_version, id.kind);
  SM_ASSERT(resource != nullptr);  // the plan makes no others
  return {*resource, id.namespace_name, id.name};
}

std::string hash_of(const json& object) {
  return api::text_at(api::member(api::member(object, "metadata"), "annotations"),
                      api::kHashAnnotation);
}

// Not before something else changes would another try help.
bool is_refusal(const kube::ApiError& error) {
  return error.kind == Kind::kInvalid || error.kind == Kind::kForbidden ||
         error.kind == Kind::kNotFound || error.kind == Kind::kOtherStatus;
}

}  // namespace

struct ObjectSync::Pass {
  Api& api;
  const api::Metadata& mesh;
  std::map<plan::ObjectId, OwnedObject> live;
  SyncReport report;
  std::optional<bool> mesh_lives{};  // asked at most once

  void again_after(plan::MonoTime delay) {
    report.again = std::min(report.again.value_or(delay), delay);
  }
};

SyncReport ObjectSync::sync(Api& api, const api::Metadata& mesh, const plan::Plan& plan) {
  Pass pass{api, mesh, store_.owned(mesh.namespace_name + "/" + mesh.name), {}};
  for (const plan::ObjectId& id : plan.absent) {
    remove(pass, id);
    if (pass.report.error) return std::move(pass.report);
  }
  if (plan.hand_over) hand_over(pass, *plan.hand_over);
  for (const json& object : plan.objects) {
    if (pass.report.error) break;
    put(pass, object);
  }
  return std::move(pass.report);
}

void ObjectSync::remove(Pass& pass, const plan::ObjectId& id) {
  memory_.erase(id);
  const auto live = pass.live.find(id);
  if (live == pass.live.end() || !plan::may_delete(live->second.live, pass.mesh.uid)) return;
  kube::RemoveOptions options;
  options.uid = live->second.live.uid;
  const auto removed = pass.api.remove(ref_of(id), options);
  if (!removed && removed.error().kind != Kind::kNotFound) {
    pass.report.error = removed.error();
    return;
  }
  logger_.info("object deleted", {{"object", ref_of(id).to_string()}});
  store_.remove_owned(live->second);
  pass.report.removed.push_back(ref_of(id).to_string());
}

// While both managers own the number of replicas, ours can let go of it without a fallback to 1.
// The version says that the number is still the one that was planned with.
void ObjectSync::hand_over(Pass& pass, const json& replicas) {
  const plan::ObjectId id = plan::id_of(replicas);
  const auto live = pass.live.find(id);
  if (live == pass.live.end() || live->second.live.controller_uid != pass.mesh.uid) return;
  json object = onto(replicas, live->second.live.uid);
  object["metadata"]["resourceVersion"] = std::to_string(live->second.version);
  kube::ApplyOptions options;
  options.field_manager = api::kReplicasManager;
  options.force = true;
  const auto answer = pass.api.apply(object, options);
  if (!answer) {
    // Nothing else may be applied: without the hand-over it would end pods.
    pass.report.error = answer.error();
    return;
  }
  logger_.info("replicas handed over", {{"object", ref_of(id).to_string()}});
  OwnedObject owned = read_owned(*answer);
  live->second = owned;
  store_.put_owned(std::move(owned));
}

void ObjectSync::put(Pass& pass, const json& object) {
  const plan::ObjectId id = plan::id_of(object);
  const Memory& memory = memory_[id];
  if (memory.refused_hash == hash_of(object) && !memory.refused_hash.empty() &&
      mono_now() - memory.refused_at < kRefusedPause) {
    pass.report.refusals.push_back({ref_of(id).to_string(), memory.refusal});
    return pass.again_after(kRefusedPause);
  }
  const auto live = pass.live.find(id);
  const plan::LiveObject* seen = live == pass.live.end() ? nullptr : &live->second.live;
  const plan::AppliedObject* applied = memory.applied.uid.empty() ? nullptr : &memory.applied;
  switch (plan::decide(hash_of(object), seen, applied, pass.mesh.uid)) {
    case plan::Decision::kNothing:
      return;
    case plan::Decision::kCreate:
      return memory.foreign ? adopt(pass, id, object) : create(pass, id, object);
    case plan::Decision::kApply:
      return apply(pass, id, object, live->second);
    case plan::Decision::kConflict:
      pass.report.conflicts.push_back(ref_of(id).to_string());
      return;
    case plan::Decision::kWait:
      return pass.again_after(kGoingPause);
  }
}

// What goes because its mesh went must not be made again, whichever watch tells first.
bool ObjectSync::mesh_lives(Pass& pass) {
  if (pass.mesh_lives) return *pass.mesh_lives;
  const auto mesh = pass.api.get({kube::kSocketMeshes, pass.mesh.namespace_name, pass.mesh.name});
  if (mesh) {
    const json& metadata = api::member(*mesh, "metadata");
    pass.mesh_lives = api::text_at(metadata, "uid") == pass.mesh.uid &&
                      api::member(metadata, "deletionTimestamp").is_null();
  } else {
    pass.mesh_lives = mesh.error().kind != Kind::kNotFound;
  }
  return *pass.mesh_lives;
}

void ObjectSync::create(Pass& pass, const plan::ObjectId& id, const json& object) {
  const bool was_there = !memory_[id].applied.uid.empty();
  if (was_there && !mesh_lives(pass)) return;
  const auto answer = pass.api.apply_own(create_only(object));
  if (!answer) {
    if (answer.error().kind == Kind::kConflict) return adopt(pass, id, object);
    return refuse(pass, id, object, answer.error());
  }
  logger_.info("object created", {{"object", ref_of(id).to_string()}});
  pass.report.created.push_back(ref_of(id).to_string());
  accept(id, *answer);
}

// It may be there without that the watches show it: without our label, or so new.
void ObjectSync::adopt(Pass& pass, const plan::ObjectId& id, const json& object) {
  const kube::ObjectRef ref = ref_of(id);
  const auto found = pass.api.get(ref);
  if (!found) {
    if (found.error().kind != Kind::kNotFound) return refuse(pass, id, object, found.error());
    if (std::exchange(memory_[id].foreign, false)) return create(pass, id, object);
    return pass.again_after(kGoingPause);
  }
  const OwnedObject owned = read_owned(*found);
  memory_[id].foreign = owned.live.controller_uid != pass.mesh.uid;
  if (memory_[id].foreign) {
    pass.report.conflicts.push_back(ref.to_string());
    pass.again_after(kRefusedPause);
  } else if (owned.live.deleting) {
    pass.again_after(kGoingPause);
  } else {
    apply(pass, id, object, owned);
  }
}

void ObjectSync::apply(Pass& pass, const plan::ObjectId& id, const json& object,
                       const OwnedObject& live) {
  Memory& memory = memory_[id];
  const bool repair = memory.applied.uid == live.live.uid && memory.applied.hash == hash_of(object);
  if (repair) {
    if (const auto wait = memory.pace.admit(mono_now())) return pass.again_after(*wait);
  }
  const auto answer = pass.api.apply_own(onto(object, live.live.uid));
  if (!answer) {
    // What we saw is gone, perhaps with its mesh, and the watches have yet to tell.
    if (answer.error().kind == Kind::kConflict) return pass.again_after(kGoingPause);
    return refuse(pass, id, object, answer.error());
  }
  const bool changed = version_of(*answer) != live.version;
  accept(id, *answer);
  if (!changed) return;
  const std::string name = ref_of(id).to_string();
  logger_.info(repair ? "object repaired" : "object applied", {{"object", name}});
  (repair ? pass.report.repaired : pass.report.changed).push_back(name);
}

// What will not work another time either is reported; else the pass ends, and is tried again.
void ObjectSync::refuse(Pass& pass, const plan::ObjectId& id, const json& object,
                        const kube::ApiError& error) {
  if (!is_refusal(error)) {
    pass.report.error = error;
    return;
  }
  if (namespace_ends(error)) return pass.again_after(kRefusedPause);
  const std::string name = ref_of(id).to_string();
  Memory& memory = memory_[id];
  if (memory.refusal != error.message)
    logger_.warn("object refused", {{"object", name}, {"error", error.message}});
  memory.refused_hash = hash_of(object);
  memory.refusal = error.message;
  memory.refused_at = mono_now();
  pass.report.refusals.push_back({name, error.message});
  pass.again_after(kRefusedPause);
}

void ObjectSync::accept(const plan::ObjectId& id, const json& answer) {
  OwnedObject owned = read_owned(answer);
  Memory& memory = memory_[id];
  memory.applied = {owned.live.uid, owned.live.hash, owned.live.fingerprint};
  memory.foreign = false;
  memory.refused_hash.clear();
  memory.refusal.clear();
  store_.put_owned(std::move(owned));
}

}  // namespace socketmesh::op::control
