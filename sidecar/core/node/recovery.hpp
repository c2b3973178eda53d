// Recovery inside the node: which home is whose, what enters its log, and how sessions move between
// homes. recovery.cpp (homes and what members tell), restores.cpp (the side that wants a session),
// leases.cpp (the side that has it). See docs/adr/0008-recovery.md.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/node/impl.hpp"
#include "sidecar/core/recovery/home.hpp"

namespace socketmesh::node {

namespace rw = wire::recovery;

// One member's home, over its attachments; without a member while sessions are left in it.
struct HomeRecord {
  HomeRecord(MemberId member, const recovery::HomeLimits& limits) : home(member, limits) {}
  recovery::Home home;
  EndpointId endpoint = 0;
  AppConn* app = nullptr;
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
  Step step = Step::kFinding;
  std::set<Slot*> waiting;    // have not said whether they have it
  bool busy = false;          // somebody said: ask again
  bool unknown_once = false;  // nobody had it; it may have been on its way between two
  Slot* from = nullptr;       // the peer that has it
  MemberId from_member = 0;   // the home here that has it; 0: none
  std::uint64_t generation = 0;
  std::string sid;
  std::vector<std::string> rooms;
  wire::Buffer data;
  std::vector<wire::Buffer> frames;
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

// A restore that takes longer is refused.
inline constexpr TimeUs kRestoreTimeout = 4 * kSecondUs;
// It is begun anew so long after somebody said that it must be.
inline constexpr TimeUs kRestoreRetry = 50 * kMillisecondUs;
// A fence that somebody did not pass on, because it was just linking, is made anew after so long.
inline constexpr TimeUs kFenceRetry = 300 * kMillisecondUs;
// Replayed frames go in pieces of about this many bytes.
inline constexpr std::size_t kReplayPieceBytes = 256U << 10U;

// A home here that goes to a peer, because this sidecar leaves.
struct Handover {
  MemberId member = 0;
  Slot* to = nullptr;
  std::uint64_t token = 0;
  std::set<std::string> tried;
  std::set<std::uint64_t> sessions;  // tokens under which they were offered
  bool fenced = false;               // the peer has announced their rooms
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
  bool restore_here(Restore& restore);
  void move_here(Restore& restore, HomeRecord& from, recovery::Session& session);
  void finish(Restore& restore, recovery::Session& session, std::vector<wire::Buffer> frames,
              const rw::Marks& marks);
  void refuse(Restore& restore, rw::Result why);
  // The home of a restore is told how it ended.
  void tell_moved(const Restore& restore, bool done);
  void forget_arriving(const Restore& restore);
  void retry(Restore& restore);
  void send_barriers();
  // A barrier to all linked peers but `home`; their ids.
  rw::Names fence(const Slot& home, std::uint64_t barrier);

  // ---- leases.cpp
  void asked(Slot& slot, const rw::Find& find);
  void fetch(Slot& slot, const rw::Fetch& fetch);
  void passed(const Slot& slot, const rw::Barrier& pass);
  void check(Lease& lease);
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
  void send_session(const Handover& handover, const recovery::Session& session);
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
  bool unlent = false;                  // a session here is lent no more
  std::vector<std::uint64_t> unfenced;  // restores whose rooms are about to be announced
  std::uint64_t last_number;            // tokens, barriers, leases
  TimeUs expire_due = kNever;
  TimeUs linger_until = 0;  // leaving: members that end now are waited for
};

}  // namespace socketmesh::node
