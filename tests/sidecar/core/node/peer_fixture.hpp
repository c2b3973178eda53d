// One node, apps and peer sidecars that a test plays frame by frame.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "sidecar/core/node/recovery.hpp"
#include "tests/sim/app_protocol.hpp"

namespace socketmesh::node {

inline constexpr std::uint64_t kNodeEpoch = 7;

// What a peer has read; it acknowledges when the test says so.
struct TestPeer {
  struct Frame {
    std::uint8_t type;
    wire::Buffer payload;
  };
  ConnId conn = 0;
  std::string id;
  std::uint64_t sent = 0;  // frames of its own stream
  std::uint32_t stream = 0;
  std::uint64_t got = 0;  // the last of the node's stream
  std::size_t unacked_control = 0;
  wire::Buffer input;
  std::vector<Frame> frames;  // of records, but messages

  std::size_t count(std::uint8_t type) const {
    std::size_t n = 0;
    for (const Frame& frame : frames) n += frame.type == type ? 1 : 0;
    return n;
  }
};

class PeerTest : public testing::Test {
 protected:
  explicit PeerTest(std::size_t replicas) : node_(config(replicas), now_) {}

  static NodeConfig config(std::size_t replicas) {
    NodeConfig config;
    config.mesh = "m";
    config.sidecar_id = "here";
    config.epoch = kNodeEpoch;
    config.node = "machine 1";
    config.limits.recovery_window = 60 * kSecondUs;
    config.limits.recovery_replicas = replicas;
    return config;
  }

  // An app, whose number is its connection's.
  void attach(ConnId app, std::uint16_t attachment = 1) {
    node_.app_opened(app, now_);
    sim::Attach attach;
    attach.member = app;
    attach.parser = "p";
    std::string frame =
        sim::encode_attach(attach) + sim::Writer().u8(1).u16(attachment).varint(0).take();
    attachments_[app] = attachment;
    frame.replace(0, 4, sim::Writer().u32(frame.size() - 4).str());
    say(app, frame + sim::encode_text(sim::AppType::kNspOpen, "/") +
                 sim::encode_empty(sim::AppType::kReady));
  }
  void say(ConnId conn, const std::string& bytes) {
    node_.received(conn, sim::as_bytes(bytes), now_);
  }
  // To everyone.
  void publish(ConnId app, std::size_t bytes) {
    constexpr std::uint8_t kLogged = 0x40;
    sim::Data data;
    data.flags = kLogged;
    data.route = sim::Route::kNamespace;
    data.origin = app;
    data.seq = ++seq_[app];
    data.nsp = "/";
    data.body = std::string(bytes, 'x') + order(app);
    say(app, sim::encode_data(data));
  }
  void session(ConnId app, const std::string& op) {
    constexpr std::uint8_t kHome = 0x80;
    sim::Data data;
    data.flags = kHome;
    data.route = sim::Route::kMesh;
    data.kind = static_cast<sim::Kind>(wire::kSessionKind);
    data.origin = app;
    data.seq = ++seq_[app];
    data.body = op + order(app);
    say(app, sim::encode_data(data));
  }
  void open_session(ConnId app, const std::string& name, const std::string& data = "") {
    session(app, sim::Writer()
                     .u8(1)
                     .string("/")
                     .string(name)
                     .string(name)
                     .varint(0)
                     .u64(0)
                     .varint(0)
                     .string("")
                     .raw(data)
                     .take());
  }
  // Types of the frames that are written to it.
  std::vector<std::uint8_t> read_app(ConnId app) {
    std::vector<std::uint8_t> types;
    take(app, app_input_[app],
         [&](wire::Bytes frame) { types.push_back(wire::frame_type(frame)); });
    return types;
  }

  void link(TestPeer& peer, ConnId conn, const std::string& id, const std::string& machine) {
    peer.conn = conn;
    peer.id = id;
    node_.link_opened(conn, "", "remote", now_);
    wire::Buffer out;
    wire::link::Hello hello;
    hello.mesh = "m";
    hello.sidecar = id;
    hello.epoch = 1;
    hello.node = machine;
    wire::link::write_hello(out, hello);
    wire::link::Resume resume;
    resume.peer_epoch = kNodeEpoch;
    wire::link::write_resume(out, resume);
    node_.received(conn, out, now_);
    control(peer, [](wire::Buffer& frame) { wire::link::write_snapshot_begin(frame, 1); });
    control(peer, [](wire::Buffer& frame) { wire::link::write_snapshot_end(frame); });
  }
  // What `write` writes are so many frames.
  template <typename Write>
  void control(TestPeer& peer, Write&& write, std::uint32_t count = 1) {
    wire::Buffer record(wire::link::kRecordHeadBytes);
    write(record);
    wire::link::Record head;
    head.stream = 1;
    head.count = count;
    head.first_seq = peer.sent + 1;
    peer.sent += count;
    wire::link::store_record_head(record, head);
    node_.received(peer.conn, record, now_);
  }
  void read(TestPeer& peer) {
    take(peer.conn, peer.input, [&](wire::Bytes frame) {
      if (wire::frame_type(frame) != wire::link::kRecord) return;
      const auto record = wire::link::decode_record(frame);
      ASSERT_TRUE(record.has_value());
      peer.stream = record->stream;
      peer.got = record->first_seq + record->count - 1;
      bool is_control = false;
      wire::Bytes frames = record->frames;
      while (const auto inner = wire::first_frame(frames)) {
        frames = frames.subspan(inner->size());
        if (wire::frame_type(*inner) == wire::kDataType) continue;
        is_control = true;
        const wire::Bytes payload = wire::frame_payload(*inner);
        peer.frames.push_back({wire::frame_type(*inner), {payload.begin(), payload.end()}});
      }
      if (is_control) peer.unacked_control += frame.size();
    });
  }
  void ack(TestPeer& peer) {
    wire::Buffer out;
    wire::link::write_ack(out, {peer.stream, peer.got, peer.got});
    peer.unacked_control = 0;
    node_.received(peer.conn, out, now_);
  }
  void read_and_ack(TestPeer& peer) {
    read(peer);
    ack(peer);
  }
  void pass(TimeUs time) {
    const TimeUs end = now_ + time;
    while (node_.next_deadline() <= end) {
      now_ = std::max(now_, node_.next_deadline());
      node_.tick(now_);
    }
    now_ = end;
  }

  TimeUs now_ = 1'000'000;
  Node node_;

 private:
  template <typename Visit>
  void take(ConnId conn, wire::Buffer& input, Visit&& visit) {
    std::array<std::span<const std::uint8_t>, 8> slices;
    for (;;) {
      const std::size_t count = node_.gather(conn, slices);
      if (count == 0) break;
      std::size_t bytes = 0;
      for (std::size_t i = 0; i < count; ++i) {
        input.insert(input.end(), slices.at(i).begin(), slices.at(i).end());
        bytes += slices.at(i).size();
      }
      node_.written(conn, bytes, now_);
    }
    std::size_t at = 0;
    while (const auto frame = wire::first_frame(wire::Bytes(input).subspan(at))) {
      at += frame->size();
      visit(*frame);
    }
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(at));
  }

  // On its present attachment, nothing delivered.
  std::string order(ConnId app) const {
    return sim::Writer().u16(attachments_.at(app)).u32(0).u16(0).take();
  }
  std::map<ConnId, std::uint16_t> attachments_;
  std::map<ConnId, std::uint64_t> seq_;
  std::map<ConnId, wire::Buffer> app_input_;
};

}  // namespace socketmesh::node
