// Real drop-in cores on model sidecars in virtual time: links that delay, break and begin anew,
// apps that speak WebSocket, processes whose ports accept or do not.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sidecar/dropin/dropin.hpp"
#include "sidecar/dropin/websocket/frames.hpp"
#include "sidecar/dropin/websocket/upgrade.hpp"

namespace socketmesh::dropin {

inline std::string as_text(wire::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline wire::Bytes as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class TestHost;

// One end of a WebSocket that an app holds: what it read, and what it is told to write.
class AppSocket final : ws::Parser::Sink {
 public:
  AppSocket(TestHost& at, ConnId id, ws::Role own)
      : host(at), conn(id), role(own), parser(own, 32U << 20U) {}

  void send(const std::string& message, bool text = false);
  void send_raw(const wire::Buffer& bytes);
  void send_close(std::uint16_t code);
  void break_off();
  // Of a client: the status line's code, 0 before it came.
  int status() const { return answer.size() < 12 ? 0 : std::stoi(answer.substr(9, 3)); }
  nlohmann::json last_update() const {
    return messages.empty() ? nlohmann::json() : nlohmann::json::from_msgpack(messages.back());
  }
  std::map<std::string, std::string> roster() const;
  void got(wire::Bytes bytes);

  TestHost& host;
  ConnId conn;
  ws::Role role;
  ws::Parser parser;
  std::string key;     // of a client
  std::string answer;  // the head that it got
  bool open = false;
  bool reads = true;  // else what is for it stays where it is
  bool closed = false;
  std::optional<std::uint16_t> close_code;
  std::vector<std::string> messages;
  std::size_t pings = 0;
  bool pongs = true;  // it answers pings

 private:
  void message(wire::Bytes piece, bool text, bool last) override;
  void control(ws::Opcode opcode, wire::Bytes payload) override;
  std::string message_;
};

class TestWorld;

// A sidecar: the core, and what its shell does.
class TestHost final : public MeshPort {
 public:
  TestHost(TestWorld& owner, std::string name, bool carry);

  AppSocket& discovery();
  AppSocket& tunnel(const std::string& server);
  // An app that registers, and accepts on `port`.
  AppSocket& app(const std::string& server, int port, const std::string& token = "");
  void settle();
  DropIn& core() { return *core_; }
  std::uint64_t closed_for(CloseReason reason) const {
    return core_->counters().closed.at(static_cast<std::size_t>(reason));
  }
  std::uint64_t cut_for(CutReason reason) const {
    return core_->counters().cuts.at(static_cast<std::size_t>(reason));
  }
  // A new life; its connections are gone.
  void restart();
  bool turn();

  std::string id;
  std::set<int> ports;              // that accept
  std::set<std::string> remote_ok;  // probed addresses elsewhere that accept
  std::string saved;
  std::vector<std::string> logs;
  std::vector<AppSocket*> accepted;  // connections that apps got, the newest last
  std::size_t backlog_bytes = 0;     // of every link, as the shell would say
  bool settled = true;
  bool known = true;

 private:
  friend class TestWorld;
  friend class AppSocket;
  void send(PeerKey peer, wire::Bytes head, wire::Bytes body) override;
  std::size_t backlog(PeerKey peer) const override;
  AppSocket& connect(ws::Role role, bool discovery);
  void perform(const Action& action);
  void flush(AppSocket& app);

  TestWorld& world_;
  bool carry_;
  std::unique_ptr<DropIn> core_;
  std::map<ConnId, std::unique_ptr<AppSocket>> apps_;
  ConnId next_ = 1;
  node::ChannelEvents inbox_;
};

class TestWorld {
 public:
  TestHost& add(const std::string& name, bool carry = true);
  // What node::Node says of a link between the two: a stream begins (or goes on), or is lost.
  void link(TestHost& a, TestHost& b, bool fresh = true);
  void start_stream(TestHost& from, TestHost& to);
  void lose(TestHost& a, TestHost& b);
  void gone(TestHost& at, TestHost& peer);
  // Turns until nothing happens any more.
  void run();
  void advance(TimeUs time);

  TimeUs now = 1 * kSecondUs;
  std::vector<std::unique_ptr<TestHost>> hosts;
  std::set<std::pair<TestHost*, TestHost*>> linked;
  std::map<std::pair<TestHost*, TestHost*>, std::deque<std::string>> wires;

  PeerKey key_of(const TestHost& host) const;
  TestHost& at(PeerKey key) { return *hosts.at(key); }

 private:
  bool deliver();
};

inline const std::string kV2a = "000000000000000a";
inline const std::string kV2b = "000000000000000b";
inline const std::string kV1a = "123e4567-e89b-12d3-a456-42661417400a";
inline const std::string kV1b = "123e4567-e89b-12d3-a456-42661417400b";

class DropInTest : public ::testing::Test {
 protected:
  // Two linked sidecars, and what both need for a tunnel from kV2a at `a` to kV2b at `b`.
  struct Pair {
    explicit Pair(TestWorld& world);
    TestHost& a;
    TestHost& b;
    AppSocket& app_a;
    AppSocket& app_b;
  };
  TestWorld world;
};

}  // namespace socketmesh::dropin
