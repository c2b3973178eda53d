// Members behind peers: who is up, who is waited for, who is down, and who is told.
#include <algorithm>

#include "sidecar/core/node/recovery.hpp"

namespace socketmesh::node {

using wire::app::DownReason;

// Tells those who were told that it is up, or who named it themselves.
void Node::Impl::tell_down(RemoteMember& member, DownReason reason) {
  for (auto& [conn, app] : apps) {
    const bool named = app->named.erase(member.id) > 0;
    if (!app->attached || app->closing || !(member.told || named)) continue;
    wire::app::write_member_down(tell(*app), member.id, reason);
  }
  member.told = false;
}

// The members are down as far as apps are concerned. With `keep` they may still come back on the
// same life of their sidecar.
void Node::Impl::end_members(Slot& slot, DownReason reason, bool keep) {
  for (auto member = slot.members.begin(); member != slot.members.end();) {
    tell_down(member->second, reason);
    if (keep) {
      member->second.state = RemoteMember::State::kAway;
      ++member;
    } else {
      const MemberId id = member->first;
      ++member;
      erase_member(slot, id);
    }
  }
  routes_changed();
}

void Node::Impl::erase_member(Slot& slot, MemberId id) {
  forget_member(slot, id);
  provisional.drop_member(id);
}

void Node::Impl::forget_member(Slot& slot, MemberId id) {
  const auto member = slot.members.find(id);
  if (member == slot.members.end()) return;
  count_presence(slot, member->second, false);
  const auto index = remote_members.find(id);
  if (index != remote_members.end() && index->second == &slot) remote_members.erase(index);
  slot.members.erase(member);
}

void Node::Impl::count_presence(Slot& slot, const RemoteMember& member, bool add) {
  if (!member.namespaces_known) {
    slot.unknown_presence += add ? 1U : UINT32_MAX;
    return;
  }
  for (const std::string& nsp : member.namespaces) {
    if (add) {
      ++slot.presence[nsp];
    } else if (const auto found = slot.presence.find(nsp);
               found != slot.presence.end() && --found->second == 0) {
      slot.presence.erase(found);
    }
  }
}

void Node::Impl::announce(const Slot& slot, RemoteMember& member) {
  member.told = true;
  const std::vector<std::string_view> namespaces(member.namespaces.begin(),
                                                 member.namespaces.end());
  tell_all([&](wire::Buffer& out) {
    wire::app::write_member_up(out, member.id, slot.id, member.name, namespaces);
  });
}

void Node::Impl::member_up(Slot& slot, const wire::link::MemberUp& up) {
  std::string_view parser = up.parser;
  for (const auto& [id, app] : local_members) parser = app->parser;
  if (parser != up.parser) {
    slot.foreign_parser.insert(up.member);
    counters.cut(CutReason::kParser);
    log(Action::Level::kError, "foreign parser",
        "peer=\"" + slot.id + "\" member=" + wire::member_id_text(up.member) + " parser=\"" +
            std::string(up.parser) + "\" expected=\"" + std::string(parser) + "\"");
    return;
  }
  if (const auto elsewhere = remote_members.find(up.member);
      elsewhere != remote_members.end() && elsewhere->second != &slot) {
    erase_member(*elsewhere->second, up.member);
  }
  const auto [entry, fresh] = slot.members.try_emplace(up.member);
  RemoteMember& member = entry->second;
  if (!fresh) count_presence(slot, member, false);
  member.id = up.member;
  member.name = up.name;
  member.parser = up.parser;
  member.state = RemoteMember::State::kUp;
  member.confirmed = true;
  member.in_snapshot = true;
  member.namespaces_known = true;
  member.namespaces = Names(up.namespaces.begin(), up.namespaces.end());
  count_presence(slot, member, true);
  remote_members[up.member] = &slot;
  routes_changed();
  announce(slot, member);
  if (recovery) recovery->member_lives(up.member);
  pay_debt(slot, up.member);
  if (slot.interest_known) release_when_ready(slot);
}

void Node::Impl::member_down(Slot& slot, MemberId id, DownReason reason) {
  slot.foreign_parser.erase(id);
  const auto member = slot.members.find(id);
  if (member == slot.members.end()) return;
  tell_down(member->second, reason);
  erase_member(slot, id);
  routes_changed();
  if (slot.interest_known) release_when_ready(slot);
}

void Node::Impl::member_presence(Slot& slot, const wire::link::Presence& presence) {
  const auto found = slot.members.find(presence.member);
  if (found == slot.members.end() || !found->second.namespaces_known) return;
  RemoteMember& member = found->second;
  count_presence(slot, member, false);
  if (presence.present) {
    member.namespaces.emplace(presence.nsp);
  } else if (const auto nsp = member.namespaces.find(presence.nsp);
             nsp != member.namespaces.end()) {
    member.namespaces.erase(nsp);
  }
  count_presence(slot, member, true);
  routes_changed();
  tell_all([&](wire::Buffer& out) {
    wire::app::write_presence(out, presence.member, presence.present, presence.nsp);
  });
}

void Node::Impl::snapshot_begin(Slot& slot) {
  remote_interest.remove_owner(slot.endpoint, [](std::uint64_t) {});
  slot.interest_pairs = 0;
  slot.interest_known = false;
  slot.foreign_parser.clear();
  for (auto& [id, member] : slot.members) member.in_snapshot = false;
  routes_changed();
}

// Members that the snapshot does not name are gone, unless their sidecar has a new life: then they
// are waited for.
void Node::Impl::snapshot_end(Slot& slot) {
  slot.interest_known = true;
  std::vector<MemberId> gone;
  for (const auto& [id, member] : slot.members) {
    if (!member.in_snapshot && member.state != RemoteMember::State::kExpected) gone.push_back(id);
  }
  for (const MemberId id : gone) member_down(slot, id, DownReason::kDied);
  routes_changed();
  release_when_ready(slot);
}

// An own member that was expected is attached: what was held for it is its, in order, before
// anything new.
void Node::Impl::member_is_back(AppConn& app) {
  Slot* slot = find_slot(config.sidecar_id);
  if (slot == nullptr) return;
  if (const auto debt = slot->debts.find(app.id); debt != slot->debts.end()) {
    wire::app::write_gap(tell(app), 0, debt->second.unsent, wire::app::GapReason::kHoldEnded,
                         slot->id);
    slot->debts.erase(debt);
    if (slot->members.empty() && slot->debts.empty()) return remove_slot(*slot);
  }
  if (!slot->members.contains(app.id)) return;
  if (const std::uint64_t lost = slot->window.held_lost(); lost > 0) {
    wire::app::write_gap(tell(app), 0, lost, wire::app::GapReason::kLinkWindow, slot->id);
  }
  slot->window.each_held([&](wire::Bytes frames, std::uint32_t) {
    while (!frames.empty()) {
      const wire::Bytes frame =
          frames.first(wire::kLengthBytes + wire::load<std::uint32_t>(frames.data()));
      frames = frames.subspan(frame.size());
      const auto data = wire::parse_data(frame);
      const auto origin = local_members.find(data->origin);
      if (origin == local_members.end() || origin->second == &app || !parse_route(*data, route))
        continue;
      if (data->route_kind == wire::RouteKind::kMember && route.destination != app.id) continue;
      deliver(app, {frame, 1, data->seq, data->seq, *data}, origin->second->endpoint);
    }
  });
  // A socketsJoin() among them is not answered yet, and what is emitted behind it comes now.
  provisional.move_member(app.id, app.endpoint);
  forget_member(*slot, app.id);
  if (slot->members.empty() && slot->debts.empty()) remove_slot(*slot);
}

}  // namespace socketmesh::node
