#include "operator/plan/sidecar_pod.hpp"

#include <algorithm>

#include "operator/api/json_access.hpp"
#include "operator/api/limits.hpp"
#include "operator/api/values.hpp"
#include "operator/plan/object.hpp"

namespace socketmesh::op::plan {
namespace {

constexpr int kSidecarUser = 65'532;
constexpr int kReadOnlyMode = 0444;
constexpr int kTokenSeconds = 3'600;  // the kubelet renews it at four fifths

constexpr char kTlsDirectory[] = "/etc/socketmesh/tls";
constexpr char kConfigDirectory[] = "/etc/socketmesh/config";
constexpr char kConfigFile[] = "socketmesh.yaml";
constexpr char kTokenDirectory[] = "/var/run/secrets/kubernetes.io/serviceaccount";

// The sidecar's own limit on mesh.id, less "/" and a uid.
constexpr std::size_t kPodNameInIdMax = 128 - 1 - 36;

json field(const char* name, const char* path) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

json variable(const char* name, std::string value) {
  return {{"name", name}, {"value", std::move(value)}};
}

// Where apps on socket.io-mesh-adapter find their discovery service: at their own sidecar.
constexpr char kDropInVariable[] = "MESH_SERVER_WS_ADDRESS";
constexpr char kDropInDiscovery[] = "127.0.0.1:8000";
constexpr char kDropInTunnel[] = "127.0.0.1:8001";

// The id is stable over restarts of the container, and no other pod has ever had it, which names
// alone do not promise (StatefulSets). The name in it is for people.
json environment(const api::SocketMesh& mesh, std::string_view pod_name) {
  const bool named = pod_name.size() <= kPodNameInIdMax;
  json variables =
      json::array({field("POD_NAME", "metadata.name"), field("POD_UID", "metadata.uid"),
                   variable("SOCKETMESH_MESH_ID", named ? "$(POD_NAME)/$(POD_UID)" : "$(POD_UID)"),
                   variable("SOCKETMESH_LOG_LEVEL", mesh.spec.sidecar.log_level)});
  // v1 apps register a loopback address by default, which says nothing to other pods.
  if (mesh.spec.drop_in) variables.push_back(field("SOCKETMESH_DROPIN_ADVERTISE", "status.podIP"));
  // Copies of its sessions go to another node first.
  if (mesh.spec.recovery) variables.push_back(field("SOCKETMESH_RECOVERY_NODE", "spec.nodeName"));
  return variables;
}

// Requests so that autoscalers can count; no CPU limit, as throttling delays everybody's messages.
// An idle sidecar takes some 10 MiB; one member and two peers at once may each fill their 64 MiB.
json default_resources() {
  return {{"requests", {{"cpu", "20m"}, {"memory", "32Mi"}}}, {"limits", {{"memory", "256Mi"}}}};
}

// Whether both are amounts, and the first is greater.
bool exceeds(const json& a, const json& b) {
  const auto left = api::parse_quantity(a);
  const auto right = api::parse_quantity(b);
  return left && right && *left > *right;
}

// What the user gives, and the defaults that do not contradict it: a request must not exceed its
// limit. Without a default request the API server would take the user's limit for one.
json resources(const json& given) {
  const json& requests = api::member(given, "requests");
  const json& limits = api::member(given, "limits");
  const json defaults = default_resources();
  json merged = given;
  for (const auto& [name, amount] : defaults["requests"].items()) {
    if (requests.contains(name) || exceeds(amount, api::member(limits, name.c_str()))) continue;
    merged["requests"][name] = amount;
  }
  for (const auto& [name, amount] : defaults["limits"].items()) {
    if (limits.contains(name) || exceeds(api::member(requests, name.c_str()), amount)) continue;
    merged["limits"][name] = amount;
  }
  return merged;
}

json probe(const char* path, int period, int timeout, int failures) {
  return {{"httpGet", {{"path", path}, {"port", api::kAdminPort}}},
          {"periodSeconds", period},
          {"timeoutSeconds", timeout},
          {"failureThreshold", failures}};
}

// Pod Security Standard "restricted", and a read-only root on top.
json security_context() {
  return {{"allowPrivilegeEscalation", false},
          {"capabilities", {{"drop", json::array({"ALL"})}}},
          {"readOnlyRootFilesystem", true},
          {"runAsNonRoot", true},
          {"runAsUser", kSidecarUser},
          {"runAsGroup", kSidecarUser},
          {"seccompProfile", {{"type", "RuntimeDefault"}}}};
}

json port(const char* name, int number) {
  return {{"name", name}, {"containerPort", number}, {"protocol", "TCP"}};
}

json mount(const char* volume, const char* path, bool read_only) {
  json result = {{"name", volume}, {"mountPath", path}};
  if (read_only) result["readOnly"] = true;
  return result;
}

json token_volume() {
  const json token = {
      {"serviceAccountToken", {{"path", "token"}, {"expirationSeconds", kTokenSeconds}}}};
  const json ca = {{"configMap",
                    {{"name", "kube-root-ca.crt"},
                     {"items", json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})}}}};
  const json names = {
      {"downwardAPI",
       {{"items", json::array({{{"path", "namespace"},
                                {"fieldRef", {{"fieldPath", "metadata.namespace"}}}}})}}}};
  return {{"name", kTokenVolume},
          {"projected",
           {{"defaultMode", kReadOnlyMode}, {"sources", json::array({token, ca, names})}}}};
}

// The array `key` of `object`, made where there is none.
json& list_at(json& object, const char* key) {
  json& list = object[key];
  if (!list.is_array()) list = json::array();
  return list;
}

bool has_named(const json& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(),
                     [name](const json& item) { return api::text_at(item, "name") == name; });
}

void mount_socket(json& container) {
  json& mounts = list_at(container, "volumeMounts");
  const bool taken = std::any_of(mounts.begin(), mounts.end(), [](const json& other) {
    return api::text_at(other, "mountPath") == kAppDirectory;
  });
  if (!taken) mounts.push_back(mount(kAppVolume, kAppDirectory, false));
}

// What the user has set there stays.
void point_to_discovery(json& container) {
  json& variables = list_at(container, "env");
  if (has_named(variables, kDropInVariable)) return;
  variables.push_back(variable(kDropInVariable, std::string("ws://") + kDropInDiscovery));
}

// Nodes with a mere socket in an emptyDir may be drained by the cluster autoscaler.
void mark_safe_to_evict(json& annotations) {
  std::string volumes = api::text_at(annotations, api::kSafeToEvictAnnotation);
  if (("," + volumes + ",").find("," + std::string(kAppVolume) + ",") != std::string::npos) return;
  volumes += (volumes.empty() ? "" : ",") + std::string(kAppVolume);
  annotations[api::kSafeToEvictAnnotation] = volumes;
}

// JSON's quotes and escapes are YAML's too.
std::string quoted(const std::string& text) {
  return json(text).dump();
}

std::string drop_in_config(const api::DropInSpec& drop_in) {
  const char* mode = drop_in.mode == "Direct" ? "direct" : "carry";
  return std::string("dropin: {mode: ") + mode + ", discovery: " + quoted(kDropInDiscovery) +
         ", tunnel: " + quoted(kDropInTunnel) + "}\n";
}

std::string recovery_config(const api::RecoverySpec& recovery) {
  return "recovery: {window: \"" + std::to_string(recovery.window.count()) +
         "ms\", memory: " + std::to_string(recovery.memory_bytes) +
         ", replicas: " + std::to_string(recovery.replicas) + "}\n";
}

}  // namespace

json sidecar_container(const api::SocketMesh& mesh, const SidecarRevision& revision,
                       std::string_view pod_name) {
  json container = {
      {"name", api::kSidecarContainer},
      {"image", revision.image},
      {"restartPolicy", "Always"},
      {"command", json::array({kSidecarProgram, "--config",
                               std::string(kConfigDirectory) + "/" + kConfigFile})},
      {"env", environment(mesh, pod_name)},
      {"ports", json::array({port("sm-link", api::kLinkPort), port("sm-admin", api::kAdminPort)})},
      {"startupProbe", probe("/readyz", 1, 1, 60)},
      {"livenessProbe", probe("/healthz", 10, 3, 3)},
      {"lifecycle",
       {{"preStop", {{"exec", {{"command", json::array({kSidecarProgram, "leave"})}}}}}}},
      {"resources", resources(mesh.spec.sidecar.resources)},
      {"securityContext", security_context()},
      {"terminationMessagePolicy", "FallbackToLogsOnError"},
      {"volumeMounts",
       json::array({mount(kAppVolume, kAppDirectory, false), mount(kTlsVolume, kTlsDirectory, true),
                    mount(kConfigVolume, kConfigDirectory, true),
                    mount(kTokenVolume, kTokenDirectory, true)})}};
  if (!revision.pull_policy.empty()) container["imagePullPolicy"] = revision.pull_policy;
  return container;
}

json sidecar_volumes(const api::SocketMesh& mesh) {
  const std::string& name = mesh.metadata.name;
  return json::array(
      {{{"name", kAppVolume}, {"emptyDir", json::object()}},
       {{"name", kTlsVolume},
        {"secret", {{"secretName", api::tls_secret_name(name)}, {"defaultMode", kReadOnlyMode}}}},
       {{"name", kConfigVolume},
        {"configMap", {{"name", api::mesh_object_name(name)}, {"defaultMode", kReadOnlyMode}}}},
       token_volume()});
}

bool has_sidecar(const json& pod) {
  const json& containers = api::member(api::member(pod, "spec"), "initContainers");
  return containers.is_array() && has_named(containers, api::kSidecarContainer);
}

void add_sidecar(json& pod, const api::SocketMesh& mesh, const SidecarRevision& revision) {
  json& spec = pod["spec"];
  json& init = list_at(spec, "initContainers");
  if (!has_named(init, api::kSidecarContainer)) {
    const std::string name = api::text_at(api::member(pod, "metadata"), "name");
    init.insert(init.begin(), sidecar_container(mesh, revision, name));
  }
  json& volumes = list_at(spec, "volumes");
  for (json& volume : sidecar_volumes(mesh)) {
    if (!has_named(volumes, api::text_at(volume, "name"))) volumes.push_back(std::move(volume));
  }
  for (json& container : list_at(spec, "containers")) {
    mount_socket(container);
    if (mesh.spec.drop_in) point_to_discovery(container);
  }
  json& annotations = pod["metadata"]["annotations"];
  annotations[api::kConfigHashAnnotation] = content_hash(sidecar_config(mesh));
  mark_safe_to_evict(annotations);
}

std::string sidecar_config(const api::SocketMesh& mesh) {
  const std::string& name = mesh.metadata.name;
  const std::string drop_in = mesh.spec.drop_in ? drop_in_config(*mesh.spec.drop_in) : "";
  const std::string recovery = mesh.spec.recovery ? recovery_config(*mesh.spec.recovery) : "";
  const auto tls_file = [](const char* file) {
    return quoted(std::string(kTlsDirectory) + "/" + file);
  };
  return "# Written by socketmesh-operator; changes are overwritten.\n"
         "mesh: {name: " +
         quoted(name) +
         "}\n"
         "app: {listen: \"unix:" +
         kAppDirectory +
         "/app.sock\"}\n"
         "link: {listen: \"[::]:" +
         std::to_string(api::kLinkPort) +
         "\"}\n"
         "admin: {listen: \"[::]:" +
         std::to_string(api::kAdminPort) +
         "\"}\n"
         "discovery:\n"
         "  kubernetes:\n"
         "    namespace: " +
         quoted(mesh.metadata.namespace_name) +
         "\n"
         "    service: " +
         quoted(api::mesh_object_name(name)) +
         "\n"
         "tls:\n"
         "  ca: " +
         tls_file("ca.crt") +
         "\n"
         "  cert: " +
         tls_file("tls.crt") +
         "\n"
         "  key: " +
         tls_file("tls.key") + "\n" + drop_in + recovery + "log: {format: \"json\"}\n";
}

}  // namespace socketmesh::op::plan
