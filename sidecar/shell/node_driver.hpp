// Drives one node: hands it what the sockets, the clock and discovery say, and carries out what it
// wants. Decides nothing.
//
// Inputs of one turn of the event loop are collected; then one flush carries out the actions,
// writes every connection that has something, and arms the timer. So what arrives together leaves
// together; what arrives after a pause leaves at once. One thread runs the io_context and calls
// everything here. Lifetime: outlives the io_context's last run(), as posted flushes refer to it.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/obs/log.hpp"
#include "sidecar/core/node/node.hpp"
#include "sidecar/shell/connection.hpp"
#include "sidecar/shell/connection_table.hpp"
#include "sidecar/shell/deadline_timer.hpp"
#include "sidecar/shell/dialer.hpp"
#include "sidecar/shell/node_log.hpp"
#include "sidecar/shell/transport.hpp"

namespace socketmesh::shell {

// What the shell counts beside the node's own counters. Totals since start.
struct DriverStats {
  std::uint64_t flushes = 0;              // turns of the event loop that wrote something or could
  std::uint64_t transport_failures = 0;   // TLS handshakes that failed, and sessions that broke
  std::uint64_t connections_refused = 0;  // over the limit of unfinished handshakes
};

class NodeDriver final : public Connection::Host {
 public:
  using Socket = Connection::Socket;
  struct Options {
    node::NodeConfig node;
    TransportFactory transport;  // of links; empty: plain, and only to loopback addresses
  };

  // How long leaving may take, goodbyes and their delivery together.
  static constexpr std::chrono::milliseconds kLeaveTimeout{1200};
  // With recovery on: what the sidecar keeps for others goes first.
  static constexpr std::chrono::milliseconds kHandoverTimeout{5000};

  // The logger outlives the driver.
  NodeDriver(boost::asio::io_context& io, const obs::Logger& logger, Options options);
  ~NodeDriver() override;
  NodeDriver(const NodeDriver&) = delete;
  NodeDriver& operator=(const NodeDriver&) = delete;

  void accept_app(Socket socket, const std::string& remote);
  void accept_link(Socket socket, const std::string& remote);
  void set_addresses(const std::vector<std::string>& addresses);
  // New links use it; a reload of certificates comes in here.
  void set_transport(TransportFactory transport) { transport_ = std::move(transport); }
  // A part that speaks over the node's links: called in each round of a flush, says whether it did
  // something. It may use node() there, and anywhere else when it calls connection_stirred() after.
  void set_companion(std::function<bool()> companion) { companion_ = std::move(companion); }
  [[nodiscard]] node::Node& node() { return node_; }
  void connection_stirred() override;
  void connection_was_read() override;
  // Says goodbye to everyone, then calls `done` once, at the latest after kLeaveTimeout
  // (kHandoverTimeout with recovery on). `last_link` is called before: from then on none is made.
  // With recovery on that is not at once: what is handed over waits for all whom the peers see.
  void leave(std::function<void()> done, std::function<void()> last_link = [] {});

  [[nodiscard]] node::Status status() const;
  [[nodiscard]] const node::Counters& counters() const { return node_.counters(); }
  [[nodiscard]] const DriverStats& stats() const { return stats_; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  void connection_open(Connection& connection) override;
  void connection_bytes(Connection& connection, std::span<const std::uint8_t> bytes) override;
  void connection_lost(Connection& connection, const std::string& why) override;
  void connection_finished(Connection& connection) override;
  std::size_t connection_gather(Connection& connection, Connection::Slices out) override;
  void connection_written(Connection& connection, std::size_t bytes) override;
  void connection_wants_turn(Connection& connection) override;
  std::span<std::uint8_t> scratch() override { return connections_.scratch(); }

  void adopt(Socket socket, std::unique_ptr<Transport> transport, Connection::Options options);
  void adopt_link(Socket socket, const std::string& dialed, const std::string& remote);
  void discard_rest(node::ConnId id);
  void dial(const std::string& address);
  void flush();
  bool flush_round();
  void perform(const node::Action& action);
  void on_timer();
  void check_left();
  void close_links();
  void finish_leaving();

  boost::asio::io_context& io_;
  const obs::Logger& logger_;
  NodeLog log_;
  TransportFactory transport_;
  node::Limits limits_;
  node::Node node_;
  Dialer dialer_;
  ConnectionTable connections_;
  std::size_t handshaking_ = 0;
  bool flush_posted_ = false;
  node::TimeUs flushed_at_ = 0;
  DeadlineTimer timer_;
  boost::asio::steady_timer leave_timer_;
  std::function<bool()> companion_;
  std::function<void()> left_;
  std::function<void()> last_link_;
  bool leaving_ = false;
  bool links_closed_ = false;  // no more of them
  bool goodbyes_written_ = false;
  DriverStats stats_;
};

// Microseconds of the clock that the node lives by.
node::TimeUs steady_now_us();

}  // namespace socketmesh::shell
