#include "sidecar/shell/report.hpp"

namespace socketmesh::shell {
namespace {

void observe(Histogram& histogram, std::int64_t round_trip_us) {
  if (round_trip_us >= 0) histogram.observe(static_cast<std::uint64_t>(round_trip_us));
}

}  // namespace

void RoundTrips::sample(const node::Status& status) {
  for (const node::LinkStatus& link : status.links) {
    if (link.state == "linked") observe(links, link.round_trip_us);
  }
  for (const node::MemberStatus& member : status.members) {
    if (member.local) observe(members, member.round_trip_us);
  }
}

}  // namespace socketmesh::shell
