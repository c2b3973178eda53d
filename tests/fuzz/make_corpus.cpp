// Writes the seed corpus: well-formed frames, scripts and configurations for the fuzzers to start
// from.
//
//   fuzz_corpus tests/fuzz/corpus
//
// Files are named by what they hold; crashes that were found later lie beside them under their own
// names.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "sidecar/core/recovery/home.hpp"
#include "sidecar/dropin/websocket/frames.hpp"
#include "sidecar/dropin/websocket/upgrade.hpp"
#include "sidecar/dropin/wire/msgpack.hpp"
#include "sidecar/dropin/wire/peer_frames.hpp"
#include "tests/fuzz/node_driver.hpp"
#include "tests/sim/app_protocol.hpp"

namespace {

using socketmesh::fuzz::NodeDriver;
using socketmesh::sim::Writer;

std::filesystem::path root;

void seed(const std::string& target, const std::string& name, const std::string& bytes) {
  std::filesystem::create_directories(root / target);
  std::ofstream(root / target / name, std::ios::binary) << bytes;
}

std::string op(NodeDriver::Operation operation) {
  return std::string(1, static_cast<char>(operation));
}
std::string op(NodeDriver::Operation operation, std::string_view payload) {
  return Writer().u8(operation).u8(payload.size()).raw(payload).take();
}
std::string typed(NodeDriver::Operation operation, std::uint8_t type, std::string_view payload) {
  return Writer().u8(operation).u8(type).u8(payload.size()).raw(payload).take();
}
std::string data(std::uint8_t flags, std::uint8_t route, std::string_view section) {
  return Writer().u8(NodeDriver::kData).u8(flags).u8(route).u8(section.size()).raw(section).take();
}
std::string time(std::uint8_t twentieths) {
  return Writer().u8(NodeDriver::kTime).u8(twentieths).take();
}
std::string write(std::uint8_t sixteens) {
  return Writer().u8(NodeDriver::kWrite).u8(sixteens).take();
}
std::string turn_to(std::uint8_t which) {
  return Writer().u8(NodeDriver::kSwitch).u8(which).take();
}

std::string rooms(bool with_joins) {
  Writer section;
  section.string("/").varint(1).string("r").varint(1).string("x");
  if (with_joins) section.varint(1).string("j");
  return section.take();
}

const std::string kNamespace = Writer().string("/").take();
const std::string kUnicast = Writer().id64(99).string("/").take();

void app_scripts() {
  const std::string hello = op(NodeDriver::kGreeting);
  const auto app = [&](const std::string& name, const std::string& script) {
    seed("app_connection", name, script);
  };
  app("greeting", hello + write(255));
  app("broadcast", hello + data(0, 0, rooms(false)) + data(1, 1, kNamespace) + data(0, 3, "") +
                       write(255) + time(10));
  app("request", hello + data(2, 1, kNamespace) + data(2, 0, rooms(false)) + write(3) + write(255));
  app("provisional",
      hello + data(4, 0, rooms(true)) + data(0x20, 2, kUnicast) + data(0, 0, rooms(false)));
  app("unicast", hello + data(0, 2, kUnicast) + write(255));
  app("interest",
      hello +
          typed(NodeDriver::kFrame, 4,
                Writer().string("/").varint(2).u8(1).string("a").u8(0).string("r").str()) +
          typed(NodeDriver::kFrame, 5, Writer().u32(1).str()) + time(30));
  app("namespaces", hello + typed(NodeDriver::kFrame, 2, Writer().string("/n").str()) +
                        typed(NodeDriver::kFrame, 3, Writer().string("/n").str()));
  app("taken", hello + turn_to(1) + hello + data(0, 1, kNamespace) + turn_to(0) + write(255) +
                   typed(NodeDriver::kFrame, 6, Writer().u64(1).str()));
  app("detach", hello + typed(NodeDriver::kFrame, 7, "") + write(255));
  app("pong", hello + time(40) + typed(NodeDriver::kFrame, 8, Writer().u64(1'000'000).str()));
  app("leave", typed(NodeDriver::kFrame, 10, "") + hello);
  app("reopen",
      hello + op(NodeDriver::kReopen) + hello + write(1) + op(NodeDriver::kReopen) + time(80));
  app("twice", hello + hello);
  app("huge", hello + op(NodeDriver::kRaw, Writer().u32(0x7fffffff).u8(0x40).str()));
  app("silence", time(255) + time(255) + time(255));
  std::string flood = hello;
  for (int i = 0; i < 40; ++i) flood += data(0, 1, kNamespace);
  app("flood", flood + write(200));
  std::string joins = hello;
  for (int i = 0; i < 12; ++i) joins += data(4, 0, rooms(true));
  app("many_joins", joins);
}

void link_scripts() {
  const std::string hello = op(NodeDriver::kGreeting);
  const std::string up =
      typed(NodeDriver::kControl, 0x32,
            Writer().id64(41).string("n").string("p").varint(1).string("/").str());
  const std::string snapshot =
      typed(NodeDriver::kControl, 0x30, Writer().u64(1).str()) + up +
      typed(NodeDriver::kControl, 0x31, Writer().u64(1).varint(1).u8(1).u64(77).str()) +
      typed(NodeDriver::kControl, 0x35, "");
  const auto link = [&](const std::string& name, const std::string& script) {
    seed("link_connection", name, script);
  };
  link("greeting", hello + write(255));
  link("snapshot", hello + snapshot + write(255));
  link("data", hello + snapshot + data(0, 0, rooms(false)) + data(1, 1, kNamespace) +
                   data(0, 3, "") + write(255));
  link("unicast", hello + snapshot + data(0, 2, kUnicast) + data(0x20, 2, kUnicast));
  link("provisional", hello + snapshot + data(4, 0, rooms(true)) + data(0, 0, rooms(false)));
  link("presence",
       hello + snapshot +
           typed(NodeDriver::kControl, 0x34, Writer().id64(41).u8(1).string("/n").str()) +
           typed(NodeDriver::kControl, 0x33, Writer().id64(41).u8(2).str()));
  link("member_loss",
       hello + snapshot +
           typed(NodeDriver::kControl, 0x36, Writer().id64(99).u64(12).u64(0).str()) + write(255));
  link("ping", hello + typed(NodeDriver::kFrame, 6, Writer().u64(5).str()) +
                   typed(NodeDriver::kFrame, 7, Writer().u64(5).str()));
  link("ack",
       hello + write(255) + typed(NodeDriver::kFrame, 5, Writer().u32(1).u64(1).u64(1).str()));
  link("skipped",
       hello + typed(NodeDriver::kFrame, 4,
                     Writer().u8(1).u16(0).u32(1).u32(3).u64(1).u32(0).u64(0).u64(0).u64(3).str()));
  link("hole",
       hello + typed(NodeDriver::kFrame, 4,
                     Writer().u8(0).u16(0).u32(1).u32(1).u64(9).u32(0).u64(0).u64(0).str()));
  link("goodbye", hello + snapshot + typed(NodeDriver::kFrame, 8, Writer().u8(1).str()) +
                      op(NodeDriver::kReopen) + hello);
  link("gone", hello + snapshot + typed(NodeDriver::kFrame, 8, Writer().u8(0).str()));
  link("refused", typed(NodeDriver::kFrame, 3, Writer().u16(7).string("busy").str()));
  link("reconnect", hello + snapshot + op(NodeDriver::kReopen) + hello + snapshot + time(100));
  link("hold", hello + snapshot + op(NodeDriver::kReopen) + time(255) + time(255) + time(255) +
                   hello + snapshot);
  link("peers", hello + snapshot + turn_to(1) + hello + snapshot + turn_to(2) + hello + time(60));
  link("silence", time(100));
  link("idle", hello + time(120));
}

// An app with sessions, and two peers (recovery_driver.cpp composes the frames).
void recovery_scripts() {
  const std::string hello = op(NodeDriver::kGreeting);
  const std::string snapshot =
      typed(NodeDriver::kControl, 0x30, Writer().u64(1).str()) +
      typed(NodeDriver::kControl, 0x31, Writer().u64(1).varint(1).u8(1).u64(77).str()) +
      typed(NodeDriver::kControl, 0x35, "");
  const auto session = [](std::uint8_t say, std::uint8_t which, std::string_view more = "") {
    return Writer().u8(NodeDriver::kSession).u8(say - 1).u8(which).u8(more.size()).raw(more).take();
  };
  const auto logged = [](std::uint8_t room, std::uint8_t taken) {
    return Writer().u8(NodeDriver::kLogged).u8(room).u8(taken).take();
  };
  const auto move = [](std::uint8_t type, std::uint8_t token, std::uint8_t which,
                       std::uint8_t more) {
    // recovery_driver.cpp counts FIND to ADOPTED, then COPY to COPY_LOST.
    const auto said = static_cast<std::uint8_t>(type < 0x50 ? type - 0x41 : type - 0x51 + 15);
    return Writer().u8(NodeDriver::kMove).u8(said).u8(token).u8(which).u8(more).take();
  };
  const auto script = [](const std::string& name, const std::string& steps) {
    seed("recovery", name, steps);
  };
  constexpr std::uint8_t kOpen = 1, kJoin = 2, kClose = 5, kEnd = 6, kLast = 7, kRestore = 8;
  const std::string meet = hello + turn_to(1) + hello + snapshot + turn_to(2) + hello + snapshot;
  const std::string live = meet + turn_to(0) + session(kOpen, 1, "data") + logged(0, 0) +
                           turn_to(1) + logged(0, 0) + logged(1, 0) + turn_to(0) +
                           session(kJoin, 1, "x") + logged(1, 2) + session(kLast, 1, "x");
  const std::string away = live + session(kClose, 1, "data") + turn_to(1) + logged(0, 0);
  script("live", live + session(9, 0) + time(20) + write(255));
  script("back", away + turn_to(0) + session(kRestore, 1, "\x01") + write(255) +
                     session(kOpen, 1, "data") + session(kEnd, 1));
  script("forged", away + turn_to(0) + session(kRestore, 1, "\x02zzzzzz") + session(kRestore, 2) +
                       write(255) + time(100));
  script("expired", away + time(200) + turn_to(0) + session(kRestore, 1));
  // A peer wants it: FIND, FETCH, and the barrier passed on by the third.
  script("lent", away + move(0x41, 5, 1, 0) + move(0x48, 5, 1, 1) + turn_to(2) +
                     move(0x44, 1, 0, 0) + turn_to(1) + write(255) + move(0x47, 5, 1, 1));
  script("lent_live", live + turn_to(1) + move(0x41, 5, 1, 0) + write(255) + turn_to(0) +
                          session(kClose, 1, "data") + turn_to(1) + move(0x47, 5, 1, 0));
  // A peer's home is copied here, its link is lost, and the copy becomes the home; the other peer
  // says what was under way. Of a COPY the token is the kind of its record, 0 a whole copy.
  const std::string copied = meet + turn_to(1) + move(0x51, 0, 1, 0) + move(0x51, 7, 1, 1) +
                             move(0x51, 8, 1, 1) + move(0x51, 10, 1, 1) + move(0x51, 16, 1, 1) +
                             move(0x51, 11, 1, 2) + move(0x51, 23, 1, 0);
  script("copied", copied + move(0x52, 0, 1, 1) + move(0x51, 18, 1, 0) + write(255) +
                       move(0x51, 6, 1, 0) + time(20));
  const std::string lost = copied + op(NodeDriver::kReopen) + time(10) + turn_to(2) + write(255);
  script("taken_over", lost + move(0x54, 1, 1, 0) + move(0x54, 1, 1, 2) + move(0x55, 1, 1, 0) +
                           turn_to(0) + session(kRestore, 1) + write(255) +
                           session(kOpen, 1, "data") + time(40));
  script("taken_over_gap", lost + move(0x55, 1, 1, 1) + turn_to(1) + hello + snapshot + time(40));
  script("takeover_void", lost + move(0x55, 1, 1, 2) + time(40));
  script("takeover_alive", lost + move(0x55, 1, 1, 3) + time(4) + move(0x55, 1, 1, 4) + time(40));
  script("asked_tail", live + turn_to(2) + logged(0, 1) + op(NodeDriver::kReopen) + turn_to(1) +
                           move(0x53, 1, 15, 7) + move(0x52, 0, 3, 0) + write(255) + time(40));
  script("copy_lost", live + turn_to(1) + write(255) + move(0x56, 0, 15, 0) + time(80) +
                          move(0x51, 8, 9, 0) + write(255));
  // We want it: FOUND, REPLAY, REPLAYED; the first token is 1.
  std::string fetched = meet + turn_to(0) + session(kRestore, 3) + turn_to(1) +
                        move(0x42, 1, 3, 9) + turn_to(2) + move(0x42, 1, 3, 1) + turn_to(1);
  script("fetched", fetched + move(0x45, 1, 0, 4) + move(0x46, 1, 0, 4) + turn_to(0) + write(255) +
                        session(kOpen, 3, "data"));
  script("again", fetched + move(0x46, 1, 0, 1) + time(10) + write(255) + time(100));
  const std::string adopted =
      meet + turn_to(1) + move(0x49, 7, 2, 3) + move(0x4a, 7, 1, 3) + move(0x4b, 7, 0, 0);
  script("adopted", adopted + move(0x4d, 7, 1, 3) + move(0x4e, 7, 0, 4) + turn_to(0) +
                        session(kRestore, 1) + write(255));
  script("half_adopted", adopted + op(NodeDriver::kReopen) + time(255) + hello);
  script("leaving", away + turn_to(0) + op(NodeDriver::kReopen) + turn_to(1) +
                        op(NodeDriver::kLeave) + move(0x4c, 1, 0, 1) + turn_to(2) +
                        move(0x44, 1, 0, 0) + turn_to(1) + move(0x4f, 1, 0, 1) + time(60));
}

void wire_seeds() {
  const auto wire = [](std::uint8_t which, const std::string& name, const std::string& payload) {
    seed("wire", name, Writer().u8(which).raw(payload).take());
  };
  wire(0, "attach",
       Writer()
           .u8(1)
           .u8(1)
           .id64(1)
           .string("h:1")
           .string("p")
           .string("")
           .varint(1)
           .string("s")
           .varint(1)
           .id64(2)
           .take());
  wire(1, "interest", Writer().string("/").varint(1).u8(1).string("r").take());
  wire(2, "hello", Writer().u32(0x48534d53).u8(1).u8(1).string("m").string("s").u64(1).take());
  wire(3, "resume", Writer().u8(1).u64(1).u32(1).u64(5).u64(4).take());
  wire(4, "refuse", Writer().u16(7).string("no").take());
  wire(5, "record",
       Writer().u8(0).u16(0).u32(1).u32(1).u64(1).u32(1).u64(0).u64(0).u32(1).u8(0x35).take());
  wire(6, "ack", Writer().u32(1).u64(2).u64(1).take());
  wire(7, "link_interest", Writer().u64(1).varint(1).u8(1).u64(9).take());
  wire(8, "member_up", Writer().id64(1).string("n").string("p").varint(1).string("/").take());
  wire(8, "presence", Writer().id64(1).u8(1).string("/").take());
  wire(9, "data",
       Writer()
           .u8(0)
           .u8(0)
           .u8(1)
           .u32(rooms(false).size())
           .id64(1)
           .u64(1)
           .raw(rooms(false))
           .raw("body")
           .take());
  // Recovery's, by their type less that of the first.
  const auto recovery = [&](std::uint8_t type, const std::string& name, const std::string& said) {
    wire(11, "recovery_" + name, Writer().u8(type).raw(said).take());
  };
  const std::string frame =
      socketmesh::sim::frame(0x40, Writer().u8(0x40).u8(3).u8(1).u32(0).id64(1).u64(1).str());
  recovery(0, "find", Writer().u64(1).string("/").string("p").take());
  recovery(1, "found",
           Writer().u64(1).u8(0).u64(2).string("s").varint(1).string("r").raw("data").take());
  recovery(2, "barrier", Writer().u64(1).string("s").take());
  recovery(4, "replay", Writer().u64(1).raw(frame).take());
  recovery(5, "replayed", Writer().u64(1).u8(0).varint(1).id64(1).u64(2).take());
  recovery(6, "moved", Writer().u64(1).u8(1).take());
  recovery(7, "fetch", Writer().u64(1).u64(2).string("o").varint(1).string("s").take());
  recovery(8, "adopt",
           Writer().u64(1).id64(2).u64(3).u64(4).u64(5).u64(6).varint(1).id64(7).take());
  recovery(9, "adopt_session",
           Writer()
               .u64(1)
               .string("/")
               .string("s")
               .string("p")
               .u64(1)
               .u64(2)
               .u64(3)
               .string("b")
               .string("l")
               .u64(4)
               .u64(5)
               .varint(1)
               .id64(7)
               .u8(0)
               .varint(1)
               .string("r")
               .varint(1)
               .u64(5)
               .u8(1)
               .string("q")
               .varint(1)
               .id64(1)
               .u64(2)
               .string("data")
               .raw(frame)
               .take());
  recovery(11, "adopt_fetch", Writer().u64(1).u64(2).varint(1).string("s").take());
  recovery(12, "adopt_log",
           Writer().u64(1).u64(2).u64(3).u32(frame.size()).raw(frame).u64(4).u32(0).take());
  recovery(13, "adopt_end", Writer().u64(1).u8(0).varint(1).id64(1).u64(2).take());
  // Those of copies, by their type less that of the first.
  const auto shadow = [&](std::uint8_t type, const std::string& name, const std::string& said) {
    wire(13, "shadow_" + name, Writer().u8(type).raw(said).take());
  };
  shadow(0, "copy", Writer().id64(1).u8(5).take());
  shadow(1, "holders", Writer().id64(1).varint(2).string("a").string("b").take());
  shadow(2, "takeover",
         Writer()
             .u64(1)
             .id64(2)
             .string("s")
             .u64(3)
             .u64(4)
             .u32(5)
             .u64(6)
             .varint(1)
             .id64(7)
             .u64(8)
             .take());
  shadow(3, "tail", Writer().u64(1).u8(1).raw(frame).take());
  shadow(4, "tail_end", Writer().u64(1).u8(2).take());
  shadow(5, "copy_lost", Writer().id64(1).take());
  shadow(6, "gone_on", Writer().string("/").string("pid").u64(2).take());
  wire(12, "session_open",
       Writer()
           .u8(1)
           .string("/")
           .string("s")
           .string("p")
           .varint(1)
           .string("r")
           .raw("data")
           .u64(1)
           .take());
  const auto route = [](std::uint8_t flags, std::uint8_t kind, const std::string& name,
                        const std::string& section) {
    seed("data_route", name, Writer().u8(flags).u8(kind).raw(section).take());
  };
  route(0, 0, "rooms", rooms(false));
  route(4, 0, "joins", rooms(true));
  route(0, 1, "namespace", kNamespace);
  route(0, 2, "member", kUnicast);
  route(0, 3, "mesh", "");
  seed("input_buffer", "whole", Writer().u8(6).u32(2).raw("ab").u8(7).u32(3).raw("abc").take());
  seed("input_buffer", "cut",
       Writer().u8(3).raw(std::string("\x05\0\0", 3)).u8(6).raw(std::string("\0abcde", 6)).take());
  seed("input_buffer", "oversized", Writer().u8(4).u32(301).take());
  seed("input_buffer", "empty", Writer().u8(4).u32(0).take());
}

void configurations() {
  const std::string small = "mesh: {name: chat}\ndiscovery:\n  static: [\"127.0.0.1:7410\"]\n";
  const std::string full =
      "mesh: {name: chat, id: a}\napp: {listen: \"unix:/tmp/app.sock\"}\n"
      "link: {listen: \"127.0.0.1:7400\", window: 64MiB, hold: 30s}\nadmin: {listen: "
      "\"127.0.0.1:7401\"}\n"
      "discovery:\n  static: [\"127.0.0.1:7410\", \"127.0.0.1:7420\"]\nlog: {level: info}\n";
  const std::string dns =
      "mesh: {name: chat}\ndiscovery: {dns: \"chat-mesh.default.svc:7400\"}\ntls: {ca: a, cert: b, "
      "key: c}\n";
  const std::string kubernetes =
      "mesh: {name: chat}\ndiscovery: {kubernetes: {namespace: default, service: chat-mesh}}\n"
      "tls: {ca: a, cert: b, key: c}\n";
  for (const char* target : {"config", "yaml"}) {
    seed(target, "small", small);
    seed(target, "full", full);
    seed(target, "dns", dns);
    seed(target, "kubernetes", kubernetes);
    seed(target, "wrong", "mesh: [1, 2\nx: &a b\ny: *a\n<<: {}\n? [k]\n: v\n---\nz: !!int 010\n");
    seed(target, "nested", "a: [[[[{b: {c: [d, {e: 'f', \"g\": |\n  text\n}]}}]]]]\n");
  }
}

// Bytes of a body, in as many operations as they need.
std::string body(std::string_view bytes) {
  std::string script;
  for (std::size_t at = 0; at < bytes.size(); at += 255) {
    const auto part = bytes.substr(at, 255);
    script += Writer().u8('b').u8(part.size()).raw(part).take();
  }
  return script;
}

std::string slice(const std::string& name, const std::string& version, const std::string& more) {
  return R"({"metadata":{"name":")" + name + R"(","resourceVersion":")" + version +
         R"("},"addressType":"IPv4","ports":[{"name":"link","port":7400}],"endpoints":[)" + more +
         "]}";
}

void watch_scripts() {
  const auto watch = [](const std::string& name, const std::string& script) {
    seed("watch", name, Writer().u8(2).raw(script).take());
  };
  const auto status = [](std::uint8_t which) { return Writer().u8('s').u8(which).take(); };
  const auto wait = [](std::uint8_t quarters) { return Writer().u8('t').u8(quarters).take(); };
  const auto event = [](const std::string& type, const std::string& object) {
    return body(R"({"type":")" + type + R"(","object":)" + object + "}\n");
  };
  const std::string endpoint = R"({"addresses":["10.0.0.1"],"targetRef":{"uid":"u"}})";
  const std::string list =
      status(0) +
      body(R"({"metadata":{"resourceVersion":"5"},"items":[)" + slice("x", "4", endpoint) + "]}") +
      "e";
  const std::string open = list + status(0) + wait(20);
  const std::string error = R"({"kind":"Status","code":410,"message":"too old"})";
  watch("events", open + event("ADDED", slice("y", "6", R"({"addresses":["10.0.0.2"]})")) +
                      event("MODIFIED", slice("x", "7", "")) +
                      event("BOOKMARK", R"({"metadata":{"resourceVersion":"9"}})") +
                      event("DELETED", slice("y", "10", "")) + "e" + status(0));
  watch("expired_event", open + event("ERROR", error) + list);
  watch("expired_status", open + "e" + status(1) + body(error) + "e" + list);
  watch("pages", status(0) +
                     body(R"({"metadata":{"resourceVersion":"5","continue":"n"},"items":[]})") +
                     "e" + list);
  watch("refusals", status(2) + body(R"({"message":"Unauthorized"})") + "e" + wait(2) + status(5) +
                        "e" + wait(40) + status(7) + "f" + wait(40) + list);
  watch("malformed", open + Writer().u8('l').u8(5).raw("{\"a\":").take() + wait(2) + list);
  watch("oversized", open + body(std::string(501, ' ')) + wait(2) + list);
  watch("deep", open + body(std::string(80, '[') + "\n") + wait(2) + list);
  watch("silent", wait(60) + wait(2) + list + wait(60) + wait(4) + status(0) + wait(255) +
                      wait(255) + wait(255) + wait(255) + wait(255));
  watch("ends_at_once", list + status(0) + "e" + status(0) + "e" + wait(4) + status(0));
  watch("will_not_resume", open + "e" + status(6) + "e" + wait(4) + status(6) + "e" + wait(8) +
                               status(6) + "e" + wait(16) + list);
}

// What shadow_fuzz.cpp is told: whole COPYs as a home makes them.
void shadow_seeds() {
  namespace recovery = socketmesh::recovery;
  recovery::HomeLimits limits;
  limits.window = 100'000;
  limits.memory_bytes = 32'768;
  const auto as_text = [](const std::vector<socketmesh::wire::Buffer>& pieces) {
    std::string text;
    for (const auto& piece : pieces) {
      text += Writer().u8(0).u8(piece.size() % 256).u8(piece.size() / 256).take();
      text.append(piece.begin(), piece.end());
    }
    return text;
  };
  const auto frame = [](std::uint8_t origin, std::uint64_t seq) {
    Writer data;
    const std::string route = Writer().string("/").take();
    data.u8(0x40).u8(1).u8(1).u32(route.size()).id64(origin).u64(seq).raw(route);
    return socketmesh::sim::frame(0x40, data.raw("body").u16(1).u32(seq).u16(0).str());
  };
  const auto bytes = [](const std::string& text) { return socketmesh::sim::as_bytes(text); };
  recovery::Home home(1, limits);
  home.note_changes(true);
  home.attach(1, {}, 0);
  socketmesh::wire::recovery::SessionOp open;
  open.nsp = "/";
  open.sid = "s";
  open.pid = "p";
  open.rooms = {"r"};
  recovery::Session* session = home.open(open, 0, limits);
  home.queued(bytes(frame(2, 1)), 1, 1, 0);
  home.queued(bytes(frame(3, 1)), 1, 2, 0);
  home.delivered(1, 0);
  home.join(*session, {"q"});
  home.written(*session, "0000000000000002.1");
  const std::string told = as_text(home.take_changes());
  seed("shadow", "told", told);
  const std::string other = frame(2, 2);
  const auto tail = [](const std::string& frames) {
    return Writer().u8(frames.size()).raw(frames).take();
  };
  seed("shadow", "taken_over",
       told + Writer().u8(3).take() + tail("") + tail("") + tail(other) + tail(frame(3, 2)) +
           Writer().u8(0).u8(4).u8(0).take() + tail(frame(3, 3)));
  home.close(*session, {}, 0, limits);
  home.end(*session);
  home.gap(0);
  home.detach(0, limits);
  home.arrived(bytes(other), 0);
  seed("shadow", "closed",
       told + as_text(home.take_changes()) + Writer().u8(1).u8(200).take() +
           Writer().u8(2).u8(0).take());
}

std::string text_of(const socketmesh::wire::Buffer& bytes) {
  return {bytes.begin(), bytes.end()};
}

std::string packed(std::initializer_list<std::string_view> texts) {
  socketmesh::wire::Buffer out;
  socketmesh::dropin::msgpack::write_map_head(out, static_cast<std::uint32_t>(texts.size() / 2));
  for (const std::string_view text : texts) socketmesh::dropin::msgpack::write_text(out, text);
  return text_of(out);
}

void dropin_seeds() {
  namespace dropin = socketmesh::dropin;
  namespace peer = dropin::peer;
  const std::string id = "00000000000000b1";
  const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
  const auto wire = [](const std::string& name, std::uint8_t which, const std::string& bytes) {
    seed("dropin_wire", name, static_cast<char>(which) + bytes);
  };
  wire("register", 0, packed({"type", "register", "serverId", id, "address", "ws://a:1/p"}));
  wire("hello", 1, std::string(1, '\0') + packed({"uid", id, "address", "ws://a:1", "token", "t"}));
  socketmesh::wire::Buffer frames;
  dropin::ws::write_frame(frames, dropin::ws::Role::kClient, dropin::ws::Opcode::kText, false, {});
  dropin::ws::write_frame(frames, dropin::ws::Role::kClient, dropin::ws::Opcode::kPing, true, {});
  dropin::ws::write_frame(frames, dropin::ws::Role::kClient, dropin::ws::Opcode::kContinuation,
                          true, socketmesh::wire::Buffer(300, 'x'));
  dropin::ws::write_close(frames, dropin::ws::Role::kClient, 1000, "bye");
  wire("frames", 2, "\x07" + text_of(frames));
  wire("request", 3, dropin::ws::request("h", "/" + id, key));
  wire("response", 4, dropin::ws::accept_response(key));
  const std::string server = text_of(peer::server({id, "ws://a:1"}));
  wire("server", 5, server.substr(1));

  const auto step = [](std::uint8_t op, std::uint8_t slot, std::string_view rest = "") {
    return Writer().u8(op).u8(slot).raw(rest).take();
  };
  const auto said = [&](const std::string& payload) {
    return step(7, 0, Writer().u8(payload.size()).raw(payload).take());
  };
  const std::string linked = step(6, 0, Writer().u8(0).take()) + step(6, 0, Writer().u8(1).take());
  const std::string listed =
      said(text_of(peer::begin(true))) + said(server) + said(text_of(peer::end()));
  const std::string registered = step(0, 0) + step(4, 0, Writer().u8(9).take());
  const auto framed = [&](std::uint8_t slot, const std::string& payload) {
    return step(3, slot, Writer().u8(payload.size()).raw(payload).take());
  };
  const std::string opened = said(text_of(peer::open({3, "00000000000000a1"})));
  const auto data = [&](bool last) {
    const auto head = peer::data_head(3, last, false);
    return said(std::string(head.begin(), head.end()) + "0123456789");
  };
  seed("dropin", "registers", registered + step(8, 0, Writer().u8(255).take()) + step(5, 0));
  seed("dropin", "listed", registered + linked + listed);
  seed("dropin", "tunnel",
       registered + linked + listed + step(1, 1) + said(text_of(peer::opened(4))) +
           framed(1, "message"));
  seed("dropin", "opened",
       registered + linked + opened +
           step(2, 2,
                Writer()
                    .u8(129)
                    .raw(dropin::ws::accept_response("AAAAAAAAAAAAAAAAAAAAAA=="))
                    .take()) +
           data(false) + data(true) + said(text_of(peer::close({3, 0, 1000, ""}))));
  seed("dropin", "lost",
       registered + linked + listed + step(6, 0, Writer().u8(2).take()) +
           step(8, 0, Writer().u8(100).take()) + step(6, 0, Writer().u8(3).take()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_corpus FOLDER\n");
    return 2;
  }
  root = argv[1];
  app_scripts();
  link_scripts();
  recovery_scripts();
  wire_seeds();
  configurations();
  watch_scripts();
  shadow_seeds();
  dropin_seeds();
  return 0;
}
