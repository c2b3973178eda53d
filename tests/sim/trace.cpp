#include "tests/sim/trace.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace socketmesh::sim {

namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15U + (hash << 6U) + (hash >> 2U);
  return hash * 0xff51afd7ed558ccdU;
}

}  // namespace

Trace::Line& Trace::fresh(const char* what) {
  Line& line = tail_[lines_++ % kTailLines];
  line.at = clock_.now();
  line.what = what;
  return line;
}

void Trace::note(const char* what, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  Line& line = fresh(what);
  line.a = a;
  line.b = b;
  line.c = c;
  line.text.clear();
  hash_ = mix(hash_, static_cast<std::uint64_t>(line.at));
  for (const char* p = what; *p != '\0'; ++p) hash_ = mix(hash_, static_cast<unsigned char>(*p));
  hash_ = mix(mix(mix(hash_, a), b), c);
  if (verbose_) std::printf("%s\n", format(line).c_str());
}

void Trace::text(const char* who, std::uint64_t number, std::string_view text) {
  Line& line = fresh(who);
  line.a = number;
  line.text.assign(text);
  if (verbose_) std::printf("%s\n", format(line).c_str());
}

std::string Trace::format(const Line& line) {
  char head[160];
  const double milliseconds = static_cast<double>(line.at) / 1000.0;
  if (!line.text.empty()) {
    std::snprintf(head, sizeof head, "%12.3f ms  %s %" PRIu64 ": ", milliseconds, line.what,
                  line.a);
    return head + line.text;
  }
  std::snprintf(head, sizeof head, "%12.3f ms  %s %" PRIu64 " %" PRIu64 " %" PRIu64, milliseconds,
                line.what, line.a, line.b, line.c);
  return head;
}

std::string Trace::tail(std::size_t lines) const {
  std::string out;
  const std::uint64_t kept = std::min<std::uint64_t>({lines_, kTailLines, lines});
  for (std::uint64_t i = lines_ - kept; i < lines_; ++i) {
    out += "  " + format(tail_[i % kTailLines]) + "\n";
  }
  return out;
}

}  // namespace socketmesh::sim
