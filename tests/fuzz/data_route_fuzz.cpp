// The route section of DATA: flags, route kind, section. What is accepted lies inside it and reads
// the same twice.
#include "sidecar/core/wire/data_frame.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using socketmesh::fuzz::require;
  socketmesh::fuzz::Input input(bytes, size);
  socketmesh::wire::DataFrame data;
  data.flags = input.byte();
  data.route_kind = static_cast<socketmesh::wire::RouteKind>(
      input.byte() % (socketmesh::wire::kLastRouteKind + 1));
  data.route = input.rest();
  socketmesh::wire::Route route;
  if (!parse_route(data, route)) return 0;
  const auto inside = [&data](std::string_view name) {
    if (name.empty()) return;
    const auto* begin = reinterpret_cast<const std::uint8_t*>(name.data());
    require(begin >= data.route.data() &&
            begin + name.size() <= data.route.data() + data.route.size());
  };
  inside(route.nsp);
  for (const auto room : route.rooms) inside(room);
  for (const auto room : route.joins) inside(room);
  socketmesh::wire::Route again;
  again.rooms = {"left", "over"};
  again.joins = {"left over"};
  require(parse_route(data, again));
  require(again.nsp == route.nsp && again.rooms == route.rooms);
  if ((data.flags & socketmesh::wire::kProvisional) != 0) require(again.joins == route.joins);
  return 0;
}
