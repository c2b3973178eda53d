// What to do about one object of a mesh: nothing, create, apply, or leave it alone.
//
// Deep comparisons mislead: the API server rewrites what it is given ("0.01" becomes "10m"). So an
// object is right when it bears the hash of what is wanted now, and when nobody wrote it since our
// last apply, by a fingerprint of its managedFields: whoever changes a field of ours changes who
// owns what. After a restart of the operator the fingerprint of an object is not known: one apply
// is made, which changes nothing on the server.
//
// Pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "operator/plan/time.hpp"

namespace socketmesh::op::plan {

// An object as the cluster has it.
struct LiveObject {
  std::string uid;
  std::string controller_uid;  // of its controller's ownerReference; empty: none
  std::string hash;            // api::kHashAnnotation
  std::uint64_t fingerprint = 0;
  bool deleting = false;
};

// Our last successful apply of it.
struct AppliedObject {
  std::string uid;
  std::string hash;
  std::uint64_t fingerprint = 0;
};

enum class Decision : std::uint8_t {
  kNothing,
  kCreate,    // only if it is still absent: never take over an object that came meanwhile
  kApply,     // only onto this uid
  kConflict,  // exists, and is not this mesh's
  kWait,      // ours, but going away: create it when it is gone
};

// `live` is null when there is none, `applied` when it was not applied by this process.
Decision decide(const std::string& wanted_hash, const LiveObject* live,
                const AppliedObject* applied, const std::string& mesh_uid);

// Whether the mesh controls it, and it is not going away already: what is no longer wanted is
// deleted then, and only then.
bool may_delete(const LiveObject& live, const std::string& mesh_uid);

// Of metadata.managedFields, without the entries of the status subresource. `scale` counts only
// where replicas are ours: an autoscaler writes there all day.
std::uint64_t fingerprint(const nlohmann::json& managed_fields, bool with_scale);

// Slows down repairs of an object that somebody else keeps changing back.
class RepairPace {
 public:
  // Repairs that may be made within kWindow; then one a window.
  static constexpr std::uint32_t kRepairsMax = 5;
  static constexpr MonoTime kWindow = std::chrono::minutes(1);

  // Nothing: repair now (it counts). Else how long to wait.
  std::optional<MonoTime> admit(MonoTime now);

 private:
  MonoTime window_start_{};
  std::uint32_t repairs_ = 0;
};

}  // namespace socketmesh::op::plan
