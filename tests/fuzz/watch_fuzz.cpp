// The list-watch and the merging of EndpointSlices, against a server that says anything.
//
// The input is a script: `s` and a digit answer with a status, `b` and a length byte are so many
// bytes of body, `l` the same with a newline behind, `e` ends the response, `f` breaks it, `t` and
// a byte let time pass. Two watches of one seed see the same, one of them in pieces of a few
// bytes: they must want the same.
#include <string>

#include "lib/base/endpoint.hpp"
#include "lib/kube/endpoint_slices.hpp"
#include "lib/kube/list_watch.hpp"
#include "tests/fuzz/input.hpp"

namespace {

using socketmesh::fuzz::require;
using namespace socketmesh::kube;

constexpr unsigned kStatuses[] = {200, 410, 401, 403, 404, 429, 500, 503, 400, 302};

ListWatchOptions options() {
  ListWatchOptions options;
  options.collection = {"/apis/x", "a=b", ""};
  options.limits.page_bytes_max = 2'000;
  options.limits.event_bytes_max = 500;
  options.limits.objects_max = 6;
  options.limits.pages_max = 3;
  options.limits.refusal_bytes_max = 200;
  return options;
}

// One watch with its consumer; checks what it wants, and writes it down.
class Subject {
 public:
  explicit Subject(std::size_t piece) : piece_(piece) {
    watch_.start(now_);
    settle();
  }

  void respond(unsigned status) {
    watch_.responded(request_, status, "7", now_);
    settle();
  }
  void receive(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece_, bytes.size()))) {
      watch_.received(request_, bytes.substr(0, piece_), now_);
    }
    settle();
  }
  void end(bool good) {
    const RequestId request = request_;
    open_ = false;
    if (good) {
      watch_.finished(request, now_);
    } else {
      watch_.failed(request, "broken", now_);
    }
    settle();
  }
  void pass(Time time) {
    now_ += time;
    watch_.tick(now_);
    settle();
  }

  const std::string& wanted() const { return wanted_; }

 private:
  void settle() {
    for (const Action& action : watch_.take_actions()) {
      std::visit([this](const auto& one) { take(one); }, action);
    }
    require(watch_.deadline() != kNever);  // it always waits for something
    for (const std::string& address : slices_.addresses()) {
      const auto parsed = socketmesh::parse_tcp_endpoint(address);
      require(parsed && parsed->is_address() && parsed->port != 0);
    }
  }

  void take(const Request& request) {
    require(!open_ && request.id > request_);
    open_ = true;
    request_ = request.id;
    note(request.target);
  }
  void take(const Abort& abort) {
    require(abort.id == request_);
    open_ = false;
    note("abort");
  }
  void take(const Reauthenticate& /*unused*/) { note("reauthenticate"); }
  void take(const Replace& replace) {
    require(replace.objects.size() <= options().limits.objects_max);
    slices_.replace(replace.objects);
    listed_ = true;
    note("replace " + nlohmann::json(replace.objects).dump());
  }
  void take(const Upsert& upsert) {
    require(listed_);
    slices_.upsert(upsert.object);
    note("upsert " + upsert.object.dump());
  }
  void take(const Delete& gone) {
    require(listed_);
    slices_.erase(gone.object);
    note("delete " + gone.object.dump());
  }
  void take(const Bookmark& bookmark) {
    require(listed_);
    note("bookmark " + bookmark.resource_version);
  }
  void take(const Troubled& troubled) {
    require(troubled.failure.message.size() <= kFailureTextMax);
    note("troubled " + troubled.failure.message);
  }
  void take(const Recovered& /*unused*/) { note("recovered"); }
  void note(const std::string& line) { wanted_ += line + "\n"; }

  std::size_t piece_;
  Time now_{0};
  ListWatch watch_{options(), 1};
  EndpointSlices slices_{{"link", 7400}, AddressFamily::kIPv4};
  RequestId request_ = 0;
  bool open_ = false;
  bool listed_ = false;
  std::string wanted_;
};

template <typename Step>
void both(Subject& whole, Subject& pieces, const Step& step) {
  step(whole);
  step(pieces);
  require(whole.wanted() == pieces.wanted());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  socketmesh::fuzz::Input input(data, size);
  Subject whole(std::string::npos);
  Subject pieces(std::size_t{1} + input.byte() % 7U);
  while (!input.empty()) {
    const char operation = static_cast<char>(input.byte());
    if (operation == 's') {
      const unsigned status = kStatuses[input.byte() % std::size(kStatuses)];
      both(whole, pieces, [&](Subject& one) { one.respond(status); });
    } else if (operation == 'b' || operation == 'l') {
      std::string body(socketmesh::fuzz::text(input.bytes(input.byte())));
      if (operation == 'l') body += '\n';
      both(whole, pieces, [&](Subject& one) { one.receive(body); });
    } else if (operation == 'e' || operation == 'f') {
      both(whole, pieces, [&](Subject& one) { one.end(operation == 'e'); });
    } else if (operation == 't') {
      const Time time(input.byte() * 250);
      both(whole, pieces, [&](Subject& one) { one.pass(time); });
    }
  }
  return 0;
}
