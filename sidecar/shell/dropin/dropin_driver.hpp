// Drives drop-in: its two ports on loopback, connections to apps, probes, the file that outlives a
// restart, and its channel on the node's links. Decides nothing.
//
// One thread, that of the node's driver, which outlives this. Errors of start() say what could not
// be listened on; after it nothing fails, but is logged.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>
#include <string>

#include "lib/base/expected.hpp"
#include "lib/obs/log.hpp"
#include "sidecar/dropin/dropin.hpp"
#include "sidecar/shell/config.hpp"
#include "sidecar/shell/connection.hpp"
#include "sidecar/shell/connection_table.hpp"
#include "sidecar/shell/deadline_timer.hpp"
#include "sidecar/shell/dialer.hpp"
#include "sidecar/shell/listener.hpp"
#include "sidecar/shell/node_driver.hpp"
#include "sidecar/shell/node_log.hpp"

namespace socketmesh::shell {

// Drop-in as the status page and the metrics show it.
struct DropInReport {
  dropin::Counters counters;
  dropin::Status status;
};

class DropInDriver final : public Connection::Host, private dropin::MeshPort {
 public:
  // `config` has a dropin section.
  DropInDriver(boost::asio::io_context& io, const obs::Logger& logger, NodeDriver& driver,
               const config::SidecarConfig& config);
  ~DropInDriver() override;
  DropInDriver(const DropInDriver&) = delete;
  DropInDriver& operator=(const DropInDriver&) = delete;

  Expected<void> start();
  // Looks whether the token has changed.
  void look_at_token();
  // Closes what is open in order; what it says goes out with the next flush.
  void leave();
  [[nodiscard]] DropInReport report() const { return {core_.counters(), core_.status()}; }
  // For configured ports that are 0.
  [[nodiscard]] std::uint16_t discovery_port() const { return discovery_.port(); }
  [[nodiscard]] std::uint16_t tunnel_port() const { return tunnel_.port(); }

 private:
  void connection_open(Connection& connection) override;
  void connection_bytes(Connection& connection, std::span<const std::uint8_t> bytes) override;
  void connection_lost(Connection& connection, const std::string& why) override;
  void connection_finished(Connection& connection) override;
  std::size_t connection_gather(Connection& connection, Connection::Slices out) override;
  void connection_written(Connection& connection, std::size_t bytes) override;
  void connection_wants_turn(Connection& connection) override;
  void connection_stirred() override;
  std::span<std::uint8_t> scratch() override { return connections_.scratch(); }

  void send(dropin::PeerKey peer, wire::Bytes head, wire::Bytes body) override;
  std::size_t backlog(dropin::PeerKey peer) const override;

  dropin::Options options() const;
  bool turn();
  void adopt(Connection::Socket socket, const std::string& remote);
  void accept(Connection::Socket socket, const std::string& remote, bool discovery);
  void perform(const dropin::Action& action);
  // Calls `done` once, with a connection to that port of loopback, of either family.
  void dial_own(Dialer& dialer, std::uint16_t port, const Dialer::Done& done);
  void dial(const dropin::Action& action);
  void probe(const dropin::Action& action);
  void save(const std::string& text);
  void restore();
  void log(const dropin::Action& action);
  void on_timer();

  const obs::Logger& logger_;
  NodeDriver& driver_;
  const config::SidecarConfig& config_;
  NodeLog log_;
  dropin::DropIn core_;
  Listener discovery_;
  Listener tunnel_;
  Dialer apps_;
  Dialer probes_;
  node::ChannelEvents events_;
  ConnectionTable connections_;
  DeadlineTimer timer_;
  std::string token_problem_;  // that was logged
  bool leaving_ = false;
};

}  // namespace socketmesh::shell
