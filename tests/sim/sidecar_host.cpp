#include "tests/sim/sidecar_host.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace socketmesh::sim {

namespace {
constexpr TimeUs kLongestTurn = 30;
constexpr TimeUs kLinger = 1 * kSecondUs;  // a peer that does not read cannot keep us for ever
constexpr std::size_t kMostSpans = 16;
constexpr int kMostRounds = 10'000;            // of actions and writes in one turn
constexpr std::uint64_t kMostTicksAtOnce = 8;  // without the clock moving
}  // namespace

SidecarHost::SidecarHost(Env env, Rng rng, HostId host, node::NodeConfig config)
    : env_(env), rng_(rng), host_(host), config_(std::move(config)) {}

SidecarHost::~SidecarHost() = default;

std::string SidecarHost::link_address() const {
  return "10.0.0." + std::to_string(host_) + ":7400";
}
std::string SidecarHost::app_address() const {
  return "unix:/pod" + std::to_string(host_) + "/app.sock";
}

void SidecarHost::start() {
  ++life_;
  ++config_.epoch;
  config_.seed = rng_.next();
  leaving_ = false;
  frozen_ = false;
  turn_pending_ = false;
  armed_ = node::kNever;
  node_ = std::make_unique<node::Node>(config_, env_.clock.now());
  env_.trace.note("sidecar starts: host, epoch", host_, config_.epoch);
  env_.network.host_is_back(host_);
  env_.network.listen(link_address(), host_, this);
  env_.network.listen(app_address(), host_, this);
  if (addresses_) node_->set_addresses(*addresses_, env_.clock.now());
  touch();
}

void SidecarHost::crash(bool silent) {
  thaw();
  if (!running()) return;
  env_.trace.note("sidecar crashes: host, silent", host_, silent ? 1 : 0);
  die(silent);
}

void SidecarHost::die(bool silent) {
  env_.network.kill(this, host_, silent);
  node_.reset();
  closing_.clear();
  delayed_.clear();
  ++life_;
  down_since_ = env_.clock.now();
}

void SidecarHost::leave() {
  thaw();
  if (!running() || leaving_) return;
  env_.trace.note("sidecar leaves: host", host_);
  leaving_ = true;
  node_->leave(env_.clock.now());
  touch();
}

void SidecarHost::set_addresses(std::vector<std::string> addresses) {
  addresses_ = std::move(addresses);
  if (!running() || delays([this] { set_addresses(*addresses_); })) return;
  node_->set_addresses(*addresses_, env_.clock.now());
  touch();
}

void SidecarHost::freeze() {
  env_.trace.note("sidecar freezes: host", host_);
  frozen_ = true;
}

void SidecarHost::thaw() {
  if (!frozen_) return;
  env_.trace.note("sidecar thaws: host", host_);
  frozen_ = false;
  for (const auto& event : std::exchange(delayed_, {})) event();
}

bool SidecarHost::delays(std::function<void()> event) {
  if (frozen_) delayed_.push_back(std::move(event));
  return frozen_;
}

std::map<std::string, SidecarHost::LinkLife> SidecarHost::links() const {
  std::map<std::string, LinkLife> linked;
  if (!running()) return linked;
  for (const auto& link : status().links) {
    if (link.state == "linked")
      linked[link.peer] = {env_.clock.now() - link.since_us, link.peer_epoch};
  }
  return linked;
}

void SidecarHost::dialed(EndId end, const std::string& address) {
  if (delays([=, this] { dialed(end, address); })) return;
  node_->link_opened(end, address, address, env_.clock.now());
  touch();
}

void SidecarHost::dial_failed(const std::string& address, const char* reason) {
  if (delays([=, this] { dial_failed(address, reason); })) return;
  node_->dial_failed(address, reason, env_.clock.now());
  touch();
}

void SidecarHost::accepted(EndId end, const std::string& listener, const std::string& remote) {
  if (delays([=, this] { accepted(end, listener, remote); })) return;
  if (listener == app_address()) {
    node_->app_opened(end, env_.clock.now());
  } else {
    node_->link_opened(end, {}, remote, env_.clock.now());
  }
  touch();
}

void SidecarHost::readable(EndId end, Bytes bytes) {
  if (delays([this, end, copy = std::vector(bytes.begin(), bytes.end())] { readable(end, copy); }))
    return;
  if (closing_.contains(end)) return;
  node_->received(end, bytes, env_.clock.now());
  touch();
}

void SidecarHost::writable(EndId end) {
  if (delays([=, this] { writable(end); })) return;
  push(end);
  touch();
}

void SidecarHost::closed(EndId end) {
  if (delays([=, this] { closed(end); })) return;
  if (closing_.erase(end) > 0) return;
  node_->closed(end, env_.clock.now());
  touch();
}

void SidecarHost::touch() {
  if (turn_pending_) return;
  turn_pending_ = true;
  env_.clock.after(rng_.range(0, kLongestTurn), [this, life = life_] { turn(life); });
}

void SidecarHost::turn(std::uint64_t life) {
  if (life != life_ || delays([=, this] { turn(life); })) return;
  turn_pending_ = false;
  for (int round = 0;; ++round) {
    if (round > kMostRounds) throw Violation("a turn ends", "sidecar " + id() + " never runs dry");
    const auto actions = node_->take_actions();
    for (const auto& action : actions) run_action(action);
    const auto dirty = node_->take_dirty();
    for (const EndId end : dirty) push(end);
    if (actions.empty() && dirty.empty()) break;
  }
  if (leaving_ && node_->drained()) {
    env_.trace.note("sidecar ends: host", host_);
    die(false);
    return;
  }
  arm_timer();
}

void SidecarHost::run_action(const node::Action& action) {
  switch (action.kind) {
    case node::Action::Kind::kDial:
      env_.trace.note("dial: host", host_);
      env_.network.dial(this, host_, action.address);
      break;
    case node::Action::Kind::kClose:
      env_.trace.note("sidecar closes: host, connection, abort", host_, action.conn,
                      action.abort ? 1 : 0);
      if (action.abort) {
        closing_.erase(action.conn);
        env_.network.abort(action.conn);
        break;
      }
      closing_.insert(action.conn);
      push(action.conn);
      env_.clock.after(kLinger, [this, life = life_, end = action.conn] {
        if (life == life_ && closing_.erase(end) > 0) env_.network.abort(end);
      });
      break;
    case node::Action::Kind::kLog:
      env_.trace.text("log of host", host_, action.event + " " + action.text);
      break;
  }
}

void SidecarHost::push(EndId end) {
  std::array<std::span<const std::uint8_t>, kMostSpans> spans;
  for (;;) {
    const std::size_t wanted = 2 + rng_.index(kMostSpans - 1);
    const std::size_t count = node_->gather(end, std::span(spans).first(wanted));
    if (count > wanted) throw Violation("gather fills at most what it is given", id());
    if (count == 0) break;
    std::string joined;
    for (std::size_t i = 0; i < count; ++i) joined.append(as_text(spans.at(i)));
    if (joined.empty()) throw Violation("gather shows bytes or nothing", id());
    const std::size_t taken = env_.network.write(end, as_bytes(joined));
    node_->written(end, taken, env_.clock.now());
    if (taken < joined.size()) return;  // writable() goes on
  }
  if (closing_.contains(end)) finish_close(end);
}

void SidecarHost::finish_close(EndId end) {
  closing_.erase(end);
  env_.network.close(end);
}

void SidecarHost::arm_timer() {
  const TimeUs next = node_->next_deadline();
  if (next == node::kNever || armed_ <= std::max(next, env_.clock.now())) return;
  armed_ = std::max(next, env_.clock.now());
  env_.clock.at(armed_, [this, life = life_, when = armed_] { on_timer(life, when); });
}

void SidecarHost::on_timer(std::uint64_t life, TimeUs when) {
  if (life != life_ || when != armed_ || delays([=, this] { on_timer(life, when); })) return;
  armed_ = node::kNever;
  const TimeUs now = env_.clock.now();
  if (node_->next_deadline() > now) {
    arm_timer();
    return;
  }
  ticks_at_once_ = last_tick_ == now ? ticks_at_once_ + 1 : 0;
  last_tick_ = now;
  if (ticks_at_once_ > kMostTicksAtOnce) {
    throw Violation("a deadline moves when it was met", "sidecar " + id() + " ticks in place");
  }
  ++ticks_;
  node_->tick(now);
  touch();
}

}  // namespace socketmesh::sim
