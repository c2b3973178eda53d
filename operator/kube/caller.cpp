#include "operator/kube/caller.hpp"

#include <array>
#include <condition_variable>
#include <optional>

#include "lib/base/assert.hpp"
#include "operator/kube/pool.hpp"

namespace socketmesh::op::kube {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<std::uint64_t, 12> kLatencyBounds{
    1'000,   2'500,   5'000,   10'000,    25'000,    50'000,  // microseconds
    100'000, 250'000, 500'000, 1'000'000, 2'500'000, 10'000'000};

// A kept connection that the server has closed meanwhile fails while it is written to. After a
// restart of the server all kept ones do, each at once.
constexpr int kStaleConnectionsMax = 16;

// How much longer than a call an exchange may be idle: calls have their own deadline.
constexpr std::chrono::milliseconds kIdleMargin{5'000};

ApiError::Kind kind_of(ExchangeError::Kind kind) {
  switch (kind) {
    case ExchangeError::Kind::kTls:
      return ApiError::Kind::kTls;
    case ExchangeError::Kind::kTimeout:
      return ApiError::Kind::kTimeout;
    case ExchangeError::Kind::kCancelled:
      return ApiError::Kind::kClosed;
    case ExchangeError::Kind::kRefused:
      return ApiError::Kind::kBadResponse;
    case ExchangeError::Kind::kUnreachable:
    case ExchangeError::Kind::kNotSent:
      break;
  }
  return ApiError::Kind::kUnreachable;
}

ApiError make_error(ApiError::Kind kind, std::string message) {
  ApiError error;
  error.kind = kind;
  error.message = std::move(message);
  return error;
}

}  // namespace

// Collects one response for the thread that waits for it. Outlives that thread's wait if need be:
// the transport holds it too.
class Caller::Waiter final : public Responder {
 public:
  explicit Waiter(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void responded(ResponseHead head) override {
    const std::lock_guard lock(mutex_);
    head_ = std::move(head);
  }
  void received(std::string_view bytes, Resume resume) override {
    bool fits = false;
    {
      const std::lock_guard lock(mutex_);
      fits = bytes.size() <= bytes_max_ - body_.size();
      if (fits) body_.append(bytes);
      too_large_ = !fits;
    }
    resume(fits);
  }
  void finished() override { end(std::nullopt); }
  void failed(ExchangeError error) override { end(std::move(error)); }

  // A call that was closed ends at once, whatever the transport still does.
  void close() { end(ExchangeError{ExchangeError::Kind::kCancelled, "the client was closed"}); }
  bool closed() {
    const std::lock_guard lock(mutex_);
    return error_ && error_->kind == ExchangeError::Kind::kCancelled;
  }

  // False when the deadline passed.
  bool wait_until(Deadline deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [this] { return ended_; });
  }

  // After wait_until() said true: the server never had the whole request.
  bool not_sent() {
    const std::lock_guard lock(mutex_);
    return error_ && error_->kind == ExchangeError::Kind::kNotSent;
  }
  // After wait_until() said true.
  Expected<std::string, ApiError> take(int& status) {
    const std::lock_guard lock(mutex_);
    if (error_) {
      std::string why = too_large_
                            ? "the body is larger than " + std::to_string(bytes_max_) + " bytes"
                            : std::move(error_->message);
      return Unexpected{make_error(kind_of(error_->kind), std::move(why))};
    }
    status = head_.status;
    constexpr int kHundred = 100;
    if (status / kHundred == 2) return std::move(body_);
    return Unexpected{error_from_response(status, body_, head_.retry_after)};
  }

 private:
  void end(std::optional<ExchangeError> error) {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      ended_ = true;
      error_ = std::move(error);
    }
    changed_.notify_all();
  }

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  ResponseHead head_;
  std::string body_;
  bool too_large_ = false;
  bool ended_ = false;
  std::optional<ExchangeError> error_;
};

Caller::Caller(std::shared_ptr<const Access> access, ClientOptions options)
    : access_(std::move(access)),
      options_(std::move(options)),
      transport_(access_, options_.user_agent, options_.timeout + kIdleMargin) {}

Caller::~Caller() {
  close();
}

Expected<std::string, ApiError> Caller::call(const ApiRequest& request) {
  SM_ASSERT(!on_pool_thread());
  const Deadline deadline = Clock::now() + options_.timeout;
  auto result = attempt(request, deadline);
  if (!result && result.error().kind == ApiError::Kind::kUnauthorized) {
    access_->expire();
    result = attempt(request, deadline);
  }
  return result;
}

Expected<std::string, ApiError> Caller::attempt(const ApiRequest& request, Deadline deadline) {
  const Clock::time_point start = Clock::now();
  auto waiter = exchange(request, deadline);
  for (int stale = 0; waiter != nullptr && waiter->not_sent() && stale < kStaleConnectionsMax;
       ++stale) {
    waiter = exchange(request, deadline);
  }
  int status = 0;
  Expected<std::string, ApiError> result =
      waiter != nullptr
          ? waiter->take(status)
          : Unexpected{make_error(ApiError::Kind::kTimeout,
                                  "no answer from " + access_->server().url() + " in " +
                                      std::to_string(options_.timeout.count()) + " ms")};
  count(request.method, status,
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start));
  return result;
}

std::shared_ptr<Caller::Waiter> Caller::exchange(const ApiRequest& request, Deadline deadline) {
  auto waiter = std::make_shared<Waiter>(options_.response_bytes_max);
  if (!enter(waiter)) return waiter;
  const Transport::Cancel cancel = transport_.send(request, waiter);
  const bool in_time = waiter->wait_until(deadline);
  // Not after an end: cpprestsdk would still close the connection that it is about to keep.
  if (!in_time || waiter->closed()) cancel();
  leave(waiter);
  return in_time ? waiter : nullptr;
}

bool Caller::enter(const std::shared_ptr<Waiter>& waiter) {
  const std::lock_guard lock(mutex_);
  if (closed_) {
    waiter->close();
  } else {
    waiters_.insert(waiter);
  }
  return !closed_;
}

void Caller::leave(const std::shared_ptr<Waiter>& waiter) {
  const std::lock_guard lock(mutex_);
  waiters_.erase(waiter);
}

void Caller::count(const std::string& method, int status, std::chrono::microseconds took) {
  const std::lock_guard lock(mutex_);
  ++stats_.requests[{method, status}];
  auto& histogram = stats_.latencies.try_emplace(method, kLatencyBounds).first->second;
  histogram.observe(static_cast<std::uint64_t>(took.count()));
}

ClientStats Caller::stats() const {
  const std::lock_guard lock(mutex_);
  ClientStats stats = stats_;
  stats.in_flight = waiters_.size();
  return stats;
}

void Caller::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (const auto& waiter : waiters_) waiter->close();
}

}  // namespace socketmesh::op::kube
