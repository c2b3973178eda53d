#include "operator/api/parse_template.hpp"

#include <set>

#include "lib/base/text.hpp"
#include "operator/api/fields.hpp"
#include "operator/api/json_access.hpp"
#include "operator/api/limits.hpp"

namespace socketmesh::op::api {
namespace {

class TemplateChecker {
 public:
  explicit TemplateChecker(Problems& problems) : problems_(problems) {}

  void check(const json& pod_template, const std::string& path) {
    Fields fields(pod_template, path, problems_);
    if (const json* metadata = fields.take_object("metadata")) {
      check_labels(*metadata, path + ".metadata");
    }
    if (const json* spec = fields.take_object("spec")) {
      check_pod(*spec, path + ".spec");
    } else if (!pod_template.contains("spec")) {
      fields.complain("spec", "is needed");
    }
  }

 private:
  void check_labels(const json& metadata, const std::string& path) {
    Fields fields(metadata, path, problems_);
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

  void check_pod(const json& spec, const std::string& path) {
    Fields fields(spec, path, problems_);
    std::set<std::string> names;
    if (const json* containers = fields.take_array("containers", 1)) {
      check_containers(*containers, path + ".containers", names);
    } else if (!spec.contains("containers")) {
      fields.complain("containers", "is needed");
    }
    if (const json* containers = fields.take_array("initContainers", 0)) {
      check_containers(*containers, path + ".initContainers", names);
    }
    if (const json* volumes = fields.take_array("volumes", 0)) {
      check_volumes(*volumes, path + ".volumes");
    }
  }

  void check_containers(const json& containers, const std::string& path,
                        std::set<std::string>& names) {
    check_length(containers, path, kContainersMax);
    for (std::size_t i = 0; i < containers.size(); ++i) {
      const std::string item = path + "[" + std::to_string(i) + "]";
      const std::string name = text_at(containers[i], "name");
      if (name.empty()) {
        problems_.push_back({item + ".name", "is needed"});
      } else if (name == kSidecarContainer) {
        problems_.push_back({item + ".name", "'socketmesh' is the sidecar's; take another name"});
      } else if (!names.insert(name).second) {
        problems_.push_back({item + ".name", in_quotes(name) + " is given twice"});
      }
      check_ports(member(containers[i], "ports"), item + ".ports");
    }
  }

  void check_ports(const json& ports, const std::string& path) {
    if (!ports.is_array()) return;
    check_length(ports, path, kContainerPortsMax);
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const auto port = integer_at(ports[i], "containerPort");
      if (port != kLinkPort && port != kAdminPort) continue;
      problems_.push_back({path + "[" + std::to_string(i) + "].containerPort",
                           std::to_string(*port) + " is the sidecar's; take another port"});
    }
  }

  void check_volumes(const json& volumes, const std::string& path) {
    check_length(volumes, path, kVolumesMax);
    for (std::size_t i = 0; i < volumes.size(); ++i) {
      const std::string name = text_at(volumes[i], "name");
      if (!name.starts_with(kReservedVolumePrefix)) continue;
      problems_.push_back(
          {path + "[" + std::to_string(i) + "].name",
           in_quotes(name) + " begins with 'socketmesh-', which is the operator's"});
    }
  }

  void check_length(const json& list, const std::string& path, std::size_t max) {
    if (list.size() <= max) return;
    problems_.push_back({path, "has too many items; at most " + std::to_string(max)});
  }

  Problems& problems_;
};

}  // namespace

void check_template(const json& pod_template, const std::string& path, Problems& problems) {
  TemplateChecker(problems).check(pod_template, path);
}

}  // namespace socketmesh::op::api
