#include "sidecar/core/routing/siphash.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace socketmesh::routing {
namespace {

// The vectors of SipHash's paper and reference implementation: key 00..0f, input 00, 01, 02, ...
TEST(SipHash, AgreesWithTheReferenceVectors) {
  const HashKey key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  wire::Buffer input(15);
  std::iota(input.begin(), input.end(), std::uint8_t{0});
  EXPECT_EQ(siphash(key, {}), 0x726fdb47dd0e0e31ULL);
  EXPECT_EQ(siphash(key, wire::Bytes(input).first(1)), 0x74f839c593dc67fdULL);
  EXPECT_EQ(siphash(key, wire::Bytes(input).first(8)), 0x93f5f5799a932462ULL);
  EXPECT_EQ(siphash(key, input), 0xa129ca6149be45e5ULL);
}

TEST(RoomHasher, KeepsNamespaceAndRoomApart) {
  RoomHasher hash(mesh_hash_key("chat"));
  EXPECT_NE(hash("/a", "b"), hash("/", "ab"));
  EXPECT_NE(hash("/a", "b"), hash("/ab", ""));
  EXPECT_EQ(hash("/a", "b"), hash("/a", "b"));
}

TEST(RoomHasher, MeshesHashApart) {
  RoomHasher one(mesh_hash_key("one"));
  RoomHasher other(mesh_hash_key("other"));
  EXPECT_NE(one("/", "room"), other("/", "room"));
}

}  // namespace
}  // namespace socketmesh::routing
