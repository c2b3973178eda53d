#include "sidecar/core/wire/shadow_frames.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/sim/app_protocol.hpp"
#include "tests/sim/bytes.hpp"

namespace socketmesh::wire::recovery {
namespace {

Buffer message(std::uint64_t seq) {
  sim::Data data;
  data.origin = 7;
  data.seq = seq;
  data.nsp = "/";
  data.body = "body";
  const std::string frame = sim::encode_data(data);
  return {frame.begin(), frame.end()};
}

Buffer messages() {
  Buffer both = message(1);
  const Buffer second = message(2);
  both.insert(both.end(), second.begin(), second.end());
  return both;
}

Buffer copied(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

// None of what is cut off from a payload decodes, but at the lengths in `whole`.
template <typename Decode>
void expect_no_part(Bytes payload, Decode&& decode, const std::vector<std::size_t>& whole = {}) {
  for (std::size_t size = 0; size < payload.size(); ++size) {
    const bool may = std::ranges::find(whole, size) != whole.end();
    EXPECT_EQ(decode(payload.first(size)).has_value(), may) << size << " of " << payload.size();
  }
}

template <typename Decode>
void expect_no_more(Bytes payload, Decode&& decode) {
  Buffer longer = copied(payload);
  longer.push_back(0);
  EXPECT_FALSE(decode(longer).has_value());
}

TEST(ShadowFrames, GoneOn) {
  Buffer out;
  write_gone_on(out, {"/", "pid", 7});
  ASSERT_EQ(frame_type(out), 0x57);
  const auto said = decode_gone_on(frame_payload(out));
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->nsp, "/");
  EXPECT_EQ(said->pid, "pid");
  EXPECT_EQ(said->generation, 7U);
  expect_no_part(frame_payload(out), decode_gone_on);
  expect_no_more(frame_payload(out), decode_gone_on);
}

TEST(ShadowFrames, Copy) {
  const Buffer records = {1, 2, 3};
  Buffer out;
  write_copy(out, {0x1122334455667788, records});
  ASSERT_EQ(frame_type(out), 0x51);
  const auto copy = decode_copy(frame_payload(out));
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(copy->member, 0x1122334455667788U);
  EXPECT_EQ(copied(copy->records), records);
  // Its records go to the end, and are their reader's business.
  expect_no_part(frame_payload(out), decode_copy, {8, 9, 10});
}

TEST(ShadowFrames, Holders) {
  Buffer out;
  write_holders(out, {5, {"a", "bc", ""}});
  ASSERT_EQ(frame_type(out), 0x52);
  const auto holders = decode_holders(frame_payload(out));
  ASSERT_TRUE(holders.has_value());
  EXPECT_EQ(holders->member, 5U);
  EXPECT_EQ(holders->sidecars, (Names{"a", "bc", ""}));
  expect_no_part(frame_payload(out), decode_holders);
  expect_no_more(frame_payload(out), decode_holders);
}

TEST(ShadowFrames, HoldersMayBeNobody) {
  Buffer out;
  write_holders(out, {5, {}});
  const auto holders = decode_holders(frame_payload(out));
  ASSERT_TRUE(holders.has_value());
  EXPECT_TRUE(holders->sidecars.empty());
}

// So many names as there are bytes can be; one more can't, and no memory is reserved for it.
TEST(ShadowFrames, HoldersAreNoMoreThanThereAreBytes) {
  const std::string member(8, '\0');
  const std::string most = member + sim::Writer().varint(3).raw(std::string(3, '\0')).take();
  EXPECT_TRUE(decode_holders(sim::as_bytes(most)).has_value());
  const std::string more = member + sim::Writer().varint(4).raw(std::string(3, '\0')).take();
  EXPECT_FALSE(decode_holders(sim::as_bytes(more)).has_value());
  const std::string many = member + sim::Writer().varint(UINT32_MAX).raw("abc").take();
  EXPECT_FALSE(decode_holders(sim::as_bytes(many)).has_value());
}

TEST(ShadowFrames, Takeover) {
  Buffer out;
  write_takeover(out, {1, 2, "lost", 3, {4, 5, 6}, {{7, 8}, {9, 10}}});
  ASSERT_EQ(frame_type(out), 0x53);
  const auto said = decode_takeover(frame_payload(out));
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->token, 1U);
  EXPECT_EQ(said->member, 2U);
  EXPECT_EQ(said->sidecar, "lost");
  EXPECT_EQ(said->epoch, 3U);
  EXPECT_EQ(said->cursor.epoch, 4U);
  EXPECT_EQ(said->cursor.stream, 5U);
  EXPECT_EQ(said->cursor.seq, 6U);
  ASSERT_EQ(said->marks.size(), 2U);
  EXPECT_EQ(said->marks[1].origin, 9U);
  EXPECT_EQ(said->marks[1].seq, 10U);
  expect_no_part(frame_payload(out), decode_takeover);
  expect_no_more(frame_payload(out), decode_takeover);
}

TEST(ShadowFrames, MarksOfATakeoverAreNoMoreThanThereAreBytes) {
  Buffer out;
  write_takeover(out, {1, 2, "", 3, {}, {{7, 8}}});
  Buffer payload = copied(frame_payload(out));
  const std::size_t count = payload.size() - 16 - 1;
  ASSERT_EQ(payload[count], 1);
  payload[count] = 2;
  EXPECT_FALSE(decode_takeover(payload).has_value());
  payload[count] = 0;
  EXPECT_FALSE(decode_takeover(payload).has_value()) << "a mark behind the last";
}

TEST(ShadowFrames, Tail) {
  const Buffer frames = messages();
  for (const auto kind : {TailKind::kSent, TailKind::kUnsent, TailKind::kHeard}) {
    Buffer out;
    write_tail(out, {3, kind, frames});
    ASSERT_EQ(frame_type(out), 0x54);
    const auto tail = decode_tail(frame_payload(out));
    ASSERT_TRUE(tail.has_value());
    EXPECT_EQ(tail->token, 3U);
    EXPECT_EQ(tail->kind, kind);
    EXPECT_EQ(copied(tail->frames), frames);
    expect_no_part(frame_payload(out), decode_tail, {9, 9 + message(1).size()});
  }
}

TEST(ShadowFrames, ATailIsOfAKnownKindAndOfMessagesOnly) {
  const Buffer frames = messages();
  Buffer out;
  write_tail(out, {3, static_cast<TailKind>(3), frames});
  EXPECT_FALSE(decode_tail(frame_payload(out)).has_value());
  Buffer torn = frames;
  torn[8] = 0xff;  // its route is longer than the frame
  out.clear();
  write_tail(out, {3, TailKind::kSent, torn});
  EXPECT_FALSE(decode_tail(frame_payload(out)).has_value());
}

TEST(ShadowFrames, TailEnd) {
  for (std::uint8_t result = 0; result <= kLastTailResult; ++result) {
    Buffer out;
    write_tail_end(out, {4, static_cast<TailResult>(result)});
    ASSERT_EQ(frame_type(out), 0x55);
    const auto end = decode_tail_end(frame_payload(out));
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(end->token, 4U);
    EXPECT_EQ(static_cast<std::uint8_t>(end->result), result);
    expect_no_part(frame_payload(out), decode_tail_end);
    expect_no_more(frame_payload(out), decode_tail_end);
  }
  Buffer out;
  write_tail_end(out, {4, static_cast<TailResult>(kLastTailResult + 1)});
  EXPECT_FALSE(decode_tail_end(frame_payload(out)).has_value());
}

TEST(ShadowFrames, CopyLost) {
  Buffer out;
  write_copy_lost(out, 6);
  ASSERT_EQ(frame_type(out), 0x56);
  EXPECT_EQ(decode_copy_lost(frame_payload(out)), 6U);
  expect_no_part(frame_payload(out), decode_copy_lost);
  expect_no_more(frame_payload(out), decode_copy_lost);
}

TEST(ShadowFrames, DataFramesAreWholeOnes) {
  const Buffer frames = messages();
  EXPECT_TRUE(are_data_frames({}));
  EXPECT_TRUE(are_data_frames(frames));
  const std::size_t first = message(1).size();
  for (std::size_t size = 1; size < frames.size(); ++size)
    EXPECT_EQ(are_data_frames(Bytes(frames).first(size)), size == first) << size;
}

}  // namespace
}  // namespace socketmesh::wire::recovery
