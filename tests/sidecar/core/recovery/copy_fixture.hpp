// A home that notes what happens to it, and messages for it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sidecar/core/recovery/shadow.hpp"
#include "tests/sim/recovery_app.hpp"

namespace socketmesh::recovery {

// 1, 2 and 3 in the last byte that is written: the wire's ids are read as they lie there.
inline constexpr wire::MemberId kMember = 1ULL << 56U;
inline constexpr wire::MemberId kOther = 2ULL << 56U;
inline constexpr wire::MemberId kThird = 3ULL << 56U;
inline constexpr wire::MemberId kNeighbour = 9ULL << 56U;  // at the same sidecar
inline constexpr std::uint64_t as_written(wire::MemberId member) {
  return member >> 56U;
}
inline constexpr TimeUs kWindow = 1000;
inline constexpr std::uint16_t kAttachment = 4;

class CopyTest : public testing::Test {
 protected:
  CopyTest() { home.note_changes(true); }

  static HomeLimits limits() {
    HomeLimits limits;
    limits.window = kWindow;
    limits.memory_bytes = 1U << 20U;
    limits.sessions = 8;
    limits.repeat = 500;
    limits.replicas = 1;
    return limits;
  }

  // To everyone in "/"; `delivered`: what its publisher had delivered by then.
  static wire::Buffer message(wire::MemberId origin, std::uint64_t seq,
                              std::uint64_t delivered = 0) {
    return message_to({}, origin, seq, delivered);
  }
  static wire::Buffer message_to(const std::vector<std::string>& rooms, wire::MemberId origin,
                                 std::uint64_t seq, std::uint64_t delivered = 0) {
    constexpr std::uint8_t kLogged = 0x40;
    sim::Data data;
    data.flags = kLogged;
    data.route = rooms.empty() ? sim::Route::kNamespace : sim::Route::kRooms;
    data.origin = as_written(origin);
    data.seq = seq;
    data.nsp = "/";
    data.rooms = rooms;
    data.body = "message" + sim::Writer().u16(kAttachment).u32(delivered).u16(0).take();
    const std::string frame = sim::encode_data(data);
    return {frame.begin(), frame.end()};
  }
  static std::string offset(wire::MemberId origin, std::uint64_t seq) {
    return sim::offset_of({as_written(origin), seq});
  }

  void queue(wire::MemberId origin, std::uint64_t seq) {
    home.queued(message(origin, seq), 1, ++deliveries, now);
  }
  Session* open(std::string_view pid, const wire::recovery::Names& rooms = {}) {
    const std::string sid = "sid of " + std::string(pid);
    constexpr std::string_view kData = "data";
    wire::recovery::SessionOp op;
    op.nsp = "/";
    op.sid = sid;
    op.pid = pid;
    op.rooms = rooms;
    op.data = sim::as_bytes(kData);
    return home.open(op, now, limits());
  }
  // What was noted since, told to a copy.
  bool tell(Shadow& shadow) { return apply(shadow, home.take_changes()); }
  bool apply(Shadow& shadow, const std::vector<wire::Buffer>& pieces) {
    return std::ranges::all_of(
        pieces, [&](const wire::Buffer& records) { return shadow.apply(records, now, limits()); });
  }
  // A whole copy of the home as it is, as shadows.cpp tells it.
  void snapshot(Shadow& shadow) {
    (void)home.take_changes();
    CopyNotes notes;
    notes.begin(home.log().head());
    wire::Buffer entries;
    wire::Writer writer(entries);
    for (Position at = home.log().head(); at < home.log().end(); ++at) {
      const Log::Entry& entry = home.log().at(at);
      writer.u64(static_cast<std::uint64_t>(now - entry.time));
      writer.u32(entry.size);
      if (entry.at != nullptr) writer.bytes(entry.frame());
    }
    notes.log(home.log().head(), entries);
    home.note_state(notes);
    home.each_session([&](const Session& session) { home.note_session(notes, session, now); });
    notes.plain(CopyKind::kReady);
    ASSERT_TRUE(apply(shadow, notes.take()));
  }

  // Everything about them that decides what a client gets.
  static void expect_same(Home& one, Home& two) {
    ASSERT_EQ(one.log().head(), two.log().head());
    ASSERT_EQ(one.log().end(), two.log().end());
    for (Position at = one.log().head(); at < one.log().end(); ++at) {
      EXPECT_EQ(one.log().at(at).id(), two.log().at(at).id()) << "at " << at;
      EXPECT_EQ(one.log().at(at).time, two.log().at(at).time) << "at " << at;
    }
    EXPECT_EQ(one.log().gap_since(0), two.log().gap_since(0));
    EXPECT_EQ(one.attached(), two.attached());
    EXPECT_EQ(one.cut(), two.cut());
    ASSERT_EQ(one.sessions(), two.sessions());
    one.each_session([&](const Session& session) {
      const Session* other = two.find(session.nsp, session.pid);
      ASSERT_NE(other, nullptr) << session.pid;
      expect_same(session, *other);
    });
  }
  static void expect_same(const Session& one, const Session& two) {
    EXPECT_EQ(one.sid, two.sid);
    EXPECT_EQ(one.data, two.data);
    EXPECT_EQ(one.rooms(), two.rooms());
    EXPECT_EQ(one.state, two.state);
    EXPECT_EQ(one.generation, two.generation);
    EXPECT_EQ(one.start, two.start);
    EXPECT_EQ(one.base, two.base);
    EXPECT_EQ(one.last, two.last);
    EXPECT_EQ(one.last_position, two.last_position);
    EXPECT_EQ(one.lent, two.lent);
    EXPECT_EQ(one.carried, two.carried);
    ASSERT_EQ(one.changes().size(), two.changes().size());
    for (std::size_t i = 0; i < one.changes().size(); ++i) {
      EXPECT_EQ(one.changes()[i].at, two.changes()[i].at);
      EXPECT_EQ(one.changes()[i].join, two.changes()[i].join);
      EXPECT_EQ(one.changes()[i].room, two.changes()[i].room);
    }
  }

  TimeUs now = 10'000;
  std::uint64_t deliveries = 0;
  Home home{kMember, limits()};
};

}  // namespace socketmesh::recovery
