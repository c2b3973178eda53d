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

// Whether another object can still be tried after this answer.
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

  void again_after(plan::MonoTime delay) {
    report.again = std::min(report.again.value_or(delay), delay);
  }
  // What to make of a failed write.
  void failed(const plan::ObjectId& id, const kube::ApiError& error) {
    if (is_refusal(error)) {
      report.refusals.push_back({ref_of(id).to_string(), error.message});
    } else {
      report.error = error;
    }
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
  if (!removed && removed.error().kind != Kind::kNotFound) return pass.failed(id, removed.error());
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
  const auto live = pass.live.find(id);
  const auto known = memory_.find(id);
  const plan::LiveObject* seen = live == pass.live.end() ? nullptr : &live->second.live;
  const plan::AppliedObject* applied = known == memory_.end() ? nullptr : &known->second.applied;
  switch (plan::decide(hash_of(object), seen, applied, pass.mesh.uid)) {
    case plan::Decision::kNothing:
      return;
    case plan::Decision::kCreate:
      return create(pass, id, object);
    case plan::Decision::kApply:
      return apply(pass, id, object, live->second);
    case plan::Decision::kConflict:
      pass.report.conflicts.push_back(ref_of(id).to_string());
      return;
    case plan::Decision::kWait:
      pass.again_after(kGoingPause);
      return;
  }
}

void ObjectSync::create(Pass& pass, const plan::ObjectId& id, const json& object) {
  const kube::ObjectRef ref = ref_of(id);
  const auto answer = pass.api.apply_own(create_only(object));
  if (answer) {
    logger_.info("object created", {{"object", ref.to_string()}});
    pass.report.created.push_back(ref.to_string());
    return accept(id, *answer);
  }
  if (answer.error().kind != Kind::kConflict) return pass.failed(id, answer.error());
  // It is there, and the watches do not show it: without our label, or so new.
  const auto found = pass.api.get(ref);
  if (!found) {
    if (found.error().kind == Kind::kNotFound) return pass.again_after(kGoingPause);
    return pass.failed(id, found.error());
  }
  const OwnedObject owned = read_owned(*found);
  if (owned.live.controller_uid != pass.mesh.uid) {
    pass.report.conflicts.push_back(ref.to_string());
  } else if (owned.live.deleting) {
    pass.again_after(kGoingPause);
  } else {
    apply(pass, id, object, owned);
  }
}

void ObjectSync::apply(Pass& pass, const plan::ObjectId& id, const json& object,
                       const OwnedObject& live) {
  const kube::ObjectRef ref = ref_of(id);
  Memory& memory = memory_[id];
  const bool repair = memory.applied.uid == live.live.uid && memory.applied.hash == hash_of(object);
  if (repair) {
    if (const auto wait = memory.pace.admit(mono_now())) return pass.again_after(*wait);
  }
  const auto answer = pass.api.apply_own(onto(object, live.live.uid));
  if (!answer) return pass.failed(id, answer.error());
  const bool changed = version_of(*answer) != live.version;
  accept(id, *answer);
  if (!changed) return;
  logger_.info(repair ? "object repaired" : "object applied", {{"object", ref.to_string()}});
  (repair ? pass.report.repaired : pass.report.changed).push_back(ref.to_string());
}

void ObjectSync::accept(const plan::ObjectId& id, const json& answer) {
  OwnedObject owned = read_owned(answer);
  memory_[id].applied = {owned.live.uid, owned.live.hash, owned.live.fingerprint};
  store_.put_owned(std::move(owned));
}

}  // namespace socketmesh::op::control
