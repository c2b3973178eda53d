// A node with one quiet member, one quiet peer, and connections that say what the fuzzer wants.
//
// The input is a script: an operation, its arguments, its bytes. Whatever comes in, the node must
// keep its bounds, show the same bytes until they are written, write well-formed frames, move its
// deadline, and leave the quiet ones alone.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "sidecar/core/node/node.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/sim/app_protocol.hpp"
#include "tests/sim/bytes.hpp"

namespace socketmesh::fuzz {

class NodeDriver {
 public:
  // Which kind of connections the script drives; kRecovery: an app and two links, recovery on.
  enum class Side : std::uint8_t { kApp, kLink, kRecovery };

  explicit NodeDriver(Side side);
  void run(Input& input);

  static constexpr std::uint8_t kOperations = 9;
  static constexpr std::uint8_t kRecoveryOperations = 13;
  enum Operation : std::uint8_t {
    kRaw,       // u8 length, bytes: as they are
    kFrame,     // u8 type, u8 length, payload: in a frame
    kGreeting,  // a proper ATTACH to READY, or HELLO and RESUME
    kData,  // u8 flags, u8 route kind, u8 length, route: a proper DATA frame (in a proper record)
    kControl,  // u8 type, u8 length, payload: in a proper record (link), a frame (app)
    kTime,     // u8: twentieths of a second pass
    kWrite,    // u8: at most so many bytes (times 16) are taken off each connection
    kReopen,   // the connection closes, another opens
    kSwitch,   // u8: to another of the driven connections
    // With recovery on only. Sessions, tokens and barriers are small numbers, as the node's are.
    kSession,  // u8 op, u8 session, u8 length, bytes: a well-formed SESSION of the driven app
    kLogged,   // u8 room, u8 taken: a logged broadcast, with so many deliveries taken
    kMove,     // u8 type, u8 token, u8 session, u8 more: a well-formed frame of a driven link
    kLeave,    // the node leaves
  };

 private:
  struct Driven {
    node::ConnId conn = 0;
    bool open = false;
    sim::MemberId member = 0;
    std::string sidecar;
    std::uint64_t data_seq = 0;
    std::uint64_t record_seq = 0;
    std::uint32_t stream = 0;
    // With recovery on: of an app.
    std::uint16_t attachment = 0;
    std::uint32_t requests = 0;
    std::uint8_t delivered = 0;
  };

  bool is_app(const Driven& driven) const;

  void open(Driven& driven);
  void receive(std::string_view bytes);
  void greet(Driven& driven);
  void send_data(Driven& driven, Input& input);
  void send_record(Driven& driven, const std::string& frame);
  void recovery_step(Operation operation, Driven& driven, Input& input);
  void send_session(Driven& driven, Input& input);
  void send_logged(Driven& driven, Input& input);
  void send_move(Driven& driven, Input& input);
  void send_copy(Driven& driven, std::uint8_t type, Input& input);
  void pass_time(node::TimeUs time);
  void write(std::size_t most);
  void write(node::ConnId conn, std::size_t most);
  void act();
  void check() const;

  Side side_;
  node::TimeUs now_ = 1'000'000;
  node::Node node_;
  node::ConnId next_conn_ = 10;
  std::array<Driven, 3> driven_;
  std::size_t current_ = 0;
  std::map<node::ConnId, sim::FrameStream> written_;  // of open connections
  std::map<node::ConnId, bool> closing_;
};

}  // namespace socketmesh::fuzz
