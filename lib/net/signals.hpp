// SIGINT and SIGTERM as calls on the io_context's thread; SIGPIPE ignored for the whole process.
//
// The handler runs for each signal with a count from 1: leave gracefully at the first, end at the
// second. Lifetime: destroy before the io_context; no call follows. An io_context that has nothing
// else to do still runs until stop() or destruction.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <memory>

namespace socketmesh::net {

class StopSignals {
 public:
  using Handler = std::function<void(int signal, int count)>;

  StopSignals(boost::asio::io_context& io, Handler handler);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Waits no more.
  void stop();

 private:
  struct State;
  static void wait(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace socketmesh::net
