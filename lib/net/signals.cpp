#include <utility>  // before Asio 1.74, which forgets it

#include "lib/net/signals.hpp"

#include <csignal>

namespace socketmesh::net {

struct StopSignals::State {
  State(boost::asio::io_context& io, Handler on_signal)
      : signals(io, SIGINT, SIGTERM), handler(std::move(on_signal)) {}

  boost::asio::signal_set signals;
  Handler handler;
  int count = 0;
  bool stopped = false;
};

StopSignals::StopSignals(boost::asio::io_context& io, Handler handler)
    : state_(std::make_shared<State>(io, std::move(handler))) {
  std::signal(SIGPIPE, SIG_IGN);
  wait(state_);
}

StopSignals::~StopSignals() {
  stop();
}

void StopSignals::stop() {
  state_->stopped = true;
  boost::system::error_code ignored;
  state_->signals.cancel(ignored);
}

void StopSignals::wait(const std::shared_ptr<State>& state) {
  state->signals.async_wait([state](const boost::system::error_code& error, int signal) {
    if (error || state->stopped) return;
    state->handler(signal, ++state->count);
    if (!state->stopped) wait(state);
  });
}

}  // namespace socketmesh::net
