#include "operator/plan/convergence.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "operator/api/json_access.hpp"

namespace socketmesh::op::plan {
namespace {

using api::integer_at;
using api::member;
using api::text_at;

bool flag_at(const nlohmann::json& object, const char* key) {
  const nlohmann::json& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::string count_of(std::size_t count, std::size_t total, const char* what) {
  return std::to_string(count) + " of " + std::to_string(total) + " " + what;
}

Convergence unknown(std::string reason, std::string message) {
  return {Converged::kUnknown, std::move(reason), std::move(message), std::nullopt};
}

// Sidecars that answered and stay.
std::vector<const SidecarPod*> staying(std::span<const SidecarPod> pods) {
  std::vector<const SidecarPod*> found;
  for (const SidecarPod& pod : pods)
    if (pod.status && !pod.status->leaving) found.push_back(&pod);
  return found;
}

// The first pair that is not linked, in words; empty when all are.
std::string missing_link(const std::vector<const SidecarPod*>& pods) {
  for (const SidecarPod* from : pods) {
    const auto& linked = from->status->linked;
    for (const SidecarPod* to : pods) {
      if (to == from || std::binary_search(linked.begin(), linked.end(), to->status->sidecar_id))
        continue;
      return "the sidecar of pod " + from->name + " has no link to that of " + to->name;
    }
  }
  return {};
}

// The members of sidecars that could not be reached are known to the others.
std::int32_t count_members(std::span<const SidecarPod> pods) {
  std::uint64_t local = 0;
  std::uint64_t seen = 0;
  for (const SidecarPod& pod : pods) {
    if (!pod.status) continue;
    local += pod.status->members_local;
    seen = std::max<std::uint64_t>(seen, pod.status->members_up);
  }
  constexpr std::uint64_t kMax = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::min(std::max(local, seen), kMax));
}

Convergence judge_links(std::span<const SidecarPod> pods) {
  const auto stay = staying(pods);
  if (std::string missing = missing_link(stay); !missing.empty())
    return {Converged::kFalse, "LinksMissing", std::move(missing), {}};
  const auto local = std::accumulate(
      stay.begin(), stay.end(), std::uint64_t{0},
      [](std::uint64_t sum, const SidecarPod* pod) { return sum + pod->status->members_local; });
  for (const SidecarPod* pod : stay) {
    if (pod->status->members_up >= local) continue;
    return {Converged::kFalse,
            "MembersMissing",
            "the sidecar of pod " + pod->name + " knows " +
                count_of(pod->status->members_up, local, "members"),
            {}};
  }
  return {Converged::kTrue,
          "AllLinked",
          "each of " + std::to_string(stay.size()) + " sidecars is linked with every other",
          {}};
}

}  // namespace

std::optional<SidecarStatus> read_sidecar_status(const nlohmann::json& body) {
  SidecarStatus status;
  status.sidecar_id = text_at(body, "sidecar_id");
  const nlohmann::json& members = member(body, "members");
  const nlohmann::json& links = member(body, "links");
  if (status.sidecar_id.empty() || !members.is_array() || !links.is_array()) return std::nullopt;
  status.leaving = flag_at(body, "leaving");
  for (const nlohmann::json& entry : members) {
    if (flag_at(entry, "local")) ++status.members_local;
    if (flag_at(entry, "up")) ++status.members_up;
  }
  for (const nlohmann::json& link : links)
    if (text_at(link, "state") == "linked") status.linked.push_back(text_at(link, "peer"));
  std::sort(status.linked.begin(), status.linked.end());
  const nlohmann::json& tls = member(body, "tls");
  if (std::string hash = text_at(tls, "bundle_sha256"); !hash.empty())
    status.bundle_sha256 = std::move(hash);
  if (const auto end = integer_at(tls, "leaf_not_after"))
    status.leaf_not_after = CertTime(seconds(*end));
  return status;
}

Convergence converge(std::span<const SidecarPod> pods, std::int32_t expected) {
  const auto count_if = [&](auto&& predicate) {
    return static_cast<std::size_t>(std::count_if(pods.begin(), pods.end(), predicate));
  };
  const std::size_t started = count_if([](const SidecarPod& pod) { return pod.started; });
  const auto silent = std::find_if(pods.begin(), pods.end(), [](const SidecarPod& pod) {
    return pod.started && pod.asked && !pod.status;
  });
  const std::size_t reached = count_if([](const SidecarPod& pod) { return !!pod.status; });

  if (started == 0) {
    return expected > 0 || !pods.empty()
               ? Convergence{Converged::kFalse, "SidecarsStarting", "no sidecar has started", {}}
               : unknown(kNoSidecars, "no pod runs a sidecar");
  }
  Convergence result;
  if (silent != pods.end()) {
    result = unknown("SidecarsUnreachable",
                     count_of(started - reached, started, "sidecars cannot be asked; pod ") +
                         silent->name + ": " + silent->error);
  } else if (reached < started) {
    result = unknown("SidecarsNotAsked", "not all sidecars were asked yet");
  } else if (started < pods.size()) {
    result = {Converged::kFalse,
              "SidecarsStarting",
              count_of(started, pods.size(), "sidecars have started"),
              {}};
  } else {
    result = judge_links(pods);
  }
  if (reached > 0) result.members = count_members(pods);
  return result;
}

}  // namespace socketmesh::op::plan
