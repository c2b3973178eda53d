#include "sidecar/core/recovery/session.hpp"

#include <algorithm>

namespace socketmesh::recovery {

std::string session_key(std::string_view nsp, std::string_view id) {
  std::string key(nsp);
  key.push_back('\0');
  key.append(id);
  return key;
}

bool Session::join(std::string_view room, Position at) {
  if (!rooms_.emplace(room).second) return false;
  changes_.push_back({at, true, std::string(room)});
  return true;
}

bool Session::leave(std::string_view room, Position at) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return false;
  rooms_.erase(found);
  changes_.push_back({at, false, std::string(room)});
  return true;
}

void Session::forget_changes(Position head) {
  const auto first = std::ranges::upper_bound(changes_, head, {}, &Change::at);
  changes_.erase(changes_.begin(), first);
}

bool Session::marked(const MessageId& id) const {
  return std::ranges::any_of(
      marks, [&id](const auto& mark) { return mark.origin == id.origin && id.seq <= mark.seq; });
}

bool Session::is_for(const LoggedRoute& route, const std::set<std::string_view>& rooms) const {
  const auto in = [&rooms](std::string_view room) { return rooms.contains(room); };
  if (route.nsp != nsp) return false;
  if (!route.rooms.empty() && std::ranges::none_of(route.rooms, in)) return false;
  return std::ranges::none_of(route.except, in);
}

std::size_t Session::first_change(Position from) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(changes_, from, {}, &Change::at) -
                                  changes_.begin());
}

std::set<std::string_view> Session::rooms_at(Position from, wire::recovery::Names& names) const {
  std::set<std::string_view> rooms(rooms_.begin(), rooms_.end());
  std::set<std::string_view> ever = rooms;
  for (std::size_t i = changes_.size(); i > first_change(from); --i) {
    const Change& change = changes_[i - 1];
    ever.insert(change.room);
    if (change.join)
      rooms.erase(change.room);
    else
      rooms.insert(change.room);
  }
  names.assign(ever.begin(), ever.end());
  return rooms;
}

bool Session::holds(Log& log, Position position) const {
  const auto message = wire::parse_data(log.at(position).frame());
  LoggedRoute route;
  wire::recovery::Names names;
  return message && read_route(*message, route) && is_for(route, rooms_at(position, names));
}

wire::recovery::AdoptSession Session::describe(TimeUs now, wire::Buffer& carried_frames) const {
  wire::recovery::AdoptSession said;
  said.nsp = nsp;
  said.sid = sid;
  said.pid = pid;
  said.generation = generation;
  said.left_us = static_cast<std::uint64_t>(std::max<TimeUs>(0, deadline - now));
  said.start = start;
  said.base = base;
  said.last = last;
  said.last_position = last_position;
  said.lent = lent;
  said.suspects = suspects;
  said.doomed = doomed;
  said.rooms.assign(rooms_.begin(), rooms_.end());
  for (const Change& change : changes_)
    said.changes.push_back({change.at, change.join, change.room});
  said.marks = marks;
  said.data = data;
  for (const wire::Buffer& frame : carried)
    carried_frames.insert(carried_frames.end(), frame.begin(), frame.end());
  said.carried = carried_frames;
  return said;
}

bool Session::write_frame(wire::Buffer& out, std::uint64_t token, TimeUs now) const {
  const std::size_t before = out.size();
  wire::Buffer carried_frames;
  wire::recovery::AdoptSession said = describe(now, carried_frames);
  said.token = token;
  wire::recovery::write_adopt_session(out, said);
  if (out.size() - before <= kSessionFrameBytesMax) return true;
  out.resize(before);
  said.carried = {};
  if (!carried.empty()) said.base = kNoOffset;
  wire::recovery::write_adopt_session(out, said);
  if (out.size() - before <= kSessionFrameBytesMax) return true;
  out.resize(before);
  return false;
}

std::size_t Session::carried_bytes() const {
  std::size_t total = 0;
  for (const wire::Buffer& frame : carried) total += frame.size();
  return total;
}

}  // namespace socketmesh::recovery
