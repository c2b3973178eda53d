// Brings the objects of one mesh to what the plan wants, and remembers what it did.
//
// Nothing is sent for an object that is right (operator/plan/drift.hpp). What does not belong to
// the mesh is never touched, also when it comes between look and write: creation takes over
// nothing, an apply or a delete names the uid that was looked at. What the API server refuses is
// reported, and the other objects are still brought in order.
//
// A sync belongs to one mesh; one thread at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/obs/log.hpp"
#include "operator/control/api.hpp"
#include "operator/control/store.hpp"
#include "operator/plan/drift.hpp"
#include "operator/plan/plan.hpp"
#include "operator/plan/status.hpp"

namespace socketmesh::op::control {

struct SyncReport {
  std::vector<std::string> conflicts;  // "Service default/chat": somebody else's
  std::vector<plan::Refusal> refusals;
  std::vector<std::string> created;
  std::vector<std::string> changed;   // because the plan is another
  std::vector<std::string> repaired;  // because somebody else wrote to it
  std::vector<std::string> removed;
  // The pass ended early, and is to be tried again: the API server is away, or was faster.
  std::optional<kube::ApiError> error;
  // Look again after this long: a repair was put off, or an object is going away.
  std::optional<plan::MonoTime> again;
};

// Refusals and foreign objects are looked at again after this, or when the plan is another.
inline constexpr plan::MonoTime kRefusedPause = std::chrono::seconds(30);

class ObjectSync {
 public:
  // `store` gets the answers to writes, before the watches tell. Both outlive this.
  ObjectSync(Store& store, const obs::Logger& logger) : store_(store), logger_(logger) {}

  SyncReport sync(Api& api, const api::Metadata& mesh, const plan::Plan& plan);

 private:
  struct Memory {
    plan::AppliedObject applied;
    plan::RepairPace pace;
    bool foreign = false;  // at the last look; no watch need tell when that changes
    // What was refused, why, and when: the same is not sent again for kRefusedPause.
    std::string refused_hash;
    std::string refusal;
    plan::MonoTime refused_at{};
  };
  struct Pass;

  static bool mesh_lives(Pass& pass);
  void remove(Pass& pass, const plan::ObjectId& id);
  void hand_over(Pass& pass, const nlohmann::json& replicas);
  void put(Pass& pass, const nlohmann::json& object);
  void create(Pass& pass, const plan::ObjectId& id, const nlohmann::json& object);
  void adopt(Pass& pass, const plan::ObjectId& id, const nlohmann::json& object);
  void refuse(Pass& pass, const plan::ObjectId& id, const nlohmann::json& object,
              const kube::ApiError& error);
  void apply(Pass& pass, const plan::ObjectId& id, const nlohmann::json& object,
             const OwnedObject& live);
  void accept(const plan::ObjectId& id, const nlohmann::json& answer);

  Store& store_;
  const obs::Logger& logger_;
  std::map<plan::ObjectId, Memory> memory_;
};

}  // namespace socketmesh::op::control
