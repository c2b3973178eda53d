// The two times of the operator's pure parts. MonoTime orders and measures: microseconds since an
// arbitrary start, never going back. UnixTime is what other machines are told and what certificates
// hold: microseconds since 1970, as this machine's clock has it. Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace socketmesh::op::plan {

using MonoTime = std::chrono::microseconds;
using UnixTime = std::chrono::microseconds;

// As Kubernetes writes metav1.Time: "2026-11-23T09:38:51Z".
std::string format_time(UnixTime time);
// metav1.MicroTime: "2026-11-23T09:38:51.000123Z".
std::string format_micro_time(UnixTime time);
// Reads both forms (UTC, any number of decimals, those past six are dropped); nothing when the text
// is neither.
std::optional<UnixTime> parse_time(std::string_view text);

}  // namespace socketmesh::op::plan
