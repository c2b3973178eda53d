// The running operator: its parts, and the order in which they start and end.
//
// Every replica watches SocketMeshes and serves webhook, metrics and health; the leader also
// watches what meshes own, and reconciles. One thread (the io_context's) starts and stops it and
// serves HTTP; the rest happens on threads of the parts.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lib/net/admin_server.hpp"
#include "lib/obs/log.hpp"
#include "operator/control/chores.hpp"
#include "operator/control/events.hpp"
#include "operator/control/informers.hpp"
#include "operator/control/key_queue.hpp"
#include "operator/control/leadership.hpp"
#include "operator/control/metrics.hpp"
#include "operator/control/options.hpp"
#include "operator/control/reconciler.hpp"
#include "operator/control/sidecar_polls.hpp"
#include "operator/control/store.hpp"
#include "operator/control/webhook_server.hpp"
#include "operator/control/workers.hpp"

namespace socketmesh::op::control {

class Operator {
 public:
  // `ended` is called on the io_context's thread, once, when the lease was lost.
  Operator(boost::asio::io_context& io, const obs::Logger& logger, Options options,
           const std::shared_ptr<const kube::Access>& access, std::function<void()> ended);
  ~Operator();
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  // The error is for people: an address in use.
  Expected<void> start();
  // Finishes what is being reconciled, gives the lease back, and lets the webhook serve until the
  // API server knows that it goes. `done` is called on the io_context's thread.
  void stop(std::function<void()> done);

 private:
  void serve_http();
  void lead();
  bool wait_until_listed();
  plan::MonoTime resync();
  void tick();
  [[nodiscard]] bool may_act() const;
  [[nodiscard]] Figures figures() const;
  net::HttpResponse healthz() const;
  net::HttpResponse readyz() const;

  boost::asio::io_context& io_;
  const obs::Logger& logger_;
  const Options options_;
  const std::function<void()> ended_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> leads_ = false;

  kube::Client client_;
  kube::Client lease_client_;
  KeyQueue queue_;
  Store store_;
  Informers informers_;
  Events events_;
  SidecarPolls polls_;
  kube::StatusPoller poller_;
  Reconciler reconciler_;
  Workers workers_;
  std::optional<WebhookServer> webhook_;
  Chores chores_;
  std::optional<Leadership> leadership_;
  net::AdminServer metrics_server_;
  net::AdminServer health_server_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer stop_timer_;
};

}  // namespace socketmesh::op::control
