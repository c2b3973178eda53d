#include "bench/native/relay/load.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace socketmesh::bench {
namespace {

constexpr std::size_t kScratchBytes = 256U << 10U;
// What a publisher writes at once, at most: as much as the buffer of a client of nats.
constexpr std::size_t kWriteBytes = 32U << 10U;
constexpr int kPollMs = 100;
constexpr std::int64_t kConnectUs = 10'000'000;
constexpr std::int64_t kSilenceUs = 3'000'000;  // after which what is missing is lost

}  // namespace

Load::Load(LoadOptions options, const MakeProtocol& make)
    : options_(std::move(options)), scratch_(kScratchBytes) {
  const std::size_t count = options_.publishers + options_.subscribers;
  connections_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    Connection& connection = connections_[i];
    connection.protocol = make({i >= options_.publishers, options_.payload_bytes}, i);
    connection.fd = connect_to(options_.addresses[i % options_.addresses.size()]);
    connection.protocol->greet(connection.out);
    connection.wants_writable = true;
    poller_.add(connection.fd, i, true);
  }
}

void Load::connect() {
  const std::int64_t deadline = now_us() + kConnectUs;
  while (!std::all_of(connections_.begin(), connections_.end(),
                      [](const Connection& each) { return each.protocol->ready(); })) {
    if (now_us() > deadline) throw std::runtime_error("the relay does not answer");
    poller_.wait(kPollMs, [this](const Poller::Event& event) { on_event(event); });
  }
}

LoadResult Load::run() {
  for (std::size_t i = 0; i < options_.publishers; ++i)
    connections_[i].to_publish = options_.messages;
  const std::uint64_t due = options_.publishers * options_.messages * options_.subscribers;
  const std::int64_t start = now_us();
  std::int64_t last = start;
  std::uint64_t before = 0;
  while (before < due) {
    push();
    poller_.wait(kPollMs, [this](const Poller::Event& event) { on_event(event); });
    const std::uint64_t now = delivered();
    if (now != before) {
      before = now;
      last = now_us();
    } else if (now_us() - last > kSilenceUs) {
      break;
    }
  }
  LoadResult result;
  result.published = published_;
  result.delivered = before;
  for (const Connection& each : connections_) result.dropped += each.protocol->dropped();
  result.seconds = static_cast<double>(last - start) / 1e6;
  return result;
}

std::uint64_t Load::delivered() const {
  std::uint64_t sum = 0;
  for (const Connection& each : connections_) sum += each.protocol->delivered();
  return sum;
}

// Messages that may be published now: the window, less what the slowest subscriber is behind.
std::uint64_t Load::room() const {
  std::uint64_t least = published_;
  for (std::size_t i = options_.publishers; i < connections_.size(); ++i)
    least = std::min(least, connections_[i].protocol->delivered());
  const std::uint64_t window = options_.window_bytes / options_.payload_bytes;
  return window - std::min(window, published_ - least);
}

void Load::push() {
  for (std::size_t i = 0; i < options_.publishers; ++i) {
    Connection& connection = connections_[i];
    if (connection.wants_writable) continue;
    fill(connection);
    if (!connection.out.empty()) write(i);
  }
}

void Load::fill(Connection& connection) {
  if (!connection.out.empty() || connection.to_publish == 0) return;
  const std::uint64_t batch = std::max<std::uint64_t>(1, kWriteBytes / options_.payload_bytes);
  const std::uint64_t count = std::min({batch, connection.to_publish, room()});
  connection.protocol->publish(connection.out, static_cast<std::uint32_t>(count));
  connection.to_publish -= count;
  published_ += count;
}

void Load::on_event(const Poller::Event& event) {
  Connection& connection = connections_[event.key];
  if (event.readable) read(connection);
  if (!connection.out.empty()) write(event.key);
}

void Load::read(Connection& connection) {
  const std::size_t size = read_some(connection.fd, scratch_.data(), scratch_.size());
  if (size > 0) connection.protocol->received(Bytes(scratch_).first(size), connection.out);
}

void Load::write(std::size_t index) {
  Connection& connection = connections_[index];
  connection.written += write_some(connection.fd, connection.out.data() + connection.written,
                                   connection.out.size() - connection.written);
  const bool full = connection.written < connection.out.size();
  if (!full) {
    connection.out.clear();
    connection.written = 0;
  }
  if (full != connection.wants_writable) {
    connection.wants_writable = full;
    poller_.want(connection.fd, index, full);
  }
}

}  // namespace socketmesh::bench
