#include "operator/cli/options.hpp"

#include <CLI/CLI.hpp>

namespace socketmesh::op::cli {
namespace {

constexpr char kName[] = "socketmesh-operator";

constexpr char kDescription[] =
    "Turns SocketMesh resources into Deployments, Services and all that belongs to a mesh.";

constexpr char kFooter[] =
    "Exit codes: 0 ended as asked; 1 failed while running; 2 wrong arguments, file or resource.";

constexpr char kRenderDescription[] = "Print the objects that a SocketMesh means, as YAML";

constexpr char kRenderFooter[] =
    "Needs no cluster. Reads one or more SocketMeshes and applies the defaults of the CRD; what "
    "is\n"
    "wrong is told by file and line.\n"
    "\n"
    "Examples:\n"
    "  socketmesh-operator render -f examples/chat.yaml\n"
    "  socketmesh-operator render -f mesh.yaml --namespace talk | kubectl apply --dry-run=server "
    "-f -\n"
    "  kubectl get smesh chat -o yaml | socketmesh-operator render -f -";

CLI::App* add_render(CLI::App& app, RenderCommand& command) {
  CLI::App* render = app.add_subcommand("render", kRenderDescription);
  render->footer(kRenderFooter);
  render->get_formatter()->column_width(28);
  render->add_option("-f,--file", command.file, "SocketMeshes as YAML or JSON; - is stdin")
      ->type_name("FILE")
      ->required();
  render
      ->add_option("-n,--namespace", command.namespace_name,
                   "For meshes that name none (default: default)")
      ->type_name("NS");
  render->add_option("--sidecar-image", command.settings.sidecar_image, "For meshes that name none")
      ->envname("SOCKETMESH_OPERATOR_SIDECAR_IMAGE")
      ->type_name("IMG")
      ->capture_default_str();
  return render;
}

}  // namespace

Expected<Command> parse_command_line(int argc, const char* const* argv) {
  CLI::App app(kDescription, kName);
  app.footer(kFooter);
  app.get_formatter()->column_width(28);
  bool version = false;
  app.add_flag("-V,--version", version, "Print the version");
  RunCommand run;
  const CLI::App* run_app = add_run(app, run);
  RenderCommand render;
  const CLI::App* render_app = add_render(app, render);

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto parsed = app.get_subcommands();
    return Command(PrintCommand{parsed.empty() ? app.help() : parsed.front()->help(kName)});
  } catch (const CLI::ParseError& error) {
    return Unexpected{std::string(error.what()) + "\nTry '" + kName + " --help'."};
  }
  if (version) return Command(PrintCommand{std::string(kName) + " " SOCKETMESH_VERSION "\n"});
  if (run_app->parsed()) return Command(std::move(run));
  if (render_app->parsed()) return Command(std::move(render));
  return Unexpected{std::string("a command is needed\nTry '") + kName + " --help'."};
}

}  // namespace socketmesh::op::cli
