// A home: one member's log and the sessions that live there, or lived there last.
//
// What is queued for the member is provisional until the member says that it has delivered it; its
// own publishes and what it tells of its sessions say after how many deliveries they came. So the
// log has the order in which the app delivered. A home outlives its member's connection. Pure:
// the node feeds it, and carries out what changes in interest. Not thread-safe.
#pragma once

#include <memory>
#include <utility>

#include "sidecar/core/recovery/copy.hpp"
#include "sidecar/core/recovery/seen.hpp"
#include "sidecar/core/recovery/session.hpp"
#include "sidecar/core/wire/handover_frames.hpp"

namespace socketmesh::recovery {

using wire::recovery::Result;

// Bytes of one replay; who has missed more begins anew. With what may wait for a peer before it,
// less than what a link holds.
inline constexpr std::size_t kReplayBytesMax = 16U << 20U;

// How many of what a session was told as written last before its last one are kept.
inline constexpr std::size_t kWrittenBefore = 8;

struct HomeLimits {
  TimeUs window = 0;             // a disconnected session, or a message, is kept this long
  std::size_t memory_bytes = 0;  // of all homes of this sidecar together
  std::size_t sessions = 1U << 20U;
  // Origins whose highest sequence one home knows, as many as an app remembers.
  std::size_t origins = 65'536;
  // What was delivered once may come again for so long: links keep it for a peer that is away.
  TimeUs repeat = 0;
  std::size_t replicas = 0;  // other sidecars that have a copy of each home
};

// A room of a session whose messages the home wants, or does not want any more. Counted: a room of
// two sessions is added twice.
struct InterestChange {
  bool add = false;
  bool everyone = false;  // the namespace's messages to everyone; `room` is empty
  std::string nsp;
  std::string room;
};

// What a session gets that is restored.
struct Replay {
  Result result = Result::kUnknownSession;
  std::vector<wire::Bytes> frames;   // into the log and the session; until the next change
  wire::recovery::Members suspects;  // see Session
};

class Home {
 public:
  Home(wire::MemberId member, const HomeLimits& limits)
      : member_(member),
        keep_(limits.window + limits.repeat),
        seen_(limits.origins, keep_),
        carried_max_(limits.memory_bytes / 2) {}

  wire::MemberId member() const { return member_; }
  bool attached() const { return attached_; }
  Log& log() { return log_; }
  const Log& log() const { return log_; }

  // ---- its member -----------------------------------------------------------------------------
  // What the attachment before left unknown is a gap. What the member has `taken` it drops when it
  // comes again.
  void attach(std::uint16_t attachment, const Marks& taken, TimeUs now);
  // Every socket of it is gone.
  void detach(TimeUs now, const HomeLimits& limits);
  // `count` frames were queued for the member, the last as its delivery `last`.
  void queued(wire::Bytes frames, std::uint32_t count, std::uint64_t last, TimeUs now);
  // A declared loss was queued as delivery `number`.
  void queued_gap(std::uint64_t number, TimeUs now);
  // The member has delivered so many of this attachment.
  void delivered(std::uint64_t count, TimeUs now);
  // The member published whole frames.
  void published(wire::Bytes frames, TimeUs now);
  // Something that the member told in order: what it had delivered by then.
  void told(wire::Bytes body, TimeUs now) { delivered(told_count(body), now); }
  // Frames for the home's sessions while no member is attached.
  void arrived(wire::Bytes frames, TimeUs now);
  // Something is missing here.
  void gap(TimeUs now);

  // ---- taken over from a sidecar that leaves ---------------------------------------------------
  // What arrives from here on waits for the log, whose first position is `head`.
  void begin_adoption(Position head);
  Session* adopt(const wire::recovery::AdoptSession& said, TimeUs now, const HomeLimits& limits);
  // The next entry's position; those before it that did not come are evicted.
  void adopt_from(Position first);
  void adopt_entry(const wire::recovery::LogEntry& entry, TimeUs now);
  void end_adoption(const Marks& marks, TimeUs now);
  bool adopting() const { return adopting_; }
  Marks seen() const;

  // ---- copies of it, and being one (home_copy.cpp) -------------------------------------------
  // Whether what happens here is noted, to be told to copies.
  void note_changes(bool on);
  std::vector<wire::Buffer> take_changes() {
    return notes_ ? notes_->take() : std::vector<wire::Buffer>();
  }
  // A whole copy but for the log, which comes before, and the sessions, which may come later.
  void note_state(CopyNotes& notes) const;
  void note_session(CopyNotes& notes, const Session& session, TimeUs now) const;
  void set_state(const CopyState& state, TimeUs now);
  void set_data(Session& session, wire::Bytes data);
  // All that it missed was told to one who is about to have it.
  void lend(Session& session, Position position);
  // The member's sidecar is gone, and this copy is the home. What arrives from here on waits.
  // These were that sidecar's members.
  void begin_takeover(const wire::recovery::Members& members, TimeUs now, const HomeLimits& limits);
  // What was under way when that sidecar was lost, each in its origin's order: the member's own
  // messages, what may have been delivered, and what was not. `lost`: there was more.
  struct Tail {
    std::vector<wire::Buffer> own;
    std::vector<wire::Buffer> sent;
    std::vector<wire::Buffer> unsent;
    bool lost = false;
  };
  void end_takeover(const Tail& tail, TimeUs now);
  // Something that should have been part of the tail.
  void late(const wire::Buffer& frame, bool surely_unseen, TimeUs now);
  // Taken over from a sidecar that was lost, with connected sockets.
  bool taken_over() const { return cut_ != kNoCut; }
  Position cut() const { return cut_; }
  CopyState state() const {
    return {attached_, attachment_, told_end_, cut_, after_, suspects_, seen()};
  }
  const wire::recovery::Members& suspects() const { return suspects_; }
  // The sidecar that it was taken over from, or a member of that, lives on: its sessions are there.
  void give_back();
  // What the member told now was not of its present attachment.
  bool is_stale(wire::Bytes told_body) const { return !told_now(told_body); }
  // Frames of these origins above these marks that are here or on their way to the member.
  void each_above(const Marks& marks, std::vector<wire::Bytes>& out);

  // ---- sessions -------------------------------------------------------------------------------
  Session* find(std::string_view nsp, std::string_view pid);
  Session* find_socket(std::string_view nsp, std::string_view sid);
  // A connected socket, new, restored, or told again: then it begins here. Nothing over the limit.
  Session* open(const wire::recovery::SessionOp& op, TimeUs now, const HomeLimits& limits);
  // A session that is being fetched. Nothing over the limit, or when it is here.
  // It was asked for when the log was at `start`.
  Session* expect(std::string_view nsp, std::string_view pid, const wire::recovery::Found& found,
                  Position start, const HomeLimits& limits);
  void join(Session& session, const wire::recovery::Names& rooms);
  void leave(Session& session, const wire::recovery::Names& rooms);
  void close(Session& session, wire::Bytes data, TimeUs now, const HomeLimits& limits);
  void end(Session& session);
  // `last` was written to it last, by now.
  void written(Session& session, std::string_view last);
  // What was told of the last ones written is true of all connected sockets here and now.
  void all_written();
  // What a client with `offset` has missed of `session`, before `until`; kAll: also what is only
  // queued for the member, because the session will not be there any more.
  static constexpr Position kAll = UINT64_MAX;
  Replay replay(Session& session, std::string_view offset, Position until);
  // Makes room for a replay of so many bytes that a session is to carry; others that carry one
  // begin anew if their clients did not get all of it. False: too many are just being restored.
  bool make_room(std::size_t bytes);
  // The session is restored from `offset` with these frames; what comes from `start` on is new,
  // but for what `marks` name.
  void carry(Session& session, std::string_view offset, std::vector<wire::Buffer> frames,
             Marks marks, Position start, TimeUs now);
  // The highest sequence of each origin that is in the log, or was, or is queued for the member, or
  // that the session came with, or that its client has seen, as its `offset` says.
  Marks marks(const Session& session, std::string_view offset) const;

  // Whether messages of `origin` for this session were delivered here before `until`, above these
  // marks of the home that it comes from.
  bool had_more(const Session& session, wire::MemberId origin, const Marks& marks, Position until);

  // Ends sessions whose time is over, and evicts what is too old or too much.
  void expire(TimeUs now, const HomeLimits& limits, std::size_t memory_bytes);
  std::size_t sessions() const { return by_pid_.size(); }
  std::size_t bytes() const { return log_.bytes() + carried_bytes_; }
  template <typename Visit>
  void each_session(Visit&& visit) {
    for (auto& [key, session] : by_pid_) visit(*session);
  }
  // Changes of interest since the last call.
  std::vector<InterestChange> take_interest() { return std::exchange(interest_, {}); }

 private:
  struct Provisional {
    Log::Entry entry;  // no bytes: a gap
    std::uint64_t number;
  };

  void confirm(const Log::Entry& entry, TimeUs now);
  void confirm_until(std::uint64_t count, TimeUs now);
  // What the member says in `body` that it had delivered of its present attachment.
  std::optional<std::uint64_t> told_now(wire::Bytes body) const;
  std::uint64_t told_count(wire::Bytes body) const { return told_now(body).value_or(0); }
  void push_queued(wire::Bytes frames, std::uint32_t count, std::uint64_t last, TimeUs now);
  void push_queued_gap(std::uint64_t number, TimeUs now);
  void keep(wire::Bytes frames, TimeUs now, bool own);
  void push_gap(TimeUs now) { adopting_ ? push_queued_gap(kArrived, now) : log_.push_gap(now); }
  void flush_provisional(TimeUs now);
  void drop_provisional();
  void replay_above(Session& session, const MessageId& id, Replay& replay);
  Session* insert(std::string_view nsp, std::string_view sid, std::string_view pid);
  void want(const Session& session, bool add);
  void want_room(const Session& session, std::string_view room, bool add);
  void drop_carried(Session& session);
  bool replay_provisional(const Session& session, std::vector<wire::Bytes>& frames) const;

  // No delivery to the member: what arrives while the home is being taken over.
  static constexpr std::uint64_t kArrived = UINT64_MAX;
  static constexpr Position kNoCut = UINT64_MAX;

  wire::MemberId member_;
  TimeUs keep_;  // of what is known of origins, behind their newest message
  std::optional<CopyNotes> notes_;
  // Of one that was taken over. Up to `told_end_` the member is known to have delivered all, up to
  // `cut_` it has what it got; from there to `after_` it may have; behind that it got nothing.
  Position told_end_ = kNoCut;
  Position cut_ = kNoCut;
  Position after_ = kNoCut;
  wire::recovery::Members suspects_;
  bool attached_ = false;
  bool adopting_ = false;
  std::uint16_t attachment_ = 0;
  Log log_;
  std::deque<Provisional> provisional_;
  std::uint64_t last_queued_ = 0;  // of this attachment, the last delivery that is known of
  Seen seen_;
  std::unordered_map<std::string, std::unique_ptr<Session>> by_pid_;
  std::unordered_map<std::string, Session*> by_sid_;
  std::size_t carried_bytes_ = 0;
  std::size_t carried_max_;  // half of the memory: the rest is the log's
  std::vector<InterestChange> interest_;
};

}  // namespace socketmesh::recovery
