#include "tests/sim/app_protocol.hpp"

namespace socketmesh::sim {

namespace {

std::string framed(AppType type, std::string_view payload) {
  return frame(static_cast<std::uint8_t>(type), payload);
}

void write_strings(Writer& writer, const std::vector<std::string>& strings) {
  writer.varint(strings.size());
  for (const auto& s : strings) writer.string(s);
}

std::vector<std::string> read_strings(Reader& reader) {
  std::vector<std::string> strings;
  const std::uint32_t count = reader.varint();
  strings.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) strings.push_back(reader.string());
  return strings;
}

std::string encode_route(const Data& data) {
  Writer route;
  switch (data.route) {
    case Route::kRooms:
      route.string(data.nsp);
      write_strings(route, data.rooms);
      write_strings(route, data.except);
      if ((data.flags & kFlagProvisional) != 0) write_strings(route, data.joins);
      break;
    case Route::kNamespace:
      route.string(data.nsp);
      break;
    case Route::kMember:
      route.id64(data.destination).string(data.nsp);
      break;
    case Route::kMesh:
      break;
  }
  return route.take();
}

void decode_route(Data& data, Bytes section) {
  Reader route(section);
  switch (data.route) {
    case Route::kRooms:
      data.nsp = route.string();
      data.rooms = read_strings(route);
      data.except = read_strings(route);
      if ((data.flags & kFlagProvisional) != 0) data.joins = read_strings(route);
      break;
    case Route::kNamespace:
      data.nsp = route.string();
      break;
    case Route::kMember:
      data.destination = route.id64();
      data.nsp = route.string();
      break;
    case Route::kMesh:
      break;
    default:
      throw MalformedFrame("unknown route kind");
  }
  route.end();
}

}  // namespace

std::string encode_attach(const Attach& attach) {
  Writer payload;
  payload.u8(attach.min_version).u8(attach.max_version).id64(attach.member);
  payload.string(attach.name).string(attach.parser).string(attach.mesh).varint(attach.known.size());
  for (const auto& [sidecar, members] : attach.known) {
    payload.string(sidecar).varint(members.size());
    for (const MemberId member : members) payload.id64(member);
  }
  return framed(AppType::kAttach, payload.str());
}

std::string encode_text(AppType type, std::string_view nsp) {
  return framed(type, Writer().string(nsp).str());
}

std::string encode_interest(std::string_view nsp, bool add, const std::vector<std::string>& rooms) {
  Writer payload;
  payload.string(nsp).varint(rooms.size());
  for (const auto& room : rooms) payload.u8(add ? 1 : 0).string(room);
  return framed(AppType::kInterest, payload.str());
}

std::string encode_u32(AppType type, std::uint32_t value) {
  return framed(type, Writer().u32(value).str());
}

std::string encode_u64(AppType type, std::uint64_t value) {
  return framed(type, Writer().u64(value).str());
}

std::string encode_empty(AppType type) {
  return framed(type, {});
}

std::string encode_data(const Data& data) {
  const std::string route = encode_route(data);
  Writer payload;
  payload.u8(data.flags)
      .u8(static_cast<std::uint8_t>(data.route))
      .u8(static_cast<std::uint8_t>(data.kind));
  payload.u32(route.size()).id64(data.origin).u64(data.seq).raw(route).raw(data.body);
  return framed(AppType::kData, payload.str());
}

Data decode_data(Bytes bytes) {
  Reader reader(bytes);
  if (reader.u8() != static_cast<std::uint8_t>(AppType::kData)) throw MalformedFrame("not DATA");
  Data data;
  data.flags = reader.u8();
  data.route = static_cast<Route>(reader.u8());
  data.kind = static_cast<Kind>(reader.u8());
  const std::uint32_t route_bytes = reader.u32();
  data.origin = reader.id64();
  data.seq = reader.u64();
  decode_route(data, reader.take(route_bytes));
  data.body = as_text(reader.rest());
  return data;
}

FromSidecar decode_from_sidecar(Bytes bytes) {
  Reader reader(bytes);
  FromSidecar out;
  out.type = static_cast<SidecarType>(reader.u8());
  switch (out.type) {
    case SidecarType::kWelcome:
      out.version = reader.u8();
      out.epoch = reader.u64();
      out.sidecar = reader.string();
      out.mesh = reader.string();
      out.max_frame_bytes = reader.u32();
      break;
    case SidecarType::kRefused:
      out.code = reader.u16();
      out.text = reader.string();
      break;
    case SidecarType::kMemberUp:
      out.member = reader.id64();
      out.sidecar = reader.string();
      out.name = reader.string();
      out.namespaces = read_strings(reader);
      break;
    case SidecarType::kMemberDown:
      out.member = reader.id64();
      out.reason = reader.u8();
      break;
    case SidecarType::kPresence:
      out.member = reader.id64();
      out.op = reader.u8();
      out.text = reader.string();
      break;
    case SidecarType::kRouted: {
      out.seq = reader.u64();
      const std::uint32_t count = reader.varint();
      for (std::uint32_t i = 0; i < count; ++i) out.members.push_back(reader.id64());
      break;
    }
    case SidecarType::kTaken:
      out.seq = reader.u64();
      break;
    case SidecarType::kSynced:
      out.id = reader.u32();
      out.status = reader.u8();
      break;
    case SidecarType::kGap:
      out.frames = reader.u64();
      out.messages = reader.u64();
      out.reason = reader.u8();
      out.text = reader.string();
      break;
    case SidecarType::kPing:
      out.token = reader.u64();
      break;
    case SidecarType::kData:
      out.data = decode_data(bytes);
      return out;
    default:
      throw MalformedFrame("unknown frame type " + std::to_string(bytes[0]));
  }
  reader.end();
  return out;
}

}  // namespace socketmesh::sim
