// Turns exchanges into calls: blocks up to a deadline, bounds the body, counts.
//
// Threading: any thread but cpprestsdk's own, which would wait for itself (asserted); many at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "lib/base/expected.hpp"
#include "lib/base/histogram.hpp"
#include "operator/kube/access.hpp"
#include "operator/kube/api_error.hpp"
#include "operator/kube/transport.hpp"

namespace socketmesh::op::kube {

struct ClientOptions {
  std::string user_agent = "socketmesh-operator/" SOCKETMESH_VERSION;
  std::chrono::milliseconds timeout{10'000};    // of one call, connection and body included
  std::size_t response_bytes_max = 16U << 20U;  // of one body; above: kBadResponse
};

// Totals since the start; a snapshot.
struct ClientStats {
  // Method and status ("GET", 200); status 0: no response (see ApiError::Kind).
  std::map<std::pair<std::string, int>, std::uint64_t> requests;
  // Microseconds from call to result, by method.
  std::map<std::string, Histogram> latencies;
  std::uint64_t in_flight = 0;
};

class Caller {
 public:
  Caller(std::shared_ptr<const Access> access, ClientOptions options);
  ~Caller();  // as close()
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // The body of a 2xx response. A 401 makes the token be read anew and the call be tried once more.
  Expected<std::string, ApiError> call(const ApiRequest& request);

  [[nodiscard]] ClientStats stats() const;
  [[nodiscard]] const Access& access() const { return *access_; }
  void close();

 private:
  class Waiter;
  using Deadline = std::chrono::steady_clock::time_point;

  Expected<std::string, ApiError> attempt(const ApiRequest& request, Deadline deadline);
  // The response, or why there is none; nullptr when the deadline passed.
  std::shared_ptr<Waiter> exchange(const ApiRequest& request, Deadline deadline);
  bool enter(const std::shared_ptr<Waiter>& waiter);
  void leave(const std::shared_ptr<Waiter>& waiter);
  void count(const std::string& method, int status, std::chrono::microseconds took);

  const std::shared_ptr<const Access> access_;
  const ClientOptions options_;
  Transport transport_;

  mutable std::mutex mutex_;
  bool closed_ = false;
  std::set<std::shared_ptr<Waiter>> waiters_;  // calls under way
  ClientStats stats_;
};

}  // namespace socketmesh::op::kube
