// HTTP to the API server over cpprestsdk: asynchronous, cancellable, a pool of kept connections.
// The one place that knows cpprestsdk's client; its exceptions stop here.
//
// Thread-safe. A Responder is called on cpprestsdk's threads, and kept until its exchange has
// ended.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "operator/kube/access.hpp"
#include "operator/kube/exchange.hpp"

namespace socketmesh::op::kube {

class Transport {
 public:
  // Ends the exchange; its Responder is told kCancelled, unless it had ended before. May be called
  // more than once, from any thread.
  using Cancel = std::function<void()>;

  // `idle_max`: how long nothing may come before an exchange fails.
  Transport(std::shared_ptr<const Access> access, std::string user_agent,
            std::chrono::milliseconds idle_max);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  Cancel send(const ApiRequest& request, const std::shared_ptr<Responder>& responder);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace socketmesh::op::kube
