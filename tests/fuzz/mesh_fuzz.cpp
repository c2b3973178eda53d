// A SocketMesh from a file: any text is refused, or planned; the plan is the same twice, and what
// is printed of it reads back as what it was.
#include "operator/api/socket_mesh.hpp"
#include "operator/cli/manifest.hpp"
#include "operator/cli/yaml_writer.hpp"
#include "operator/plan/plan.hpp"
#include "tests/fuzz/input.hpp"

namespace {

using namespace socketmesh::op;
using nlohmann::json;
using socketmesh::fuzz::require;

void check_plan(const api::SocketMesh& mesh) {
  plan::Inputs inputs;
  inputs.pod_monitor_crd = true;
  inputs.deployment = plan::LiveDeployment{3, true};
  const plan::Plan plan = plan::make_plan(mesh, {}, inputs);
  require(plan::make_plan(mesh, {}, inputs).objects == plan.objects);
  require(plan.objects.size() >= 3 && !plan.revision.empty());
  for (const json& object : plan.objects) {
    require(plan::id_of(object).namespace_name == mesh.metadata.namespace_name);
    const auto read = cli::parse_manifest("f", cli::to_yaml(object));
    // Deeper by what the operator puts around a template; nothing else keeps it from coming back.
    if (read) require(read->size() == 1 && read->front().object == object);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto documents = cli::parse_manifest("f", socketmesh::fuzz::text({data, size}));
  if (!documents) return 0;
  for (const cli::Document& document : *documents) {
    for (const auto unknown : {api::UnknownFields::kIgnore, api::UnknownFields::kRefuse}) {
      auto mesh = api::parse(document.object, unknown);
      if (!mesh) {
        for (const api::Problem& problem : mesh.error()) {
          require(!problem.message.empty() && document.line_of(problem.path) > 0);
        }
        continue;
      }
      mesh->metadata.namespace_name = "default";
      check_plan(*mesh);
    }
  }
  return 0;
}
