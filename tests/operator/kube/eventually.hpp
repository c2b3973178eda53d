// Waits for what happens on another thread, in its own time.
#pragma once

#include <chrono>
#include <thread>

namespace socketmesh::op::kube {

// Whether `condition` came true within five seconds.
template <typename Condition>
bool eventually(const Condition& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace socketmesh::op::kube
