// A copy of a home that lives in another sidecar: fed with what that home tells, until that sidecar
// is lost and the copy is the home. Pure; not thread-safe.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "sidecar/core/recovery/home.hpp"

namespace socketmesh::recovery {

class Shadow {
 public:
  Shadow(wire::MemberId member, const HomeLimits& limits) : home_(member, limits) {}

  // Records from COPY frames. False: malformed.
  bool apply(wire::Bytes records, TimeUs now, const HomeLimits& limits);

  // Nothing of it is missing; before that it stands for nothing.
  bool ready() const { return ready_; }
  // It is not wanted any more.
  bool over() const { return over_; }
  // Whether its home asked since the last call to be told at once what is here.
  bool take_asked() { return std::exchange(asked_, false); }
  Home& home() { return home_; }
  const Home& home() const { return home_; }
  // How far the home's sidecar had read the streams of its peers.
  const std::map<std::string, wire::recovery::Cursor, std::less<>>& cursors() const {
    return cursors_;
  }
  // Those that it had lost by then.
  const std::set<std::string, std::less<>>& away() const { return away_; }
  // When the last record came.
  TimeUs heard() const { return heard_; }
  std::uint64_t records() const { return records_; }

 private:
  bool one(CopyKind kind, wire::Reader& reader, TimeUs now, const HomeLimits& limits);
  bool about_home(CopyKind kind, wire::Reader& reader, TimeUs now, const HomeLimits& limits);
  bool about_session(CopyKind kind, wire::Reader& reader, TimeUs now, const HomeLimits& limits);
  bool frames(CopyKind kind, wire::Reader& reader, TimeUs now);
  bool log(wire::Reader& reader, TimeUs now);
  bool state(wire::Reader& reader, TimeUs now);
  bool session(wire::Reader& reader, TimeUs now, const HomeLimits& limits);

  Home home_;
  bool ready_ = false;
  bool over_ = false;
  bool asked_ = false;
  std::map<std::string, wire::recovery::Cursor, std::less<>> cursors_;
  std::set<std::string, std::less<>> away_;
  TimeUs heard_ = 0;
  std::uint64_t records_ = 0;
};

}  // namespace socketmesh::recovery
