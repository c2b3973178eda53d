// Requests of the adapter: whom one waits for and when it ends; and what it answers to those of
// others.
#include <algorithm>

#include "tests/sim/sim_app.hpp"

namespace socketmesh::sim {

void SimApp::on_routed(const FromSidecar& frame) {
  require(frame.seq <= seq_, "ROUTED is about what was published", std::to_string(frame.seq));
  const auto it = requests_.find(frame.seq);
  if (it == requests_.end()) return;  // answered and ended in an earlier attachment
  env_.trace.note("ROUTED: app, seq, members", number_, frame.seq, frame.members.size());
  it->second.routed = true;
  // Written again after a new attachment, it goes where interest is now: a later ROUTED replaces
  // the earlier one.
  it->second.waiting.clear();
  for (const MemberId member : frame.members) {
    require(peers_.contains(member), "ROUTED names members that the app was told of",
            std::to_string(frame.seq));
    if (!it->second.answered.contains(member)) it->second.waiting.insert(member);
  }
  end_requests();
}

void SimApp::on_response(const Data& data) {
  Reader body(as_bytes(data.body));
  const std::uint64_t seq = body.u64();
  const bool final = body.u8() != kPartial;
  const auto it = requests_.find(seq);
  if (it == requests_.end() || !final) return;
  it->second.waiting.erase(data.origin);
  it->second.answered.insert(data.origin);
  end_requests();
}

void SimApp::answer(MemberId to, const std::string& nsp, std::uint64_t seq, std::uint8_t part) {
  Data response;
  response.route = Route::kMember;
  response.kind = Kind::kResponse;
  response.nsp = nsp;
  response.destination = to;
  response.body = Writer().u64(seq).u8(part).raw(part == kNothing ? "" : "[]").take();
  publish(response);
}

// A request that is written again may go to members that it did not go to before; one that has
// taken later messages drops it, and would be waited for in vain. So a duplicate is answered, too:
// with nothing, unless the answer is still to come.
void SimApp::answer_again(const Data& data) {
  if ((data.flags & kFlagProvisional) != 0) answer_join(data);
  if ((data.flags & kFlagRouted) != 0 && !answering_.contains({data.origin, data.seq})) {
    answer(data.origin, data.nsp, data.seq, kNothing);
  }
}

void SimApp::answer_join(const Data& data) {
  Data joined;
  joined.flags = kFlagRelease;
  joined.route = Route::kMember;
  joined.kind = Kind::kJoined;
  joined.nsp = data.nsp;
  joined.destination = data.origin;
  joined.body = Writer().u64(data.seq).take();
  publish(joined);
}

void SimApp::give_up_after(TimeUs timeout, std::uint64_t seq) {
  env_.clock.after(timeout, [this, seq] {
    if (requests_.erase(seq) > 0) ++totals_.requests_timed_out;
  });
}

// Losses were declared, as after a cut between app and sidecar: an answer may be among them, and
// such a request ends by its timeout only.
void SimApp::doubt_requests() {
  for (const auto& [seq, request] : requests_) give_up_after(kDoubtedTimeout, seq);
}

void SimApp::end_requests() {
  for (auto it = requests_.begin(); it != requests_.end();) {
    if (!it->second.routed || !it->second.waiting.empty()) {
      ++it;
      continue;
    }
    ++totals_.requests_ended;
    totals_.longest_request =
        std::max(totals_.longest_request, env_.clock.now() - it->second.asked);
    it = requests_.erase(it);
  }
}

// A member that is not in a namespace any more answers no request there: its sidecar does not even
// hand it over.
void SimApp::end_waiting(MemberId member) {
  const Peer& peer = peers_.at(member);
  for (auto& [seq, request] : requests_) {
    if (!peer.namespaces.contains(request.nsp)) request.waiting.erase(member);
  }
  end_requests();
}

std::string SimApp::describe_requests() const {
  std::string text;
  for (const auto& [seq, request] : requests_) {
    text += " seq " + std::to_string(seq) + (request.routed ? " waits for" : " is not routed");
    for (const MemberId member : request.waiting) {
      text += " " + std::to_string(member) + (peers_.contains(member) ? "" : " (not up)");
    }
  }
  return text;
}

}  // namespace socketmesh::sim
