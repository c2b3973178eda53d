// The API server as one reconcile may use it: while this replica leads, and until the reconcile's
// deadline. A call that comes too late is refused with kClosed or kTimeout and never sent.
//
// One thread. The Client outlives it.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "operator/kube/client.hpp"
#include "operator/plan/time.hpp"

namespace socketmesh::op::control {

// The applied form of "create, but take over nothing": an object that is there has another version,
// and is a kConflict. Unlike a POST this makes the fields an Apply's, so that later applies can
// remove them.
nlohmann::json create_only(nlohmann::json object);
// "Only onto this object, not onto one of the same name."
nlohmann::json onto(nlohmann::json object, const std::string& uid);

// The namespace is being deleted: nothing can be made there, and soon nothing is left to make it
// for.
bool namespace_ends(const kube::ApiError& error);

class Api {
 public:
  using Result = kube::Client::Result;

  Api(kube::Client& client, std::function<bool()> may_act, plan::MonoTime deadline)
      : client_(client), may_act_(std::move(may_act)), deadline_(deadline) {}

  Result get(const kube::ObjectRef& ref);
  Result apply(const nlohmann::json& object, const kube::ApplyOptions& options);
  // With force, as the operator's manager: what it says is the operator's.
  Result apply_own(const nlohmann::json& object, std::string_view subresource = {});
  Result create(const nlohmann::json& object);
  Result merge_patch(const kube::ObjectRef& ref, const nlohmann::json& patch);
  Result remove(const kube::ObjectRef& ref, const kube::RemoveOptions& options);

 private:
  [[nodiscard]] std::optional<kube::ApiError> refusal() const;

  kube::Client& client_;
  std::function<bool()> may_act_;
  plan::MonoTime deadline_;
};

}  // namespace socketmesh::op::control
