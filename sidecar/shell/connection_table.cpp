#include "sidecar/shell/connection_table.hpp"

#include <utility>

namespace socketmesh::shell {

ConnectionTable::ConnectionTable(boost::asio::io_context& io, Connection::Host& host)
    : io_(io), host_(host), scratch_(new std::uint8_t[Connection::kScratchBytes]) {}

ConnectionTable::~ConnectionTable() {
  for (const auto& [id, connection] : connections_) connection->close();
}

void ConnectionTable::add(Connection::Socket socket, std::unique_ptr<Transport> transport,
                          Connection::Options options) {
  options.id = next_id_++;
  const auto connection = std::make_shared<Connection>(io_, std::move(socket), std::move(transport),
                                                       host_, std::move(options));
  connections_.emplace(connection->id(), connection);
  connection->start();
}

// Not by reference: what is done with it may take it out of the map.
ConnectionTable::Ptr ConnectionTable::find(node::ConnId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second;
}

void ConnectionTable::end(node::ConnId id, bool abort) {
  const Ptr connection = find(id);
  if (connection == nullptr) return;
  abort ? connection->abort() : connection->finish();
}

void ConnectionTable::finish_all() {
  std::vector<Ptr> all;
  all.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) all.push_back(connection);
  for (const Ptr& connection : all) connection->finish();
}

void ConnectionTable::resume(node::ConnId id) {
  if (const Ptr connection = find(id)) connection->resume();
}

void ConnectionTable::flush(node::ConnId id) {
  if (const Ptr connection = find(id)) connection->flush();
}

void ConnectionTable::flush_waiting() {
  for (const node::ConnId id : std::exchange(again_, {})) flush(id);
}

}  // namespace socketmesh::shell
