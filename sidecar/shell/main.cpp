// socketmesh-sidecar: the command line around shell::Sidecar.
//
// Exit codes: 0 ended as asked, 1 failed while running, 2 wrong arguments or configuration, a
// missing file, or an address in use.
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <variant>

#include "lib/net/signals.hpp"
#include "sidecar/shell/cli.hpp"
#include "sidecar/shell/config.hpp"
#include "sidecar/shell/leave_command.hpp"
#include "sidecar/shell/sidecar.hpp"
#include "sidecar/shell/time_slice.hpp"

namespace socketmesh::shell {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// The loop is one thread's: Asio need not wake others.
constexpr int kOneThread = 1;

int complain(int code, std::string_view text) {
  const bool ends = text.ends_with('\n');
  std::fprintf(stderr, "%.*s%s", static_cast<int>(text.size()), text.data(), ends ? "" : "\n");
  return code;
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

Expected<config::SidecarConfig, config::Problems> load(const std::string& file) {
  return config::load_sidecar_config(file, config::read_environment(environ), host_name());
}

int serve(const config::SidecarConfig& config) {
  const obs::Logger logger(config.log.level, config.log.format);
  logger.debug("time slices", {{"short", ask_for_short_time_slices()}});
  boost::asio::io_context io(kOneThread);
  Sidecar sidecar(io, logger, config);
  // Before the start says that it is done: who hears that may end us at once.
  const net::StopSignals signals(io, [&](int /*signal*/, int count) {
    if (count > 1) {
      io.stop();
    } else {
      sidecar.leave([&io] { io.stop(); });
    }
  });
  if (auto started = sidecar.start(); !started) return complain(kExitUsage, started.error());
  io.run();
  logger.info("sidecar ended");
  return kExitOk;
}

int run(const RunCommand& command) {
  const auto config = load(command.config);
  if (!config) return complain(kExitUsage, config::to_string(config.error()));
  if (command.check_only) {
    std::printf("%s is valid\n", command.config.c_str());
    return kExitOk;
  }
  return serve(*config);
}

int run(const LeaveCommand& command) {
  Endpoint endpoint = config::AppConfig().listen;
  if (command.config) {
    const auto config = load(*command.config);
    if (!config) return complain(kExitUsage, config::to_string(config.error()));
    endpoint = config->app.listen;
  } else if (const char* socket = std::getenv("SOCKETMESH_SOCKET")) {
    const auto parsed = parse_endpoint(socket);
    if (!parsed) return complain(kExitUsage, "SOCKETMESH_SOCKET: " + parsed.error());
    endpoint = *parsed;
  }
  const auto sent = send_leave(endpoint);
  return sent ? kExitOk : complain(kExitFailed, sent.error());
}

int run(const PrintCommand& command) {
  std::fputs(command.text.c_str(), stdout);
  return kExitOk;
}

}  // namespace
}  // namespace socketmesh::shell

int main(int argc, char** argv) {
  using namespace socketmesh::shell;
  try {
    const auto command = parse_command_line(argc, argv);
    if (!command) return complain(kExitUsage, command.error());
    return std::visit([](const auto& chosen) { return run(chosen); }, *command);
  } catch (const std::exception& failure) {
    return complain(kExitFailed, std::string("socketmesh-sidecar: ") + failure.what());
  }
}
