// Knows what every app published and who is owed it, and judges what arrives.
//
// The rule for "owed" (invariant: no loss inside the window). A message m, published by app P at
// time t, is owed to app R when all of these hold:
//
//   a. m is not volatile, R is not P, R lives at t.
//
//   b. R's presence in m's namespace was acknowledged by P's sidecar (SYNCED 0), and R is in P's
//      view at t; or the life that acknowledged is the present one, and P was never told that R
//      went, nor came while R was away: then the two have not met. (For unicast and the whole mesh
//      R's being in P's view is enough.)
//
//      P's sidecar has not given R up at t after an absence longer than the hold: P may read that
//      word late.
//
//   c. m reaches R by its route: unicast to R; the whole mesh; the whole namespace, and R is
//      present in it; a room that R is in, whose join P's sidecar acknowledged (SYNCED 0, linked
//      with it at the call, and by the same link until the answer); or a room that an earlier
//      SOCKETS_JOIN of P, owed to R, lists among its provisional joins.
//
// It stops being owed, undelivered, when
//
//   d. R dies; or P dies (of an app, its own unsent messages are lost); or R leaves one of m's
//      rooms, or m's namespace.
//
//   e. P attaches anew (its sidecar died) with R not in the list of members that it knows: the new
//      life cannot know of R.
//
//   f. P attached anew and R was not confirmed in time (MEMBER_DOWN before any MEMBER_UP on this
//      attachment).
//
//   g. it was given up, and P's sidecar died before it could tell R: what a life owes, it owes
//      until it ends.
//
//   h. R is down for P while their sidecars are linked (it did not come back to a new life of its
//      sidecar within peer_timeout, or its connection was cut), and m may have met that word on the
//      way. What is older stays owed. And nothing is owed to R from its connection's end until a
//      SYNC of its next attachment is acknowledged.
//
//   i. R's connection was cut, and its sidecar died before R was back: what it owed R died with it.
//
// Everything owed must arrive, in P's order, unless that many messages were declared lost to R by
// GAP frames or GAP data. Where a run promises that no gap occurs (large windows, absences shorter
// than the hold), one declared or missing message is a violation at once, but for apps whose
// connection was cut.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "tests/sim/sim_app.hpp"

namespace socketmesh::sim {

class Ledger : public AppObserver {
 public:
  Ledger(Trace& trace, Stats& stats) : trace_(trace), stats_(stats) {}

  void add(SimApp& app);
  void gone(SimApp& app);
  // Gaps are not expected from now on: one is a violation. And likewise duplicates, before adapters
  // drop them.
  void forbid_gaps(bool on) { gaps_forbidden_ = on; }
  bool gaps_forbidden() const { return gaps_forbidden_; }
  void allow_duplicates() { duplicates_allowed_ = true; }

  // Messages owed and not yet arrived.
  std::size_t owed() const;
  std::string first_owed() const;
  // At the end: what is missing was declared.
  void judge() const;
  std::uint64_t declared_to(const SimApp& app) const { return books_.at(app.number()).declared; }
  std::uint64_t missing_at(const SimApp& app) const;
  std::uint64_t received_by(const SimApp& app) const { return books_.at(app.number()).received; }

  void published(SimApp& app, const Data& data) override;
  void received(SimApp& app, const Data& data, bool duplicate) override;
  void taken_by_all(SimApp& app, std::uint64_t seq) override;
  void declared(SimApp& app, std::uint64_t messages) override;
  void room_left(SimApp& app, const std::string& nsp, const std::string& room) override;
  void namespace_left(SimApp& app, const std::string& nsp) override;
  void member_down(SimApp& app, MemberId member, bool confirmed) override;
  void attaching(SimApp& app) override;
  void connection_cut(SimApp& app) override;

 private:
  struct Sent {
    std::uint64_t seq = 0;
    std::string nsp;
    std::vector<std::string> rooms;
    std::vector<std::string> joins;
    std::uint64_t digest = 0;
    TimeUs when = 0;
  };
  using Owed = std::deque<std::shared_ptr<const Sent>>;
  struct Book {  // of one app
    SimApp* app = nullptr;
    std::vector<std::shared_ptr<const Sent>> sent;  // by seq - 1
    std::map<std::uint32_t, Owed> owed;             // to it, by publisher
    std::uint64_t taken = 0;                        // of its publishes, as it was told
    std::uint64_t declared = 0;
    std::map<std::uint32_t, std::uint64_t> missing;  // by publisher
    std::uint64_t received = 0;
    bool cut = false;             // its connection was, once: it may have missed something
    std::uint64_t cut_epoch = 0;  // of its sidecar at that time; 0: it is attached again
  };

  bool was_given_up(const SimApp& from, const SimApp& to) const;
  bool is_owed(SimApp& from, SimApp& to, const Data& data) const;
  bool knows(const SimApp& from, const SimApp& to, const std::string& nsp) const;
  void miss(Book& to, std::uint32_t from, const Sent& sent, const char* rule);
  template <typename Predicate>
  void forgive(Book& to, Predicate&& predicate);

  Trace& trace_;
  Stats& stats_;
  std::vector<Book> books_;  // by app number
  std::unordered_map<MemberId, std::uint32_t> numbers_;
  // (from, to, namespace, room) of provisional joins.
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::string, std::string>> provisional_;
  std::set<std::uint64_t> gaps_;  // of GAP data, whose seq is that of a message that it replaces
  bool gaps_forbidden_ = true;
  bool duplicates_allowed_ = false;
};

}  // namespace socketmesh::sim
