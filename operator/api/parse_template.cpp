#include "operator/api/parse_template.hpp"

#include <set>

#include "lib/base/text.hpp"
#include "operator/api/fields.hpp"
#include "operator/api/json_access.hpp"
#include "operator/api/limits.hpp"

namespace socketmesh::op::api {
namespace {

// Checks one template. Names of containers are unique over both lists.
class TemplateChecker {
 public:
  explicit TemplateChecker(Problems& problems) : problems_(problems) {}

  void check(const json& pod_template, const std::string& path) {
    Fields fields(pod_template, path, problems_);
    if (const json* metadata = fields.take_object("metadata")) {
      check_metadata(Fields(*metadata, fields.path_of("metadata"), problems_));
    }
    fields.require("spec");
    if (const json* spec = fields.take_object("spec")) {
      check_pod(Fields(*spec, fields.path_of("spec"), problems_));
    }
  }

 private:
  static void check_metadata(Fields fields) {
    Strings labels;
    Strings annotations;
    fields.strings("labels", labels);
    fields.strings("annotations", annotations);
    for (const char* reserved : {kMeshLabel, kManagedLabel}) {
      if (!labels.contains(reserved)) continue;
      fields.complain("labels[" + std::string(reserved) + "]",
                      "is the operator's to set; leave it out");
    }
  }

  void check_pod(Fields fields) {
    const auto check_container = [this](Fields& container) { this->check_container(container); };
    fields.require("containers");
    if (const json* containers = fields.take_array("containers", 1, kContainersMax)) {
      fields.check_items("containers", *containers, check_container);
    }
    if (const json* containers = fields.take_array("initContainers", 0, kContainersMax)) {
      fields.check_items("initContainers", *containers, check_container);
    }
    if (const json* volumes = fields.take_array("volumes", 0, kVolumesMax)) {
      fields.check_items("volumes", *volumes, check_volume);
    }
  }

  void check_container(Fields& fields) {
    const std::string name = read_name(fields);
    if (name == kSidecarContainer) {
      fields.complain("name", "'socketmesh' is the sidecar's; take another name");
    } else if (!name.empty() && !names_.insert(name).second) {
      fields.complain("name", in_quotes(name) + " is given twice");
    }
    const json* ports = fields.take_array("ports", 0, kContainerPortsMax);
    if (ports != nullptr) fields.check_items("ports", *ports, check_port);
    const json* mounts = fields.take("volumeMounts");
    if (mounts != nullptr && mounts->is_array()) {
      fields.check_items("volumeMounts", *mounts, check_mount);
    }
  }

  static void check_mount(Fields& fields) {
    const json* path = fields.take("mountPath");
    if (path == nullptr || *path != kAppDirectory) return;
    fields.complain("mountPath", in_quotes(kAppDirectory) + " is where the sidecar's socket is");
  }

  static void check_port(Fields& fields) {
    std::int32_t port = 0;
    fields.require("containerPort");
    fields.integer("containerPort", port, 1, kPortMax);
    if (port != kLinkPort && port != kAdminPort) return;
    fields.complain("containerPort", std::to_string(port) + " is the sidecar's; take another port");
  }

  static void check_volume(Fields& fields) {
    const std::string name = read_name(fields);
    if (!name.starts_with(kReservedVolumePrefix)) return;
    fields.complain("name", in_quotes(name) + " begins with 'socketmesh-', as the operator's do");
  }

  static std::string read_name(Fields& fields) {
    std::string name;
    fields.require("name");
    fields.text("name", name, kContainerNameBytesMax);
    return name;
  }

  Problems& problems_;
  std::set<std::string> names_;
};

}  // namespace

void check_template(const json& pod_template, const std::string& path, Problems& problems) {
  TemplateChecker(problems).check(pod_template, path);
}

}  // namespace socketmesh::op::api
