// The node's inside, in parts by subject: app.cpp (members), link.cpp (connections between
// sidecars), slot.cpp (peers over connections and lives), roster.cpp (their members), stream.cpp
// (records received), channel.cpp (payloads of other parts), route.cpp (where messages go),
// loss.cpp (what is declared), timers.cpp, status.cpp.
#pragma once

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "sidecar/core/mesh/address_book.hpp"
#include "sidecar/core/mesh/taken_ledger.hpp"
#include "sidecar/core/node/node.hpp"
#include "sidecar/core/node/peers.hpp"
#include "sidecar/core/routing/provisional.hpp"
#include "sidecar/core/routing/siphash.hpp"
#include "sidecar/core/wire/app_frames.hpp"
#include "sidecar/core/wire/data_frame.hpp"
#include "sidecar/core/wire/link_frames.hpp"

namespace socketmesh::node {

// An awaited join: answered when every peer has acknowledged what was announced before it.
struct PendingSync {
  ConnId app = 0;
  std::uint32_t id = 0;
  TimeUs deadline = 0;
  bool complete = true;
  struct Wait {
    Slot* slot;
    std::uint64_t seq;
  };
  std::vector<Wait> waits;
};

// Consecutive DATA frames of one origin with one route: one decision, one copy for each
// destination.
struct Run {
  wire::Bytes bytes;
  std::uint32_t count = 0;
  std::uint64_t first = 0;  // in the source's numbers
  std::uint64_t last = 0;
  wire::DataFrame head;  // of the first frame
};

struct Node::Impl {
  Impl(NodeConfig settings, TimeUs time);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // impl.cpp
  void log(Action::Level level, std::string_view event, std::string text);
  void mark_dirty(ConnId conn);
  EndpointId new_endpoint();
  void free_endpoint(EndpointId endpoint);
  // Who is there changed, or what is known of them; with rooms_changed(), only who is in which
  // room.
  void routes_changed() {
    ++route_version;
    unsure_valid = false;
  }
  void rooms_changed() { ++route_version; }
  void source_moved(EndpointId source);
  void settle(EndpointId destination, std::uint64_t position);
  void close_connection(ConnId conn, bool abort);
  bool handshaking_is_full() const;

  // app.cpp
  void app_frames(AppConn& app, wire::Bytes frames);
  void app_control(AppConn& app, wire::Bytes frame);
  void attach(AppConn& app, wire::Bytes payload);
  void expect_known(AppConn& app, const std::vector<wire::app::KnownSidecar>& known);
  void welcome(AppConn& app);
  void member_ready(AppConn& app);
  void open_namespace(AppConn& app, wire::Bytes payload);
  void close_namespace(AppConn& app, wire::Bytes payload);
  void member_interest(AppConn& app, wire::Bytes payload);
  void member_taken(AppConn& app, wire::Bytes payload);
  void begin_sync(AppConn& app, wire::Bytes payload);
  void refuse(AppConn& app, wire::app::Refusal code, CutReason reason, std::string_view text);
  void detach(AppConn& app, wire::app::DownReason reason);
  wire::Buffer& tell(AppConn& app);
  template <typename Write>
  void tell_all(Write&& write) {
    for (auto& [conn, app] : apps) {
      if (app->attached && !app->closing) write(tell(*app));
    }
  }

  // route.cpp
  void publish(AppConn& app, const Run& run);
  const Decision* decide(AppConn& app, const wire::DataFrame& data);
  void route_rooms(const AppConn& from, Decision& to);
  const std::vector<Slot*>& unsure_slots();
  void route_namespace(const AppConn* from, std::string_view nsp, Decision& to);
  void route_member(MemberId member, Decision& to);
  void route_mesh(const AppConn* from, Decision& to);
  void add_endpoint(EndpointId endpoint, const AppConn* from, Decision& to);
  void add_slot(Slot& slot, Decision& to);
  void add_app(AppConn& app, const AppConn* from, Decision& to);
  void answer_routed(AppConn& app, const wire::DataFrame& data, const Decision& to);
  void expect_joins(const wire::DataFrame& data, const Decision& to);
  void release_joins(MemberId origin, MemberId member, const wire::DataFrame& data);
  void send_to_slot(Slot& slot, const Run& run, EndpointId source);
  void deliver(AppConn& app, const Run& run, EndpointId source);
  bool deliver_from_peer(Slot& slot, const Run& run);
  bool deliver_by_route(Slot& slot, const Run& run);

  // slot.cpp
  Slot* find_slot(std::string_view id) const;
  Slot* slot_for(std::string_view id);
  void start_hold(Slot& slot);
  void new_life(Slot& slot, std::uint64_t epoch);
  void start_stream(Slot& slot, std::uint32_t held_by_peer, std::uint64_t received);
  void send_snapshot(Slot& slot);
  void release_when_ready(Slot& slot);
  void lose_link(Slot& slot);
  // Of two sidecars that dialled each other at once, one gives a connection up right away.
  bool is_young(const Slot& slot) const { return slot.linked && now - slot.since < kSecondUs; }
  void members_return(Slot& slot);
  void abandon_handshake(Slot& slot);
  void give_up(Slot& slot);
  void remove_slot(Slot& slot);
  void enforce_window(Slot& slot);
  template <typename Write>
  void control_to_peers(std::uint32_t count, Write&& write) {
    scratch.clear();
    write(scratch);
    for (auto& [id, slot] : slots) {
      if (slot->window.stream() == 0 || slot->window_broken) continue;
      slot->announced_seq = slot->window.append_control(scratch, count);
      mark_dirty(slot->conn);
    }
  }
  void flush_interest();
  void note_interest(std::uint64_t hash, bool add);
  bool settle_syncs(const Slot& slot, bool lost);

  // roster.cpp
  void tell_down(RemoteMember& member, wire::app::DownReason reason);
  void end_members(Slot& slot, wire::app::DownReason reason, bool keep);
  void member_up(Slot& slot, const wire::link::MemberUp& up);
  void member_down(Slot& slot, MemberId member, wire::app::DownReason reason);
  void member_presence(Slot& slot, const wire::link::Presence& presence);
  void snapshot_begin(Slot& slot);
  void snapshot_end(Slot& slot);
  void announce(const Slot& slot, RemoteMember& member);
  void count_presence(Slot& slot, const RemoteMember& member, bool add);
  void erase_member(Slot& slot, MemberId member);
  void forget_member(Slot& slot, MemberId member);  // its provisional joins stand
  void member_is_back(AppConn& app);

  // link.cpp
  void link_frames(LinkConn& link, wire::Bytes frames);
  bool link_frame(LinkConn& link, wire::Bytes frame);
  void hello(LinkConn& link, wire::Bytes payload);
  bool keep_new_link(const LinkConn& link, const Slot& slot, std::uint64_t epoch) const;
  void adopt(LinkConn& link, Slot& slot, std::uint64_t epoch);
  void resume(LinkConn& link, wire::Bytes payload);
  void refused_by_peer(LinkConn& link, wire::Bytes payload);
  bool watermarks(LinkConn& link, const wire::link::Watermarks& marks);
  void goodbye(LinkConn& link, wire::Bytes payload);
  void refuse_link(LinkConn& link, wire::link::Refusal code, CutReason reason,
                   std::string_view text);
  void cut_link(LinkConn& link, CutReason reason, std::string_view text);
  void drop_link(LinkConn& link);
  void ack(Slot& slot, bool now_please);
  wire::link::Watermarks watermarks_of(const Slot& slot) const;
  void unlink(Slot& slot);
  std::size_t gather_link(LinkConn& link, std::span<wire::Bytes> out);
  void written_link(LinkConn& link, std::size_t bytes);

  // stream.cpp
  bool record(LinkConn& link, wire::Bytes frame);
  bool record_frames(LinkConn& link, const wire::link::Record& record, std::uint64_t skip);
  bool record_control(LinkConn& link, wire::Bytes frame, std::uint64_t seq);
  bool peer_interest(LinkConn& link, wire::Bytes payload);

  // channel.cpp
  void channel_event(const Slot& slot, ChannelEvent::Kind kind);
  void channel_started(Slot& slot);
  void channel_gone(Slot& slot);
  bool channel_frame(const Slot& slot, wire::Bytes payload);
  Slot* channel_slot(PeerKey peer) const;
  void channel_send(Channel channel, PeerKey peer, wire::Bytes head, wire::Bytes body);

  // loss.cpp
  void declare(AppConn& app, std::uint64_t messages, wire::app::GapReason reason, Slot& slot,
               std::uint64_t seq);
  void skipped(Slot& slot, const wire::link::Record& record);
  void tell_losses(AppConn& app);
  void note_departure(const AppConn& app);
  void count_missed(Slot& slot, const Run& run);
  void owe(Slot& slot, MemberId member, const mesh::SendWindow::AtRisk& risk);
  static std::uint64_t owed(const Slot& slot, const Debt& debt);
  void pay_debt(Slot& slot, MemberId member);
  void pay_debts(Slot& slot);
  static void settle_debts(Slot& slot, std::uint64_t taken);
  void member_loss(Slot& slot, const wire::link::MemberLoss& loss, std::uint64_t seq);

  // recovery.cpp, leases.cpp
  struct Recovery;
  std::uint64_t everyone_hash(std::string_view nsp);
  bool recovery_frame(Slot& slot, wire::Bytes frame);
  // What recovery had said to this life of the peer, which has `received` of the stream.
  std::vector<wire::Buffer> unheard(const Slot& slot, std::uint64_t received) const;
  bool recovery_answer(Slot& slot, std::uint8_t type, wire::Bytes payload);
  // A control frame in a peer's stream, or nothing where there is none. Bounded by the next
  // enforce_window().
  template <typename Write>
  void to_peer(Slot& slot, Write&& write) {
    if (slot.window.stream() == 0 || slot.window_broken) return;
    scratch.clear();
    write(scratch);
    slot.window.append_control(scratch, 1);
    mark_dirty(slot.conn);
    spoke = true;
  }

  // timers.cpp
  void tick();
  // Looks whether a deadline was missed by far: then this process was stopped.
  void check_stillness() {
    if (now - wake >= config.limits.still_time && now - last_input >= config.limits.still_time)
      stood_still();
    last_input = now;
  }
  void stood_still();
  void dial();
  void tick_links();
  void tick_apps();
  void tick_slots();
  void give_up_own(Slot& slot);
  void tick_syncs();
  void tell_taken(AppConn& app);
  void answer_sync(const PendingSync& sync);
  // Every deadline is set by this, or set earlier by it: next_deadline() would not see it else.
  void set_due(TimeUs& deadline, TimeUs time) {
    deadline = time;
    wake_by(time);
  }
  void wake_by(TimeUs time) { wake = std::min(wake, time); }
  TimeUs next_deadline() const;
  TimeUs search_deadline() const;

  Status status() const;

  NodeConfig config;
  TimeUs now;
  TimeUs started;
  TimeUs last_input;
  TimeUs apart_until = 0;  // no links before; after it stood still
  TimeUs wake = kNever;  // the earliest deadline set since the last search; it may be moved by now
  Counters counters;
  mesh::AddressBook book;
  routing::RoomHasher hasher;
  routing::InterestIndex local_interest;   // owners: attached members
  routing::InterestIndex remote_interest;  // owners: slots
  routing::Provisional provisional;
  mesh::TakenLedger ledger;
  std::unordered_map<ConnId, std::unique_ptr<AppConn>> apps;
  std::unordered_map<ConnId, std::unique_ptr<LinkConn>> links;
  std::map<std::string, std::unique_ptr<Slot>, std::less<>> slots;
  std::unordered_map<MemberId, Slot*> remote_members;
  std::unordered_map<MemberId, AppConn*> local_members;
  std::map<MemberId, Departed> departed;  // at most Limits::members
  struct Endpoint {
    Slot* slot = nullptr;
    AppConn* app = nullptr;
    HomeRecord* home = nullptr;  // an owner of interest only; `app` is its member
  };
  std::vector<Endpoint> endpoints;
  std::vector<EndpointId> free_endpoints;
  std::vector<PendingSync> syncs;
  std::vector<wire::link::InterestOp> interest_changes;  // not yet told to peers
  std::uint64_t interest_version = 0;
  std::uint64_t route_version = 1;
  std::vector<Slot*> unsure;  // see unsure_slots()
  bool unsure_valid = false;
  std::uint64_t stamp = 0;
  std::unique_ptr<Recovery> recovery;  // absent: off
  bool spoke = false;                  // to_peer(), in this input
  bool leaving = false;                // goodbye
  bool leave_announced = false;

  ChannelEvents channel_events;  // nothing without config.channels
  std::vector<Action> actions;
  std::vector<ConnId> dirty;
  std::unordered_map<ConnId, bool> dirty_marks;
  wire::Buffer scratch;
  wire::Route route;
  Decision decision;  // for routes that are not cached
  wire::app::Interest interest;
  std::vector<wire::link::InterestOp> peer_ops;
  std::vector<EndpointId> moved;
  std::vector<ConnId> finished;  // closed during this input; freed at its end
};

}  // namespace socketmesh::node
