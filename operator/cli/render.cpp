#include "operator/cli/render.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "lib/base/text.hpp"
#include "operator/api/json_access.hpp"
#include "operator/api/socket_mesh.hpp"
#include "operator/cli/manifest.hpp"
#include "operator/cli/yaml_writer.hpp"
#include "operator/plan/plan.hpp"

namespace socketmesh::op::cli {
namespace {

using config::Problem;
using Problems = std::vector<Problem>;

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

constexpr char kDefaultNamespace[] = "default";
constexpr std::size_t kNamespaceBytesMax = 63;  // a DNS label

bool is_namespace(std::string_view name) {
  const auto inner = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= kNamespaceBytesMax && name.front() != '-' &&
         name.back() != '-' && std::all_of(name.begin(), name.end(), inner);
}

std::string file_label(const RenderCommand& command) {
  return command.file == "-" ? "stdin" : command.file;
}

// One file in the making.
class Renderer {
 public:
  Renderer(const RenderCommand& command, Problems& problems)
      : command_(command), file_(file_label(command)), problems_(problems) {}

  void add(const Document& document) {
    auto mesh = api::parse(document.object, api::UnknownFields::kRefuse);
    if (!mesh) {
      for (const api::Problem& problem : mesh.error()) {
        complain(document, problem.path, problem.message);
      }
      return;
    }
    std::string& space = mesh->metadata.namespace_name;
    if (!choose_namespace(document, space)) return;
    // From a live object, or from nowhere: the objects are for any cluster.
    mesh->metadata.uid.clear();
    write(*mesh, plan::make_plan(*mesh, command_.settings, {}));
  }

  Rendered take() { return std::move(rendered_); }

 private:
  void complain(const Document& document, const std::string& path, std::string message) {
    problems_.push_back({{file_, document.line_of(path)}, path, std::move(message)});
  }

  bool choose_namespace(const Document& document, std::string& space) {
    constexpr char kPath[] = "metadata.namespace";
    const std::string& asked = command_.namespace_name;
    if (space.empty()) space = asked.empty() ? kDefaultNamespace : asked;
    if (!is_namespace(space)) {
      complain(document, kPath, in_quotes(space) + " is no namespace's name");
      return false;
    }
    if (asked.empty() || space == asked) return true;
    complain(document, kPath, in_quotes(space) + " is not --namespace " + in_quotes(asked));
    return false;
  }

  void write(const api::SocketMesh& mesh, const plan::Plan& plan) {
    const std::string& name = mesh.metadata.name;
    const std::string label = mesh.metadata.namespace_name + "/" + name;
    rendered_.text += "# SocketMesh " + label +
                      ". The operator makes besides:\n"
                      "#   Secret " +
                      api::ca_secret_name(name) +
                      ", the mesh's CA, mounted nowhere\n"
                      "#   Secret " +
                      api::tls_secret_name(name) +
                      ", its bundle and leaf, mounted into the sidecars\n";
    if (mesh.spec.monitoring.pod_monitor) {
      rendered_.text += "#   PodMonitor " + api::mesh_object_name(name) +
                        ", where the cluster knows PodMonitors\n";
    }
    for (const plan::json& object : plan.objects) rendered_.text += "---\n" + to_yaml(object);
    for (const plan::Finding& finding : plan.findings) {
      rendered_.warnings.push_back(label + ": " + finding.message);
    }
  }

  const RenderCommand& command_;
  std::string file_;
  Problems& problems_;
  Rendered rendered_;
};

Expected<std::string> read_all(const std::string& file) {
  std::ifstream stream;
  if (file != "-") {
    stream.open(file, std::ios::binary);
    if (!stream) return Unexpected{file + ": cannot be read"};
  }
  std::istream& input = file == "-" ? std::cin : stream;
  std::string text;
  // One byte more than a manifest may have, so that too large ones are known as such.
  std::istreambuf_iterator<char> from(input);
  const std::istreambuf_iterator<char> end;
  while (from != end && text.size() <= kManifestBytesMax) text += *from++;
  if (input.bad()) return Unexpected{file + ": cannot be read"};
  return text;
}

}  // namespace

Expected<Rendered, Problems> render(const RenderCommand& command, std::string_view text) {
  const std::string file = file_label(command);
  const auto documents = parse_manifest(file, text);
  if (!documents) return Unexpected{documents.error()};
  Problems problems;
  if (documents->empty()) {
    const std::string message = "holds no SocketMesh";
    problems.push_back(Problem{config::Place{file, 0}, "", message});
  }
  Renderer renderer(command, problems);
  for (const Document& document : *documents) renderer.add(document);
  if (problems.empty()) return renderer.take();
  std::stable_sort(problems.begin(), problems.end(),
                   [](const Problem& a, const Problem& b) { return a.place.line < b.place.line; });
  return Unexpected{std::move(problems)};
}

int run(const RenderCommand& command) {
  const auto text = read_all(command.file);
  if (!text) {
    std::fprintf(stderr, "%s\n", text.error().c_str());
    return kExitUsage;
  }
  const auto rendered = render(command, *text);
  if (!rendered) {
    std::fputs(config::to_string(rendered.error()).c_str(), stderr);
    return kExitUsage;
  }
  for (const std::string& warning : rendered->warnings) {
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  }
  std::fputs(rendered->text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? kExitOk : kExitFailed;
}

}  // namespace socketmesh::op::cli
