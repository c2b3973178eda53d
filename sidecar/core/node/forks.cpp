// Sessions that two have: a sidecar was lost, a copy of its home gave its sessions on, and then its
// member turns out to live, with the same sockets. What is given on is the newer one, but nobody
// can tell what its client has got of both: it is void, and so is what the member has.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

namespace {

// Sessions that are remembered as given on elsewhere; beyond that the newest are not.
constexpr std::size_t kWentOn = 65'536;

bool among(const rw::Members& members, MemberId member) {
  return std::ranges::find(members, member) != members.end();
}

}  // namespace

bool Node::Impl::Recovery::somebody_lives(const rw::Members& members) const {
  return std::ranges::any_of(members, [this](MemberId member) {
    if (node.local_members.contains(member)) return true;
    const auto found = node.remote_members.find(member);
    return found != node.remote_members.end() && found->second->linked &&
           found->second->members.at(member).confirmed;
  });
}

// It is back, with its sockets: those are nobody else's.
void Node::Impl::Recovery::member_lives(MemberId member) {
  for (const TailAsked& item : tails_asked) {
    if (!among(item.members, member)) continue;
    node.to_peer(*item.by, [&](wire::Buffer& out) {
      rw::write_tail_end(out, {item.token, rw::TailResult::kMember});
    });
  }
  doom_sessions(member);
  std::vector<HomeRecord*> taken;
  for (auto& [id, record] : homes) {
    if (among(record->home.suspects(), member)) taken.push_back(record.get());
  }
  for (HomeRecord* record : taken) give_back(*record);
}

// Sessions of its clients that were restored elsewhere while it seemed dead. It has gone on with
// them: it is told.
void Node::Impl::Recovery::doom_sessions(MemberId member) {
  const auto at = node.remote_members.find(member);
  Slot* its = at == node.remote_members.end() || !at->second->linked ? nullptr : at->second;
  for (auto& [id, record] : homes) {
    record->home.each_session([&, home = record.get()](Session& session) {
      if (!among(session.suspects, member)) return;
      doom(*home, session);
      if (its == nullptr) return;
      const rw::GoneOn said{session.nsp, session.pid, session.generation};
      node.to_peer(*its, [&](wire::Buffer& out) { rw::write_gone_on(out, said); });
    });
  }
  for (auto& [key, held_home] : held) {
    held_home.shadow.home().each_session([&](Session& session) {
      if (among(session.suspects, member)) session.doomed = true;
    });
  }
}

// It stays until no other can be found that somebody believes to be right.
void Node::Impl::Recovery::doom(HomeRecord& record, Session& session) {
  using State = Session::State;
  session.doomed = true;
  session.deadline = node.now + kDoomedWindows * limits.window;
  const bool socket = session.state == State::kLive || session.state == State::kRestoring;
  if (socket && record.app != nullptr)
    rw::write_close_session(node.tell(*record.app), session.nsp, session.sid);
}

void Node::Impl::Recovery::gone_on(const rw::GoneOn& said) {
  for (auto& [member, record] : homes) {
    Session* session = record->home.find(said.nsp, said.pid);
    if (session != nullptr && session->generation < said.generation) doom(*record, *session);
  }
  // Its socket may not have been told yet.
  const std::string key = recovery::session_key(said.nsp, said.pid);
  if (went_on.size() >= kWentOn && !went_on.contains(key)) return;
  GoneOn& known = went_on[key];
  known.generation = std::max(known.generation, said.generation);
  known.until = node.now + kDoomedWindows * limits.window;
}

void Node::Impl::Recovery::check_opened(HomeRecord& record, Session& session) {
  const auto known = went_on.find(recovery::session_key(session.nsp, session.pid));
  if (known != went_on.end() && session.generation < known->second.generation)
    doom(record, session);
}

}  // namespace socketmesh::node
