#include "operator/control/sidecar_polls.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "operator/control/clock.hpp"

namespace socketmesh::op::control {
namespace {

// While somebody waits for reports.
constexpr plan::MonoTime kHurry = std::chrono::seconds(3);

plan::SidecarPod read(const PollTarget& target, const kube::StatusPoller::Result& result) {
  plan::SidecarPod pod;
  pod.name = target.name;
  pod.started = pod.asked = true;
  if (!result) {
    pod.error = result.error().message;
  } else if (pod.status = plan::read_sidecar_status(*result); !pod.status) {
    pod.error = "its answer is not a sidecar's";
  }
  return pod;
}

}  // namespace

void SidecarPolls::set(const std::string& key, std::vector<PollTarget> targets,
                       std::shared_ptr<const kube::MeshCredentials> credentials,
                       std::int32_t expected, bool hurry) {
  const plan::MonoTime now = mono_now();
  const std::lock_guard lock(mutex_);
  Mesh& mesh = meshes_[key];
  const bool first = mesh.credentials == nullptr && credentials != nullptr;
  if (first || mesh.targets != targets) mesh.pace.changed(now);
  std::set<std::string> kept;
  for (const PollTarget& target : targets) kept.insert(target.uid);
  std::erase_if(mesh.answers, [&](const auto& entry) { return !kept.contains(entry.first); });
  mesh.targets = std::move(targets);
  mesh.credentials = std::move(credentials);
  mesh.expected = expected;
  mesh.hurry = hurry;
  if (hurry) mesh.pace.hurry(kHurry, now);
}

void SidecarPolls::remove(const std::string& key) {
  const std::lock_guard lock(mutex_);
  meshes_.erase(key);
}

std::vector<plan::SidecarPod> SidecarPolls::view(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto mesh = meshes_.find(key);
  if (mesh == meshes_.end()) return {};
  return pods_of(mesh->second);
}

std::vector<plan::SidecarPod> SidecarPolls::pods_of(const Mesh& mesh) {
  std::vector<plan::SidecarPod> pods;
  for (const PollTarget& target : mesh.targets) {
    const auto answer = mesh.answers.find(target.uid);
    if (target.started && answer != mesh.answers.end()) {
      pods.push_back(answer->second);
      continue;
    }
    plan::SidecarPod pod;
    pod.name = target.name;
    pod.started = target.started;
    pods.push_back(std::move(pod));
  }
  return pods;
}

void SidecarPolls::tick(plan::MonoTime now) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, mesh] : meshes_)
    if (mesh.running == 0 && mesh.credentials != nullptr && mesh.pace.due() <= now)
      start_round(key, mesh);
}

void SidecarPolls::start_round(const std::string& key, Mesh& mesh) {
  mesh.round = ++rounds_;
  mesh.news = false;
  std::vector<PollTarget> asked;
  std::copy_if(mesh.targets.begin(), mesh.targets.end(), std::back_inserter(asked),
               [](const PollTarget& target) { return target.started; });
  mesh.running = asked.size();
  mesh.pace.started();
  if (asked.empty()) return mesh.pace.finished(true, mono_now());
  stats_.polls += asked.size();
  for (const PollTarget& target : asked) {
    kube::PollRequest request;
    request.address = target.address;
    request.credentials = mesh.credentials;
    poller_.poll(std::move(request),
                 [this, key, round = mesh.round, target](const kube::StatusPoller::Result& result) {
                   answered(key, round, target, result);
                 });
  }
}

void SidecarPolls::answered(const std::string& key, std::uint64_t round, const PollTarget& target,
                            const kube::StatusPoller::Result& result) {
  plan::SidecarPod pod = read(target, result);
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    if (!pod.status) ++stats_.failures;
    const auto found = meshes_.find(key);
    if (found == meshes_.end() || found->second.round != round) return;  // gone, or another mesh
    Mesh& mesh = found->second;
    const bool listed =
        std::any_of(mesh.targets.begin(), mesh.targets.end(),
                    [&](const PollTarget& known) { return known.uid == target.uid; });
    if (listed) {
      plan::SidecarPod& known = mesh.answers[target.uid];
      mesh.news = mesh.news || !known.asked || known.status != pod.status ||
                  known.error.empty() != pod.error.empty();
      known = std::move(pod);
    }
    if (--mesh.running > 0) return;
    const auto judged = plan::converge(pods_of(mesh), mesh.expected);
    const bool rest = judged.converged == plan::Converged::kTrue && !mesh.news;
    const plan::MonoTime now = mono_now();
    mesh.pace.finished(rest, now);
    if (mesh.hurry) mesh.pace.hurry(kHurry, now);
    news = mesh.news;
  }
  if (news) listener_(key);
}

SidecarPolls::Stats SidecarPolls::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace socketmesh::op::control
