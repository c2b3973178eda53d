// Recovery inside the node: which home is whose, what enters its log, and how sessions move between
// homes. recovery.cpp (homes and what members tell), restores.cpp (the side that wants a session),
// finding.cpp (who has it),
// leases.cpp (the side that has it), handover.cpp (leaving), shadows.cpp (copies of homes here),
// takeover.cpp (copies of homes elsewhere), forks.cpp (sessions that two have). See
// docs/adr/0008-recovery.md and 0011-shadows.md.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/node/impl.hpp"
#include "sidecar/core/recovery/home.hpp"
#include "sidecar/core/recovery/shadow.hpp"

namespace socketmesh::node {

namespace rw = wire::recovery;
using recovery::Session;

// A shadow of a home here, at a peer: what it was told, and what it has.
struct HomeCopy {
  enum class Step : std::uint8_t { kShed, kLog, kSessions, kWhole };
  Slot* slot = nullptr;
  EndpointId endpoint = 0;  // where messages lie until the copy has them
  Step step = Step::kShed;
  TimeUs since = 0;  // of the step, or of the link's loss
  bool lost = false;
  recovery::Position next = 0;                            // of the log, to be told
  std::vector<std::pair<std::string, std::string>> keys;  // namespace and pid, to be told
  std::uint64_t seq = 0;                                  // of the last COPY in the peer's stream
  std::uint64_t ready_seq = 0;  // of the one that made it whole; 0: none has
  bool valid = false;           // others were told that it counts
  std::uint64_t position = 0;   // of the endpoint
  bool noted = false;           // since the last COPY
  struct Sent {
    std::uint64_t seq;
    std::uint64_t position;
    TimeUs at;
    bool asked;  // the peer says at once that it has it
  };
  std::deque<Sent> sent;        // not received yet
  std::uint64_t asked_seq = 0;  // of the last COPY that asked
  TimeUs ask_due = 0;           // the next one asks
  std::map<const Slot*, rw::Cursor> cursors;
};

// A home here that was another sidecar's, and what was asked for to make it whole.
struct TakenOver {
  std::string sidecar;
  std::uint64_t epoch = 0;
  MemberId member = 0;
  std::map<std::string, rw::Cursor, std::less<>> cursors;
  std::set<std::string, std::less<>> away;  // peers that it had lost
  rw::Marks marks;
  std::set<const Slot*> asked;  // and not answered
  std::set<const Slot*> answered;
  bool whole = false;  // those that were linked when it began have answered
  TimeUs started = 0;
  TimeUs again = kNever;  // those that said that the sidecar lives are asked then
  std::set<const Slot*> to_ask;
  bool lost = false;
  using Frames = std::map<MemberId, std::map<std::uint64_t, wire::Buffer>>;
  Frames sent;
  Frames unsent;
  Frames heard;
};

// A copy here of a peer's home.
struct Held {
  Held(MemberId member, const recovery::HomeLimits& limits) : shadow(member, limits) {}
  recovery::Shadow shadow;
  std::uint64_t epoch = 0;  // of the peer's life that told it
  TimeUs take_at = kNever;  // its link is lost: it becomes a home then
};

// Who asked for what was under way to a sidecar that is lost: told if that, or its member, lives.
struct TailAsked {
  Slot* by = nullptr;
  std::uint64_t token = 0;
  std::string sidecar;
  std::uint64_t epoch = 0;
  rw::Members members;  // all of that sidecar
  TimeUs at = 0;
};

// One member's home, over its attachments; without a member while sessions are left in it.
struct HomeRecord {
  HomeRecord(MemberId member, const recovery::HomeLimits& limits) : home(member, limits) {}
  recovery::Home home;
  EndpointId endpoint = 0;
  AppConn* app = nullptr;
  std::vector<std::unique_ptr<HomeCopy>> copies;
  bool announced = false;             // who holds them
  std::uint64_t token = 0;            // of the takeover by which it is here; 0: none
  TimeUs forked_until = 0;            // a shadow was lost that may have taken over
  std::deque<std::uint64_t> handing;  // restores whose replays the member is being given
};

struct Here {
  HomeRecord* record = nullptr;
  recovery::Session* session = nullptr;
};

// A session that a member here wants to restore.
struct Restore {
  enum class Step : std::uint8_t { kFinding, kClosing, kFetching, kDone };
  std::uint64_t token = 0;
  MemberId member = 0;
  std::uint32_t request = 0;
  std::string nsp;
  std::string pid;
  std::string offset;
  recovery::Position position = 0;  // of its home's log when it was asked for
  TimeUs started = 0;
  TimeUs again = kNever;  // begun anew then
  TimeUs fetched = 0;     // when it was last asked of its home
  Step step = Step::kFinding;
  std::set<Slot*> waiting;    // have not said whether they have it
  bool busy = false;          // somebody said: ask again
  bool missing = false;       // not all could be asked
  bool unknown_once = false;  // nobody had it; it may have been on its way between two
  Slot* from = nullptr;       // the peer that has it
  MemberId from_member = 0;   // the home here that has it; 0: none
  std::uint64_t generation = 0;
  std::uint64_t cut = 0;  // of a copy: how much it has; UINT64_MAX: no copy
  std::string sid;
  std::vector<std::string> rooms;
  wire::Buffer data;
  std::vector<wire::Buffer> frames;
  rw::Marks marks;
  std::size_t handed = 0;  // frames of the replay that were written to the member
};

// A session of a home here that a peer wants.
struct Lease {
  Slot* mover = nullptr;
  std::uint64_t token = 0;
  MemberId member = 0;  // the home
  std::string nsp;
  std::string pid;
  bool answered = false;  // its mover knows that it is here
  bool fetching = false;
  bool served = false;  // its mover was given what was missed
  std::uint64_t barrier = 0;
  std::string offset;
  std::set<const Slot*> waiting;  // have not passed it on
  TimeUs started = 0;
};

// Rendezvous hashing: who is first for a home, all agree.
std::uint64_t rank(MemberId member, std::string_view sidecar);

// A session that nobody can tell the state of is remembered for so many windows.
inline constexpr TimeUs kDoomedWindows = 2;
// A restore that takes longer is refused.
inline constexpr TimeUs kRestoreTimeout = 4 * kSecondUs;
// It is begun anew so long after somebody said that it must be.
inline constexpr TimeUs kRestoreRetry = 50 * kMillisecondUs;
// A fence that somebody did not pass on, because it was just linking, is made anew after so long.
inline constexpr TimeUs kFenceRetry = 300 * kMillisecondUs;
// Not while its home is sending other replays: this one may be in their queue. But no later than
// this.
inline constexpr TimeUs kFenceRetryMost = 4 * kFenceRetry;
// Replayed frames go in pieces of about this many bytes.
inline constexpr std::size_t kReplayPieceBytes = 256U << 10U;
// Bytes of frames that are no messages, waiting for a member or a peer, above which no more of a
// replay is written: it goes on when they are read. Messages go in between.
inline constexpr std::size_t kMemberBacklogBytes = 1U << 20U;
inline constexpr std::size_t kPeerBacklogBytes = 8U << 20U;
// Control bytes waiting for a peer above which its copies are given up for the moment.
inline constexpr std::size_t kShedBytes = 8U << 20U;
// One that was given up begins anew after so long at the earliest.
inline constexpr TimeUs kShedPause = kSecondUs;
// A peer is asked so often at most to say at once what it has: acknowledgements are late otherwise.
inline constexpr TimeUs kAskInterval = 10 * kMillisecondUs;

// A home here that goes to a peer, because this sidecar leaves.
struct Handover {
  MemberId member = 0;
  Slot* to = nullptr;
  std::uint64_t token = 0;
  std::set<std::string> tried;
  std::set<std::uint64_t> sessions;                       // tokens under which they were offered
  std::vector<std::pair<std::string, std::string>> keys;  // namespace and pid, to be told
  bool told = false;                                      // all of them
  bool fenced = false;                                    // the peer has announced their rooms
  bool shipping = false;
  bool ended = false;
  std::uint64_t barrier = 0;
  std::set<const Slot*> waiting;  // have not passed it on
  recovery::Position next = 0;    // of the log, to be written
};

// A home that comes from a peer.
struct Adoption {
  MemberId member = 0;
  TimeUs fence_at = kNever;
};

struct Node::Impl::Recovery {
  // Numbers of this life are no other life's.
  Recovery(Impl& impl, const recovery::HomeLimits& home_limits)
      : node(impl), limits(home_limits), last_number(impl.config.seed >> 1U) {}

  // ---- recovery.cpp: homes
  void attach(AppConn& app, std::uint16_t attachment, const rw::Marks& taken);
  void detach(AppConn& app);
  // The member's own frames: what it tells (kHome), or has published.
  bool own(AppConn& app, const Run& run);
  // A frame for those that have no member any more.
  void log_orphans(const Run& run);
  void gap_orphans();
  void sync_interest(HomeRecord& record);
  void trim(HomeRecord& record);
  void drop_if_empty(HomeRecord& record);
  HomeRecord& make_home(MemberId member);
  HomeRecord* home_of(MemberId member);
  // Interest and barriers that this input made.
  void flush();
  void tick();
  void expire();
  TimeUs next_deadline() const;
  RecoveryStatus status() const;
  std::size_t memory_for_each() const;

  // ---- recovery.cpp: what members tell
  bool session_op(HomeRecord& record, const rw::SessionOp& op);
  void opened(HomeRecord& record, recovery::Session& session);
  void closed(HomeRecord& record, recovery::Session& session, bool for_ever);
  void end_too_long(HomeRecord& record, recovery::Session& session, std::size_t data_bytes);

  // ---- restores.cpp
  void restore(HomeRecord& record, const rw::SessionOp& op);
  void find(Restore& restore);
  static std::string key_of(const Restore& restore);
  void found(Slot& slot, const rw::Found& found);
  void decide(Restore& restore);
  void arrive(Restore& restore);
  void replay(Slot& slot, const rw::Replay& replay);
  void replayed(Slot& slot, const rw::Replayed& replayed);
  bool somebody_is_missing() const;
  Here newest_here(std::string_view nsp, std::string_view pid);
  // A copy of it may have become a home elsewhere.
  bool is_forked(const HomeRecord& record) const;
  void restore_here(Restore& restore, const Here& here);
  void decide(Restore& restore, const Here& here);
  bool make_way(const Restore& restore, const HomeRecord& from);
  bool end_older(HomeRecord& record, Session& session);
  void move_here(Restore& restore, HomeRecord& from, recovery::Session& session);
  void finish(Restore& restore, recovery::Session& session, std::vector<wire::Buffer> frames,
              const rw::Marks& marks);
  // When it is proven that no message came here alone, and not to the home that it comes from,
  // which no barrier tells: before now, it is; kNever: that can't be.
  TimeUs provable_at(const Restore& restore, const Session& session, const rw::Marks& marks);
  void put_off(Restore& restore, TimeUs until);
  // Replays for the member, as much of them as it takes for now.
  void hand_replays(HomeRecord& record);
  bool hand_replay(HomeRecord& record, Restore& restore);
  void refuse(Restore& restore, rw::Result why);
  // The home of a restore is told how it ended.
  void tell_moved(const Restore& restore, bool done);
  void forget_arriving(const Restore& restore);
  void retry(Restore& restore);
  bool stays_in_line(Restore& restore) const;
  void send_barriers();
  // A barrier to all linked peers but `home`; their ids.
  rw::Names fence(const Slot& home, std::uint64_t barrier);

  // ---- leases.cpp
  void asked(Slot& slot, const rw::Find& find);
  void fetch(Slot& slot, const rw::Fetch& fetch);
  void passed(const Slot& slot, const rw::Barrier& pass);
  void check(Lease& lease);
  void serve_waiting();
  void answer(Lease& lease, const recovery::Session& session);
  void moved(const Slot& slot, const rw::Moved& moved);
  Lease* find_lease(const Slot& mover, std::uint64_t token);
  void end_lease(std::uint64_t number);
  void lose_lease(std::uint64_t number);
  void end_idle_leases();
  // Whether `mover`, who sees these others, sees the peers that are linked here.
  bool same_mesh(const Slot& mover, const rw::Names& sidecars) const;
  bool may_be_back(const Slot& slot) const;
  std::set<const Slot*> not_passed(const Slot& mover, std::uint64_t barrier) const;

  // ---- handover.cpp
  void leave();
  bool handing_over() const;
  void hand_over_all();
  void hand_over(HomeRecord& record);
  bool members_are_ending() const;
  void offer(Handover& handover);
  void send_sessions(Handover& handover);
  void adopt_fetch(Slot& slot, const rw::AdoptFetch& fetch);
  void ship(Handover& handover);
  void adopted(const Slot& slot, const rw::Moved& said);
  void end_handover(MemberId member, bool done);
  void lose_handovers(Slot& slot, bool for_ever);
  void adopt(Slot& slot, const rw::Adopt& said);
  HomeRecord* adopting(const Slot& slot, std::uint64_t token);
  void adopt_session(const Slot& slot, const rw::AdoptSession& said);
  void adopt_ready(const Slot& slot, std::uint64_t token);
  void fence_adoptions();
  void adopt_log(const Slot& slot, const rw::AdoptLog& log);
  void adopt_end(Slot& slot, const rw::AdoptEnd& end);
  void end_adoptions(const Slot& slot);
  TimeUs handover_deadline() const;

  // ---- shadows.cpp: copies of the homes here
  void choose_shadows();
  void choose_shadows(HomeRecord& record);
  std::vector<Slot*> best_shadows(MemberId member) const;
  void start_copy(HomeRecord& record, HomeCopy& copy);
  void end_copy(HomeRecord& record, HomeCopy& copy);
  void note(HomeRecord& record, EndpointId source, std::uint64_t first, std::uint64_t last);
  void tell_copies();
  void tell_copies(HomeRecord& record);
  void tell_copy(HomeRecord& record, HomeCopy& copy, const std::vector<wire::Buffer>& changes);
  void tell_snapshot(HomeRecord& record, HomeCopy& copy);
  void tell_sessions(HomeRecord& record, HomeCopy& copy);
  void note_cursors(HomeCopy& copy, recovery::CopyNotes& notes) const;
  void tell_away(HomeRecord& record, HomeCopy& copy, const Slot& slot);
  void send_copy(HomeRecord& record, HomeCopy& copy, recovery::CopyNotes& notes, bool ask = false);
  void shed(HomeRecord& record, HomeCopy& copy);
  void copies_received(const Slot& slot);
  // Those whose copies count, but `except`.
  static rw::Holders holders_of(const HomeRecord& record, const Slot* except = nullptr);
  void announce_holders(HomeRecord& record);
  void each_announced(Slot& slot);
  void invalidate(HomeRecord& record, HomeCopy& copy);
  void copy_stream_started(Slot& slot);
  void copy_link_lost(const Slot& slot);
  void copy_link_back(const Slot& slot);
  void copies_gone(const Slot& slot);
  void copy_lost(const Slot& slot, MemberId member);
  // Awaited joins of this app wait for its home's shadows.
  void wait_for_copies(const AppConn& app, PendingSync& sync);
  TimeUs copies_deadline() const;

  // ---- takeover.cpp: copies here of homes elsewhere
  bool copied(Slot& slot, const rw::Copy& copy);
  void holders(Slot& slot, const rw::Holders& holders);
  bool take_over_if_lost(std::string_view nsp, std::string_view pid);
  void held_link_lost(Slot& slot);
  void held_link_back(Slot& slot);
  void held_gone(const Slot& slot);
  void take_over(const Slot& slot, MemberId member);
  void take_over_all(const Slot& slot);
  void note_gap(TakenOver& taken, std::string_view peer);
  void ask_tail(std::uint64_t token, TakenOver& taken, Slot& slot);
  // Whether all that are linked have answered; asks who was not.
  bool tails_are_here(HomeRecord& record);
  void asked_tail(Slot& slot, const rw::Takeover& said);
  template <typename Give>
  rw::TailResult gather_tail(std::string_view asker, const rw::Takeover& said, Give&& give);
  void tail(const Slot& slot, const rw::Tail& tail);
  void tail_end(const Slot& slot, const rw::TailEnd& end);
  void keep_tail(TakenOver& taken, rw::TailKind kind, wire::Bytes frames);
  void tail_answered(std::uint64_t token);
  // Asks those that are linked and were not asked; false: nobody.
  bool ask_more(std::uint64_t token, TakenOver& taken);
  void note_missing(TakenOver& taken);
  void add_late_tail(HomeRecord& record, TakenOver& taken);
  void undo_takeover(std::uint64_t token, TakeoverResult why);
  void give_back(HomeRecord& record);
  void sidecar_lives(Slot& slot);
  void tick_takeovers();
  TimeUs takeover_deadline() const;

  // ---- forks.cpp: sessions that two have
  // One of these is attached to a sidecar that is linked, or to this one.
  bool somebody_lives(const rw::Members& members) const;
  void member_lives(MemberId member);
  void doom_sessions(MemberId member);
  void doom(HomeRecord& record, Session& session);
  void gone_on(const rw::GoneOn& said);
  // A socket was told that may have gone on elsewhere.
  void check_opened(HomeRecord& record, Session& session);

  // A peer's link is lost, or the peer is forgotten.
  void peer_lost(Slot& slot);
  void peer_gone(Slot& slot);

  Impl& node;
  recovery::HomeLimits limits;
  std::map<MemberId, std::unique_ptr<HomeRecord>> homes;
  std::vector<HomeRecord*> orphans;
  std::map<std::uint64_t, Restore> restores;  // by token
  // The newest restore for a client, by member, namespace and pid; it may be over.
  std::unordered_map<std::string, std::uint64_t> newest;
  std::map<std::uint64_t, Lease> leases;                                         // by number
  std::map<std::pair<const Slot*, std::uint64_t>, std::uint64_t> lease_numbers;  // mover, token
  std::map<MemberId, Handover> handovers;
  std::map<std::pair<const Slot*, std::uint64_t>, Adoption> adoptions;  // from, token
  // Who has passed on a barrier, by mover and barrier; forgotten after kRestoreTimeout.
  struct Passes {
    std::set<const Slot*> from;
    TimeUs since = 0;
  };
  std::map<std::pair<std::string, std::uint64_t>, Passes> passes;
  bool unlent = false;  // a session here is lent no more
  std::map<std::pair<Slot*, MemberId>, Held> held;
  std::map<std::uint64_t, TakenOver> takeovers;  // by token
  std::vector<TailAsked> tails_asked;
  // Sessions that went on elsewhere, by namespace and pid.
  struct GoneOn {
    std::uint64_t generation = 0;
    TimeUs until = 0;
  };
  std::unordered_map<std::string, GoneOn> went_on;
  TimeUs choose_due = kNever;
  std::map<const Slot*, TimeUs> heard;  // when a peer last sent of a replay
  std::vector<std::uint64_t> lending;   // leases whose replays wait for the links of their movers
  std::vector<std::uint64_t> unfenced;  // restores whose rooms are about to be announced
  std::uint64_t last_number;            // tokens, barriers, leases
  TimeUs expire_due = kNever;
  TimeUs linger_until = 0;  // leaving: members that end now are waited for
};

}  // namespace socketmesh::node
