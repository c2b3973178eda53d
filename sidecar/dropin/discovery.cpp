// The discovery server: what apps say on it, and what is kept of those that cannot say it again.
#include <algorithm>
#include <utility>

#include "sidecar/dropin/impl.hpp"

namespace socketmesh::dropin {

namespace {

// The private codes of the package begin here.
constexpr std::uint16_t kUnauthorizedCode = 4401;

}  // namespace

void DropIn::Impl::discovery_message(Conn& conn, Bytes piece, bool text, bool last) {
  if (text) return cut(conn, CutReason::kBadMessage, ws::kBadPayload, "messages are binary");
  Bytes message = piece;
  if (!conn.message.empty() || !last) {
    conn.message.insert(conn.message.end(), piece.begin(), piece.end());
    if (!last) return;
    message = conn.message;
  }
  Register said;
  switch (read_discovery(message, said)) {
    case Discovery::kRegister:
      registers(conn, said);
      break;
    case Discovery::kMalformed:
      return cut(conn, CutReason::kBadMessage, ws::kBadPayload, "no message of discovery");
    case Discovery::kOther:  // of a later version
      break;
  }
  conn.message.clear();
}

void DropIn::Impl::cut(Conn& conn, CutReason reason, std::uint16_t code, std::string_view text) {
  counters.cut(reason);
  log(reason == CutReason::kReplaced ? Action::Level::kInfo : Action::Level::kWarn,
      "discovery client cut",
      "server=\"" + conn.server + "\" reason=" + kCutReasonNames.at(std::size_t(reason)) +
          " detail=\"" + std::string(text) + "\"");
  leaves(conn);
  say_close(conn, code, text);
}

void DropIn::Impl::registers(Conn& conn, const Register& said) {
  if (!token.empty() && !equal_secrets(said.token.value_or(""), token))
    return cut(conn, CutReason::kUnauthorized, kUnauthorizedCode, "unauthorized");
  const auto version = version_of(said.server_id);
  const auto address = parse_address(said.address);
  if (!version || !address) {
    return cut(conn, CutReason::kBadServer, ws::kPolicy,
               version ? "no address of the form ws://host:port" : "no server id");
  }
  if (own.size() >= kServersMax && !own.contains(said.server_id))
    return cut(conn, CutReason::kLimit, ws::kTryAgain, "too many servers");
  ++counters.registrations;
  if (conn.server != said.server_id) leaves(conn, true);
  take_over(conn, said.server_id, address->port);
  const auto [entry, fresh] = own.try_emplace(std::string(said.server_id));
  OwnServer& server = entry->second;
  const bool news = fresh || server.registered != said.address;
  server = {*version, std::string(said.address), *address, conn.id, kNever};
  conn.server = entry->first;
  conn.owes_update = true;
  stop_probing(entry->first, "");
  rosters_stale = true;
  if (!news) return;
  log(Action::Level::kInfo, "server registered",
      "server=\"" + entry->first + "\" version=v" + std::to_string(int(*version)) +
          " address=" + server.registered);
  if (*version == Version::kV2 && !options.carry && address->is_local() &&
      !options.advertise.empty()) {
    log(Action::Level::kWarn, "address not reachable from other pods",
        "server=\"" + entry->first + "\" address=" + server.registered);
  }
  tell_peers(peer::server({entry->first, announced(server)}));
  save_servers();
}

// Whoever else stands for this server, or holds its port: the port is this process's now.
void DropIn::Impl::take_over(Conn& conn, std::string_view id, std::uint16_t port) {
  if (const auto known = own.find(id); known != own.end() && known->second.conn != conn.id) {
    Conn* before = find(known->second.conn);
    if (before != nullptr) {
      before->server.clear();
      cut(*before, CutReason::kReplaced, ws::kGoingAway, "registered on another connection");
    }
  }
  std::vector<std::string> dead;
  for (const auto& [other, server] : own) {
    if (other != id && server.conn == 0 && server.address.port == port) dead.push_back(other);
  }
  for (const std::string& other : dead) drop_own(other);
}

// The app's connection ends. A v1 app never registers again, so only its port can tell whether it
// lives; a v2 app that lives does so soon, and is no less there until then.
void DropIn::Impl::leaves(Conn& conn, bool in_order) {
  if (conn.server.empty()) return;
  const std::string id = std::exchange(conn.server, {});
  const auto server = own.find(id);
  if (server == own.end() || server->second.conn != conn.id) return;
  if (leaving) return;
  if (server->second.version == Version::kV2 && in_order) return drop_own(id);
  await_return(id, server->second);
}

void DropIn::Impl::await_return(std::string_view id, OwnServer& server) {
  server.conn = 0;
  if (server.version == Version::kV2) {
    server.deadline = now + kReturnTimeout;
    wake_at(server.deadline);
  }
  probe(id, "", true);
}

void DropIn::Impl::drop_own(std::string_view id) {
  const auto server = own.find(id);
  if (server == own.end()) return;
  log(Action::Level::kInfo, "server gone", "server=\"" + server->first + "\"");
  tell_peers(peer::gone(id));
  stop_probing(id, "");
  own.erase(server);
  rosters_stale = true;
  save_servers();
}

std::uint64_t DropIn::Impl::restart_needed() const {
  return static_cast<std::uint64_t>(std::ranges::count_if(own, [](const auto& item) {
    return item.second.conn == 0 && item.second.version == Version::kV1;
  }));
}

// A line each: its id and its address.
void DropIn::Impl::save_servers() {
  std::string text;
  for (const auto& [id, server] : own) text += id + " " + server.registered + "\n";
  if (text == saved) return;
  saved = text;
  Action action;
  action.kind = Action::Kind::kSave;
  action.text = std::move(text);
  actions.push_back(std::move(action));
}

// Who was registered in the last life is so in this one, for as long as it may return: apps would
// cut it off by a roster without it. With direct mode peers look themselves whether a v2 app lives.
void DropIn::Impl::restore(std::string_view text) {
  saved = text;
  while (!text.empty() && own.size() < kServersMax) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const std::string_view id = line.substr(0, space);
    const std::string_view registered = line.substr(space + 1);
    const auto version = version_of(id);
    const auto address = parse_address(registered);
    if (!version || !address || (*version == Version::kV2 && !options.carry)) continue;
    OwnServer& server = own[std::string(id)];
    server = {*version, std::string(registered), *address, 0, kNever};
    await_return(id, server);
    if (*version == Version::kV2) continue;
    log(Action::Level::kWarn, "v1 app must be restarted to see new servers",
        "server=\"" + std::string(id) + "\" address=" + std::string(registered));
  }
}

}  // namespace socketmesh::dropin
