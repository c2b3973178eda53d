// Small helpers for texts that people read.
#pragma once

#include <string>
#include <string_view>

namespace socketmesh {

// 'text', as messages cite what they complain about.
inline std::string in_quotes(std::string_view text) {
  return "'" + std::string(text) + "'";
}

}  // namespace socketmesh
