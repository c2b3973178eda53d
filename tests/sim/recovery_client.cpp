#include "tests/sim/recovery_client.hpp"

#include <algorithm>

namespace socketmesh::sim {

namespace {
constexpr TimeUs kLocalSlack = 5;
constexpr TimeUs kFastest = 200;
constexpr TimeUs kSlowest = 5 * kMillisecondUs;
}  // namespace

void RecoveryClient::come(RecoveryApp& app) {
  app_ = &app;
  const std::uint64_t connection = ++connection_;
  if (env_.trace.verbose())
    env_.trace.text("client comes", number_, "to " + offset_of({app.id(), 0}) + " with " + offset_);
  last_arrival_ = env_.clock.now();
  env_.clock.after(rng_.range(kFastest, kSlowest), [this, &app, connection] {
    if (connection == connection_ && app.alive())
      app.connect(*this, connection, pid_, offset_, wanted_);
  });
}

void RecoveryClient::drop(std::optional<TimeUs> notice) {
  if (app_ == nullptr) return;
  RecoveryApp* app = app_;
  const std::uint64_t connection = connection_++;
  app_ = nullptr;
  live_ = false;
  env_.trace.note("client drops: number, noticed after us", number_,
                  notice ? static_cast<std::uint64_t>(*notice) : 0);
  away_since_ = env_.clock.now();
  if (!notice) return;
  env_.clock.after(*notice, [this, app, connection] {
    if (app->alive()) app->transport_closed(*this, connection);
  });
}

void RecoveryClient::server_gone() {
  drop(std::nullopt);
}

void RecoveryClient::arrive(std::function<void()> what, std::uint64_t connection) {
  last_arrival_ = std::max(last_arrival_, env_.clock.now() + rng_.range(kFastest, kSlowest));
  env_.clock.at(last_arrival_, [this, connection, what = std::move(what)] {
    if (connection == connection_ && app_ != nullptr) what();
  });
}

void RecoveryClient::connected(std::uint64_t connection, MemberId home, const std::string& sid,
                               const std::string& pid, const Rooms& rooms) {
  // From here on its session is there, whether it hears of it or not.
  if (pid == pid_) moved_to(home, rooms);
  if (connection != connection_) return;
  arrive([this, sid, pid, rooms] { got_connected(sid, pid, rooms); }, connection);
}

void RecoveryClient::message(std::uint64_t connection, const MessageId& id) {
  if (connection != connection_) return;
  arrive([this, id] { got(id); }, connection);
}

void RecoveryClient::closed(std::uint64_t connection) {
  if (connection == connection_) arrive([this] { server_gone(); }, connection);
}

void RecoveryClient::got_connected(const std::string& sid, const std::string& pid,
                                   const Rooms& rooms) {
  live_ = true;
  if (env_.trace.verbose())
    env_.trace.text("client connected", number_, pid + (pid == pid_ ? " recovered" : " new"));
  if (pid == pid_) {
    ++recovered_;
    if (sid != sid_) throw Violation("a recovered socket has another id", sid);
  } else {
    ++begun_;
    got_.clear();
    highest_.clear();
    stays_.clear();
    offset_.clear();
    order_of_ = app_->id();
    order_at_ = -1;
    stays_.push_back({env_.clock.now(), rooms, app_->id()});
  }
  sid_ = sid;
  pid_ = pid;
}

void RecoveryClient::moved_to(MemberId home, const Rooms& rooms) {
  if (rooms != stays_.back().rooms) throw Violation("a recovered socket has other rooms", sid_);
  stays_.push_back({env_.clock.now(), rooms, home});
  if (home == order_of_) return;
  order_of_ = 0;
  order_at_ = -1;
}

void RecoveryClient::rooms_changed(const std::string& room, bool join) {
  Stay stay = stays_.back();
  stay.from = env_.clock.now();
  if (join)
    stay.rooms.insert(room);
  else
    stay.rooms.erase(room);
  stays_.push_back(std::move(stay));
}

void RecoveryClient::fail(const char* what, const MessageId& id) const {
  throw Violation(what, "client " + std::to_string(number_) + " of pid " + pid_ + ", message " +
                            offset_of(id) + ", recovered " + std::to_string(recovered_) + " times");
}

void RecoveryClient::got(const MessageId& id) {
  if (env_.trace.verbose()) env_.trace.text("client got", number_, offset_of(id));
  std::uint64_t& highest = highest_[id.first];
  if (id.second == highest) fail("a client got a message twice", id);
  if (id.second < highest) {
    const bool twice = std::ranges::find(got_, id) != got_.end();
    fail(twice ? "a client got a message twice" : "a client got messages out of order", id);
  }
  highest = id.second;
  got_.push_back(id);
  offset_ = offset_of(id);
  // As long as it stays at one server, that server's order is its own.
  const std::int64_t at = app_->delivered_at(id);
  if (order_of_ == 0 || at < 0) return;
  if (at <= order_at_) fail("a client got messages in another order than its home's", id);
  order_at_ = at;
}

// By the rooms that it had within `slack` of the publish.
RecoveryClient::Verdict RecoveryClient::verdict(const Message& message, TimeUs slack) const {
  // A session that moves has no home for a moment, as far as local messages go.
  if (message.local) slack *= kLocalSlack;
  if (message.published < stays_.front().from + slack) return Verdict::kMay;
  bool all = true;
  bool any = false;
  for (std::size_t i = 0; i < stays_.size(); ++i) {
    const bool over = i + 1 < stays_.size() && stays_[i + 1].from + slack < message.published;
    if (over || stays_[i].from > message.published + slack) continue;
    const bool at_home = !message.local || stays_[i].home == message.id.first;
    const bool wanted = at_home && message.is_for(stays_[i].rooms);
    all = all && wanted;
    any = any || wanted;
  }
  if (!any) return Verdict::kMustNot;
  return all ? Verdict::kMust : Verdict::kMay;
}

void RecoveryClient::judge(const std::map<MessageId, Message>& all, TimeUs slack,
                           const std::set<MemberId>& dead) const {
  if (!live_) return;
  const std::set<MessageId> have(got_.begin(), got_.end());
  for (const auto& [id, message] : all) {
    if (message.published > env_.clock.now() - 2 * slack) continue;
    const Verdict wanted = verdict(message, slack);
    const bool has = have.contains(id);
    if (has && wanted == Verdict::kMustNot && !message.local)
      fail("a client got what was not for it", id);
    if (has || wanted != Verdict::kMust) continue;
    const auto highest = highest_.find(id.first);
    const bool tail = highest == highest_.end() || highest->second < id.second;
    if ((tail || message.held) && dead.contains(id.first)) continue;
    fail("a client missed a message", id);
  }
}

}  // namespace socketmesh::sim
