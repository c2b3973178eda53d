// The SocketMesh resource as a value: metadata, spec with its defaults, status.
//
// parse() reads what the API server sends, or a file that never saw one: it applies the defaults
// of crds/socketmeshes.socketmesh.io.yaml and checks what that checks, so that `render` and the
// operator agree with the server. Every mistake is reported with its path ("spec.tls.rotateAfter").
// Plain values, no I/O; safe to copy between threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/expected.hpp"
#include "operator/api/condition.hpp"
#include "operator/api/names.hpp"

namespace socketmesh::op::api {

using nlohmann::json;
using std::chrono::milliseconds;
using Strings = std::map<std::string, std::string>;

// One thing wrong with a resource.
struct Problem {
  std::string path;     // "spec.tls.rotateAfter"; empty: the object as a whole
  std::string message;  // "'24h' is out of range: 1m to 12h"

  // "spec.port: is needed".
  [[nodiscard]] std::string to_string() const;

  bool operator==(const Problem&) const = default;
};
using Problems = std::vector<Problem>;

// One a line, without a newline at the end.
std::string to_string(const Problems& problems);

struct Metadata {
  std::string name;
  std::string namespace_name;  // empty: a file that gives none
  std::string uid;             // empty: not from a server
  std::string resource_version;
  std::int64_t generation = 0;
  Strings labels;
  Strings annotations;
  std::string creation_timestamp;
  bool deleting = false;  // has a deletionTimestamp

  // Whether an annotation is there and says exactly "true".
  [[nodiscard]] bool annotated(std::string_view name) const;
};

// Spec fields bear the names of the resource, in snake_case; docs/resource.md says what they mean.

struct ServiceSpec {
  std::string type = "ClusterIP";         // ClusterIP, NodePort, LoadBalancer
  std::string session_affinity = "None";  // None, ClientIP
  Strings annotations;

  bool operator==(const ServiceSpec&) const = default;
};

struct IngressSpec {
  std::string host;  // empty: every host
  std::string path = "/";
  std::string class_name;       // empty: the cluster's default
  std::string tls_secret_name;  // empty: no TLS
  Strings annotations;

  bool operator==(const IngressSpec&) const = default;
};

struct SidecarSpec {
  std::string image;                // empty: the operator's
  json resources = json::object();  // ResourceRequirements; overlays the defaults
  std::string log_level = "info";

  bool operator==(const SidecarSpec&) const = default;
};

struct DropInSpec {
  std::string mode = "Carry";  // Carry, Direct

  bool operator==(const DropInSpec&) const = default;
};

struct RecoverySpec {
  milliseconds window = std::chrono::minutes(2);
  std::uint64_t memory_bytes = 64U << 20U;
  std::int32_t replicas = 1;

  bool operator==(const RecoverySpec&) const = default;
};

struct TlsSpec {
  milliseconds leaf_validity = std::chrono::hours(24);
  milliseconds rotate_after = std::chrono::hours(12);  // by default half of leaf_validity

  bool operator==(const TlsSpec&) const = default;
};

struct AutoscalingSpec {
  std::int32_t min_replicas = 1;
  std::int32_t max_replicas = 1;
  json metrics = json::array();  // autoscaling/v2 MetricSpecs; empty: the server's default

  bool operator==(const AutoscalingSpec&) const = default;
};

struct DisruptionSpec {
  json max_unavailable = 1;  // a number, or a text like "25%"

  bool operator==(const DisruptionSpec&) const = default;
};

struct MonitoringSpec {
  bool pod_monitor = true;
  Strings labels;       // of the PodMonitor, for a Prometheus that selects by them
  json from = nullptr;  // who may scrape, a NetworkPolicyPeer; null: nobody more

  bool operator==(const MonitoringSpec&) const = default;
};

struct Spec {
  std::int32_t replicas = 1;
  std::optional<json> pod_template;   // a PodTemplateSpec as given; absent: labelled mode
  std::optional<std::uint16_t> port;  // absent: no client Service
  ServiceSpec service;
  std::optional<IngressSpec> ingress;
  SidecarSpec sidecar;
  std::optional<DropInSpec> drop_in;
  std::optional<RecoverySpec> recovery;
  TlsSpec tls;
  std::optional<AutoscalingSpec> autoscaling;
  DisruptionSpec disruption;
  MonitoringSpec monitoring;
  bool network_policy = true;  // false by default in labelled mode

  // Members are the pods that bear the mesh's label, whoever made them.
  [[nodiscard]] bool labelled() const { return !pod_template.has_value(); }

  bool operator==(const Spec&) const = default;
};

// How far the mesh's certificates are; the names are those of the resource.
struct CertificatesStatus {
  std::string phase;           // Stable, Distribute, Sign, CleanUp; empty: none yet
  std::string leaf_not_after;  // RFC 3339
  std::string root_not_after;  // RFC 3339

  bool operator==(const CertificatesStatus&) const = default;
};

struct Status {
  std::int64_t observed_generation = 0;
  std::int32_t desired_replicas = 0;  // of the Deployment, whoever scales it; labelled: the pods
  std::int32_t replicas = 0;
  std::int32_t ready_replicas = 0;
  std::string selector;                 // of the member pods, for the scale subresource
  std::optional<std::int32_t> members;  // attached app processes; absent: not known
  std::string sidecar_revision;
  CertificatesStatus certificates;
  std::vector<Condition> conditions;

  bool operator==(const Status&) const = default;
};

struct SocketMesh {
  Metadata metadata;
  Spec spec;
  Status status;
};

// Fields of the spec that this version does not know: a file with one has a typing mistake, but a
// server may have a newer CRD whose defaults fill such fields into every object.
enum class UnknownFields { kIgnore, kRefuse };

Expected<SocketMesh, Problems> parse(const json& object,
                                     UnknownFields unknown = UnknownFields::kIgnore);

// For objects whose spec is wrong too: what is missing or wrong stays at its default.
Metadata parse_metadata(const json& object);
Status parse_status(const json& status);

// The whole status, ready to be written; leaves out what is not known.
json to_json(const Status& status);

}  // namespace socketmesh::op::api
