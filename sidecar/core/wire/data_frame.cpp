#include "sidecar/core/wire/data_frame.hpp"

namespace socketmesh::wire {

namespace {

void read_strings(Reader& reader, std::vector<std::string_view>* into) {
  const std::uint32_t count = reader.count(1);
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    const std::string_view text = reader.string();
    if (into != nullptr) into->push_back(text);
  }
}

}  // namespace

std::uint64_t message_count(Bytes frames) {
  std::uint64_t messages = 0;
  while (const auto frame = first_frame(frames)) {
    frames = frames.subspan(frame->size());
    const bool gap = frame->size() >= kDataHeadBytes && (*frame)[7] == kGapKind;
    const auto data = gap ? parse_data(*frame) : std::nullopt;
    Reader body(data ? data->body : Bytes());
    const std::uint32_t count = body.varint();
    messages += body.ok() ? count : 1;
  }
  return messages;
}

bool parse_route(const DataFrame& data, Route& route) {
  route.nsp = {};
  route.rooms.clear();
  route.joins.clear();
  route.destination = 0;
  Reader reader(data.route);
  switch (data.route_kind) {
    case RouteKind::kRooms:
      route.nsp = reader.string();
      read_strings(reader, &route.rooms);
      read_strings(reader, nullptr);
      if ((data.flags & kProvisional) != 0) read_strings(reader, &route.joins);
      break;
    case RouteKind::kNamespace:
      route.nsp = reader.string();
      break;
    case RouteKind::kMember:
      route.destination = reader.u64();
      route.nsp = reader.string();
      break;
    case RouteKind::kMesh:
      break;
  }
  return reader.done();
}

}  // namespace socketmesh::wire
