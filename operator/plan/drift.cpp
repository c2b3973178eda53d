#include "operator/plan/drift.hpp"

#include <string_view>

#include "operator/api/json_access.hpp"

namespace socketmesh::op::plan {
namespace {

// FNV-1a, 64 bit: a change must be noticed, not proven.
constexpr std::uint64_t kFnvBasis = 0xcbf29ce484222325U;
constexpr std::uint64_t kFnvPrime = 0x100000001b3U;

std::uint64_t hash(std::uint64_t state, std::string_view text) {
  for (const char c : text) {
    state ^= static_cast<unsigned char>(c);
    state *= kFnvPrime;
  }
  return state;
}

}  // namespace

Decision decide(const std::string& wanted_hash, const LiveObject* live,
                const AppliedObject* applied, const std::string& mesh_uid) {
  if (live == nullptr) return Decision::kCreate;
  if (live->controller_uid != mesh_uid) return Decision::kConflict;
  if (live->deleting) return Decision::kWait;
  const bool as_applied = applied != nullptr && applied->uid == live->uid &&
                          applied->hash == wanted_hash && applied->fingerprint == live->fingerprint;
  return as_applied && live->hash == wanted_hash ? Decision::kNothing : Decision::kApply;
}

bool may_delete(const LiveObject& live, const std::string& mesh_uid) {
  return live.controller_uid == mesh_uid && !live.deleting;
}

std::uint64_t fingerprint(const nlohmann::json& managed_fields, bool with_scale) {
  std::uint64_t state = kFnvBasis;
  if (!managed_fields.is_array()) return state;
  for (const nlohmann::json& entry : managed_fields) {
    const std::string subresource = api::text_at(entry, "subresource");
    if (subresource == "status" || (subresource == "scale" && !with_scale)) continue;
    state = hash(state, entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return state;
}

std::optional<MonoTime> RepairPace::admit(MonoTime now) {
  if (repairs_ == 0 || now - window_start_ >= kWindow) {
    // Whoever used up the last window gets one repair in this one.
    repairs_ = repairs_ >= kRepairsMax && now - window_start_ < 2 * kWindow ? kRepairsMax : 1;
    window_start_ = now;
    return std::nullopt;
  }
  if (repairs_ >= kRepairsMax) return window_start_ + kWindow - now;
  ++repairs_;
  return std::nullopt;
}

}  // namespace socketmesh::op::plan
