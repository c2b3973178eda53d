// Runs an io_context until something holds, or patience ends.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>

namespace socketmesh::shell {

inline bool run_until(boost::asio::io_context& io, const std::function<bool()>& holds,
                      std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    io.restart();
    io.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

inline void run_for(boost::asio::io_context& io, std::chrono::milliseconds time) {
  run_until(io, [] { return false; }, time);
}

}  // namespace socketmesh::shell
