// Virtual time: a queue of what happens when. Events of one microsecond run in the order in which
// they were put in.
//
// Nothing is ever taken out; whoever schedules checks, when called, whether it still applies.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "sidecar/core/node/limits.hpp"

namespace socketmesh::sim {

using node::kMillisecondUs;
using node::kSecondUs;
using node::TimeUs;

class Scheduler {
 public:
  using Callback = std::function<void()>;

  TimeUs now() const { return now_; }
  std::uint64_t events() const { return events_; }

  void at(TimeUs when, Callback callback) {
    heap_.push_back({std::max(when, now_), order_++, std::move(callback)});
    std::push_heap(heap_.begin(), heap_.end(), Later{});
  }
  void after(TimeUs delay, Callback callback) { at(now_ + delay, std::move(callback)); }

  // Runs everything up to and including `until`, and leaves the clock there.
  void run_until(TimeUs until) {
    while (!heap_.empty() && heap_.front().at <= until) {
      std::pop_heap(heap_.begin(), heap_.end(), Later{});
      Event event = std::move(heap_.back());
      heap_.pop_back();
      now_ = event.at;
      ++events_;
      event.callback();
    }
    now_ = std::max(now_, until);
  }

 private:
  struct Event {
    TimeUs at;
    std::uint64_t order;
    Callback callback;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  std::vector<Event> heap_;
  TimeUs now_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace socketmesh::sim
