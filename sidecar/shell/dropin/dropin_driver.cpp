#include "sidecar/shell/dropin/dropin_driver.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>

#include "sidecar/shell/config_dropin.hpp"

namespace socketmesh::shell {
namespace {

using boost::system::error_code;
using std::chrono::microseconds;

// For a process to accept a connection that only asks whether it lives.
constexpr std::chrono::milliseconds kProbeTimeout{1000};
// Bytes of the saved state that are read: kServersMax lines of an id and an address.
constexpr std::size_t kStateBytesMax = 64U << 10U;

}  // namespace

DropInDriver::DropInDriver(boost::asio::io_context& io, const obs::Logger& logger,
                           NodeDriver& driver, const config::SidecarConfig& config)
    : logger_(logger),
      driver_(driver),
      config_(config),
      log_(logger),
      core_(options(), *this, steady_now_us()),
      discovery_(io, logger,
                 [this](Listener::Socket socket, const std::string& remote) {
                   accept(std::move(socket), remote, true);
                 }),
      tunnel_(io, logger,
              [this](Listener::Socket socket, const std::string& remote) {
                accept(std::move(socket), remote, false);
              }),
      apps_(io, true),
      probes_(io, false, kProbeTimeout),
      connections_(io, *this),
      timer_(io, [this] { on_timer(); }) {}

DropInDriver::~DropInDriver() {
  driver_.set_companion(nullptr);
}

dropin::Options DropInDriver::options() const {
  dropin::Options options;
  options.carry = config_.dropin->carry;
  options.sidecar_id = config_.mesh.id;
  options.tunnel_address = config_.dropin->tunnel.to_string();
  options.advertise = config_.dropin->advertise;
  options.peer_timeout = microseconds(config_.link.peer_timeout).count();
  std::random_device random;
  options.seed = (std::uint64_t{random()} << 32U) | random();
  return options;
}

Expected<void> DropInDriver::start() {
  const auto listen = [this](Listener& listener, const char* key,
                             const TcpEndpoint& at) -> Expected<void> {
    auto listening = listener.listen(at);
    if (listening) return {};
    return Unexpected{config_.origin(key) + ": " + listening.error()};
  };
  if (auto result = listen(discovery_, "dropin.discovery", config_.dropin->discovery); !result)
    return result;
  if (config_.dropin->carry) {
    if (auto result = listen(tunnel_, "dropin.tunnel", config_.dropin->tunnel); !result)
      return result;
  }
  look_at_token();
  restore();
  driver_.set_companion([this] { return turn(); });
  driver_.connection_stirred();
  logger_.info("drop-in started", {{"discovery", config_.dropin->discovery.to_string()},
                                   {"mode", config_.dropin->carry ? "carry" : "direct"},
                                   {"token", !config_.dropin->token_file.empty()}});
  return {};
}

void DropInDriver::look_at_token() {
  const std::string& file = config_.dropin->token_file;
  if (file.empty()) return;
  const auto token = config::read_token(file);
  const std::string problem = token ? "" : token.error();
  if (token) core_.set_token(*token);
  if (problem == token_problem_) return;
  token_problem_ = problem;
  if (!problem.empty()) logger_.warn("the last good token stays", {{"detail", problem}});
}

void DropInDriver::leave() {
  leaving_ = true;
  discovery_.close();
  tunnel_.close();
  core_.leave(steady_now_us());
  driver_.connection_stirred();
}

void DropInDriver::accept(Connection::Socket socket, const std::string& remote, bool discovery) {
  if (leaving_) return;
  const dropin::ConnId id = connections_.next_id();
  if (discovery) {
    core_.discovery_opened(id, steady_now_us());
  } else {
    core_.tunnel_opened(id, steady_now_us());
  }
  adopt(std::move(socket), remote);
}

void DropInDriver::adopt(Connection::Socket socket, const std::string& remote) {
  error_code ignored;
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  Connection::Options options;
  options.remote = remote;
  connections_.add(std::move(socket), nullptr, std::move(options));
  driver_.connection_stirred();
}

void DropInDriver::connection_open(Connection& /*connection*/) {}

void DropInDriver::connection_bytes(Connection& connection, std::span<const std::uint8_t> bytes) {
  core_.received(connection.id(), bytes, steady_now_us());
  if (core_.paused(connection.id())) connection.pause();
}

void DropInDriver::connection_lost(Connection& connection, const std::string& why) {
  const dropin::ConnId id = connection.id();
  logger_.debug("connection lost", {{"remote", connection.options().remote}, {"reason", why}});
  core_.closed(id, steady_now_us());
  connections_.erase(id);
  driver_.connection_stirred();
}

void DropInDriver::connection_finished(Connection& connection) {
  connections_.erase(connection.id());
}

std::size_t DropInDriver::connection_gather(Connection& connection, Connection::Slices out) {
  return core_.gather(connection.id(), out);
}

void DropInDriver::connection_written(Connection& connection, std::size_t bytes) {
  core_.written(connection.id(), bytes, steady_now_us());
}

void DropInDriver::connection_wants_turn(Connection& connection) {
  connections_.wait_for_turn(connection.id());
}

void DropInDriver::connection_stirred() {
  driver_.connection_stirred();
}

void DropInDriver::send(dropin::PeerKey peer, wire::Bytes head, wire::Bytes body) {
  driver_.node().channel_send(node::Channel::kDropIn, peer, head, body);
}

std::size_t DropInDriver::backlog(dropin::PeerKey peer) const {
  return driver_.node().channel_backlog(peer);
}

bool DropInDriver::turn() {
  driver_.node().take_channel_events(events_);
  if (!events_.list.empty()) core_.mesh_events(events_, steady_now_us());
  if (!core_.whole()) {
    core_.set_mesh(driver_.node().addresses_known(), driver_.node().settled(), steady_now_us());
  }
  core_.pump(steady_now_us());
  const std::vector<dropin::Action> actions = core_.take_actions();
  for (const dropin::Action& action : actions) perform(action);
  const std::vector<dropin::ConnId> dirty = core_.take_dirty();
  const bool waiting = connections_.has_waiting();
  connections_.flush_waiting();
  for (const dropin::ConnId id : dirty) connections_.flush(id);
  timer_.arm(core_.next_deadline());
  return !events_.list.empty() || !actions.empty() || !dirty.empty() || waiting;
}

void DropInDriver::perform(const dropin::Action& action) {
  using Kind = dropin::Action::Kind;
  switch (action.kind) {
    case Kind::kDial:
      return dial(action);
    case Kind::kProbe:
      return probe(action);
    case Kind::kClose:
      return connections_.end(action.conn, action.abort);
    case Kind::kResume:
      return connections_.resume(action.conn);
    case Kind::kSave:
      return save(action.text);
    case Kind::kLog:
      return log(action);
  }
}

// An app may listen on one of them alone: "localhost" is ::1 on some machines.
void DropInDriver::dial_own(Dialer& dialer, std::uint16_t port, const Dialer::Done& done) {
  const std::string number = std::to_string(port);
  dialer.dial("127.0.0.1:" + number, [&dialer, number, done](Expected<Dialer::Dialed> result) {
    if (result) return done(std::move(result));
    dialer.dial("[::1]:" + number, done);
  });
}

void DropInDriver::dial(const dropin::Action& action) {
  dial_own(apps_, action.port, [this, number = action.number](Expected<Dialer::Dialed> result) {
    if (!result) {
      core_.dial_failed(number, steady_now_us());
    } else {
      core_.dialed(number, connections_.next_id(), steady_now_us());
      adopt(std::move(result->socket), result->remote);
    }
    driver_.connection_stirred();
  });
}

void DropInDriver::probe(const dropin::Action& action) {
  const auto answer = [this, number = action.number](const Expected<Dialer::Dialed>& result) {
    core_.probed(number, result.has_value(), steady_now_us());
    driver_.connection_stirred();
  };
  if (action.text.empty()) {
    dial_own(probes_, action.port, answer);
  } else {
    probes_.dial(action.text, answer);
  }
}

// Written beside and renamed, so that a crash leaves the old or the new one.
void DropInDriver::save(const std::string& text) {
  const std::string& file = config_.dropin->state_file;
  if (file.empty()) return;
  const std::string beside = file + ".new";
  std::ofstream out(beside, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (out && std::rename(beside.c_str(), file.c_str()) == 0) return;
  log_.write(obs::LogLevel::kWarn, "cannot keep which apps are registered", "file=" + file);
}

void DropInDriver::restore() {
  const std::string& file = config_.dropin->state_file;
  if (file.empty()) return;
  std::ifstream in(file, std::ios::binary);
  std::string text(kStateBytesMax, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (!text.empty()) core_.restore(text, steady_now_us());
}

void DropInDriver::log(const dropin::Action& action) {
  const obs::LogLevel levels[] = {obs::LogLevel::kDebug, obs::LogLevel::kInfo,
                                  obs::LogLevel::kWarn};
  log_.write(levels[static_cast<std::size_t>(action.level)], action.event, action.text);
}

void DropInDriver::on_timer() {
  if (steady_now_us() >= core_.next_deadline()) core_.tick(steady_now_us());
  driver_.connection_stirred();
}

}  // namespace socketmesh::shell
