// The inside of drop-in, in parts by subject: connections.cpp (their beginning, end and bytes),
// discovery.cpp (what apps say there), roster.cpp (who is a server, and who is told), peers.cpp
// (the other sidecars), tunnels.cpp (from open to close), flow.cpp (their bytes), probes.cpp (who
// lives).
#pragma once

#include <set>
#include <unordered_map>

#include "sidecar/dropin/dropin.hpp"
#include "sidecar/dropin/records.hpp"
#include "sidecar/dropin/wire/peer_frames.hpp"

namespace socketmesh::dropin {

struct DropIn::Impl {
  Impl(Options settings, MeshPort& port, TimeUs time);

  // connections.cpp
  void open(ConnId id, Conn::Kind kind);
  Conn* find(ConnId id);
  void dirty(Conn& conn);
  void wake_at(TimeUs time) { wake = std::min(wake, time); }
  void log(Action::Level level, std::string_view event, std::string text);
  void upgrade(Conn& conn, Bytes bytes);
  void refuse(Conn& conn, int status, std::string_view text);
  void answer_upgrade(Conn& conn);
  void frames(Conn& conn, Bytes bytes);
  void control(Conn& conn, ws::Opcode opcode, Bytes payload);
  void broken(Conn& conn, std::uint16_t code);
  void say_close(Conn& conn, std::uint16_t code, std::string_view text);
  void drain(Conn& conn);
  void drained(Conn& conn);
  void abort(Conn& conn);
  void forget(Conn& conn);
  void lost(Conn& conn);
  void tick_connections();

  // discovery.cpp
  void discovery_message(Conn& conn, Bytes piece, bool text, bool last);
  void registers(Conn& conn, const Register& said);
  void cut(Conn& conn, CutReason reason, std::uint16_t code, std::string_view text);
  void take_over(Conn& conn, std::string_view id, std::uint16_t port);
  void leaves(Conn& conn, bool in_order = false);
  void await_return(std::string_view id, OwnServer& server);
  void drop_own(std::string_view id);
  void save_servers();
  void restore(std::string_view saved);
  std::uint64_t restart_needed() const;

  // roster.cpp
  std::string address_of(const Peer& peer, std::string_view id, const FarServer& server) const;
  std::string tunnel_to(std::string_view id) const;
  bool is_direct(const Peer& peer, const FarServer& server) const;
  std::vector<Server> roster_for(Version version) const;
  std::optional<std::string> shown_address(std::string_view id) const;
  Peer* carrier_of(std::string_view id) const;
  void roster_changed() { rosters_stale = true; }
  void check_whole();
  void tell_rosters();
  std::string announced(const OwnServer& server) const;

  // peers.cpp
  void mesh_event(const node::ChannelEvents& events, const node::ChannelEvent& event);
  void peer_started(const node::ChannelEvent& event);
  void peer_lost(Peer& peer);
  void peer_gone(Peer& peer);
  void peer_forgotten(Peer& peer);
  void peer_says(Peer& peer, Bytes payload);
  bool peer_says_good(Peer& peer, std::uint8_t type, Bytes payload);
  void listing_begins(Peer& peer, const peer::Begin& begin);
  bool far_server(Peer& peer, const peer::Server& said);
  void listing_ends(Peer& peer);
  void far_gone(Peer& peer, std::string_view id);
  bool disown(Peer& peer, std::string_view id, FarServer& server);
  void supersede(std::string_view id, const Address& address);
  void forget_if_empty(Peer& peer);
  void tell_peers(const Buffer& payload);
  void send(const Peer& peer, const Buffer& payload, Bytes body = {});
  void tick_peers();

  // tunnels.cpp
  void open_tunnel(Conn& conn, std::string_view server);
  void peer_opens(Peer& peer, const peer::Open& open);
  void peer_opened(Peer& peer, std::uint64_t number);
  void peer_closes(Peer& peer, const peer::Close& close);
  void app_dialed(Tunnel& tunnel, ConnId id);
  void app_answered(Conn& conn);
  void app_ends(Conn& conn, CloseReason reason, std::uint16_t code, std::string_view text);
  void refuse_open(Peer& peer, std::uint64_t number, CloseReason reason);
  void cut_tunnel(Tunnel& tunnel, CloseReason reason);
  void cut_tunnels(const Peer& peer, CloseReason reason, bool tell);
  void end_at_app(Tunnel& tunnel, CloseReason reason, std::uint16_t code, std::string_view text);
  void say_closed(const Tunnel& tunnel, CloseReason reason, std::uint16_t code,
                  std::string_view text);
  void erase(Tunnel& tunnel);
  Tunnel* find_tunnel(const Peer& peer, std::uint64_t number);
  void tick_tunnels();
  std::uint64_t new_tunnel_number(const Peer& peer);

  // flow.cpp
  void from_app(Conn& conn, Bytes piece, bool text, bool last);
  std::optional<std::size_t> send_fragment(Tunnel& tunnel, Bytes bytes, bool text, bool last);
  void wait(Tunnel& tunnel, Bytes rest, bool text, bool last);
  bool pump_one(Tunnel& tunnel);
  void resume(Conn& conn);
  void pump();
  void say_ending(Tunnel& tunnel);
  void to_app(Tunnel& tunnel, const peer::Data& data);
  void hello(Tunnel& tunnel, const peer::Data& data);
  void write_to_app(Tunnel& tunnel, Bytes bytes, bool text, bool last);
  void give_credit(Tunnel& tunnel);

  // probes.cpp
  void probe(std::string_view server, std::string_view peer, bool soon);
  Action look_at(const Probe& probe) const;
  void probe_failed(const Probe& probe);
  void stop_probing(std::string_view server, std::string_view peer);
  void probed(std::uint64_t number, bool accepts);
  void tick_probes();

  void tick();

  Options options;
  MeshPort& mesh;
  TimeUs now;
  std::string token;
  Counters counters;
  std::unordered_map<ConnId, std::unique_ptr<Conn>> conns;
  std::size_t discovery_conns = 0;
  std::size_t tunnel_conns = 0;  // to the tunnel port
  std::map<std::string, OwnServer, std::less<>> own;
  std::map<std::string, std::unique_ptr<Peer>, std::less<>> peers;  // by sidecar id
  std::unordered_map<PeerKey, Peer*> peers_by_key;
  std::unordered_map<TunnelKey, std::unique_ptr<Tunnel>, TunnelKeyHash> tunnels;
  std::unordered_map<std::uint64_t, TunnelKey> dials;
  std::deque<TunnelKey> ring;  // tunnels with something that waits
  std::map<std::uint64_t, Probe> probes;
  std::uint64_t next_number = 1;  // of tunnels, dials and probes
  bool settled = false;
  bool whole = false;
  bool leaving = false;
  bool rosters_stale = false;
  TimeUs whole_deadline;
  bool mesh_known = false;
  TimeUs wake = kNever;
  std::string saved;  // the last kSave

  std::vector<Action> actions;
  std::vector<ConnId> dirty_conns;
  std::vector<ConnId> finished;                        // freed at the end of the input
  std::vector<std::unique_ptr<Tunnel>> ended_tunnels;  // likewise
};

}  // namespace socketmesh::dropin
