// A model of the adapter with recovery on: sockets of clients, sessions, offsets, restores, as
// docs/protocol.md has them. One namespace. The clients are in recovery_client.hpp.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/app_protocol.hpp"
#include "tests/sim/sidecar_host.hpp"

namespace socketmesh::sim {

using MessageId = std::pair<MemberId, std::uint64_t>;
using Rooms = std::set<std::string>;

// A broadcast, as its publisher made it.
struct Message {
  MessageId id;
  Rooms rooms;  // none: everyone
  Rooms except;
  bool local = false;
  TimeUs published = 0;
  bool held = false;  // perhaps, for some, at its publisher's sidecar
  bool is_for(const Rooms& in) const;
};

std::string offset_of(const MessageId& id);

// A client, as the app sees it. Connections are numbered by the client; what goes over one that has
// ended goes nowhere.
class ClientEnd {
 public:
  virtual ~ClientEnd() = default;
  virtual void connected(std::uint64_t connection, MemberId home, const std::string& sid,
                         const std::string& pid, const Rooms& rooms) = 0;
  virtual void message(std::uint64_t connection, const MessageId& id) = 0;
  virtual void closed(std::uint64_t connection) = 0;
  // Whether it has not given that connection up.
  virtual bool waits(std::uint64_t connection) const = 0;
};

class RecoveryApp : public NetUser {
 public:
  RecoveryApp(SidecarHost::Env env, Rng rng, MemberId id, SidecarHost& home);

  void start();
  void crash();
  // Closes its sockets, says so, and ends.
  void shut_down();
  bool alive() const { return alive_; }
  bool attached() const { return end_ != 0 && welcomed_; }
  MemberId id() const { return id_; }
  SidecarHost& home() const { return home_; }

  // A client is here. With a pid: it wants its session.
  void connect(ClientEnd& client, std::uint64_t connection, const std::string& pid,
               const std::string& offset, const Rooms& wanted_rooms);
  // Its transport has ended, as far as this server knows.
  void transport_closed(const ClientEnd& client, std::uint64_t connection);
  bool change_rooms(const std::string& sid, const std::string& room, bool join);
  Message publish(Rooms rooms, Rooms except, bool local);
  // Reports LAST and ALL_WRITTEN; called each quarter of the window.
  void report_last();
  // Where it delivered a message, in its own order; -1: not at all.
  std::int64_t delivered_at(const MessageId& id) const;
  const std::map<std::uint8_t, std::uint64_t>& refusals() const { return refusals_; }
  std::uint64_t restored() const { return restored_; }
  std::size_t sockets() const { return sockets_.size(); }

  void dialed(EndId end, const std::string& address) override;
  void dial_failed(const std::string& address, const char* reason) override;
  void accepted(EndId, const std::string&, const std::string&) override {}
  void readable(EndId end, Bytes bytes) override;
  void writable(EndId end) override;
  void closed(EndId end) override;

 private:
  struct Socket {
    std::string sid;
    std::string pid;
    Rooms rooms;
    ClientEnd* client = nullptr;
    std::uint64_t connection = 0;
    bool connected = false;
    std::vector<MessageId> missed;  // written behind CONNECT
    std::map<MemberId, std::uint64_t> marks;
    std::uint64_t generation = 0;
    std::string last;
    std::string last_told;
  };
  struct Pending {
    std::string pid;
    ClientEnd* client = nullptr;
    std::uint64_t connection = 0;
    Rooms wanted;
    std::string offset;
    bool dead = false;  // its transport ended
    std::vector<MessageId> replay;
    std::vector<Message> remembered;
  };

  void send(const std::string& bytes);
  void flush();
  void attach();
  void handle(Bytes frame);
  void on_replay(Reader& reader);
  void on_restored(Reader& reader);
  void on_close_session(Reader& reader);
  void deliver(const Message& message);
  void go_on(const std::string& sid);
  void accept_new(ClientEnd& client, std::uint64_t connection, const Rooms& rooms);
  void close(Socket& socket);
  void tell(const std::string& op);
  void tell_open(Socket& socket);
  void lose_arriving();
  void tell_last(Socket& socket);
  void publish_frame(Data data);
  std::string order() const;
  void count_room(const std::string& room, int by);

  SidecarHost::Env env_;
  Rng rng_;
  MemberId id_;
  SidecarHost& home_;
  bool alive_ = false;
  bool welcomed_ = false;
  EndId end_ = 0;
  FrameStream frames_;
  std::string out_;
  std::uint64_t attachment_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t count_told_ = 0;
  std::uint64_t seq_ = 0;
  std::uint32_t request_ = 0;
  std::deque<std::pair<std::uint64_t, std::string>> retained_;
  std::map<MemberId, std::uint64_t> highest_;
  std::map<MemberId, std::string> known_;  // other members' sidecars
  std::map<std::string, Socket> sockets_;  // by sid
  std::map<std::string, int> room_counts_;
  std::map<std::uint32_t, Pending> pending_;
  std::set<std::uint32_t> given_up_;  // restores that nobody waits for any more
  std::map<MessageId, std::int64_t> delivered_;
  std::map<std::uint8_t, std::uint64_t> refusals_;
  std::uint64_t restored_ = 0;
};

}  // namespace socketmesh::sim
