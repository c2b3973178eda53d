// A timer for a deadline that moves with every input. It is set again only for one that comes
// earlier, and whoever is called finds out whether it was still meant: that saves a system call a
// turn. One thread; nothing is called after its end.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>

#include "sidecar/core/node/limits.hpp"

namespace socketmesh::shell {

class DeadlineTimer {
 public:
  DeadlineTimer(boost::asio::io_context& io, std::function<void()> fired)
      : timer_(io), fired_(std::move(fired)) {}

  // `fired` is called at `deadline`, or at an earlier one of before. In microseconds of the clock
  // that the node lives by.
  void arm(node::TimeUs deadline) {
    if (deadline >= armed_for_) return;
    armed_for_ = deadline;
    timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::microseconds(deadline)));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      armed_for_ = node::kNever;
      fired_();
    });
  }

 private:
  boost::asio::steady_timer timer_;
  std::function<void()> fired_;
  node::TimeUs armed_for_ = node::kNever;
};

}  // namespace socketmesh::shell
