#include <utility>

#include "tests/sidecar/dropin/dropin_fixture.hpp"

namespace socketmesh::dropin {

void AppSocket::send(const std::string& message, bool text) {
  wire::Buffer out;
  ws::write_frame(out, role, text ? ws::Opcode::kText : ws::Opcode::kBinary, true,
                  as_bytes(message));
  send_raw(out);
}

void AppSocket::send_raw(const wire::Buffer& bytes) {
  host.core().received(conn, bytes, host.world_.now);
}

void AppSocket::send_close(std::uint16_t code) {
  wire::Buffer out;
  ws::write_close(out, role, code, "");
  send_raw(out);
}

void AppSocket::break_off() {
  closed = true;
  host.core().closed(conn, host.world_.now);
}

std::map<std::string, std::string> AppSocket::roster() const {
  std::map<std::string, std::string> servers;
  for (const auto& server : last_update().value("servers", nlohmann::json::array()))
    servers[server["serverId"]] = server["address"];
  return servers;
}

void AppSocket::got(wire::Bytes bytes) {
  std::string text = as_text(bytes);
  if (!open) {
    answer += text;
    const std::size_t end = answer.find("\r\n\r\n");
    if (end == std::string::npos) return;
    if (role == ws::Role::kServer) {
      const auto request = ws::read_request(as_bytes(answer));
      ASSERT_EQ(request.is, ws::UpgradeRequest::Is::kGood);
      open = true;
      const std::string response = ws::accept_response(request.key);
      answer.clear();
      host.core().received(conn, as_bytes(response), host.world_.now);
      return;
    }
    text = answer.substr(end + 4);
    open = status() == 101;
    if (!open) return;
  }
  EXPECT_EQ(parser.feed(as_bytes(text), *this), 0) << "the sidecar breaks the protocol";
}

void AppSocket::message(wire::Bytes piece, bool /*text*/, bool last) {
  message_ += as_text(piece);
  if (last) messages.push_back(std::exchange(message_, {}));
}

void AppSocket::control(ws::Opcode opcode, wire::Bytes payload) {
  if (opcode == ws::Opcode::kClose) {
    close_code = payload.size() < 2 ? ws::kNoCode : std::uint16_t(payload[0] << 8U | payload[1]);
  } else if (opcode == ws::Opcode::kPing) {
    ++pings;
    wire::Buffer out;
    ws::write_frame(out, role, ws::Opcode::kPong, true, payload);
    if (pongs) send_raw(out);
  }
}

}  // namespace socketmesh::dropin
