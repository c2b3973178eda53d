#include "tests/sim/traffic.hpp"

namespace socketmesh::sim {

namespace {
constexpr std::size_t kLargeBody = 100'000;
}

void Traffic::launch(SidecarHost& home) {
  std::vector<std::string> namespaces;
  for (std::size_t i = 0; i < plan_.namespaces; ++i) {
    if (i == 0 ? rng_.permille(900) : rng_.permille(600))
      namespaces.push_back(i == 0 ? "/" : "/n" + std::to_string(i));
  }
  SimApp& app = world_.add_app(home, namespaces, plan_.app);
  for (const auto& nsp : namespaces) {
    for (std::int64_t i = rng_.range(0, 4); i > 0; --i) app.join(nsp, {some_room()});
  }
  app.when_synced([this, &app](std::uint32_t id, std::uint8_t status) {
    const auto it = probes_.find({app.number(), id});
    if (it == probes_.end()) return;
    const auto [nsp, room] = it->second;
    probes_.erase(it);
    if (status == 0) probe(app, nsp, room);
  });
  app.sync();
  act_later(app);
}

void Traffic::act_later(SimApp& app) {
  world_.clock().after(rng_.range(1, 2 * plan_.emit_every), [this, &app] {
    if (stopped_ || !app.alive()) return;
    act(app);
    act_later(app);
  });
}

void Traffic::act(SimApp& app) {
  const std::uint64_t die = rng_.below(100);
  if (die < 45) return emit_to_rooms(app);
  if (die < 54) return emit_to_namespace(app);
  if (die < 62) return emit_volatile(app);
  if (die < 72) return ask(app);
  if (die < 84) return join_and_probe(app);
  if (die < 91) return leave_something(app);
  if (die < 97) return make_others_join(app);
  if (die < 98) return make_others_leave(app);
  open_or_close(app);
}

std::string Traffic::some_room() {
  return "room-" + std::to_string(rng_.index(plan_.rooms));
}

std::string Traffic::some_namespace(SimApp& app) {
  const auto names = app.namespaces();
  if (names.empty()) return "/";
  auto it = names.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(rng_.index(names.size())));
  return *it;
}

std::string Traffic::body() {
  const bool large = rng_.permille(plan_.large_permille);
  const std::size_t bytes = large ? kLargeBody : rng_.index(plan_.small_body);
  std::string chunk(bytes, static_cast<char>(rng_.next()));
  return Writer().varint(1).varint(bytes << 1U).raw(chunk).take();
}

Data Traffic::message(const std::string& nsp) {
  Data data;
  data.nsp = nsp;
  data.body = body();
  return data;
}

void Traffic::emit_to_rooms(SimApp& app) {
  Data data = message(some_namespace(app));
  for (std::int64_t i = rng_.permille(800) ? 1 : rng_.range(2, 3); i > 0; --i)
    data.rooms.push_back(some_room());
  if (rng_.permille(100)) data.except.push_back(some_room());
  app.publish(data);
}

void Traffic::emit_to_namespace(SimApp& app) {
  Data data = message(some_namespace(app));
  if (rng_.permille(300)) data.route = Route::kNamespace;
  if (rng_.permille(50)) data.route = Route::kMesh;
  if (data.route == Route::kMesh) data.nsp.clear();
  app.publish(data);
}

void Traffic::emit_volatile(SimApp& app) {
  Data data = message(some_namespace(app));
  data.flags = kFlagVolatile;
  data.rooms.push_back(some_room());
  app.publish(data);
}

void Traffic::ask(SimApp& app) {
  Data data = message(some_namespace(app));
  data.flags = kFlagRouted;
  const std::uint64_t die = rng_.below(3);
  data.kind = die == 0   ? Kind::kBroadcastAck
              : die == 1 ? Kind::kFetchSockets
                         : Kind::kServerSideEmit;
  if (data.kind == Kind::kServerSideEmit) {
    data.route = Route::kNamespace;
  } else if (rng_.permille(600)) {
    data.rooms.push_back(some_room());
  }
  app.publish(data);
}

void Traffic::join_and_probe(SimApp& app) {
  const std::string nsp = some_namespace(app);
  const std::string room =
      rng_.permille(300) ? "private-" + std::to_string(next_private_room_++) : some_room();
  app.join(nsp, {room});
  probes_[{app.number(), app.sync()}] = {nsp, room};
}

void Traffic::probe(SimApp& joined, const std::string& nsp, const std::string& room) {
  const auto living = world_.living_apps();
  SimApp& other = *living[rng_.index(living.size())];
  if (&other == &joined || !other.connected() || !joined.in_room(nsp, room)) return;
  Data data = message(nsp);
  data.rooms.push_back(room);
  world_.stats().add(Stat::kJoinProbes);
  other.publish(data);
}

void Traffic::leave_something(SimApp& app) {
  app.leave(some_namespace(app), some_room());
}

void Traffic::make_others_join(SimApp& app) {
  const std::string nsp = some_namespace(app);
  const std::string room = "joined-" + std::to_string(next_private_room_++ % 64);
  Data join;
  join.nsp = nsp;
  join.kind = Kind::kSocketsJoin;
  join.flags = kFlagProvisional;
  if (rng_.permille(500)) join.rooms.push_back(some_room());
  join.joins.push_back(room);
  join.body = Writer().varint(1).string(room).take();
  app.publish(join);
  world_.stats().add(Stat::kProvisionalJoins);
  Data emit = message(nsp);
  emit.rooms.push_back(room);
  app.publish(emit);
}

void Traffic::make_others_leave(SimApp& app) {
  Data data;
  data.nsp = some_namespace(app);
  data.kind = Kind::kSocketsLeave;
  data.body = Writer().varint(1).string(some_room()).take();
  app.publish(data);
}

void Traffic::open_or_close(SimApp& app) {
  const std::string nsp = "/n" + std::to_string(rng_.index(plan_.namespaces + 1));
  if (app.namespaces().contains(nsp)) {
    app.close_namespace(nsp);
  } else {
    app.open_namespace(nsp);
    app.join(nsp, {some_room()});
    app.sync();
  }
}

}  // namespace socketmesh::sim
