// What a home knows of one client's session: who it is, its rooms at every position of the log that
// may be replayed, what it was given when it came, and what was written to it last. Pure.
#pragma once

#include <deque>
#include <set>
#include <string>

#include "sidecar/core/recovery/log.hpp"
#include "sidecar/core/wire/handover_frames.hpp"

namespace socketmesh::recovery {

using wire::recovery::Marks;

// Bytes of a session's data. With rooms, and marks of all origins, less than a frame: it is told to
// others, and to the app, in one.
inline constexpr std::size_t kSessionDataBytesMax = 16U << 20U;
// Bytes of the longest ADOPT_SESSION frame: it goes in a record, perhaps inside a COPY.
inline constexpr std::size_t kSessionFrameBytesMax = wire::kMaxFrameBytes - 1024;
// The base of a session whose replay is not kept any more: nobody presents it.
inline constexpr std::string_view kNoOffset = "-";

// One session's name in a map: of its namespace and its pid, or its socket's id.
std::string session_key(std::string_view nsp, std::string_view id);

class Session {
 public:
  enum class State : std::uint8_t {
    kLive,      // its socket is connected
    kClosing,   // somebody wants it, and its socket is told to close
    kAway,      // disconnected; forgotten at `deadline`
    kArriving,  // being fetched from its home
    kRestoring  // its new socket is not connected yet
  };

  std::string nsp;
  std::string sid;
  std::string pid;
  wire::Buffer data;  // a value; never looked into
  State state = State::kLive;
  TimeUs deadline = 0;  // kAway and kRestoring
  // Of two homes that believe to hold it, the one with the larger is right.
  std::uint64_t generation = 0;
  // Not 0: it is being moved to a peer, under this number; it is, or waits, here for this restore.
  std::uint64_t lease = 0;
  std::uint64_t restore = 0;

  // Messages before `start` are not its own. What it was given at `start`, to be replayed again to
  // one who presents `base`, is `carried`: whole frames.
  Position start = 0;
  std::string base;
  std::vector<wire::Buffer> carried;
  // Messages of these origins up to these sequences are in `carried`, or were before it.
  // Forgotten when nothing of that can come any more.
  Marks marks;
  TimeUs marked_at = 0;

  // From there on another may have given it what came, in an order of its own.
  Position lent = UINT64_MAX;
  // It was given by a copy when its home was lost. Should one of these members live on after all,
  // that one has gone on with it.
  wire::recovery::Members suspects;
  // One does: nobody can say any more what the client has. Kept as long as another may have it.
  bool doomed = false;

  // The newest message that was written to it before position `last_position`; "" none was.
  std::string last;
  Position last_position = 0;
  // The same of some that it was told before, in order, at most kWrittenBefore: a client that did
  // not get the newest is idle, too. Not told to others.
  struct Written {
    std::string offset;
    Position position;
  };
  std::deque<Written> written_before;

  const std::set<std::string, std::less<>>& rooms() const { return rooms_; }
  void set_rooms(const wire::recovery::Names& rooms) { rooms_ = {rooms.begin(), rooms.end()}; }
  // A change of rooms at a position of the log; false when it is none.
  bool join(std::string_view room, Position at);
  bool leave(std::string_view room, Position at);
  struct Change {
    Position at;
    bool join;
    std::string room;
  };
  const std::vector<Change>& changes() const { return changes_; }
  void set_changes(std::vector<Change> changes) { changes_ = std::move(changes); }
  // Forgets changes that no replay can need.
  void forget_changes(Position head);

  // Whether it is in the log's `marks`, and so not to be replayed.
  bool marked(const MessageId& id) const;

  // Calls visit(position) for each message of the log from `from` on that was for it, in order.
  template <typename Visit>
  void each_message(Log& log, Position from, Visit&& visit) const {
    wire::recovery::Names names;
    std::set<std::string_view> now = rooms_at(from, names);
    std::size_t next = first_change(from);
    std::vector<Position> found;
    log.candidates(nsp, names, from, found);
    LoggedRoute route;
    for (const Position position : found) {
      for (; next < changes_.size() && changes_[next].at <= position; ++next) {
        if (changes_[next].join)
          now.insert(changes_[next].room);
        else
          now.erase(changes_[next].room);
      }
      const Log::Entry& entry = log.at(position);
      const auto message = wire::parse_data(entry.frame());
      if (message && read_route(*message, route) && is_for(route, now) && !marked(entry.id()))
        visit(position);
    }
  }
  // Whether the message at `position` was for it.
  bool holds(Log& log, Position position) const;
  std::size_t carried_bytes() const;
  // As it is told to others; views into it and into `carried_frames`, which this fills.
  wire::recovery::AdoptSession describe(TimeUs now, wire::Buffer& carried_frames) const;
  // Appends it as an ADOPT_SESSION frame under `token`. One over kSessionFrameBytesMax goes without
  // what is carried: whose client did not get all of it begins anew. False, and nothing is written,
  // when it is too long even so.
  bool write_frame(wire::Buffer& out, std::uint64_t token, TimeUs now) const;
  // Whether it gets a message with this route while it is in these rooms.
  bool is_for(const LoggedRoute& route, const std::set<std::string_view>& rooms) const;

 private:
  // The rooms as they were at `from`; `names` gets those and all that were joined since.
  std::set<std::string_view> rooms_at(Position from, wire::recovery::Names& names) const;
  // Index of the first change behind `from`.
  std::size_t first_change(Position from) const;

  std::set<std::string, std::less<>> rooms_;
  std::vector<Change> changes_;  // by position
};

}  // namespace socketmesh::recovery
