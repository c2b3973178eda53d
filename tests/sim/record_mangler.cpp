#include "tests/sim/record_mangler.hpp"

namespace socketmesh::sim {

namespace {
constexpr std::uint8_t kRecord = 0x04;
}

void RecordMangler::feed(Bytes written, std::string& wire) {
  frames_.add(written);
  for (Bytes bytes = frames_.next(); !bytes.empty(); bytes = frames_.next()) {
    const std::string whole = frame(bytes[0], as_text(bytes.subspan(1)));
    if (bytes[0] == kRecord) {
      record(whole, wire);
    } else {
      wire += whole;
    }
  }
}

void RecordMangler::record(const std::string& whole, std::string& wire) {
  if (rng_.permille(faults_.drop)) {
    stats_.add(Stat::kRecordsDropped);
    lost_ = true;
    return;
  }
  if (held_.empty() && rng_.permille(faults_.reorder)) {
    stats_.add(Stat::kRecordsReordered);
    held_ = whole;
    return;
  }
  wire += whole;
  if (rng_.permille(faults_.duplicate)) {
    stats_.add(Stat::kRecordsDuplicated);
    wire += whole;
  }
  release(wire);
}

void RecordMangler::release(std::string& wire) {
  wire += held_;
  held_.clear();
}

}  // namespace socketmesh::sim
