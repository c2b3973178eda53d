// Records of a copy go in pieces that fit into frames, whatever is told in one turn.
#include "sidecar/core/recovery/copy.hpp"

#include "tests/sidecar/core/recovery/copy_fixture.hpp"

namespace socketmesh::recovery {
namespace {

constexpr std::size_t kBody = 100U << 10U;

class CopyPiecesTest : public CopyTest {
 protected:
  static wire::Buffer run(std::uint64_t first, std::uint64_t count, std::size_t bytes) {
    wire::Buffer frames;
    for (std::uint64_t seq = first; seq < first + count; ++seq) {
      wire::Buffer frame = message(kOther, seq);
      const wire::Buffer order(frame.end() - 8, frame.end());
      frame.resize(frame.size() + bytes, 'x');
      std::ranges::copy(order, frame.end() - 8);
      wire::store(frame.data(), static_cast<std::uint32_t>(frame.size() - wire::kLengthBytes));
      frames.insert(frames.end(), frame.begin(), frame.end());
    }
    return frames;
  }

  Shadow shadow{kMember, limits()};
};

TEST_F(CopyPiecesTest, NothingIsNoPiece) {
  CopyNotes notes;
  EXPECT_TRUE(notes.empty());
  EXPECT_TRUE(notes.take().empty());
}

TEST_F(CopyPiecesTest, ARecordThatDoesNotFitBeginsAnother) {
  CopyNotes notes;
  for (int i = 0; i < 3; ++i) notes.frames(CopyKind::kPublished, run(1, 10, kBody));
  notes.plain(CopyKind::kReady);
  EXPECT_FALSE(notes.empty());
  const std::vector<wire::Buffer> pieces = notes.take();
  EXPECT_EQ(pieces.size(), 3U);
  for (const wire::Buffer& piece : pieces) EXPECT_LE(piece.size(), kCopyPieceBytes);
  EXPECT_TRUE(notes.empty());
}

// A run of more than a piece is cut between frames, and each part has the number of its last.
TEST_F(CopyPiecesTest, LongRunsAreCutBetweenFrames) {
  snapshot(shadow);
  home.attach(kAttachment, {}, now);
  open("a");
  home.queued(run(1, 30, kBody), 30, 30, now);
  const std::vector<wire::Buffer> pieces = home.take_changes();
  EXPECT_EQ(pieces.size(), 3U);
  for (const wire::Buffer& piece : pieces) EXPECT_LE(piece.size(), kCopyPieceBytes + 100);
  ASSERT_TRUE(apply(shadow, pieces));
  // Up to any of them: the copy counts as its home does.
  for (const std::uint64_t count : {1U, 9U, 10U, 11U, 20U, 21U, 30U}) {
    home.delivered(count, now);
    ASSERT_TRUE(tell(shadow));
    ASSERT_EQ(home.log().end(), count);
    ASSERT_EQ(shadow.home().log().end(), count);
  }
}

TEST_F(CopyPiecesTest, ALongFrameIsAPieceOfItsOwn) {
  const wire::Buffer longest = run(1, 1, 3 * kCopyPieceBytes);
  CopyNotes notes;
  notes.queued(1, message(kOther, 9));
  notes.queued(2, longest);
  notes.queued(3, message(kOther, 2));
  const std::vector<wire::Buffer> pieces = notes.take();
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[1].size(), 1 + 8 + 4 + longest.size());
}

}  // namespace
}  // namespace socketmesh::recovery
