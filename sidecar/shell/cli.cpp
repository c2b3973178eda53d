#include "sidecar/shell/cli.hpp"

#include <CLI/CLI.hpp>

namespace socketmesh::shell {
namespace {

constexpr char kName[] = "socketmesh-sidecar";

constexpr char kDescription[] =
    "Carries Socket.IO messages between the app servers of a mesh.\n"
    "Runs beside an app, which attaches over a local socket, and links up with the sidecars of\n"
    "the others. Runs until SIGTERM or SIGINT, then says goodbye; a second signal ends it at once.";

constexpr char kFooter[] =
    "Examples:\n"
    "  socketmesh-sidecar --config sidecar.yaml\n"
    "  socketmesh-sidecar --config sidecar.yaml --check-config   # prints what is wrong, by line\n"
    "  SOCKETMESH_LOG_LEVEL=debug socketmesh-sidecar --config sidecar.yaml\n"
    "  socketmesh-sidecar leave --config sidecar.yaml            # a preStop hook\n"
    "\n"
    "Every key of the file can be set by SOCKETMESH_<SECTION>_<KEY> instead.\n"
    "\n"
    "Exit codes: 0 ended as asked; 1 failed while running; 2 wrong arguments or configuration,\n"
    "a missing file, or an address in use.";

constexpr char kLeaveDescription[] = "Tell the running sidecar that this pod goes";

constexpr char kLeaveFooter[] =
    "Returns as soon as the sidecar was told; it says goodbye to its peers while the app drains.\n"
    "\n"
    "Example, as a preStop hook:\n"
    "  exec: {command: [socketmesh-sidecar, leave, --config, /etc/socketmesh/sidecar.yaml]}\n"
    "\n"
    "Exit codes: 0 told; 1 nobody answers there; 2 wrong arguments or configuration.";

}  // namespace

Expected<Command> parse_command_line(int argc, const char* const* argv) {
  CLI::App app(kDescription, kName);
  app.footer(kFooter);
  app.get_formatter()->column_width(26);

  RunCommand run;
  bool version = false;
  app.add_option("-c,--config", run.config, "The configuration, YAML")->type_name("FILE");
  app.add_flag("--check-config", run.check_only, "Only check the configuration: exit 0 or 2");
  app.add_flag("-V,--version", version, "Print the version");

  LeaveCommand leave;
  CLI::App* leave_app = app.add_subcommand("leave", kLeaveDescription);
  leave_app->footer(kLeaveFooter);
  leave_app
      ->add_option("-c,--config", leave.config,
                   "Where app.listen stands; without it SOCKETMESH_SOCKET, or the default socket")
      ->type_name("FILE");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Command(PrintCommand{leave_app->parsed() ? leave_app->help(kName) : app.help()});
  } catch (const CLI::ParseError& error) {
    return Unexpected{std::string(error.what()) + "\nTry '" + kName + " --help'."};
  }
  if (version) return Command(PrintCommand{std::string(kName) + " " SOCKETMESH_VERSION "\n"});
  if (leave_app->parsed()) return Command(leave);
  if (run.config.empty()) {
    return Unexpected{std::string("--config FILE is needed\nTry '") + kName + " --help'."};
  }
  return Command(run);
}

}  // namespace socketmesh::shell
