#include "sidecar/shell/node_log.hpp"

#include <chrono>
#include <vector>

#include "sidecar/shell/log_fields.hpp"

namespace socketmesh::shell {
namespace {

// An event of one name may appear so often, then it is only counted.
constexpr std::uint32_t kBurst = 50;
constexpr std::chrono::seconds kInterval{10};

obs::LogLevel level_of(node::Action::Level level) {
  switch (level) {
    case node::Action::Level::kDebug:
      return obs::LogLevel::kDebug;
    case node::Action::Level::kInfo:
      return obs::LogLevel::kInfo;
    case node::Action::Level::kWarn:
      return obs::LogLevel::kWarn;
    case node::Action::Level::kError:
      return obs::LogLevel::kError;
  }
  return obs::LogLevel::kError;
}

}  // namespace

void NodeLog::write(const node::Action& action) {
  write(level_of(action.level), action.event, action.text);
}

void NodeLog::write(obs::LogLevel level, const std::string& event, std::string_view text) {
  if (!logger_.enabled(level)) return;
  const auto limiter = limiters_.try_emplace(event, kBurst, kInterval).first;
  const auto hidden = limiter->second.admit(std::chrono::steady_clock::now());
  if (!hidden) return;
  std::vector<obs::LogField> fields = split_log_fields(text);
  if (*hidden > 0) fields.emplace_back("hidden", *hidden);
  logger_.log(level, event, fields);
}

}  // namespace socketmesh::shell
