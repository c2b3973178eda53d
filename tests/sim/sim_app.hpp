// A model of the adapter: one app process that attaches to its sidecar and keeps every rule of
// docs/protocol.md.
//
// It keeps its publishes until TAKEN and writes them again at a new attachment, drops duplicates by
// (origin, seq), counts what it takes, awaits joins, answers requests and waits for answers, and
// sees members come and go. It holds no sockets: a room is joined or not. What happens to it is
// told to an AppObserver, who knows what ought to happen (ledger.hpp).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/app_protocol.hpp"
#include "tests/sim/sidecar_host.hpp"

namespace socketmesh::sim {

class SimApp;

// Parts of a RESPONSE.
inline constexpr std::uint8_t kPartial = 0;
inline constexpr std::uint8_t kFinal = 1;
inline constexpr std::uint8_t kNothing = 2;

class AppObserver {
 public:
  virtual ~AppObserver() = default;
  virtual void published(SimApp& app, const Data& data) = 0;
  virtual void received(SimApp& app, const Data& data, bool duplicate) = 0;
  virtual void taken_by_all(SimApp& app, std::uint64_t seq) = 0;
  virtual void declared(SimApp& app, std::uint64_t messages) = 0;
  virtual void room_left(SimApp& app, const std::string& nsp, const std::string& room) = 0;
  virtual void namespace_left(SimApp& app, const std::string& nsp) = 0;
  // `confirmed`: the sidecar's present life had told of the member itself.
  virtual void member_down(SimApp& app, MemberId member, bool confirmed) = 0;
  virtual void attaching(SimApp& app) = 0;
  virtual void connection_cut(SimApp& app) = 0;
};

// How long a request is waited for when an answer to it may have been lost.
inline constexpr TimeUs kDoubtedTimeout = 1 * kSecondUs;

struct AppOptions {
  std::string parser = "parser/1";
  std::string mesh;                // "" = whatever the sidecar's is
  std::size_t retain = 1U << 20U;  // publishes kept until TAKEN
  TimeUs taken_delay = 0;          // 0: TAKEN after each read
  TimeUs answer_delay = 0;         // before a RESPONSE
  bool two_part_answers = false;
  TimeUs request_timeout = 0;  // 0: waits for ever; for runs in which a request may be lost
};

class SimApp : public NetUser {
 public:
  struct Peer {
    std::string sidecar;
    std::string name;
    std::set<std::string> namespaces;
    bool confirmed = false;  // MEMBER_UP came on this attachment
  };
  struct Totals {
    std::uint64_t attachments = 0, requests = 0, requests_ended = 0, requests_timed_out = 0,
                  syncs = 0, syncs_incomplete = 0;
    TimeUs longest_request = 0;
  };

  SimApp(SidecarHost::Env env, Rng rng, std::uint32_t number, MemberId id, SidecarHost& home,
         AppOptions options, AppObserver& observer);

  // Life.
  void start();
  void crash();
  void detach();                           // says so, then ends
  void cut();                              // its connection ends, and nobody dies
  void stay_away(bool on) { away_ = on; }  // does not attach again
  bool alive() const { return alive_ && !detaching_; }
  bool connected() const { return end_ != 0; }
  bool welcomed() const { return welcomed_; }
  void stop_reading(bool on);
  bool reading() const { return reading_; }

  // What the application does.
  void open_namespace(const std::string& nsp);
  void close_namespace(const std::string& nsp);
  void join(const std::string& nsp, const std::vector<std::string>& rooms);
  void leave(const std::string& nsp, const std::string& room);
  std::uint32_t sync();  // awaits everything joined so far
  std::uint64_t publish(
      Data data);     // fills in origin and seq; 0 when it was not sent (volatile, away)
  void send_leave();  // LEAVE: this pod goes
  // Called with each SYNCED: id and status.
  void when_synced(std::function<void(std::uint32_t, std::uint8_t)> callback) {
    when_synced_ = std::move(callback);
  }
  void send_raw(const std::string& bytes);

  // What it knows.
  std::uint32_t number() const { return number_; }
  MemberId id() const { return id_; }
  SidecarHost& home() const { return home_; }
  const std::map<MemberId, Peer>& peers() const { return peers_; }
  bool sees(MemberId member, const std::string& nsp) const;
  // MEMBER_UP was read about it on this attachment.
  bool confirmed(MemberId member) const;
  std::set<std::string> namespaces() const;
  bool in_room(const std::string& nsp, const std::string& room) const;
  // Presence in nsp, or interest in one of the rooms, was acknowledged by the sidecar `at` in the
  // life `epoch` (0: in any).
  bool acknowledged(const std::string& at, std::uint64_t epoch, const std::string& nsp,
                    const std::vector<std::string>& rooms) const;
  // When the last acknowledgement by that sidecar was read.
  TimeUs acknowledged_when(const std::string& at) const;
  TimeUs attached_when() const { return attached_when_; }
  // On this attachment it has read all members that the sidecar had for it at once.
  bool greeted() const { return greeted_; }
  // When it last read before what it reads now.
  TimeUs read_before() const { return read_before_; }
  std::optional<std::uint8_t> synced(std::uint32_t id) const;
  std::size_t pending_syncs() const { return pending_syncs_.size(); }
  std::size_t open_requests() const { return requests_.size(); }
  // The last of its publishes that its sidecar has read on this attachment; 0 none.
  std::uint64_t reached() const;
  std::size_t retained() const { return retained_.size(); }
  std::uint64_t last_seq() const { return seq_; }
  const std::vector<std::uint16_t>& refusals() const { return refusals_; }
  const std::vector<std::pair<MemberId, std::uint8_t>>& downs() const { return downs_; }
  const Totals& totals() const { return totals_; }
  std::string describe() const;
  std::string describe_requests() const;

  void dialed(EndId end, const std::string& address) override;
  void dial_failed(const std::string& address, const char* reason) override;
  void accepted(EndId end, const std::string& listener, const std::string& remote) override;
  void readable(EndId end, Bytes bytes) override;
  void writable(EndId end) override;
  void closed(EndId end) override;

 private:
  struct Namespace {
    std::uint64_t index = 0;                     // state_ when it was opened
    std::map<std::string, std::uint64_t> rooms;  // room → state_ when it was joined
  };
  struct PendingSync {
    std::uint64_t state;
    std::map<std::string, SidecarHost::LinkLife> links;  // at the call
  };
  struct Acknowledged {
    std::uint64_t state = 0;
    std::uint64_t epoch = 0;
    TimeUs when = 0;
  };
  struct Request {
    TimeUs asked = 0;
    std::string nsp;
    bool routed = false;
    std::set<MemberId> waiting;
    std::set<MemberId> answered;
  };
  struct Retained {
    std::uint64_t seq;
    std::uint64_t messages;  // 1; of a GAP, those that it stands for
    std::string bytes;
  };

  void dial_later();
  void lost_connection();
  void attach();
  void send(const std::string& bytes);
  void flush();
  void send_sync(std::uint32_t id);
  void handle(const FromSidecar& frame);
  void on_data(const Data& data);
  void on_routed(const FromSidecar& frame);
  void on_synced(const FromSidecar& frame);
  void acknowledge(const std::string& sidecar, std::uint64_t epoch, std::uint64_t state);
  void on_member_down(const FromSidecar& frame);
  void on_response(const Data& data);
  void consume(const Data& data);
  void answer_again(const Data& data);
  void answer_join(const Data& data);
  void answer(MemberId to, const std::string& nsp, std::uint64_t seq, std::uint8_t part);
  void give_up_after(TimeUs timeout, std::uint64_t seq);
  void doubt_requests();
  void end_requests();
  void end_waiting(MemberId member);
  void took();
  void send_taken();
  void forget_oldest();
  void declare_forgotten();
  void require(bool holds, const char* rule, const std::string& detail) const;

  SidecarHost::Env env_;
  Rng rng_;
  std::uint32_t number_;
  MemberId id_;
  SidecarHost& home_;
  AppOptions options_;
  AppObserver& observer_;

  bool alive_ = false;
  bool welcomed_ = false;
  bool greeted_ = false;
  TimeUs attached_when_ = 0;
  TimeUs last_read_ = 0;
  TimeUs read_before_ = 0;
  bool was_cut_ = false;
  bool away_ = false;
  bool reading_ = true;
  bool detaching_ = false;
  EndId end_ = 0;
  FrameStream frames_;
  std::string out_;
  bool flush_pending_ = false;
  bool taken_pending_ = false;

  std::map<std::string, Namespace> namespaces_;
  std::uint64_t state_ = 0;  // grows with each change of presence and interest
  std::map<std::string, Acknowledged> acknowledged_;  // by sidecar
  std::uint32_t next_sync_ = 1;
  std::map<std::uint32_t, PendingSync> pending_syncs_;
  std::map<std::uint32_t, std::uint8_t> synced_;
  std::function<void(std::uint32_t, std::uint8_t)> when_synced_;

  std::uint64_t seq_ = 0;
  std::deque<Retained> retained_;
  std::vector<std::uint64_t> written_;  // seqs, on this attachment
  std::uint64_t forgotten_ = 0;         // not taken, and not kept any more
  std::uint64_t last_forgotten_ = 0;    // the seq of the last of them
  std::uint64_t count_ = 0;             // DATA taken on this attachment
  std::uint64_t count_sent_ = 0;
  std::map<MemberId, std::uint64_t> highest_;
  std::map<MemberId, Peer> peers_;
  std::map<std::uint64_t, Request> requests_;
  std::set<std::pair<MemberId, std::uint64_t>>
      answering_;  // requests whose answer is still to come
  std::vector<std::uint16_t> refusals_;
  std::vector<std::pair<MemberId, std::uint8_t>> downs_;
  Totals totals_;
};

}  // namespace socketmesh::sim
