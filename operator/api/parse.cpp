#include <algorithm>

#include "lib/base/parse.hpp"
#include "lib/base/text.hpp"
#include "operator/api/fields.hpp"
#include "operator/api/json_access.hpp"
#include "operator/api/limits.hpp"
#include "operator/api/parse_template.hpp"
#include "operator/api/socket_mesh.hpp"

namespace socketmesh::op::api {
namespace {

bool is_mesh_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= kMeshNameBytesMax && letter(name.front()) &&
         name.back() != '-' && std::all_of(name.begin(), name.end(), inner);
}

// "25%", "100%": what Kubernetes takes beside a number.
bool is_percent(const json& value) {
  if (!value.is_string()) return false;
  std::string_view text = value.get_ref<const std::string&>();
  if (text.size() > kPercentBytesMax || !text.ends_with('%')) return false;
  text.remove_suffix(1);
  return parse_uint(text, 100).has_value();
}

// Reads one spec; a member function for each object in it, then what spans several.
class SpecReader {
 public:
  SpecReader(const json& spec, UnknownFields unknown, Problems& problems)
      : fields_(spec, "spec", problems), unknown_(unknown), problems_(problems) {}

  Spec read() {
    fields_.integer("replicas", spec_.replicas, 0, kReplicasMax);
    if (const json* pod_template = fields_.take_object("template")) {
      check_template(*pod_template, "spec.template", problems_);
      spec_.pod_template = *pod_template;
    }
    read_port();
    read_service();
    read_ingress();
    read_sidecar();
    read_drop_in();
    read_recovery();
    read_tls();
    read_autoscaling();
    read_disruption();
    read_monitoring();
    spec_.network_policy = !spec_.labelled();
    fields_.boolean("networkPolicy", spec_.network_policy);
    fields_.finish(unknown_);
    return std::move(spec_);
  }

 private:
  // Calls `read` with the fields of the object `key`, where there is one.
  template <typename Read>
  bool inside(const char* key, const Read& read) {
    const json* object = fields_.take_object(key);
    if (object == nullptr) return false;
    Fields fields(*object, fields_.path_of(key), problems_);
    read(fields);
    fields.finish(unknown_);
    return true;
  }

  void read_port() {
    std::int32_t port = 0;
    port_given_ = fields_.take("port") != nullptr;
    fields_.integer("port", port, 1, kPortMax);
    if (port == 0) return;
    if (port == kLinkPort || port == kAdminPort) {
      fields_.complain("port", std::to_string(port) + " is the sidecar's; take another port");
      return;
    }
    spec_.port = static_cast<std::uint16_t>(port);
  }

  void read_service() {
    inside("service", [this](Fields& fields) {
      fields.one_of("type", spec_.service.type, {"ClusterIP", "NodePort", "LoadBalancer"});
      fields.one_of("sessionAffinity", spec_.service.session_affinity, {"None", "ClientIP"});
      fields.strings("annotations", spec_.service.annotations);
    });
  }

  void read_ingress() {
    IngressSpec ingress;
    const bool given = inside("ingress", [&ingress](Fields& fields) {
      fields.text("host", ingress.host, kHostBytesMax);
      fields.text("path", ingress.path, kPathBytesMax);
      if (!ingress.path.starts_with('/')) fields.complain("path", "must begin with '/'");
      fields.text("className", ingress.class_name, kObjectNameBytesMax);
      fields.text("tlsSecretName", ingress.tls_secret_name, kObjectNameBytesMax);
      fields.strings("annotations", ingress.annotations);
    });
    if (!given) return;
    if (!port_given_) fields_.complain("ingress", "needs spec.port, where the app serves clients");
    spec_.ingress = std::move(ingress);
  }

  void read_sidecar() {
    inside("sidecar", [this](Fields& fields) {
      fields.text("image", spec_.sidecar.image, kImageBytesMax);
      fields.one_of("logLevel", spec_.sidecar.log_level, {"debug", "info", "warn", "error"});
      const json* resources = fields.take_object("resources");
      if (resources == nullptr) return;
      check_resources(*resources, fields.path_of("resources"));
      spec_.sidecar.resources = *resources;
    });
  }

  void check_resources(const json& resources, const std::string& path) {
    Fields fields(resources, path, problems_);
    for (const char* kind : {"requests", "limits"}) {
      const json* amounts = fields.take_object(kind);
      if (amounts == nullptr) continue;
      for (const auto& [name, amount] : amounts->items()) {
        if (amount.is_string() || amount.is_number()) continue;
        fields.complain(std::string(kind) + "." + name, "must be a quantity such as 64Mi");
      }
    }
    fields.finish(unknown_);
  }

  void read_drop_in() {
    DropInSpec drop_in;
    const auto read = [&](Fields& fields) {
      fields.one_of("mode", drop_in.mode, {"Carry", "Direct"});
    };
    if (inside("dropIn", read)) spec_.drop_in = drop_in;
  }

  void read_recovery() {
    RecoverySpec recovery;
    const auto read = [&](Fields& fields) {
      fields.duration("window", recovery.window, kRecoveryWindowMin, kRecoveryWindowMax);
      fields.size("memory", recovery.memory_bytes, kRecoveryMemoryMin, kRecoveryMemoryMax);
      fields.integer("replicas", recovery.replicas, 0, kRecoveryReplicasMax);
    };
    if (inside("recovery", read)) spec_.recovery = recovery;
  }

  void read_tls() {
    inside("tls", [this](Fields& fields) {
      TlsSpec& tls = spec_.tls;
      fields.duration("leafValidity", tls.leaf_validity, kLeafValidityMin, kLeafValidityMax);
      tls.rotate_after = tls.leaf_validity / 2;
      fields.duration("rotateAfter", tls.rotate_after, kRotateAfterMin, kLeafValidityMax);
      if (tls.rotate_after > tls.leaf_validity / 2) {
        fields.complain("rotateAfter", in_quotes(format_duration(tls.rotate_after)) +
                                           " is more than half of leafValidity (" +
                                           format_duration(tls.leaf_validity) +
                                           "), which leaves too little time to rotate");
      }
    });
  }

  void read_autoscaling() {
    AutoscalingSpec autoscaling;
    const bool given = inside("autoscaling", [&autoscaling](Fields& fields) {
      if (fields.take("maxReplicas") == nullptr) fields.complain("maxReplicas", "is needed");
      fields.integer("minReplicas", autoscaling.min_replicas, 1, kReplicasMax);
      fields.integer("maxReplicas", autoscaling.max_replicas, 1, kReplicasMax);
      if (autoscaling.min_replicas > autoscaling.max_replicas) {
        fields.complain("maxReplicas", std::to_string(autoscaling.max_replicas) +
                                           " is less than minReplicas (" +
                                           std::to_string(autoscaling.min_replicas) + ")");
      }
      const json* metrics = fields.take_array("metrics", 0);
      if (metrics == nullptr) return;
      if (metrics->size() > kMetricsMax) {
        fields.complain("metrics", "has too many items; at most " + std::to_string(kMetricsMax));
      }
      autoscaling.metrics = *metrics;
    });
    if (!given) return;
    need_template("autoscaling");
    spec_.autoscaling = std::move(autoscaling);
  }

  void read_disruption() {
    const bool given = inside("disruption", [this](Fields& fields) {
      const json* value = fields.take("maxUnavailable");
      if (value == nullptr) return;
      const auto number = integer_at(json{{"n", *value}}, "n");
      if ((number && *number >= 0 && *number <= kReplicasMax) || is_percent(*value)) {
        spec_.disruption.max_unavailable = *value;
      } else {
        fields.complain("maxUnavailable", value->dump() + " is neither a number nor like '25%'");
      }
    });
    if (given) need_template("disruption");
  }

  void read_monitoring() {
    inside("monitoring", [this](Fields& fields) {
      fields.boolean("podMonitor", spec_.monitoring.pod_monitor);
      fields.strings("labels", spec_.monitoring.labels);
      const json* from = fields.take_object("from");
      if (from == nullptr) return;
      Fields peer(*from, fields.path_of("from"), problems_);
      peer.take_object("namespaceSelector");
      peer.take_object("podSelector");
      peer.finish(unknown_);
      if (from->empty()) fields.complain("from", "needs namespaceSelector, podSelector, or both");
      spec_.monitoring.from = *from;
    });
  }

  void need_template(std::string_view key) {
    if (!spec_.labelled()) return;
    fields_.complain(key, "needs spec.template: without it the pods are not the operator's");
  }

  Fields fields_;
  UnknownFields unknown_;
  Problems& problems_;
  bool port_given_ = false;  // right or wrong
  Spec spec_;
};

void check_type(const json& object, Problems& problems) {
  for (const auto& [key, wanted] : {std::pair{"apiVersion", kApiVersion}, {"kind", kKind}}) {
    const std::string is = text_at(object, key);
    if (is == wanted) continue;
    problems.push_back(
        {key, (is.empty() ? "is missing" : in_quotes(is) + " is not ours") + "; write " + wanted});
  }
}

void check_name(const std::string& name, Problems& problems) {
  if (is_mesh_name(name)) return;
  problems.push_back(
      {"metadata.name", in_quotes(name) + " is no mesh name: lower-case letters, digits and '-', " +
                            "beginning with a letter, not ending in '-', at most " +
                            std::to_string(kMeshNameBytesMax) + " characters"});
}

}  // namespace

std::string Problem::to_string() const {
  return path.empty() ? message : path + ": " + message;
}

std::string to_string(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) text += (text.empty() ? "" : "\n") + problem.to_string();
  return text;
}

bool Metadata::annotated(std::string_view annotation) const {
  const auto found = annotations.find(std::string(annotation));
  return found != annotations.end() && found->second == "true";
}

Metadata parse_metadata(const json& object) {
  const json& source = member(object, "metadata");
  Metadata metadata;
  metadata.name = text_at(source, "name");
  metadata.namespace_name = text_at(source, "namespace");
  metadata.uid = text_at(source, "uid");
  metadata.resource_version = text_at(source, "resourceVersion");
  metadata.generation = integer_at(source, "generation").value_or(0);
  metadata.labels = strings_at(source, "labels");
  metadata.annotations = strings_at(source, "annotations");
  metadata.creation_timestamp = text_at(source, "creationTimestamp");
  metadata.deleting = !text_at(source, "deletionTimestamp").empty();
  return metadata;
}

Expected<SocketMesh, Problems> parse(const json& object, UnknownFields unknown) {
  Problems problems;
  Fields root(object, "", problems);
  if (!problems.empty()) return Unexpected{std::move(problems)};
  for (const char* known : {"apiVersion", "kind", "metadata", "status"}) root.take(known);
  check_type(object, problems);
  SocketMesh mesh;
  mesh.metadata = parse_metadata(object);
  check_name(mesh.metadata.name, problems);
  mesh.status = parse_status(member(object, "status"));
  if (const json* spec = root.take_object("spec")) {
    mesh.spec = SpecReader(*spec, unknown, problems).read();
  } else if (!object.contains("spec")) {
    problems.push_back({"spec", "is missing"});
  }
  root.finish(unknown);
  if (!problems.empty()) return Unexpected{std::move(problems)};
  return mesh;
}

}  // namespace socketmesh::op::api
