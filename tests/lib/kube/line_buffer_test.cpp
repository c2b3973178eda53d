#include "lib/kube/line_buffer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace socketmesh::kube {
namespace {

using Lines = std::vector<std::string>;

// What `chunks` are cut into; the last entry tells when feeding failed.
Lines cut(LineBuffer& buffer, const std::vector<std::string>& chunks) {
  Lines lines;
  for (const std::string& chunk : chunks) {
    const bool good = buffer.feed(chunk, [&](std::string_view line) {
      lines.emplace_back(line);
      return true;
    });
    if (!good) {
      lines.emplace_back("FAILED");
      break;
    }
  }
  return lines;
}

TEST(LineBuffer, CutsAtNewlinesAcrossChunks) {
  LineBuffer buffer(100);
  EXPECT_EQ(cut(buffer, {"ab\nc", "", "d", "\n", "\ne\nf"}), (Lines{"ab", "cd", "", "e"}));
  EXPECT_EQ(buffer.pending(), 1U);
  buffer.clear();
  EXPECT_EQ(buffer.pending(), 0U);
}

TEST(LineBuffer, ALineMayFillTheLimitAndNoMore) {
  for (const Lines& chunks : {Lines{"abcd\n"}, Lines{"ab", "cd", "\n"}, Lines{"abc", "d\n"}}) {
    LineBuffer buffer(4);
    EXPECT_EQ(cut(buffer, chunks), Lines{"abcd"});
  }
  for (const Lines& chunks :
       {Lines{"abcde\n"}, Lines{"ab", "cde\n"}, Lines{"abcd", "e"}, Lines{"abcde"}}) {
    LineBuffer buffer(4);
    EXPECT_EQ(cut(buffer, chunks), Lines{"FAILED"});
  }
}

TEST(LineBuffer, StopsWhenToldTo) {
  LineBuffer buffer(100);
  int lines = 0;
  EXPECT_FALSE(buffer.feed("a\nb\nc\n", [&](std::string_view) { return ++lines < 2; }));
  EXPECT_EQ(lines, 2);
}

}  // namespace
}  // namespace socketmesh::kube
