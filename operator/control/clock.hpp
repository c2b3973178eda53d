// The two clocks of the operator's shells, as the pure parts want their times.
#pragma once

#include <chrono>

#include "operator/plan/rotation.hpp"
#include "operator/plan/time.hpp"

namespace socketmesh::op::control {

inline plan::MonoTime mono_now() {
  return std::chrono::duration_cast<plan::MonoTime>(
      std::chrono::steady_clock::now().time_since_epoch());
}

inline plan::UnixTime unix_now() {
  return std::chrono::duration_cast<plan::UnixTime>(
      std::chrono::system_clock::now().time_since_epoch());
}

// For certificates, which know seconds.
inline plan::CertTime wall_seconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace socketmesh::op::control
