#include "tests/sim/recovery_app.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace socketmesh::sim {

namespace {

constexpr std::uint8_t kFlagLogged = 0x40;
constexpr std::uint8_t kFlagHome = 0x80;
constexpr auto kKindSession = static_cast<Kind>(11);
enum Op : std::uint8_t {
  kOpen = 1,
  kJoin,
  kLeave,
  kData,
  kClose,
  kEnd,
  kLast,
  kRestore,
  kAllWritten
};
constexpr std::uint8_t kRestored = 0x30;
constexpr std::uint8_t kReplay = 0x31;
constexpr std::uint8_t kCloseSession = 0x32;
constexpr std::uint8_t kSuperseded = 9;
constexpr TimeUs kRedial = 10 * kMillisecondUs;
constexpr TimeUs kSlowestMiddleware = 30 * kMillisecondUs;
constexpr const char* kNamespace = "/";

void write_names(Writer& writer, const Rooms& names) {
  writer.varint(names.size());
  for (const std::string& name : names) writer.string(name);
}

MessageId id_of(const Data& data) {
  return {data.origin, data.seq};
}

}  // namespace

bool Message::is_for(const Rooms& in) const {
  const auto has = [&in](const std::string& room) { return in.contains(room); };
  if (!rooms.empty() && std::ranges::none_of(rooms, has)) return false;
  return std::ranges::none_of(except, has);
}

std::string offset_of(const MessageId& id) {
  char text[64];
  std::snprintf(text, sizeof text, "%016" PRIx64 ".%" PRIu64, id.first, id.second);
  return text;
}

RecoveryApp::RecoveryApp(SidecarHost::Env env, Rng rng, MemberId id, SidecarHost& home)
    : env_(env), rng_(rng), id_(id), home_(home) {}

void RecoveryApp::start() {
  alive_ = true;
  env_.network.dial(this, home_.host(), home_.app_address());
}

void RecoveryApp::crash() {
  env_.trace.note("recovery app crashes: host", home_.host());
  alive_ = false;
  end_ = 0;
  sockets_.clear();
  pending_.clear();
  env_.network.kill(this, home_.host(), false);
}

void RecoveryApp::shut_down() {
  env_.trace.note("recovery app shuts down: host", home_.host());
  std::vector<std::string> sids;
  sids.reserve(sockets_.size());
  for (auto& [sid, socket] : sockets_) sids.push_back(sid);
  for (const std::string& sid : sids) close(sockets_.at(sid));
  pending_.clear();
  send(encode_empty(AppType::kDetach));
  flush();
  alive_ = false;
  if (end_ != 0 && out_.empty()) env_.network.close(end_);
  if (end_ != 0 && !out_.empty()) env_.network.abort(end_);
  end_ = 0;
}

void RecoveryApp::dialed(EndId end, const std::string& /*address*/) {
  end_ = end;
  attach();
}

void RecoveryApp::dial_failed(const std::string& /*address*/, const char* /*reason*/) {
  env_.clock.after(kRedial, [this] {
    if (alive_ && end_ == 0) env_.network.dial(this, home_.host(), home_.app_address());
  });
}

void RecoveryApp::closed(EndId end) {
  if (end != end_) return;
  end_ = 0;
  welcomed_ = false;
  // Whoever waits for a session gets none.
  for (auto& [request, pending] : std::exchange(pending_, {})) {
    given_up_.insert(request);
    accept_new(*pending.client, pending.connection, pending.wanted);
  }
  lose_arriving();
  dial_failed({}, "");
}

// Nobody knows what those miss that are not connected yet: they come again.
void RecoveryApp::lose_arriving() {
  std::vector<std::string> arriving;
  for (const auto& [sid, socket] : sockets_) {
    if (!socket.connected) arriving.push_back(sid);
  }
  for (const std::string& sid : arriving) {
    Socket& socket = sockets_.at(sid);
    socket.client->closed(socket.connection);
    close(socket);
  }
}

void RecoveryApp::attach() {
  frames_.clear();
  out_.clear();
  count_ = count_told_ = 0;
  ++attachment_;
  Attach hello;
  hello.member = id_;
  hello.name = "recovery";
  hello.parser = "parser/1";
  std::map<std::string, std::vector<MemberId>> known;
  for (const auto& [member, sidecar] : known_) known[sidecar].push_back(member);
  hello.known.assign(known.begin(), known.end());
  std::string bytes = encode_attach(hello);
  Writer tail;
  tail.u8(1).u16(attachment_).varint(highest_.size());
  for (const auto& [origin, seq] : highest_) tail.id64(origin).u64(seq);
  bytes = frame(static_cast<std::uint8_t>(bytes[4]), bytes.substr(5) + tail.take());
  send(bytes);
  send(encode_text(AppType::kNspOpen, kNamespace));
  std::vector<std::string> rooms;
  rooms.reserve(room_counts_.size());
  for (const auto& [room, count] : room_counts_) rooms.push_back(room);
  if (!rooms.empty()) send(encode_interest(kNamespace, true, rooms));
  send(encode_empty(AppType::kReady));
  for (const auto& [seq, kept] : retained_) send(kept);
}

void RecoveryApp::send(const std::string& bytes) {
  if (end_ == 0) return;
  const bool idle = out_.empty();
  out_ += bytes;
  if (idle) env_.clock.after(rng_.range(0, 20), [this] { flush(); });
}

void RecoveryApp::flush() {
  if (end_ == 0 || out_.empty()) return;
  // Behind everything that was published: all that came until now is delivered.
  if (count_told_ < count_) {
    count_told_ = count_;
    out_ += frame(static_cast<std::uint8_t>(AppType::kTaken), Writer().u64(count_).str());
  }
  out_.erase(0, env_.network.write(end_, as_bytes(out_)));
}

void RecoveryApp::writable(EndId end) {
  if (end == end_) flush();
}

void RecoveryApp::readable(EndId end, Bytes bytes) {
  if (end != end_) return;
  frames_.add(bytes);
  for (Bytes next = frames_.next(); !next.empty() && end == end_; next = frames_.next())
    handle(next);
  if (count_told_ < count_ && out_.empty()) send(encode_u64(AppType::kTaken, count_told_ = count_));
}

std::string RecoveryApp::order() const {
  return Writer().u16(attachment_ & 0xffffU).u64(count_).take().substr(0, 8);
}

void RecoveryApp::publish_frame(Data data) {
  data.origin = id_;
  data.seq = ++seq_;
  data.body += order();
  const std::string bytes = encode_data(data);
  retained_.emplace_back(data.seq, bytes);
  send(bytes);
}

void RecoveryApp::tell(const std::string& op) {
  Data data;
  data.flags = kFlagHome;
  data.route = Route::kMesh;
  data.kind = kKindSession;
  data.body = op;
  publish_frame(std::move(data));
}

void RecoveryApp::tell_open(Socket& socket) {
  Writer op;
  op.u8(kOpen).string(kNamespace).string(socket.sid).string(socket.pid);
  write_names(op, socket.rooms);
  op.u64(socket.generation).varint(socket.marks.size());
  for (const auto& [origin, seq] : socket.marks) op.id64(origin).u64(seq);
  op.string(socket.last_told = socket.last);
  tell(op.string("data").take());
}

void RecoveryApp::tell_last(Socket& socket) {
  if (socket.last == socket.last_told) return;
  socket.last_told = socket.last;
  tell(Writer().u8(kLast).string(kNamespace).string(socket.sid).string(socket.last).take());
}

void RecoveryApp::report_last() {
  if (!attached()) return;
  for (auto& [sid, socket] : sockets_) {
    if (socket.connected) tell_last(socket);
  }
  tell(Writer().u8(kAllWritten).take());
}

Message RecoveryApp::publish(Rooms rooms, Rooms except, bool local) {
  Message message{{id_, seq_ + 1}, std::move(rooms), std::move(except), local, env_.clock.now()};
  if (env_.trace.verbose()) {
    std::string text = offset_of(message.id) + (local ? " local" : "") + " to";
    for (const std::string& room : message.rooms) text += " " + room;
    text += " except";
    for (const std::string& room : message.except) text += " " + room;
    env_.trace.text("published at host", home_.host(), text);
  }
  deliver(message);
  Data data;
  data.flags = local ? kFlagLogged | kFlagHome : kFlagLogged;
  data.nsp = kNamespace;
  data.route = message.rooms.empty() && message.except.empty() ? Route::kNamespace : Route::kRooms;
  data.rooms.assign(message.rooms.begin(), message.rooms.end());
  data.except.assign(message.except.begin(), message.except.end());
  data.body = "message:";
  publish_frame(std::move(data));
  return message;
}

void RecoveryApp::deliver(const Message& message) {
  delivered_[message.id] = static_cast<std::int64_t>(delivered_.size());
  for (auto& [request, pending] : pending_) pending.remembered.push_back(message);
  for (auto& [sid, socket] : sockets_) {
    // What came late was replayed.
    const auto mark = socket.marks.find(message.id.first);
    const bool known = mark != socket.marks.end() && message.id.second <= mark->second;
    if (known || !message.is_for(socket.rooms)) continue;
    if (!socket.connected) {
      socket.missed.push_back(message.id);
      continue;
    }
    socket.last = offset_of(message.id);
    socket.client->message(socket.connection, message.id);
  }
}

std::int64_t RecoveryApp::delivered_at(const MessageId& id) const {
  const auto found = delivered_.find(id);
  return found == delivered_.end() ? -1 : found->second;
}

void RecoveryApp::count_room(const std::string& room, int by) {
  int& count = room_counts_[room];
  const bool before = count > 0;
  count += by;
  const bool after = count > 0;
  if (!after) room_counts_.erase(room);
  if (before != after) send(encode_interest(kNamespace, after, {room}));
}

void RecoveryApp::accept_new(ClientEnd& client, std::uint64_t connection, const Rooms& rooms) {
  Socket socket;
  socket.sid = "s" + std::to_string(rng_.next());
  socket.pid = "p" + std::to_string(rng_.next());
  socket.client = &client;
  socket.connection = connection;
  socket.rooms = rooms;
  socket.rooms.insert(socket.sid);
  for (const std::string& room : socket.rooms) count_room(room, 1);
  socket.connected = true;
  tell_open(socket);
  client.connected(connection, id_, socket.sid, socket.pid, socket.rooms);
  sockets_[socket.sid] = std::move(socket);
}

void RecoveryApp::connect(ClientEnd& client, std::uint64_t connection, const std::string& pid,
                          const std::string& offset, const Rooms& wanted) {
  if (pid.empty() || !attached()) return accept_new(client, connection, wanted);
  for (auto& [sid, socket] : sockets_) {
    if (socket.pid != pid) continue;
    close(socket);
    break;
  }
  Pending& pending = pending_[++request_];
  pending.pid = pid;
  pending.client = &client;
  pending.connection = connection;
  pending.wanted = wanted;
  pending.offset = offset;
  Writer op;
  tell(op.u8(kRestore).u32(request_).string(kNamespace).string(pid).string(offset).take());
}

void RecoveryApp::close(Socket& socket) {
  const std::string sid = socket.sid;
  if (socket.connected) {
    tell_last(socket);
    tell(Writer().u8(kClose).string(kNamespace).string(sid).string("data").take());
  } else {
    tell(Writer().u8(kEnd).string(kNamespace).string(sid).take());
  }
  for (const std::string& room : socket.rooms) count_room(room, -1);
  sockets_.erase(sid);
}

void RecoveryApp::transport_closed(const ClientEnd& client, std::uint64_t connection) {
  for (auto& [request, pending] : pending_) {
    if (pending.client == &client && pending.connection == connection) pending.dead = true;
  }
  for (auto& [sid, socket] : sockets_) {
    if (socket.client == &client && socket.connection == connection) return close(socket);
  }
}

bool RecoveryApp::change_rooms(const std::string& sid, const std::string& room, bool join) {
  const auto found = sockets_.find(sid);
  if (found == sockets_.end() || !found->second.connected) return false;
  Rooms& rooms = found->second.rooms;
  if (join ? !rooms.insert(room).second : rooms.erase(room) == 0) return false;
  count_room(room, join ? 1 : -1);
  Writer op;
  op.u8(join ? kJoin : kLeave).string(kNamespace).string(sid);
  write_names(op, {room});
  tell(op.take());
  return true;
}

void RecoveryApp::handle(Bytes frame) {
  const std::uint8_t type = frame[0];
  if (type == static_cast<std::uint8_t>(SidecarType::kData)) {
    ++count_;
    const Data data = decode_data(frame);
    std::uint64_t& highest = highest_[data.origin];
    if (data.seq <= highest) return;
    highest = data.seq;
    Message message{id_of(data),
                    {data.rooms.begin(), data.rooms.end()},
                    {data.except.begin(), data.except.end()},
                    false,
                    0};
    return deliver(message);
  }
  Reader reader(frame.subspan(1));
  if (type == kReplay) return on_replay(reader);
  if (type == kRestored) return on_restored(reader);
  if (type == kCloseSession) return on_close_session(reader);
  if (type == static_cast<std::uint8_t>(SidecarType::kWelcome)) {
    welcomed_ = true;
    for (auto& [sid, socket] : sockets_) {
      if (socket.connected) tell_open(socket);
    }
  } else if (type == static_cast<std::uint8_t>(SidecarType::kMemberUp)) {
    const FromSidecar up = decode_from_sidecar(frame);
    known_[up.member] = up.sidecar;
  } else if (type == static_cast<std::uint8_t>(SidecarType::kMemberDown)) {
    known_.erase(reader.id64());
  } else if (type == static_cast<std::uint8_t>(SidecarType::kTaken)) {
    const std::uint64_t seq = reader.u64();
    while (!retained_.empty() && retained_.front().first <= seq) retained_.pop_front();
  } else if (type == static_cast<std::uint8_t>(SidecarType::kGap)) {
    count_ += reader.u64();
  } else if (type == static_cast<std::uint8_t>(SidecarType::kPing)) {
    send(encode_u64(AppType::kPong, reader.u64()));
  } else if (type == static_cast<std::uint8_t>(SidecarType::kRefused)) {
    throw Violation("recovery app refused", decode_from_sidecar(frame).text);
  }
}

void RecoveryApp::on_replay(Reader& reader) {
  const auto pending = pending_.find(reader.u32());
  FrameStream frames;
  frames.add(reader.rest());
  if (pending == pending_.end()) return;
  for (Bytes next = frames.next(); !next.empty(); next = frames.next())
    pending->second.replay.push_back(id_of(decode_data(next)));
}

void RecoveryApp::on_restored(Reader& reader) {
  const std::uint32_t request = reader.u32();
  const auto found = pending_.find(request);
  if (found == pending_.end()) {
    const bool restored = reader.u8() == 0;
    if (given_up_.erase(request) > 0 && restored)
      tell(Writer().u8(kEnd).string(kNamespace).string(reader.string()).take());
    return;
  }
  Pending pending = std::move(found->second);
  pending_.erase(found);
  if (const std::uint8_t why = reader.u8(); why != 0) {
    if (why == kSuperseded || pending.dead) return;
    // An attempt that its client gave up is refused where the session has gone on since.
    const bool heard = pending.client->waits(pending.connection);
    if (heard) ++refusals_[why];
    env_.trace.note("session refused: host, reason, heard", home_.host(), why, heard ? 1 : 0);
    return accept_new(*pending.client, pending.connection, pending.wanted);
  }
  ++restored_;
  Socket socket;
  socket.sid = reader.string();
  socket.pid = pending.pid;
  socket.client = pending.client;
  socket.connection = pending.connection;
  socket.last = pending.offset;
  for (std::uint32_t n = reader.varint(); n > 0; --n) socket.rooms.insert(reader.string());
  socket.generation = reader.u64();
  for (std::uint32_t n = reader.varint(); n > 0; --n) {
    const MemberId origin = reader.id64();
    socket.marks[origin] = reader.u64();
  }
  if (as_text(reader.rest()).substr(1) != "data") throw Violation("session data", socket.sid);
  socket.missed = std::move(pending.replay);
  for (const Message& message : pending.remembered) {
    const auto mark = socket.marks.find(message.id.first);
    const bool known = mark != socket.marks.end() && message.id.second <= mark->second;
    if (!known && message.is_for(socket.rooms)) socket.missed.push_back(message.id);
  }
  for (const std::string& room : socket.rooms) count_room(room, 1);
  const std::string sid = socket.sid;
  sockets_[sid] = std::move(socket);
  if (pending.dead) return close(sockets_[sid]);
  if (rng_.permille(500)) return go_on(sid);
  const std::uint64_t connection = sockets_[sid].connection;
  env_.clock.after(rng_.range(0, kSlowestMiddleware), [this, sid, connection] {
    const auto still = sockets_.find(sid);
    if (still != sockets_.end() && still->second.connection == connection) go_on(sid);
  });
}

// CONNECT, and right behind it what was missed.
void RecoveryApp::go_on(const std::string& sid) {
  Socket& socket = sockets_.at(sid);
  socket.connected = true;
  tell_open(socket);
  socket.client->connected(socket.connection, id_, socket.sid, socket.pid, socket.rooms);
  for (const MessageId& id : socket.missed) {
    socket.client->message(socket.connection, id);
    socket.last = offset_of(id);
  }
  socket.missed.clear();
}

void RecoveryApp::on_close_session(Reader& reader) {
  reader.string();
  const std::string sid = reader.string();
  const auto found = sockets_.find(sid);
  if (found != sockets_.end()) {
    found->second.client->closed(found->second.connection);
    return close(found->second);
  }
  tell(Writer().u8(kClose).string(kNamespace).string(sid).take());
}

}  // namespace socketmesh::sim
