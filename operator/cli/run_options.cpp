#include "operator/cli/run_options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <functional>
#include <string>

#include "lib/base/parse.hpp"
#include "lib/base/text.hpp"

namespace socketmesh::op::cli {
namespace {

constexpr char kDescription[] = "Reconcile SocketMeshes and inject sidecars";

constexpr char kFooter[] =
    "In a pod it speaks to the cluster as the pod's ServiceAccount. Every option can also be "
    "given\n"
    "as an environment variable: --log-level as SOCKETMESH_OPERATOR_LOG_LEVEL.\n"
    "\n"
    "Example, from a workstation:\n"
    "  socketmesh-operator run --kubeconfig ~/.kube/config --namespace socketmesh-system \\\n"
    "    --no-webhook --no-leader-elect";

// "--log-level" -> "SOCKETMESH_OPERATOR_LOG_LEVEL".
std::string variable_of(std::string flag) {
  flag.erase(0, 2);
  std::transform(flag.begin(), flag.end(), flag.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(c));
  });
  return "SOCKETMESH_OPERATOR_" + flag;
}

class Adder {
 public:
  explicit Adder(CLI::App& app) : app_(app) {}

  void text(const std::string& flag, std::string& value, const char* type, const char* help) {
    app_.add_option(flag, value, help)->type_name(type)->envname(variable_of(flag));
  }
  // `names`: "--webhook,!--no-webhook"; the variable is "true" or "false".
  void flag(const std::string& flag, bool& value, const char* help) {
    const std::string negative = "!--no-" + flag.substr(2);
    app_.add_flag(flag + "," + negative, value, help)->envname(variable_of(flag));
  }
  // A text that `parse` turns into the value, or into a complaint.
  template <typename T, typename Parse>
  void parsed(const std::string& flag, T& value, const char* type, const std::string& fallback,
              const char* help, Parse&& parse) {
    const auto read = [flag, &value, parse](const std::string& text) {
      auto result = parse(text);
      if (!result) throw CLI::ValidationError(flag, result.error());
      value = std::move(*result);
    };
    app_.add_option_function<std::string>(flag, read, help)
        ->type_name(type)
        ->envname(variable_of(flag))
        ->default_str(fallback);
  }

 private:
  CLI::App& app_;
};

Expected<obs::LogLevel> log_level(const std::string& text) {
  if (const auto level = obs::parse_log_level(text)) return *level;
  return Unexpected{in_quotes(text) + " is not debug, info, warn or error"};
}

Expected<obs::LogFormat> log_format(const std::string& text) {
  if (const auto format = obs::parse_log_format(text)) return *format;
  return Unexpected{in_quotes(text) + " is not text or json"};
}

Expected<std::chrono::milliseconds> resync(const std::string& text) {
  auto duration = parse_duration(text);
  if (!duration) return duration;
  if (*duration < control::kResyncMin || *duration > control::kResyncMax) {
    return Unexpected{in_quotes(text) +
                      " is out of range: " + format_duration(control::kResyncMin) + " to " +
                      format_duration(control::kResyncMax)};
  }
  return duration;
}

Expected<std::string> pull_policy(const std::string& text) {
  if (text == "Always" || text == "IfNotPresent" || text == "Never") return text;
  return Unexpected{in_quotes(text) + " is not Always, IfNotPresent or Never"};
}

Expected<std::vector<std::string>> namespaces(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    if (end == start) return Unexpected{in_quotes(text) + " has an empty name"};
    names.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

CLI::App* add_run(CLI::App& app, RunCommand& command) {
  control::Options& o = command.options;
  CLI::App* run = app.add_subcommand("run", kDescription);
  run->footer(kFooter);
  run->get_formatter()->column_width(36);
  Adder add(*run);
  add.text("--kubeconfig", o.kubeconfig, "FILE", "How to reach the cluster from outside");
  add.text("--namespace", o.namespace_name, "NS", "The operator's own (default: the pod's)");
  add.parsed("--watch-namespaces", o.watch_namespaces, "NS,...", "", "Serve these (default: all)",
             namespaces);
  run->add_option("--identity", o.identity, "This replica's name (default: the host's)")
      ->type_name("NAME")
      ->envname("POD_NAME");
  run->add_option("--sidecar-image", o.settings.sidecar_image, "For meshes that name none")
      ->type_name("IMG")
      ->envname(variable_of("--sidecar-image"))
      ->capture_default_str();
  add.parsed("--sidecar-image-pull-policy", o.settings.sidecar_image_pull_policy, "POLICY", "",
             "Always, IfNotPresent or Never (default: by the tag)", pull_policy);
  add.flag("--webhook", o.webhook, "Serve the injecting webhook (default: yes)");
  add.text("--webhook-service", o.webhook_service, "NAME", "The Service in front of the webhook");
  add.text("--webhook-configuration", o.webhook_configuration, "NAME",
           "The MutatingWebhookConfiguration to keep");
  const auto endpoint = [&](const char* flag, TcpEndpoint& value, const char* help) {
    add.parsed(flag, value, "HOST:PORT", value.to_string(), help,
               [](const std::string& text) { return parse_tcp_endpoint(text); });
  };
  endpoint("--webhook-listen", o.webhook_listen, "Where the webhook listens");
  endpoint("--metrics-listen", o.metrics_listen, "Where /metrics is served");
  endpoint("--health-listen", o.health_listen, "Where /healthz and /readyz are served");
  add.flag("--leader-elect", o.leader_elect, "One of several replicas reconciles (default: yes)");
  add.parsed("--resync", o.resync, "DURATION", format_duration(o.resync),
             "Between full looks at everything", resync);
  add.parsed("--log-level", o.log_level, "LEVEL", "info", "debug, info, warn or error", log_level);
  add.parsed("--log-format", o.log_format, "FORMAT", "text", "text or json", log_format);
  return run;
}

}  // namespace socketmesh::op::cli
