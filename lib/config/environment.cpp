#include "lib/config/environment.hpp"

#include <algorithm>
#include <array>

namespace socketmesh::config {
namespace {

constexpr std::string_view kAdapterSocket = "SOCKETMESH_SOCKET";
constexpr std::array<std::string_view, 3> kProtocols = {"tcp", "udp", "sctp"};

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    if (c == '.') return '_';
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return result;
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "tcp://10.0.0.1:7400", as the kubelet writes addresses of Services.
bool is_service_address(std::string_view value) {
  return std::any_of(kProtocols.begin(), kProtocols.end(), [value](std::string_view protocol) {
    return value.starts_with(std::string(protocol) + "://");
  });
}

// "…_PORT_7400_TCP", with "_ADDR", "_PORT" or "_PROTO" after it.
bool is_port_variable(std::string_view name) {
  for (const std::string_view suffix : {"_ADDR", "_PORT", "_PROTO"}) {
    if (name.ends_with(suffix)) {
      name.remove_suffix(suffix.size());
      break;
    }
  }
  for (const std::string_view protocol : kProtocols) {
    const std::string suffix = "_" + upper(protocol);
    if (!name.ends_with(suffix)) continue;
    name.remove_suffix(suffix.size());
    const std::size_t mark = name.rfind("_PORT_");
    // A Service called just "socketmesh" gives SOCKETMESH_PORT_…
    return mark != std::string_view::npos && is_number(name.substr(mark + 6));
  }
  return false;
}

}  // namespace

Environment read_environment(const char* const* variables) {
  Environment environment;
  for (; variables != nullptr && *variables != nullptr; ++variables) {
    const std::string_view variable = *variables;
    const std::size_t equals = variable.find('=');
    if (equals == std::string_view::npos || !variable.starts_with(kVariablePrefix)) continue;
    environment.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return environment;
}

std::string variable_name(std::string_view section, std::string_view key) {
  return std::string(kVariablePrefix) + upper(section) + "_" + upper(key);
}

bool is_foreign_variable(std::string_view name, std::string_view value) {
  if (name == kAdapterSocket) return true;
  if (name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT")) return true;
  if (name.find("_SERVICE_PORT_") != std::string_view::npos) return true;
  if (name.ends_with("_PORT") && is_service_address(value)) return true;
  return is_port_variable(name);
}

}  // namespace socketmesh::config
