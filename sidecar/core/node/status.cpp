// The node's picture of itself.
#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

namespace {

MemberStatus local_status(const AppConn& app, const std::string& sidecar) {
  MemberStatus status;
  status.id = wire::member_id_text(app.id);
  status.name = app.name;
  status.sidecar = sidecar;
  status.parser = app.parser;
  status.local = true;
  status.up = app.ready;
  status.namespaces.assign(app.namespaces.begin(), app.namespaces.end());
  status.rooms = app.rooms;
  status.messages_in = app.messages_in;
  status.messages_out = app.messages_out;
  status.queue_bytes = app.queue.bytes();
  status.untaken = app.queue.queued() - app.taken_count;
  status.round_trip_us = app.round_trip_us;
  return status;
}

MemberStatus remote_status(const RemoteMember& member, const std::string& sidecar, bool linked) {
  MemberStatus status;
  status.id = wire::member_id_text(member.id);
  status.name = member.name;
  status.sidecar = sidecar;
  status.parser = member.parser;
  status.up = linked && member.state == RemoteMember::State::kUp;
  status.namespaces.assign(member.namespaces.begin(), member.namespaces.end());
  return status;
}

LinkStatus link_status(const Slot& slot, TimeUs now) {
  LinkStatus status;
  status.peer = slot.id;
  status.address = slot.address;
  status.state = slot.linked ? "linked" : slot.conn != 0 ? "connecting" : "parked";
  status.dialed = slot.dialed;
  status.peer_epoch = slot.epoch;
  status.round_trip_us = slot.round_trip_us;
  status.since_us = now - slot.since;
  status.members = slot.members.size();
  status.interest = slot.interest_pairs;
  status.messages_out = slot.messages_out;
  status.messages_in = slot.messages_in;
  status.bytes_out = slot.bytes_out;
  status.bytes_in = slot.bytes_in;
  status.window_bytes = slot.window.bytes();
  status.backlog_bytes = slot.window.backlog_bytes();
  status.retransmits = slot.window.retransmitted();
  status.reconnects = slot.reconnects;
  status.dropped = slot.dropped;
  return status;
}

const char* address_state(mesh::AddressBook::State state) {
  switch (state) {
    case mesh::AddressBook::State::kWaiting:
      return "waiting";
    case mesh::AddressBook::State::kDialing:
      return "dialing";
    case mesh::AddressBook::State::kConnected:
    case mesh::AddressBook::State::kResting:
      return "linked";
    case mesh::AddressBook::State::kSelf:
      return "self";
  }
  return "";
}

}  // namespace

Status Node::Impl::status() const {
  Status status;
  status.mesh = config.mesh;
  status.sidecar_id = config.sidecar_id;
  status.epoch = config.epoch;
  status.uptime_us = now - started;
  status.leaving = leaving || leave_announced;
  status.addresses_known = book.known();
  status.interest_local = local_interest.hashes();
  status.interest_remote = remote_interest.pairs();
  std::map<std::string_view, std::uint64_t> present;
  for (const auto& [id, app] : local_members) {
    status.members.push_back(local_status(*app, config.sidecar_id));
    for (const std::string& nsp : app->namespaces) ++present[nsp];
  }
  for (const auto& [id, slot] : slots) {
    for (const auto& [member_id, member] : slot->members) {
      status.members.push_back(remote_status(member, id, slot->linked));
      for (const std::string& nsp : member.namespaces) ++present[nsp];
    }
    if (id != config.sidecar_id) status.links.push_back(link_status(*slot, now));
  }
  for (const auto& [address, entry] : book.entries()) {
    status.addresses.push_back({address, address_state(entry.state), entry.peer, entry.last_error});
  }
  for (const auto& [nsp, members] : present)
    status.namespaces.push_back({std::string(nsp), members});
  if (recovery) status.recovery = recovery->status();
  return status;
}

}  // namespace socketmesh::node
