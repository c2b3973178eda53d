#include "sidecar/core/node/impl.hpp"

#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

Node::Impl::Impl(NodeConfig settings, TimeUs time)
    : config(std::move(settings)),
      now(time),
      started(time),
      last_input(time),
      book(config.limits.redial_min, config.limits.redial_max, config.seed),
      hasher(routing::mesh_hash_key(config.mesh)),
      provisional(config.limits.provisional_joins) {
  if (config.limits.recovery_window == 0) return;
  recovery::HomeLimits homes;
  homes.window = config.limits.recovery_window;
  homes.memory_bytes = config.limits.recovery_memory_bytes;
  homes.repeat = kTombstoneHolds * config.limits.hold_time;
  homes.replicas = config.limits.recovery_replicas;
  recovery = std::make_unique<Recovery>(*this, homes);
}

Node::Impl::~Impl() = default;

void Node::Impl::log(Action::Level level, std::string_view event, std::string text) {
  Action action;
  action.kind = Action::Kind::kLog;
  action.level = level;
  action.event = event;
  action.text = std::move(text);
  actions.push_back(std::move(action));
}

void Node::Impl::mark_dirty(ConnId conn) {
  if (conn == 0) return;
  bool& marked = dirty_marks[conn];
  if (marked) return;
  marked = true;
  dirty.push_back(conn);
}

EndpointId Node::Impl::new_endpoint() {
  if (free_endpoints.empty()) {
    endpoints.emplace_back();
    return static_cast<EndpointId>(endpoints.size() - 1);
  }
  const EndpointId endpoint = free_endpoints.back();
  free_endpoints.pop_back();
  return endpoint;
}

void Node::Impl::free_endpoint(EndpointId endpoint) {
  ledger.drop_source(endpoint);
  settle(endpoint, UINT64_MAX);
  endpoints[endpoint] = {};
  free_endpoints.push_back(endpoint);
}

// What lies at `destination` up to `position` needs nobody's care any more.
void Node::Impl::settle(EndpointId destination, std::uint64_t position) {
  moved.clear();
  ledger.advance(destination, position, moved);
  for (const EndpointId source : moved) source_moved(source);
}

void Node::Impl::source_moved(EndpointId source) {
  const Endpoint& endpoint = endpoints[source];
  if (endpoint.slot != nullptr) ack(*endpoint.slot, false);
  if (endpoint.app != nullptr) {
    AppConn& app = *endpoint.app;
    set_due(app.taken_due, std::min(app.taken_due, now + config.limits.ack_delay));
  }
}

// The connection goes when what it has to say is written, or at once. Its record is freed by the
// shell's last gather, or at the end of this input.
void Node::Impl::close_connection(ConnId conn, bool abort) {
  Action action;
  action.kind = Action::Kind::kClose;
  action.conn = conn;
  action.abort = abort;
  actions.push_back(std::move(action));
  if (abort) finished.push_back(conn);
}

bool Node::Impl::handshaking_is_full() const {
  std::size_t count = 0;
  for (const auto& [conn, app] : apps) count += app->attached ? 0 : 1;
  for (const auto& [conn, link] : links) count += link->state == LinkConn::State::kLinked ? 0 : 1;
  return count >= config.limits.handshaking_connections;
}

}  // namespace socketmesh::node
