#include "tests/fuzz/node_driver.hpp"

#include <algorithm>

namespace socketmesh::fuzz {

namespace {

using sim::Writer;

constexpr node::ConnId kQuietApp = 1;
constexpr std::size_t kMostOperations = 400;
constexpr std::uint32_t kMagic = 0x48534d53;
constexpr std::uint64_t kEpoch = 7;
constexpr std::uint8_t kHelloType = 0x01;
constexpr std::uint8_t kResumeType = 0x02;
constexpr std::uint8_t kRecordType = 0x04;

constexpr std::size_t kRecoveryMemory = 32'768;

node::NodeConfig config(NodeDriver::Side side) {
  node::NodeConfig config;
  config.mesh = "m";
  config.sidecar_id = "here";
  config.epoch = kEpoch;
  // Small, so that short scripts reach them.
  config.limits.link_window_bytes = 16'384;
  config.limits.member_queue_bytes = 16'384;
  config.limits.control_backlog_bytes = 65'536;
  config.limits.volatile_backlog_bytes = 512;
  config.limits.chunk_bytes = 1024;
  config.limits.interest_entries = 32;
  config.limits.namespaces_per_member = 8;
  config.limits.members = 4;
  config.limits.peers = 4;
  config.limits.pending_syncs = 4;
  config.limits.provisional_joins = 4;
  config.limits.handshaking_connections = 8;
  if (side == NodeDriver::Side::kRecovery) {
    config.limits.recovery_window = 2 * node::kSecondUs;
    config.limits.recovery_memory_bytes = kRecoveryMemory;
    config.limits.recovery_replicas = 1;
  }
  return config;
}

// `attachment`: 0 without recovery.
std::string attach(sim::MemberId member, std::uint16_t attachment,
                   const sim::KnownPeers& known = {}) {
  sim::Attach attach;
  attach.member = member;
  attach.name = "app";
  attach.parser = "p";
  attach.known = known;
  std::string frame = sim::encode_attach(attach);
  if (attachment != 0) {
    frame += Writer().u8(1).u16(attachment).varint(0).str();
    frame.replace(0, 4, Writer().u32(frame.size() - 4).str());
  }
  return frame + sim::encode_text(sim::AppType::kNspOpen, "/") +
         sim::encode_interest("/", true, {"r"}) + sim::encode_empty(sim::AppType::kReady);
}

}  // namespace

NodeDriver::NodeDriver(Side side) : side_(side), node_(config(side), now_) {
  const std::vector<std::string> addresses = {"a:1", "b:1"};
  node_.set_addresses(addresses, now_);
  node_.app_opened(kQuietApp, now_);
  written_[kQuietApp];
  node_.received(kQuietApp, sim::as_bytes(attach(99, side == Side::kRecovery ? 1 : 0)), now_);
  for (std::size_t i = 0; i < driven_.size(); ++i) {
    driven_[i].member = i + 1;
    driven_[i].sidecar = "peer" + std::to_string(i);
    open(driven_[i]);
  }
}

bool NodeDriver::is_app(const Driven& driven) const {
  return side_ == Side::kApp || (side_ == Side::kRecovery && &driven == driven_.data());
}

void NodeDriver::open(Driven& driven) {
  driven.conn = next_conn_++;
  driven.open = true;
  written_[driven.conn];
  if (is_app(driven)) {
    node_.app_opened(driven.conn, now_);
  } else {
    node_.link_opened(driven.conn, driven.conn % 2 == 0 ? "a:1" : "", "remote", now_);
  }
}

void NodeDriver::receive(std::string_view bytes) {
  const Driven& driven = driven_[current_];
  if (!driven.open || closing_.contains(driven.conn)) return;
  // In two cuts, so that frames begin in one and end in the other.
  const std::size_t cut = bytes.size() / 2;
  node_.received(driven.conn, sim::as_bytes(bytes.substr(0, cut)), now_);
  act();
  if (closing_.contains(driven.conn) || !driven.open) return;
  node_.received(driven.conn, sim::as_bytes(bytes.substr(cut)), now_);
}

void NodeDriver::greet(Driven& driven) {
  if (is_app(driven)) {
    if (side_ == Side::kRecovery) ++driven.attachment;
    return receive(attach(driven.member, driven.attachment, {{"peer0", {50, 51}}, {"here", {2}}}));
  }
  driven.record_seq = 0;
  ++driven.stream;
  Writer hello;
  hello.u32(kMagic).u8(1).u8(1).string("m").string(driven.sidecar).u64(kEpoch);
  Writer resume;
  resume.u8(1).u64(kEpoch).u32(0).u64(0).u64(0);
  receive(sim::frame(kHelloType, hello.str()) + sim::frame(kResumeType, resume.str()));
}

void NodeDriver::send_record(Driven& driven, const std::string& frame) {
  Writer record;
  record.u8(0).u16(0).u32(std::max(driven.stream, 1U)).u32(1).u64(++driven.record_seq);
  record.u32(0).u64(0).u64(0).raw(frame);
  receive(sim::frame(kRecordType, record.str()));
}

void NodeDriver::send_data(Driven& driven, Input& input) {
  const std::uint8_t flags = input.byte();
  const std::uint8_t kind = input.byte();
  const Bytes route = input.bytes(input.byte());
  Writer data;
  data.u8(flags).u8(kind % 5).u8(1).u32(route.size());
  data.id64(is_app(driven) ? driven.member : driven.member + 40).u64(++driven.data_seq);
  data.raw(text(route)).u64(driven.data_seq);
  const std::string frame = sim::frame(0x40, data.str());
  if (is_app(driven)) {
    receive(frame);
  } else {
    send_record(driven, frame);
  }
}

void NodeDriver::pass_time(node::TimeUs time) {
  const node::TimeUs end = now_ + time;
  // A deadline that was met must move: a hundred ticks in so short a time are too many.
  for (int ticks = 0; node_.next_deadline() <= end; ++ticks) {
    require(ticks < 2000);
    now_ = std::max(now_, node_.next_deadline());
    node_.tick(now_);
    act();
    write(SIZE_MAX);
  }
  now_ = end;
}

void NodeDriver::act() {
  for (const auto& action : node_.take_actions()) {
    if (action.kind == node::Action::Kind::kDial) {
      node_.dial_failed(action.address, "refused", now_);
    } else if (action.kind == node::Action::Kind::kClose) {
      require(action.conn != kQuietApp);
      closing_[action.conn] = action.abort;
      if (action.abort) written_.erase(action.conn);
    }
  }
}

void NodeDriver::write(std::size_t most) {
  act();
  for (const node::ConnId conn : node_.take_dirty()) require(conn < next_conn_);
  std::vector<node::ConnId> open;
  open.reserve(written_.size());
  for (const auto& [conn, stream] : written_) open.push_back(conn);
  for (const node::ConnId conn : open) write(conn, most);
  act();
}

void NodeDriver::write(node::ConnId conn, std::size_t most) {
  while (most > 0) {
    std::array<std::span<const std::uint8_t>, 4> spans, again;
    const std::size_t count = node_.gather(conn, spans);
    require(count <= spans.size() && node_.gather(conn, again) == count);
    if (count == 0) {
      if (closing_.contains(conn)) written_.erase(conn);
      return;
    }
    std::string shown;
    for (std::size_t i = 0; i < count; ++i) {
      require(!spans.at(i).empty() && std::ranges::equal(spans.at(i), again.at(i)));
      shown += text(spans.at(i));
    }
    shown.resize(std::min(shown.size(), most));
    node_.written(conn, shown.size(), now_);
    most -= shown.size();
    sim::FrameStream& stream = written_[conn];
    stream.add(sim::as_bytes(shown));
    while (!stream.next().empty()) {
    }
    require(stream.waiting() <= (21U << 20U));
  }
}

void NodeDriver::check() const {
  constexpr std::size_t kSlack = 70'000;  // one frame of a script, and heads
  const auto limits = config(side_).limits;
  const node::Status status = node_.status(now_);
  require(status.members.size() <= limits.members + (limits.peers + 1) * (limits.members + 8));
  require(status.links.size() <= limits.peers);
  for (const auto& link : status.links) {
    require(link.window_bytes <= limits.link_window_bytes + limits.control_backlog_bytes + kSlack);
    require(link.interest <= limits.interest_entries + 1);
  }
  bool quiet_is_there = false;
  for (const auto& member : status.members) {
    quiet_is_there = quiet_is_there || (member.local && member.id == "0000000000000063");
    require(member.queue_bytes <=
            limits.member_queue_bytes + limits.control_backlog_bytes + kSlack);
    require(member.namespaces.size() <= limits.namespaces_per_member + 256);
  }
  require(quiet_is_there);
  if (side_ == Side::kRecovery) require(status.recovery->homes <= 2 * limits.members);
}

void NodeDriver::run(Input& input) {
  for (std::size_t i = 0; i < kMostOperations && !input.empty(); ++i) {
    Driven& driven = driven_[current_];
    const std::uint8_t operations = side_ == Side::kRecovery ? kRecoveryOperations : kOperations;
    const auto operation = static_cast<Operation>(input.byte() % operations);
    switch (operation) {
      case kRaw:
        receive(text(input.bytes(input.byte())));
        break;
      case kFrame: {
        const std::uint8_t type = input.byte();
        receive(sim::frame(type, text(input.bytes(input.byte()))));
        break;
      }
      case kGreeting:
        greet(driven);
        break;
      case kData:
        send_data(driven, input);
        break;
      case kControl: {
        const std::uint8_t type = input.byte();
        const std::string frame = sim::frame(type, text(input.bytes(input.byte())));
        if (is_app(driven)) {
          receive(frame);
        } else {
          send_record(driven, frame);
        }
        break;
      }
      case kTime:
        pass_time(input.byte() * 50'000);
        break;
      case kWrite:
        write(std::size_t{input.byte()} * 16);
        break;
      case kReopen:
        if (!closing_.contains(driven.conn)) {
          node_.closed(driven.conn, now_);
          written_.erase(driven.conn);
        }
        open(driven);
        break;
      case kSwitch:
        current_ = input.byte() % driven_.size();
        break;
      default:
        recovery_step(operation, driven, input);
        break;
    }
    act();
    check();
  }
  write(SIZE_MAX);
  check();
}

}  // namespace socketmesh::fuzz
