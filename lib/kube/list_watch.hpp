// Follows one collection of a Kubernetes API server, as a pure state machine: what HTTP says and
// the time in, requests and objects out.
//
//   list (in pages, delivered as one Replace) -> watch from its resourceVersion, with bookmarks
//   -> resume from the last resourceVersion whenever the watch ends -> 410: list anew.
//
// The shell owns connection, token, TLS and clock. After each call it (1) carries out
// take_actions() in order, (2) arms one timer for deadline() and calls tick() then. At most one
// request is under way. Headers are the shell's: with `Accept: application/json;as=
// PartialObjectMetadataList;g=meta.k8s.io;v=v1` (PartialObjectMetadata for the watch) the objects
// are metadata only.
//
// While the server is away nothing is delivered: what the consumer has is the last known state.
// Failures are counted, answered by a growing, jittered pause, and told once (Troubled, Recovered).
// Not thread-safe. No exceptions; calling tick() early or naming an ended request is harmless.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/kube/actions.hpp"
#include "lib/kube/backoff.hpp"
#include "lib/kube/decode.hpp"
#include "lib/kube/failure.hpp"
#include "lib/kube/line_buffer.hpp"
#include "lib/kube/list_pages.hpp"
#include "lib/kube/list_watch_options.hpp"

namespace socketmesh::kube {

// Totals; only grow.
struct ListWatchStats {
  std::uint64_t lists = 0;    // that were delivered
  std::uint64_t relists = 0;  // lists that were begun after the first was delivered
  std::uint64_t watches = 0;  // that the server accepted
  std::uint64_t events = 0;   // upserts and deletes
  std::uint64_t bookmarks = 0;
  FailureCounts failures{};
};

class ListWatch {
 public:
  // `seed`: for jitter; differs from process to process.
  ListWatch(ListWatchOptions options, std::uint64_t seed);
  ~ListWatch() = default;
  ListWatch(const ListWatch&) = delete;
  ListWatch& operator=(const ListWatch&) = delete;

  // Once.
  void start(Time now);
  // Ends for good; an Abort may follow.
  void stop();

  // The status line and headers have come. `retry_after` is the header's text, empty without one.
  void responded(RequestId id, unsigned status, std::string_view retry_after, Time now);
  // Bytes of the body without transfer coding, in any cut.
  void received(RequestId id, std::string_view bytes, Time now);
  // The body ended as HTTP says it should.
  void finished(RequestId id, Time now);
  // There is no connection, it broke, or the body was cut. `why` is for people.
  void failed(RequestId id, std::string_view why, Time now);

  void tick(Time now);
  [[nodiscard]] Time deadline() const;  // kNever: nothing to wait for
  std::vector<Action> take_actions() { return std::exchange(actions_, {}); }

  // A list was delivered at least once.
  [[nodiscard]] bool listed() const { return stats_.lists > 0; }
  [[nodiscard]] bool troubled() const { return told_.any(); }
  // Since the server last answered 200 or sent bytes of a good body (a quiet watch gets a bookmark
  // about once a minute); since start() while it never did.
  [[nodiscard]] Time staleness(Time now) const { return now - life_seen_; }
  [[nodiscard]] const ListWatchStats& stats() const { return stats_; }

 private:
  enum class Phase : std::uint8_t {
    kStopped,
    kPaused,    // until retry_at_
    kListing,   // a page is requested
    kWatching,  // a watch is requested or open
    kRefused,   // a status other than 200 came; its body says why
  };

  [[nodiscard]] bool is_open(RequestId id) const { return open_ && id == request_; }
  void request(Time now);
  void request_page();
  void request_watch();
  void abort();

  void take_refusal(std::string_view bytes, Time now);
  void end_page(Time now);
  bool take_line(std::string_view line, Time now);
  void deliver(WatchEvent event);
  void end_watch(Time now);
  void settle();

  void refused_response(Time now);
  void refused(const Failure& failure, Time retry_after, Time now);
  void fail(FailureKind kind, std::string_view why, Time now);
  void retreat(const Failure& failure, Time pause_min, Time now);
  void list_anew();

  const ListWatchOptions options_;
  Backoff backoff_;
  std::vector<Action> actions_;
  ListWatchStats stats_;
  std::bitset<kFailureKinds> told_;  // kinds of the present trouble

  Phase phase_ = Phase::kStopped;
  RequestId request_ = 0;  // the last one
  bool open_ = false;      // it is under way
  bool answered_ = false;  // it has its status
  Time requested_at_{0};
  Time request_ends_ = kNever;  // if it is still open then, it hangs
  Time watch_ends_ = kNever;    // the same, for a watch once it is answered
  Time settles_at_ = kNever;    // kWatching, answered, not settled
  Time retry_at_ = kNever;      // kPaused
  Time life_seen_{0};
  unsigned status_ = 0;           // kRefused
  Time retry_after_{0};           // kRefused
  std::string refusal_;           // kRefused: the body
  unsigned resumes_refused_ = 0;  // in a row

  ListPages pages_;
  LineBuffer lines_;     // of a watch
  std::string version_;  // where the watch goes on; empty: a list is needed
};

}  // namespace socketmesh::kube
