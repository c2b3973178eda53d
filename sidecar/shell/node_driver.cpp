#include "sidecar/shell/node_driver.hpp"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace socketmesh::shell {
namespace {

using boost::system::error_code;
using std::chrono::microseconds;
using std::chrono::steady_clock;

// So long after the last flush the next one does not wait for the end of the turn.
constexpr node::TimeUs kFlushPause = 150;
// Writing can make the node want more at once; after so many rounds others get their turn.
constexpr int kFlushRoundsMax = 8;
// Of kLeaveTimeout, for the delivery of goodbyes that are written.
constexpr std::chrono::milliseconds kGoodbyeDelivery{200};

}  // namespace

node::TimeUs steady_now_us() {
  return std::chrono::duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

NodeDriver::NodeDriver(boost::asio::io_context& io, const obs::Logger& logger, Options options)
    : io_(io),
      logger_(logger),
      log_(logger),
      transport_(std::move(options.transport)),
      limits_(options.node.limits),
      node_(std::move(options.node), steady_now_us()),
      dialer_(io, !transport_),
      connections_(io, *this),
      timer_(io, [this] { on_timer(); }),
      leave_timer_(io) {}

NodeDriver::~NodeDriver() = default;

void NodeDriver::accept_app(Socket socket, const std::string& remote) {
  if (leaving_) return;
  error_code not_tcp;
  socket.set_option(boost::asio::ip::tcp::no_delay(true), not_tcp);
  Connection::Options connection;
  connection.kind = Connection::Kind::kApp;
  connection.remote = remote;
  adopt(std::move(socket), nullptr, std::move(connection));
}

void NodeDriver::accept_link(Socket socket, const std::string& remote) {
  if (links_closed_) return;
  error_code ignored;
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  adopt_link(std::move(socket), "", remote);
}

void NodeDriver::adopt_link(Socket socket, const std::string& dialed, const std::string& remote) {
  if (transport_ && handshaking_ >= limits_.handshaking_connections) {
    ++stats_.connections_refused;
    if (!dialed.empty()) node_.dial_failed(dialed, "too many handshakes", steady_now_us());
    return;
  }
  const auto role = dialed.empty() ? TransportRole::kAccepted : TransportRole::kDialed;
  Connection::Options connection;
  connection.kind = Connection::Kind::kLink;
  connection.dialed = dialed;
  connection.remote = remote;
  adopt(std::move(socket), transport_ ? transport_(role) : nullptr, std::move(connection));
}

void NodeDriver::adopt(Socket socket, std::unique_ptr<Transport> transport,
                       Connection::Options options) {
  options.handshake_timeout = microseconds(limits_.handshake_timeout);
  ++handshaking_;
  connections_.add(std::move(socket), std::move(transport), std::move(options));
  connection_stirred();
}

void NodeDriver::set_addresses(const std::vector<std::string>& addresses) {
  node_.set_addresses(addresses, steady_now_us());
  connection_stirred();
}

void NodeDriver::dial(const std::string& address) {
  if (links_closed_) return;
  dialer_.dial(address, [this, address](Expected<Dialer::Dialed> result) {
    if (links_closed_) return;
    if (result) {
      adopt_link(std::move(result->socket), address, result->remote);
    } else {
      node_.dial_failed(address, result.error(), steady_now_us());
    }
    connection_stirred();
  });
}

node::Status NodeDriver::status() const {
  return node_.status(steady_now_us());
}

void NodeDriver::connection_open(Connection& connection) {
  --handshaking_;
  const auto& options = connection.options();
  if (options.kind == Connection::Kind::kApp) {
    node_.app_opened(options.id, steady_now_us());
  } else {
    node_.link_opened(options.id, options.dialed, options.remote, steady_now_us());
  }
}

void NodeDriver::connection_bytes(Connection& connection, std::span<const std::uint8_t> bytes) {
  node_.received(connection.id(), bytes, steady_now_us());
}

void NodeDriver::connection_lost(Connection& connection, const std::string& why) {
  const Connection::Options& options = connection.options();
  const node::ConnId id = options.id;
  if (connection.was_open()) {
    logger_.debug("connection lost", {{"remote", options.remote}, {"reason", why}});
    node_.closed(id, steady_now_us());
  } else {
    --handshaking_;
    ++stats_.transport_failures;
    if (options.dialed.empty()) {
      log_.write(obs::LogLevel::kWarn, "link refused",
                 "remote=" + options.remote + " reason=\"" + why + "\"");
    } else {
      node_.dial_failed(options.dialed, why, steady_now_us());
    }
  }
  connections_.erase(id);
  connection_stirred();
}

void NodeDriver::connection_finished(Connection& connection) {
  const node::ConnId id = connection.id();
  if (!connection.was_open()) --handshaking_;
  if (!leaving_) discard_rest(id);
  connections_.erase(id);
  if (leaving_) connection_stirred();
}

// The node keeps what a closed connection has to say until the last gather; when the peer would not
// read it in time, nobody will.
void NodeDriver::discard_rest(node::ConnId id) {
  std::array<std::span<const std::uint8_t>, 16> slices;
  while (const std::size_t count = node_.gather(id, slices)) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) size += slices.at(i).size();
    node_.written(id, size, steady_now_us());
  }
}

std::size_t NodeDriver::connection_gather(Connection& connection, Connection::Slices out) {
  return node_.gather(connection.id(), out);
}

void NodeDriver::connection_written(Connection& connection, std::size_t bytes) {
  node_.written(connection.id(), bytes, steady_now_us());
}

void NodeDriver::connection_wants_turn(Connection& connection) {
  connections_.wait_for_turn(connection.id());
}

// Queued behind the handlers that are ready now, so that it sees the input of all of them.
void NodeDriver::connection_stirred() {
  if (flush_posted_) return;
  flush_posted_ = true;
  boost::asio::post(io_, [this] { flush(); });
}

// A turn of the event loop costs a look for what else is ready. After a pause there is nothing, and
// what was read goes out without it; in a rush it waits for the rest of the turn.
void NodeDriver::connection_was_read() {
  if (flush_posted_ || steady_now_us() - flushed_at_ < kFlushPause) return connection_stirred();
  flush();
}

void NodeDriver::flush() {
  flush_posted_ = false;
  ++stats_.flushes;
  connections_.flush_waiting();
  bool more = true;
  for (int round = 0; more && round < kFlushRoundsMax; ++round) more = flush_round();
  flushed_at_ = steady_now_us();
  if (more || connections_.has_waiting()) connection_stirred();
  timer_.arm(node_.next_deadline());
  if (leaving_) check_left();
}

bool NodeDriver::flush_round() {
  const std::vector<node::Action> actions = node_.take_actions();
  for (const node::Action& action : actions) perform(action);
  const bool busy = companion_ && companion_();
  const std::vector<node::ConnId> dirty = node_.take_dirty();
  for (const node::ConnId id : dirty) connections_.flush(id);
  return busy || !actions.empty() || !dirty.empty();
}

void NodeDriver::perform(const node::Action& action) {
  switch (action.kind) {
    case node::Action::Kind::kDial:
      dial(action.address);
      break;
    case node::Action::Kind::kClose:
      connections_.end(action.conn, action.abort);
      break;
    case node::Action::Kind::kLog:
      log_.write(action);
      break;
  }
}

void NodeDriver::on_timer() {
  const node::TimeUs now = steady_now_us();
  if (now >= node_.next_deadline()) {
    node_.tick(now);
    connection_stirred();
  } else {
    timer_.arm(node_.next_deadline());
  }
}

void NodeDriver::leave(std::function<void()> done, std::function<void()> last_link) {
  if (leaving_) return;
  leaving_ = true;
  left_ = std::move(done);
  last_link_ = std::move(last_link);
  node_.leave(steady_now_us());
  const bool hands_over = limits_.recovery_window > 0;
  if (!hands_over) close_links();
  const auto patience = hands_over ? kHandoverTimeout : kLeaveTimeout;
  leave_timer_.expires_after(patience - kGoodbyeDelivery);
  leave_timer_.async_wait([this](const error_code& error) {
    if (!error) finish_leaving();
  });
  connection_stirred();
}

void NodeDriver::check_left() {
  if (!goodbyes_written_ && node_.drained()) finish_leaving();
  if (goodbyes_written_ && connections_.size() == 0 && left_) std::exchange(left_, nullptr)();
}

void NodeDriver::close_links() {
  if (std::exchange(links_closed_, true)) return;
  last_link_();
}

void NodeDriver::finish_leaving() {
  if (goodbyes_written_) return;
  goodbyes_written_ = true;
  close_links();
  connections_.finish_all();
  leave_timer_.expires_after(kGoodbyeDelivery);
  leave_timer_.async_wait([this](const error_code& error) {
    if (!error && left_) std::exchange(left_, nullptr)();
  });
}

}  // namespace socketmesh::shell
