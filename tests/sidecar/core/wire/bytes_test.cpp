#include "sidecar/core/wire/bytes.hpp"

#include <gtest/gtest.h>

namespace socketmesh::wire {
namespace {

TEST(Reader, ReadsWhatWriterWrote) {
  Buffer out;
  Writer writer(out);
  writer.u8(7);
  writer.u16(0x1234);
  writer.u32(0x89abcdef);
  writer.u64(0x0123456789abcdefULL);
  for (const std::uint32_t value : {0U, 127U, 128U, 16'383U, 16'384U, UINT32_MAX})
    writer.varint(value);
  writer.string("häus");
  Reader reader(out);
  EXPECT_EQ(reader.u8(), 7);
  EXPECT_EQ(reader.u16(), 0x1234);
  EXPECT_EQ(reader.u32(), 0x89abcdefU);
  EXPECT_EQ(reader.u64(), 0x0123456789abcdefULL);
  for (const std::uint32_t value : {0U, 127U, 128U, 16'383U, 16'384U, UINT32_MAX})
    EXPECT_EQ(reader.varint(), value);
  EXPECT_EQ(reader.string(), "häus");
  EXPECT_TRUE(reader.done());
}

TEST(Reader, AShortReadSpoilsAllThatFollow) {
  const Buffer bytes{1, 2, 3};
  Reader reader(bytes);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_TRUE(reader.string().empty());
  EXPECT_FALSE(reader.done());
}

TEST(Reader, RefusesAVarintOverThirtyTwoBits) {
  const Buffer over{0xff, 0xff, 0xff, 0xff, 0x1f};
  Reader reader(over);
  reader.varint();
  EXPECT_FALSE(reader.ok());
  const Buffer endless{0x80, 0x80, 0x80, 0x80, 0x80, 0x01};
  Reader second(endless);
  second.varint();
  EXPECT_FALSE(second.ok());
}

TEST(Reader, ACountMustBePossible) {
  const Buffer bytes{3, 0, 0, 0};
  Reader fits(bytes);
  EXPECT_EQ(fits.count(1), 3U);
  EXPECT_TRUE(fits.ok());
  Reader over(bytes);
  EXPECT_EQ(over.count(2), 0U);
  EXPECT_FALSE(over.ok());
}

}  // namespace
}  // namespace socketmesh::wire
