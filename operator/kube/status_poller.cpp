#include "operator/kube/status_poller.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "lib/base/assert.hpp"
#include "operator/kube/pool.hpp"
#include "operator/kube/status_poll.hpp"

namespace socketmesh::op::kube {

class StatusPoller::Impl : public std::enable_shared_from_this<Impl> {
 public:
  void poll(PollRequest request, Done done) {
    SM_ASSERT(request.credentials != nullptr);
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    waiting_.emplace_back(std::move(request), std::move(done));
    start_waiting();
  }

  void close() {
    SM_ASSERT(!on_pool_thread());  // it would wait for itself
    std::unique_lock lock(mutex_);
    closed_ = true;
    waiting_.clear();
    for (const auto& [number, poll] : running_) poll->cancel();
    changed_.wait(lock, [this] { return running_.empty(); });
  }

 private:
  // With the lock held.
  void start_waiting() {
    while (!waiting_.empty() && running_.size() < kPollsMax) {
      auto [request, done] = std::move(waiting_.front());
      waiting_.pop_front();
      const std::uint64_t number = next_++;
      auto poll = std::make_shared<StatusPoll>(
          std::move(request), [self = shared_from_this(), number, told = std::move(done)](
                                  Result result) { self->ended(number, told, std::move(result)); });
      running_.emplace(number, poll);
      poll->start();
    }
  }

  // While close() waits for this poll, it counts as running: `done` has returned when it goes.
  void ended(std::uint64_t number, const Done& done, Result result) {
    if (!is_closed()) done(std::move(result));
    const std::lock_guard lock(mutex_);
    running_.erase(number);
    if (!closed_) start_waiting();
    changed_.notify_all();
  }

  bool is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  std::uint64_t next_ = 0;
  std::deque<std::pair<PollRequest, Done>> waiting_;
  std::map<std::uint64_t, std::shared_ptr<StatusPoll>> running_;
};

StatusPoller::StatusPoller() : impl_(std::make_shared<Impl>()) {}

StatusPoller::~StatusPoller() {
  close();
}

void StatusPoller::poll(PollRequest request, Done done) {
  impl_->poll(std::move(request), std::move(done));
}

void StatusPoller::close() {
  impl_->close();
}

}  // namespace socketmesh::op::kube
