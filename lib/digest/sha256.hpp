// SHA-256 by OpenSSL: of bundles, so that two sides can tell that they trust the same roots, and of
// objects, so that a change is seen.
//
// Pure functions, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace socketmesh {

inline constexpr std::size_t kSha256HexChars = 64;

// Lower-case hexadecimal, kSha256HexChars characters.
std::string sha256_hex(std::string_view bytes);

}  // namespace socketmesh
