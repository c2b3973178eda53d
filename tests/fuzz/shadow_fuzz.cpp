// A copy of a home, fed with whatever a peer tells, then taken over: u8 operation, its arguments.
// It keeps its bounds, replays whole messages only, and a copy of it is the same.
#include "sidecar/core/recovery/shadow.hpp"
#include "tests/fuzz/input.hpp"

namespace socketmesh::fuzz {
namespace {

using recovery::CopyKind;
using recovery::CopyNotes;
using recovery::Home;
using recovery::HomeLimits;
using recovery::Position;
using recovery::Session;
using recovery::Shadow;
using recovery::TimeUs;

constexpr wire::MemberId kMember = 1;
constexpr int kMostOperations = 200;

HomeLimits limits() {
  HomeLimits limits;
  limits.window = 100'000;
  limits.memory_bytes = 32'768;
  limits.sessions = 8;
  limits.origins = 8;
  limits.repeat = 50'000;
  return limits;
}

class Driver {
 public:
  void run(Input& input) {
    for (int i = 0; i < kMostOperations && !input.empty() && good_; ++i) {
      switch (input.byte() % 5) {
        case 0:
          tell(input);
          break;
        case 1:
          now_ += 1000 * TimeUs{input.byte()};
          break;
        case 2:
          home().expire(now_, limits(), 256U * input.byte());
          break;
        case 3:
          take_over(input);
          break;
        default:
          late(input);
          break;
      }
    }
    if (!good_) return;
    if (!taken_over_) copy();
    replay_all();
  }

 private:
  Home& home() { return shadow_.home(); }

  // What is malformed cuts the link: nothing more comes.
  void tell(Input& input) {
    const std::size_t size = input.byte() + 256U * (input.byte() % 16U);
    const Bytes records = input.bytes(size);
    if (!taken_over_) good_ = shadow_.apply(records, now_, limits());
    require(!good_ || home().sessions() <= limits().sessions);
    require(home().seen().size() <= limits().origins);
  }

  // Whole DATA frames at the start of the next bytes.
  static std::vector<wire::Buffer> frames(Input& input) {
    Bytes bytes = input.bytes(input.byte());
    std::vector<wire::Buffer> found;
    while (const auto frame = wire::first_frame(bytes)) {
      if (!wire::parse_data(*frame)) break;
      found.emplace_back(frame->begin(), frame->end());
      bytes = bytes.subspan(frame->size());
    }
    return found;
  }

  void take_over(Input& input) {
    if (std::exchange(taken_over_, true)) return;
    copy();
    if (!good_) return;
    home().begin_takeover({kMember}, now_, limits());
    for (const wire::Buffer& frame : frames(input)) home().arrived(frame, now_);
    Home::Tail tail;
    tail.own = frames(input);
    tail.sent = frames(input);
    tail.unsent = frames(input);
    tail.lost = input.byte() == 1;
    home().end_takeover(tail, now_);
    (void)home().take_interest();
  }

  void late(Input& input) {
    const bool surely_unseen = input.byte() % 2 == 0;
    for (const wire::Buffer& frame : frames(input)) {
      if (taken_over_) home().late(frame, surely_unseen, now_);
    }
  }

  // A copy of the copy, as shadows.cpp tells it, has the same.
  void copy() {
    const recovery::Log& log = home().log();
    if (log.end() > wire::recovery::kPositionMax) return;
    CopyNotes notes;
    notes.begin(log.head());
    wire::Buffer entries;
    wire::Writer writer(entries);
    for (Position at = log.head(); at < log.end(); ++at) {
      const auto age = static_cast<std::uint64_t>(std::max<TimeUs>(0, now_ - log.at(at).time));
      writer.u64(std::min(age, wire::recovery::kAgeMaxUs));
      writer.u32(log.at(at).size);
      if (log.at(at).at != nullptr) writer.bytes(log.at(at).frame());
    }
    notes.log(log.head(), entries);
    home().note_state(notes);
    home().each_session([&](const Session& session) { home().note_session(notes, session, now_); });
    notes.plain(CopyKind::kReady);
    Shadow other(kMember, limits());
    for (const wire::Buffer& records : notes.take()) require(other.apply(records, now_, limits()));
    require(other.ready());
    require(other.home().sessions() == home().sessions());
    require(other.home().log().head() == log.head() && other.home().log().end() == log.end());
    home().each_session([&](const Session& session) {
      const Session* same = other.home().find(session.nsp, session.pid);
      require(same != nullptr && same->rooms() == session.rooms() && same->data == session.data &&
              same->last == session.last && same->start == session.start);
    });
  }

  void replay_all() {
    std::vector<std::string> offsets = {"", "-", "0000000000000002.1"};
    home().each_session([&](const Session& session) {
      offsets.push_back(session.last);
      offsets.push_back(session.base);
    });
    home().each_session([&](Session& session) {
      for (const std::string& offset : offsets) {
        const recovery::Replay replay = home().replay(session, offset, Home::kAll);
        std::size_t bytes = 0;
        for (const wire::Bytes frame : replay.frames) {
          require(wire::parse_data(frame).has_value());
          bytes += frame.size();
        }
        require(bytes <= 1U << 20U);
      }
    });
  }

  Shadow shadow_{kMember, limits()};
  TimeUs now_ = 1'000'000;
  bool good_ = true;
  bool taken_over_ = false;
};

}  // namespace
}  // namespace socketmesh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  socketmesh::fuzz::Input input(data, size);
  socketmesh::fuzz::Driver().run(input);
  return 0;
}
