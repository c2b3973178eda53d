#include "operator/api/parse_spec.hpp"

#include "lib/base/parse.hpp"
#include "lib/base/text.hpp"
#include "operator/api/fields.hpp"
#include "operator/api/label_selector.hpp"
#include "operator/api/limits.hpp"
#include "operator/api/parse_template.hpp"
#include "operator/api/values.hpp"

namespace socketmesh::op::api {
namespace {

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
        if (parse_quantity(amount)) continue;
        fields.complain(std::string(kind) + "." + name,
                        amount.dump() + " is no quantity; write for example 64Mi, 100m or 2");
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
      fields.require("maxReplicas");
      fields.integer("minReplicas", autoscaling.min_replicas, 1, kReplicasMax);
      fields.integer("maxReplicas", autoscaling.max_replicas, 1, kReplicasMax);
      const bool both = fields.take("maxReplicas") != nullptr;
      if (both && autoscaling.min_replicas > autoscaling.max_replicas) {
        fields.complain("maxReplicas", std::to_string(autoscaling.max_replicas) +
                                           " is less than minReplicas (" +
                                           std::to_string(autoscaling.min_replicas) + ")");
      }
      const json* metrics = fields.take_array("metrics", 0, kMetricsMax);
      if (metrics == nullptr) return;
      fields.check_items("metrics", *metrics, [](Fields& metric) { metric.require_text("type"); });
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
      if (is_count_or_percent(*value)) {
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
      for (const char* key : {"namespaceSelector", "podSelector"}) {
        if (const json* selector = peer.take_object(key)) {
          check_label_selector(*selector, peer.path_of(key), unknown_, problems_);
        }
      }
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

}  // namespace

Spec parse_spec(const json& spec, UnknownFields unknown, Problems& problems) {
  return SpecReader(spec, unknown, problems).read();
}

}  // namespace socketmesh::op::api
