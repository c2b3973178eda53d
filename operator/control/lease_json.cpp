#include "operator/control/lease_json.hpp"

#include "operator/api/json_access.hpp"

namespace socketmesh::op::control {

using api::integer_at;
using api::member;
using api::text_at;

plan::Lease read_lease(const nlohmann::json& object) {
  const nlohmann::json& spec = member(object, "spec");
  plan::Lease lease;
  lease.holder = text_at(spec, "holderIdentity");
  lease.duration_s = integer_at(spec, "leaseDurationSeconds").value_or(0);
  lease.acquired = plan::parse_time(text_at(spec, "acquireTime")).value_or(plan::UnixTime{});
  lease.renewed = plan::parse_time(text_at(spec, "renewTime")).value_or(plan::UnixTime{});
  lease.transitions = integer_at(spec, "leaseTransitions").value_or(0);
  lease.resource_version = text_at(member(object, "metadata"), "resourceVersion");
  return lease;
}

nlohmann::json lease_json(const kube::ObjectRef& ref, const plan::Lease& lease) {
  nlohmann::json metadata = {{"name", ref.name}, {"namespace", ref.ns}};
  if (!lease.resource_version.empty()) metadata["resourceVersion"] = lease.resource_version;
  return {{"apiVersion", ref.resource.api_version()},
          {"kind", ref.resource.kind},
          {"metadata", std::move(metadata)},
          {"spec",
           {{"holderIdentity", lease.holder},
            {"leaseDurationSeconds", lease.duration_s},
            {"acquireTime", plan::format_micro_time(lease.acquired)},
            {"renewTime", plan::format_micro_time(lease.renewed)},
            {"leaseTransitions", lease.transitions}}}};
}

}  // namespace socketmesh::op::control
