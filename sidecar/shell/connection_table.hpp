// The connections of one host by id, and what every host does with its own alike.
//
// Closes those that are left when it ends, without a word to the host, which outlives it. An id
// that is not there, or not any more, is passed over. One thread.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "sidecar/shell/connection.hpp"

namespace socketmesh::shell {

class ConnectionTable {
 public:
  ConnectionTable(boost::asio::io_context& io, Connection::Host& host);
  ~ConnectionTable();
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  // Of the connection that is added next. Never given twice.
  [[nodiscard]] node::ConnId next_id() const { return next_id_; }
  // Gives it its id, and starts it: the host may hear of it before this returns.
  void add(Connection::Socket socket, std::unique_ptr<Transport> transport,
           Connection::Options options);
  void erase(node::ConnId id) { connections_.erase(id); }
  // Ends it once it has written what it has, or at once.
  void end(node::ConnId id, bool abort);
  void finish_all();
  void resume(node::ConnId id);

  void flush(node::ConnId id);
  // It used up its turn, and is flushed again by flush_waiting().
  void wait_for_turn(node::ConnId id) { again_.push_back(id); }
  [[nodiscard]] bool has_waiting() const { return !again_.empty(); }
  void flush_waiting();

  [[nodiscard]] std::size_t size() const { return connections_.size(); }
  // As Connection::Host wants it.
  [[nodiscard]] std::span<std::uint8_t> scratch() const {
    return {scratch_.get(), Connection::kScratchBytes};
  }

 private:
  using Ptr = std::shared_ptr<Connection>;
  Ptr find(node::ConnId id) const;

  boost::asio::io_context& io_;
  Connection::Host& host_;
  std::unordered_map<node::ConnId, Ptr> connections_;
  std::vector<node::ConnId> again_;
  node::ConnId next_id_ = 1;
  std::unique_ptr<std::uint8_t[]> scratch_;
};

}  // namespace socketmesh::shell
