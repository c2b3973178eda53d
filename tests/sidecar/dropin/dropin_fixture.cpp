#include "tests/sidecar/dropin/dropin_fixture.hpp"

#include <algorithm>
#include <array>

namespace socketmesh::dropin {

namespace {

// A fragment on a link, and a socket, hold at most so much.
constexpr std::size_t kReadBytes = 64U << 10U;

std::string register_message(const std::string& server, int port, const std::string& token) {
  nlohmann::json message = {{"type", "register"},
                            {"serverId", server},
                            {"address", "ws://localhost:" + std::to_string(port)}};
  if (!token.empty()) message["token"] = token;
  const auto bytes = nlohmann::json::to_msgpack(message);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TestHost::TestHost(TestWorld& owner, std::string name, bool carry)
    : id(std::move(name)), world_(owner), carry_(carry) {
  restart();
}

void TestHost::restart() {
  apps_.clear();
  accepted.clear();
  inbox_.clear();
  Options options;
  options.carry = carry_;
  options.sidecar_id = id;
  options.tunnel_address = "127.0.0.1:8001";
  options.advertise = id + ".pod";
  core_ = std::make_unique<DropIn>(options, *this, world_.now);
  if (!saved.empty()) core_->restore(saved, world_.now);
}

void TestHost::send(PeerKey peer, wire::Bytes head, wire::Bytes body) {
  world_.wires[{this, &world_.at(peer)}].push_back(as_text(head) + as_text(body));
}

std::size_t TestHost::backlog(PeerKey peer) const {
  const bool up = world_.linked.contains({const_cast<TestHost*>(this), &world_.at(peer)});
  return up ? backlog_bytes : SIZE_MAX;
}

AppSocket& TestHost::connect(ws::Role role, bool discovery) {
  const ConnId conn = next_++;
  AppSocket& app =
      *apps_.emplace(conn, std::make_unique<AppSocket>(*this, conn, role)).first->second;
  if (role == ws::Role::kServer) return app;
  if (discovery) {
    core_->discovery_opened(conn, world_.now);
  } else {
    core_->tunnel_opened(conn, world_.now);
  }
  app.key = ws::key_of(as_bytes("sixteen bytes ..").first(16));
  return app;
}

AppSocket& TestHost::discovery() {
  AppSocket& app = connect(ws::Role::kClient, true);
  core_->received(app.conn, as_bytes(ws::request("localhost", "/", app.key)), world_.now);
  world_.run();
  return app;
}

AppSocket& TestHost::tunnel(const std::string& server) {
  AppSocket& app = connect(ws::Role::kClient, false);
  core_->received(app.conn, as_bytes(ws::request("localhost", "/" + server, app.key)), world_.now);
  world_.run();
  return app;
}

AppSocket& TestHost::app(const std::string& server, int port, const std::string& token) {
  ports.insert(port);
  AppSocket& app = discovery();
  app.send(register_message(server, port, token));
  world_.run();
  return app;
}

void TestHost::perform(const Action& action) {
  const auto app = apps_.find(action.conn);
  switch (action.kind) {
    case Action::Kind::kDial:
      if (!ports.contains(action.port)) return core_->dial_failed(action.number, world_.now);
      accepted.push_back(&connect(ws::Role::kServer, false));
      return core_->dialed(action.number, accepted.back()->conn, world_.now);
    case Action::Kind::kProbe: {
      const bool here = action.text.empty();
      const bool accepts = here ? ports.contains(action.port) : remote_ok.contains(action.text);
      return core_->probed(action.number, accepts, world_.now);
    }
    case Action::Kind::kClose:
      if (app == apps_.end()) return;
      if (!action.abort) flush(*app->second);
      app->second->closed = true;
      return;
    case Action::Kind::kSave:
      saved = action.text;
      return;
    case Action::Kind::kLog:
      logs.push_back(action.event);
      return;
    case Action::Kind::kResume:
      return;
  }
}

void TestHost::flush(AppSocket& app) {
  std::array<wire::Bytes, 4> spans;
  while (app.reads && !app.closed) {
    const std::size_t count = core_->gather(app.conn, spans);
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += as_text(spans.at(i));
    bytes.resize(std::min(bytes.size(), kReadBytes));
    if (bytes.empty()) return;
    core_->written(app.conn, bytes.size(), world_.now);
    app.got(as_bytes(bytes));
  }
}

bool TestHost::turn() {
  const node::ChannelEvents events = std::exchange(inbox_, {});
  if (!events.list.empty()) core_->mesh_events(events, world_.now);
  if (!core_->whole()) core_->set_mesh(known, settled, world_.now);
  core_->pump(world_.now);
  const std::vector<Action> actions = core_->take_actions();
  for (const Action& action : actions) perform(action);
  const std::vector<ConnId> dirty = core_->take_dirty();
  for (const ConnId conn : dirty) {
    if (const auto app = apps_.find(conn); app != apps_.end()) flush(*app->second);
  }
  return !events.list.empty() || !actions.empty() || !dirty.empty();
}

// What waits for an app that reads again, too.
void TestHost::settle() {
  std::vector<AppSocket*> all;
  for (const auto& [conn, app] : apps_) all.push_back(app.get());
  for (AppSocket* app : all) flush(*app);
  world_.run();
}

TestHost& TestWorld::add(const std::string& name, bool carry) {
  return *hosts.emplace_back(std::make_unique<TestHost>(*this, name, carry));
}

PeerKey TestWorld::key_of(const TestHost& host) const {
  const auto found =
      std::ranges::find_if(hosts, [&](const auto& one) { return one.get() == &host; });
  return static_cast<PeerKey>(found - hosts.begin());
}

void TestWorld::start_stream(TestHost& from, TestHost& to) {
  wires[{&from, &to}].clear();
  node::ChannelEvent started;
  started.kind = node::ChannelEvent::Kind::kStarted;
  started.peer = key_of(to);
  started.channels = node::channel_bit(node::Channel::kDropIn);
  started.id = to.id;
  from.inbox_.list.push_back(started);
}

void TestWorld::link(TestHost& a, TestHost& b, bool fresh) {
  for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    linked.insert({from, to});
    if (fresh) start_stream(*from, *to);
    node::ChannelEvent up;
    up.kind = node::ChannelEvent::Kind::kLinked;
    up.peer = key_of(*to);
    from->inbox_.list.push_back(up);
  }
  run();
}

void TestWorld::lose(TestHost& a, TestHost& b) {
  for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    linked.erase({from, to});
    node::ChannelEvent lost;
    lost.kind = node::ChannelEvent::Kind::kLost;
    lost.peer = key_of(*to);
    from->inbox_.list.push_back(lost);
  }
  run();
}

void TestWorld::gone(TestHost& at, TestHost& peer) {
  node::ChannelEvent gone;
  gone.kind = node::ChannelEvent::Kind::kGone;
  gone.peer = key_of(peer);
  at.inbox_.list.push_back(gone);
  run();
}

bool TestWorld::deliver() {
  bool any = false;
  for (auto& [ends, queue] : wires) {
    const auto [from, to] = ends;
    if (!linked.contains({from, to})) continue;
    for (const std::string& payload : std::exchange(queue, {})) {
      any = true;
      node::ChannelEvent frame;
      frame.peer = key_of(*from);
      frame.at = to->inbox_.bytes.size();
      frame.size = payload.size();
      to->inbox_.bytes.insert(to->inbox_.bytes.end(), payload.begin(), payload.end());
      to->inbox_.list.push_back(frame);
    }
  }
  return any;
}

void TestWorld::run() {
  for (bool busy = true; busy;) {
    busy = deliver();
    for (const auto& host : hosts) busy = host->turn() || busy;
  }
}

void TestWorld::advance(TimeUs time) {
  const TimeUs end = now + time;
  while (true) {
    TimeUs next = end;
    for (const auto& host : hosts) next = std::min(next, host->core().next_deadline());
    now = std::max(now, next);
    for (const auto& host : hosts) {
      if (host->core().next_deadline() <= now) host->core().tick(now);
    }
    run();
    if (now >= end) return;
  }
}

DropInTest::Pair::Pair(TestWorld& world)
    : a(world.add("a")),
      b(world.add("b")),
      app_a((world.link(a, b), a.app(kV2a, 3001))),
      app_b(b.app(kV2b, 3002)) {}

}  // namespace socketmesh::dropin
