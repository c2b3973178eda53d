#include "operator/control/api.hpp"

#include <utility>

#include "operator/api/names.hpp"
#include "operator/control/clock.hpp"

namespace socketmesh::op::control {
namespace {

// No object has it: the API server counts from the first write of all, which is its own.
constexpr char kNobodysVersion[] = "1";

}  // namespace

nlohmann::json create_only(nlohmann::json object) {
  object["metadata"]["resourceVersion"] = kNobodysVersion;
  return object;
}

nlohmann::json onto(nlohmann::json object, const std::string& uid) {
  object["metadata"]["uid"] = uid;
  return object;
}

bool namespace_ends(const kube::ApiError& error) {
  using Kind = kube::ApiError::Kind;
  return (error.kind == Kind::kForbidden &&
          error.message.find("because it is being terminated") != std::string::npos) ||
         (error.kind == Kind::kNotFound && error.message.starts_with("namespaces "));
}

std::optional<kube::ApiError> Api::refusal() const {
  kube::ApiError error;
  if (!may_act_()) {
    error.kind = kube::ApiError::Kind::kClosed;
    error.message = "this replica does not lead any more";
    return error;
  }
  if (mono_now() >= deadline_) {
    error.kind = kube::ApiError::Kind::kTimeout;
    error.message = "the reconcile took longer than its deadline";
    return error;
  }
  return std::nullopt;
}

Api::Result Api::get(const kube::ObjectRef& ref) {
  if (auto refused = refusal()) return Unexpected{std::move(*refused)};
  return client_.get(ref);
}

Api::Result Api::apply(const nlohmann::json& object, const kube::ApplyOptions& options) {
  if (auto refused = refusal()) return Unexpected{std::move(*refused)};
  return client_.apply(object, options);
}

Api::Result Api::apply_own(const nlohmann::json& object, std::string_view subresource) {
  kube::ApplyOptions options;
  options.field_manager = api::kFieldManager;
  options.subresource = subresource;
  options.force = true;
  return apply(object, options);
}

Api::Result Api::create(const nlohmann::json& object) {
  if (auto refused = refusal()) return Unexpected{std::move(*refused)};
  return client_.create(object);
}

Api::Result Api::merge_patch(const kube::ObjectRef& ref, const nlohmann::json& patch) {
  if (auto refused = refusal()) return Unexpected{std::move(*refused)};
  return client_.merge_patch(ref, patch);
}

Api::Result Api::remove(const kube::ObjectRef& ref, const kube::RemoveOptions& options) {
  if (auto refused = refusal()) return Unexpected{std::move(*refused)};
  return client_.remove(ref, options);
}

}  // namespace socketmesh::op::control
