// The simulator's only source of chance: xoshiro256** seeded by splitmix64.
//
// Integer arithmetic only, so that a seed means the same run with every compiler and library.
// fork() gives a component its own stream: drawing more in one does not shift the others.
#pragma once

#include <cstddef>
#include <cstdint>

namespace socketmesh::sim {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) {
    for (auto& word : state_) word = split(seed);
  }

  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // Uniform in [0, n); 0 for n = 0. The bias of the multiplication is below 2^-32 for our n.
  std::uint64_t below(std::uint64_t n) { return ((next() >> 32U) * n) >> 32U; }
  // Uniform in [low, high], both below 2^31.
  std::int64_t range(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  std::size_t index(std::size_t size) { return static_cast<std::size_t>(below(size)); }
  // True n times out of a thousand.
  bool permille(std::uint64_t n) { return below(1000) < n; }

  Rng fork() { return Rng(next()); }

 private:
  static std::uint64_t split(std::uint64_t& seed) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  static std::uint64_t rotate(std::uint64_t x, unsigned k) { return (x << k) | (x >> (64U - k)); }

  std::uint64_t state_[4] = {};
};

}  // namespace socketmesh::sim
