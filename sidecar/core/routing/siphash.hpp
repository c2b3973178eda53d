// SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"), over a namespace and a
// room.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "sidecar/core/wire/bytes.hpp"

namespace socketmesh::routing {

struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

inline std::uint64_t siphash(HashKey key, wire::Bytes input) {
  std::uint64_t v0 = key.k0 ^ 0x736f6d6570736575ULL;
  std::uint64_t v1 = key.k1 ^ 0x646f72616e646f6dULL;
  std::uint64_t v2 = key.k0 ^ 0x6c7967656e657261ULL;
  std::uint64_t v3 = key.k1 ^ 0x7465646279746573ULL;
  const auto round = [&] {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  };
  const std::uint8_t* at = input.data();
  std::size_t left = input.size();
  for (; left >= 8; at += 8, left -= 8) {
    const auto word = wire::load<std::uint64_t>(at);
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  std::uint64_t last = static_cast<std::uint64_t>(input.size()) << 56U;
  for (std::size_t i = 0; i < left; ++i) last |= static_cast<std::uint64_t>(at[i]) << (8 * i);
  v3 ^= last;
  round();
  round();
  v0 ^= last;
  v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

// Every sidecar of a mesh must hash alike, so the key comes from what they share. It keeps other
// meshes' tables apart; a collision that somebody constructs costs a needless send, never a loss.
inline HashKey mesh_hash_key(std::string_view mesh) {
  const wire::Bytes name{reinterpret_cast<const std::uint8_t*>(mesh.data()), mesh.size()};
  return {siphash({0x534f434b45544d45ULL, 1}, name), siphash({0x534f434b45544d45ULL, 2}, name)};
}

// Hashes (namespace, room) as `nsp 0x00 room`. Keeps a scratch buffer: one per thread.
class RoomHasher {
 public:
  explicit RoomHasher(HashKey key) : key_(key) {}

  std::uint64_t operator()(std::string_view nsp, std::string_view room) {
    scratch_.clear();
    scratch_.insert(scratch_.end(), nsp.begin(), nsp.end());
    scratch_.push_back(0);
    scratch_.insert(scratch_.end(), room.begin(), room.end());
    return siphash(key_, scratch_);
  }

 private:
  HashKey key_;
  wire::Buffer scratch_;
};

}  // namespace socketmesh::routing
