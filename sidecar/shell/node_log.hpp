// Writes the node's events to the log, each name only so often, so that a flood of connections is
// no flood of lines. One thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "lib/obs/log.hpp"
#include "sidecar/core/node/node.hpp"

namespace socketmesh::shell {

class NodeLog {
 public:
  // The logger outlives it.
  explicit NodeLog(const obs::Logger& logger) : logger_(logger) {}

  void write(const node::Action& action);
  // `text` as in node::Action: "key=value key2="two words"".
  void write(obs::LogLevel level, const std::string& event, std::string_view text);

 private:
  const obs::Logger& logger_;
  std::map<std::string, obs::LogLimiter, std::less<>> limiters_;  // by event: fixed names
};

}  // namespace socketmesh::shell
