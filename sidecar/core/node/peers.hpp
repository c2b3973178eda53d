// The records that a node keeps of its connections, its members and its peers. Plain data; the
// rules are in the node's parts.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/mesh/send_window.hpp"
#include "sidecar/core/node/limits.hpp"
#include "sidecar/core/node/member_queue.hpp"
#include "sidecar/core/routing/interest_index.hpp"
#include "sidecar/core/wire/input_buffer.hpp"
#include "sidecar/core/wire/member_id.hpp"

namespace socketmesh::node {

using ConnId = std::uint64_t;
using routing::EndpointId;
using wire::MemberId;
using Names = std::set<std::string, std::less<>>;

struct Slot;
struct AppConn;
struct HomeRecord;

// Where one publish goes. `pending` slots and members are named by pointer: valid while the node's
// route version stands.
struct Decision {
  std::vector<Slot*> slots;
  std::vector<AppConn*> apps;
  bool empty() const { return slots.empty() && apps.empty(); }
};

// One app connection, and the member attached on it.
struct AppConn {
  AppConn(ConnId connection, const Limits& limits, TimeUs now)
      : conn(connection),
        opened(now),
        input(wire::kMaxFrameBytes),
        queue(limits.member_queue_bytes, limits.chunk_bytes) {}

  ConnId conn;
  TimeUs opened;
  wire::InputBuffer input;
  MemberQueue queue;
  bool closing = false;
  bool attached = false;
  bool ready = false;  // its state is complete; peers know it

  MemberId id = 0;
  std::string name;
  std::string parser;
  HomeRecord* home = nullptr;  // with recovery on, while attached
  EndpointId endpoint = 0;
  Names namespaces;
  std::set<MemberId>
      named;                // members that it knew at its attachment and that this life had not met
  std::uint64_t rooms = 0;  // rooms declared, less those taken back
  std::uint64_t last_seq = 0;    // of its publishes
  std::uint64_t taken_told = 0;  // of them, told to it as taken
  TimeUs taken_due = kNever;
  std::size_t untold_bytes = 0;
  std::uint64_t taken_count = 0;  // deliveries that it has taken
  struct Gap {
    std::uint64_t position;
    std::uint64_t messages;
  };
  std::deque<Gap> gaps;  // deliveries that declare a loss, not taken yet
  struct Mark {
    std::uint64_t epoch;
    std::uint32_t stream;
    std::uint64_t seq;
  };
  std::map<std::string, Mark, std::less<>> marks;  // what peers had sent when it became ready
  std::uint64_t messages_in = 0;                   // published by it
  std::uint64_t messages_out = 0;                  // queued for it
  std::uint64_t syncs = 0;                         // awaited joins in flight
  std::int64_t round_trip_us = -1;
  TimeUs ping_due = 0;
  bool ping_sent = false;

  // The last route section and where it led.
  wire::Buffer route_key;
  std::uint64_t route_version = 0;
  Decision route;
};

// A member behind another sidecar (or one of our own that is expected back).
struct RemoteMember {
  enum class State : std::uint8_t {
    kUp,
    kExpected,  // its sidecar has a new life and has not announced it yet
    kAway,  // its sidecar was not seen for peer_timeout: told as down, its messages are still held
  };
  MemberId id = 0;
  std::string name;
  std::string parser;
  State state = State::kUp;
  bool namespaces_known = false;  // false: present everywhere, as far as routing goes
  bool told = false;              // apps were told that it is up
  bool confirmed = false;         // its sidecar's present life has announced it
  bool in_snapshot = false;
  Names namespaces;
};

// What a member missed that was given up, for the case that it comes back.
struct Debt {
  std::uint64_t unsent = 0;
  std::uint64_t received = 0;  // by its sidecar's life `epoch`, which delivers it if it is alive
  std::uint64_t epoch = 0;
  // Of the first of them that was released all the same, in the present stream; 0: none was. To a
  // member that was only slow to be announced nothing is lost.
  std::uint64_t released_seq = 0;
  std::uint64_t told_seq = 0;  // of the word in the present stream; 0 not told
  TimeUs until = 0;
};

// An own member whose connection ended without DETACH, and what it missed by that.
struct Departed {
  std::uint64_t messages = 0;
  TimeUs until = 0;
};

using RemoteMembers = std::map<MemberId, RemoteMember>;

// Another sidecar, over all its connections and, while something is kept for it, its lives.
struct Slot {
  Slot(std::string peer, EndpointId at, const Limits& limits)
      : id(std::move(peer)), endpoint(at), window(limits.link_window_bytes, limits.chunk_bytes) {}

  std::string id;
  EndpointId endpoint;
  std::uint64_t epoch = 0;  // of the life that was last met; 0 none
  ConnId conn = 0;          // the connection that carries, or prepares to carry, records
  bool linked = false;
  bool left = false;      // it said goodbye: nothing of it is under way
  bool replaced = false;  // its link gave way to another connection, just after it was made
  std::string address;    // of the connection, for people
  bool dialed = false;
  TimeUs since = 0;
  TimeUs life_since = 0;          // when the first link of its present life was made
  TimeUs peer_deadline = kNever;  // members not back by then are down
  TimeUs hold_deadline = kNever;  // what is kept is given up then

  std::uint32_t channels = 0;  // that both speak, as the last HELLO says
  bool channel_open = false;   // from kStarted to kGone

  mesh::SendWindow window;
  std::uint64_t stream_epoch = 0;  // the life for which the window's stream was begun
  bool window_broken = false;      // data was given up: the stream can't go on, only start anew
  std::uint64_t announced_seq =
      0;  // of the last interest, presence or member that was told in this stream

  std::uint32_t recv_stream = 0;
  std::uint64_t recv_seq = 0;
  std::uint64_t recv_data_seq = 0;  // of the last data among them
  std::size_t unacked_bytes = 0;
  TimeUs ack_due = kNever;

  std::uint64_t lost_messages = 0;  // declared lost by the peer, up to
  TimeUs lost_until = 0;            // when members that come back are told, too

  std::map<MemberId, Debt> debts;  // at most Limits::members
  std::uint64_t down_seq = 0;      // up to here in our stream members went down; 0: it has read it

  std::string node;  // machine that it runs on; "" unknown
  // Who has a copy of its members' homes, as it said; at most Limits::members.
  std::map<MemberId, Names> holders;

  bool interest_known = false;  // false: everything goes there
  std::uint64_t interest_pairs = 0;
  RemoteMembers members;
  std::map<std::string, std::uint32_t, std::less<>> presence;  // members by namespace
  std::uint32_t unknown_presence = 0;  // members whose namespaces are unknown
  std::set<MemberId> foreign_parser;   // members that are refused for their parser

  std::int64_t round_trip_us = -1;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t dropped = 0;
  std::uint64_t stamp = 0;  // of the decision that last chose it
};

// One link connection.
struct LinkConn {
  enum class State : std::uint8_t { kHello, kResume, kLinked };
  // What gather showed, in order; written() consumes it.
  struct Segment {
    bool control;
    std::size_t bytes;
  };

  LinkConn(ConnId id, std::string_view dialed_address, std::string_view remote_name, TimeUs now)
      : conn(id),
        dialed(dialed_address),
        remote(remote_name),
        opened(now),
        last_received(now),
        input(wire::kMaxRecordBytes) {}

  ConnId conn;
  std::string dialed;  // empty: accepted
  std::string remote;
  State state = State::kHello;
  bool closing = false;
  bool goodbye_sent = false;
  TimeUs opened;
  TimeUs last_received;
  TimeUs ping_due = kNever;
  std::string peer;            // its sidecar id, once HELLO told
  std::string node;            // and the machine that it runs on
  std::uint32_t channels = 0;  // that it speaks, and we
  Slot* slot = nullptr;
  wire::InputBuffer input;
  wire::Buffer control;            // HELLO to GOODBYE: outside of the stream
  std::size_t control_offset = 0;  // written bytes of it
  std::vector<Segment> shown;
};

}  // namespace socketmesh::node
