// A model of a client that comes and goes, and what it ought to have got.
//
// Its connection carries messages in order with some latency; when it drops, what was under way is
// lost, wherever it was. It keeps the offset of the last message it got, and comes back with it.
// What it got since it was last connected without recovery is its *run*: of each origin exactly the
// messages of its rooms, in order, once.
#pragma once

#include <optional>

#include "tests/sim/recovery_app.hpp"

namespace socketmesh::sim {

class RecoveryClient : public ClientEnd {
 public:
  RecoveryClient(SidecarHost::Env env, Rng rng, std::uint32_t number, Rooms rooms)
      : env_(env), rng_(rng), number_(number), wanted_(std::move(rooms)) {}

  void come(RecoveryApp& app);
  // The transport ends here; its server learns of it after `notice`, or never.
  void drop(std::optional<TimeUs> notice);
  bool up() const { return app_ != nullptr; }
  bool live() const { return live_; }
  RecoveryApp* app() const { return app_; }
  const std::string& sid() const { return sid_; }
  std::uint32_t number() const { return number_; }
  TimeUs away_since() const { return away_since_; }
  std::uint64_t recovered() const { return recovered_; }
  std::uint64_t begun() const { return begun_; }
  std::uint64_t replayed() const { return replayed_; }
  void server_gone();
  // Its rooms have changed at its server, now.
  void rooms_changed(const std::string& room, bool join);

  // Of its present run: every message that it must have is there, none that it must not. `slack`:
  // how long a message or a change of rooms may take to be known everywhere. `dead`: origins whose
  // last messages may be lost.
  void judge(const std::map<MessageId, Message>& all, TimeUs slack,
             const std::set<MemberId>& dead) const;

  void connected(std::uint64_t connection, MemberId home, const std::string& sid,
                 const std::string& pid, const Rooms& rooms) override;
  void message(std::uint64_t connection, const MessageId& id) override;
  void closed(std::uint64_t connection) override;
  bool waits(std::uint64_t connection) const override { return connection == connection_; }

 private:
  struct Stay {  // at one home, or with one set of rooms
    TimeUs from;
    Rooms rooms;
    MemberId home;
  };

  void arrive(std::function<void()> what, std::uint64_t connection);
  void got_connected(const std::string& sid, const std::string& pid, const Rooms& rooms);
  void moved_to(MemberId home, const Rooms& rooms);
  void got(const MessageId& id);
  [[noreturn]] void fail(const char* what, const MessageId& id) const;
  enum class Verdict { kMust, kMay, kMustNot };
  Verdict verdict(const Message& message, TimeUs slack) const;

  SidecarHost::Env env_;
  Rng rng_;
  std::uint32_t number_;
  Rooms wanted_;
  RecoveryApp* app_ = nullptr;
  std::uint64_t connection_ = 0;
  TimeUs last_arrival_ = 0;
  bool live_ = false;
  std::string sid_;
  std::string pid_;
  std::string offset_;
  TimeUs away_since_ = 0;
  std::uint64_t recovered_ = 0;
  std::uint64_t begun_ = 0;
  std::uint64_t replayed_ = 0;

  // The run.
  std::vector<MessageId> got_;
  std::map<MemberId, std::uint64_t> highest_;
  std::vector<Stay> stays_;
  MemberId order_of_ = 0;  // whose order the messages have had without a break; 0: nobody's
  std::int64_t order_at_ = -1;
};

}  // namespace socketmesh::sim
