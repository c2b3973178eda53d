// What the application and the network do to the adapter; what the sidecar says to it is in
// sim_app_frames.cpp, requests are in sim_app_requests.cpp.
#include "tests/sim/sim_app.hpp"

#include <utility>

namespace socketmesh::sim {

namespace {
constexpr TimeUs kLongestTurn = 20;
constexpr TimeUs kRedialMin = 5 * kMillisecondUs;
constexpr TimeUs kRedialMax = 40 * kMillisecondUs;
}  // namespace

SimApp::SimApp(SidecarHost::Env env, Rng rng, std::uint32_t number, MemberId id, SidecarHost& home,
               AppOptions options, AppObserver& observer)
    : env_(env),
      rng_(rng),
      number_(number),
      id_(id),
      home_(home),
      options_(std::move(options)),
      observer_(observer) {}

void SimApp::start() {
  alive_ = true;
  env_.trace.note("app starts: number, host", number_, home_.host());
  env_.network.dial(this, home_.host(), home_.app_address());
}

void SimApp::crash() {
  if (!alive_) return;
  env_.trace.note("app crashes: number", number_);
  alive_ = false;
  end_ = 0;
  env_.network.kill(this, home_.host(), false);
}

void SimApp::detach() {
  if (!alive_) return;
  env_.trace.note("app detaches: number", number_);
  detaching_ = true;
  send(encode_empty(AppType::kDetach));
  if (end_ == 0) crash();
}

void SimApp::cut() {
  if (!alive() || end_ == 0) return;
  env_.trace.note("app connection cut: number", number_);
  observer_.connection_cut(*this);
  acknowledged_.clear();  // its presence and interest end with its connection
  was_cut_ = true;
  env_.network.abort(end_);
  lost_connection();
}

void SimApp::dial_later() {
  env_.clock.after(rng_.range(kRedialMin, kRedialMax), [this] {
    if (!alive_ || end_ != 0) return;
    if (away_) return dial_later();
    env_.network.dial(this, home_.host(), home_.app_address());
  });
}

void SimApp::dialed(EndId end, const std::string& /*address*/) {
  end_ = end;
  if (!reading_) env_.network.pause(end_, true);
  attach();
}

void SimApp::dial_failed(const std::string& /*address*/, const char* /*reason*/) {
  dial_later();
}

void SimApp::accepted(EndId /*end*/, const std::string& /*listener*/,
                      const std::string& /*remote*/) {}

void SimApp::closed(EndId end) {
  if (end == end_) lost_connection();
}

void SimApp::lost_connection() {
  env_.trace.note("app lost its sidecar: number", number_);
  end_ = 0;
  welcomed_ = false;
  if (detaching_) {
    crash();
  } else if (alive_) {
    dial_later();
  }
}

void SimApp::attach() {
  frames_.clear();
  out_.clear();
  written_.clear();
  count_ = count_sent_ = 0;
  welcomed_ = greeted_ = false;
  attached_when_ = env_.clock.now();
  ++totals_.attachments;
  observer_.attaching(*this);
  Attach hello;
  hello.member = id_;
  hello.name = "app:" + std::to_string(number_);
  hello.parser = options_.parser;
  hello.mesh = options_.mesh;
  std::map<std::string, std::vector<MemberId>> known;
  for (auto& [member, peer] : peers_) {
    peer.confirmed = false;
    known[peer.sidecar].push_back(member);  // those of this very sidecar, too: it waits for them
  }
  hello.known.assign(known.begin(), known.end());
  send(encode_attach(hello));
  for (const auto& [nsp, state] : namespaces_) {
    send(encode_text(AppType::kNspOpen, nsp));
    std::vector<std::string> rooms;
    rooms.reserve(state.rooms.size());
    for (const auto& [room, index] : state.rooms) rooms.push_back(room);
    if (!rooms.empty()) send(encode_interest(nsp, true, rooms));
  }
  send(encode_empty(AppType::kReady));
  for (auto& [id, pending] : pending_syncs_) send_sync(id);
  if (std::exchange(was_cut_, false)) sync();
  declare_forgotten();
  for (const Retained& kept : retained_) {
    send(kept.bytes);
    written_.push_back(kept.seq);
  }
  end_requests();
}

void SimApp::send(const std::string& bytes) {
  if (end_ == 0) return;
  out_ += bytes;
  if (flush_pending_) return;
  flush_pending_ = true;
  env_.clock.after(rng_.range(0, kLongestTurn), [this] {
    flush_pending_ = false;
    flush();
  });
}

void SimApp::send_raw(const std::string& bytes) {
  send(bytes);
}

void SimApp::flush() {
  if (end_ == 0 || out_.empty()) return;
  const std::size_t written = env_.network.write(end_, as_bytes(out_));
  out_.erase(0, written);
}

void SimApp::writable(EndId end) {
  if (end == end_) flush();
}

void SimApp::stop_reading(bool on) {
  reading_ = !on;
  if (end_ != 0) env_.network.pause(end_, on);
}

void SimApp::open_namespace(const std::string& nsp) {
  if (namespaces_.contains(nsp)) return;
  namespaces_[nsp].index = ++state_;
  if (env_.trace.verbose()) env_.trace.text("namespace opened by app", number_, nsp);
  send(encode_text(AppType::kNspOpen, nsp));
}

void SimApp::close_namespace(const std::string& nsp) {
  const auto it = namespaces_.find(nsp);
  if (it == namespaces_.end()) return;
  // Its last sockets have left their rooms by then.
  std::vector<std::string> rooms;
  for (const auto& [room, index] : it->second.rooms) rooms.push_back(room);
  if (!rooms.empty()) send(encode_interest(nsp, false, rooms));
  namespaces_.erase(it);
  if (env_.trace.verbose()) env_.trace.text("namespace closed by app", number_, nsp);
  ++state_;
  send(encode_text(AppType::kNspClose, nsp));
  observer_.namespace_left(*this, nsp);
}

void SimApp::join(const std::string& nsp, const std::vector<std::string>& rooms) {
  const auto it = namespaces_.find(nsp);
  if (it == namespaces_.end()) return;
  std::vector<std::string> fresh;
  for (const auto& room : rooms) {
    if (it->second.rooms.emplace(room, state_ + 1).second) fresh.push_back(room);
  }
  if (fresh.empty()) return;
  ++state_;
  if (env_.trace.verbose()) env_.trace.text("join by app", number_, nsp + " " + fresh.front());
  send(encode_interest(nsp, true, fresh));
}

void SimApp::leave(const std::string& nsp, const std::string& room) {
  const auto it = namespaces_.find(nsp);
  if (it == namespaces_.end() || it->second.rooms.erase(room) == 0) return;
  ++state_;
  if (env_.trace.verbose()) env_.trace.text("leave by app", number_, nsp + " " + room);
  send(encode_interest(nsp, false, {room}));
  observer_.room_left(*this, nsp, room);
}

std::uint32_t SimApp::sync() {
  const std::uint32_t id = next_sync_++;
  pending_syncs_[id] = {};
  ++totals_.syncs;
  send_sync(id);
  return id;
}

void SimApp::send_sync(std::uint32_t id) {
  env_.trace.note("SYNC: app, id", number_, id);
  pending_syncs_[id] = {state_, home_.links()};
  send(encode_u32(AppType::kSync, id));
}

std::uint64_t SimApp::publish(Data data) {
  const bool is_volatile = (data.flags & kFlagVolatile) != 0;
  if (!alive() || (is_volatile && end_ == 0)) return 0;
  data.origin = id_;
  data.seq = ++seq_;
  if ((data.flags & kFlagRouted) != 0) {
    requests_[data.seq].asked = env_.clock.now();
    requests_[data.seq].nsp = data.nsp;
    ++totals_.requests;
    if (options_.request_timeout > 0) give_up_after(options_.request_timeout, data.seq);
  }
  observer_.published(*this, data);
  const std::string bytes = encode_data(data);
  if (!is_volatile) {
    retained_.push_back({data.seq, 1, bytes});
    if (retained_.size() > options_.retain) forget_oldest();
  }
  send(bytes);
  if (end_ != 0) written_.push_back(data.seq);
  return data.seq;
}

// A GAP in the place of what was forgotten: first of what is written, with the seq of the last that
// it stands for.
void SimApp::declare_forgotten() {
  if (forgotten_ == 0) return;
  Data gap;
  gap.origin = id_;
  gap.seq = last_forgotten_;
  gap.route = Route::kMesh;
  gap.kind = Kind::kGap;
  gap.body = Writer().varint(forgotten_).take();
  observer_.published(*this, gap);
  retained_.push_front({gap.seq, forgotten_, encode_data(gap)});
  forgotten_ = 0;
}

void SimApp::forget_oldest() {
  const std::uint64_t seq = retained_.front().seq;
  forgotten_ += retained_.front().messages;
  last_forgotten_ = seq;
  retained_.pop_front();
  if (end_ != 0) return;
  // It was never routed, or its answers are lost: nobody is waited for.
  const auto it = requests_.find(seq);
  if (it != requests_.end()) it->second.routed = true;
}

void SimApp::send_leave() {
  send(encode_empty(AppType::kLeave));
}

}  // namespace socketmesh::sim
