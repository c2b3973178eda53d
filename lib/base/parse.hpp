// Strict readers for numbers, durations and sizes, as they stand in configuration files and on
// command lines. The whole text must be the value: no spaces, signs, octal or hexadecimal forms,
// fractions or leading zeros. Errors say what was expected. Pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "lib/base/expected.hpp"

namespace socketmesh {

// Decimal digits, at most `max`: "0", "7400".
Expected<std::uint64_t> parse_uint(std::string_view text,
                                   std::uint64_t max = std::numeric_limits<std::uint64_t>::max());

// Whole numbers with units, larger units first: "100ms", "120s", "2m", "1h30m", "24h0m0s".
// A bare number has no unit and is refused. At most kDurationMax.
inline constexpr std::chrono::milliseconds kDurationMax = std::chrono::hours(24 * 365);
Expected<std::chrono::milliseconds> parse_duration(std::string_view text);

// Bytes: "1048576", "512B", "64KiB" or "64Ki" (also Mi, Gi), "64kB" or "64k" (also M, G; powers of
// ten, as in Kubernetes). At most 2^53, so that a double holds it exactly.
inline constexpr std::uint64_t kSizeMax = std::uint64_t{1} << 53U;
Expected<std::uint64_t> parse_size(std::string_view text);

// The shortest text that parse_duration and parse_size read back to the same value.
std::string format_duration(std::chrono::milliseconds duration);
std::string format_size(std::uint64_t bytes);

}  // namespace socketmesh
