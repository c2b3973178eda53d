#include "bench/native/clients/crowd.hpp"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace socketmesh::bench {
namespace {

constexpr std::size_t kScratchBytes = 64U << 10U;
constexpr int kPollMs = 100;
constexpr std::int64_t kSilenceUs = 10'000'000;  // without a new connection: that was all
constexpr std::size_t kStandardInput = std::numeric_limits<std::size_t>::max();
// Latencies that are kept; a run of more than so many messages keeps the first of them.
constexpr std::size_t kLatenciesMax = 20'000'000;

}  // namespace

class Crowd::Listener final : public Client::Events {
 public:
  Listener(Crowd& crowd, Slot& slot, std::int64_t now) : crowd_(crowd), slot_(slot), now_(now) {}

  void connected() override { ++crowd_.connected_; }
  void message(std::int64_t sent_us) override {
    ++slot_.messages;
    ++crowd_.messages_;
    crowd_.last_us_ = now_;
    if (crowd_.latencies_us_.size() < kLatenciesMax)
      crowd_.latencies_us_.push_back(
          static_cast<std::uint32_t>(std::max<std::int64_t>(0, now_ - sent_us)));
  }

 private:
  Crowd& crowd_;
  Slot& slot_;
  std::int64_t now_;
};

Crowd::Crowd(CrowdOptions options)
    : options_(std::move(options)), slots_(options_.connections), scratch_(kScratchBytes) {}

std::size_t Crowd::connect() {
  std::int64_t last = now_us();
  std::size_t before = 0;
  while (connected_ < slots_.size() && failure_.empty()) {
    begin_next();
    poller_.wait(kPollMs, [this](const Poller::Event& event) { on_event(event); });
    if (connected_ != before) {
      before = connected_;
      last = now_us();
    } else if (now_us() - last > kSilenceUs) {
      failure_ = "the servers accept no more";
    }
  }
  poller_.add(STDIN_FILENO, kStandardInput);
  return connected_;
}

void Crowd::begin_next() {
  try {
    while (begun_ < slots_.size() && begun_ - connected_ < options_.at_once) {
      const std::string& target = options_.targets[begun_ % options_.targets.size()];
      Slot& slot = slots_[begun_];
      slot.fd = connect_to(target);
      slot.out = Client::request(target);
      poller_.add(slot.fd, begun_, true);
      ++begun_;
    }
  } catch (const std::exception& error) {
    failure_ = error.what();
  }
}

std::string Crowd::serve() {
  std::string line;
  while (line.empty()) {
    poller_.wait(-1, [&](const Poller::Event& event) {
      if (event.key == kStandardInput) {
        line = read_line();
        if (line.empty()) line = "end";
      } else {
        on_event(event);
      }
    });
  }
  return line;
}

void Crowd::arm() {
  for (Slot& slot : slots_) slot.messages = 0;
  messages_ = 0;
  last_us_ = 0;
  latencies_us_.clear();
}

Crowd::Report Crowd::report() const {
  Report report;
  report.connected = connected_;
  report.messages = messages_;
  report.last_us = last_us_;
  report.latencies_us = latencies_us_;
  std::sort(report.latencies_us.begin(), report.latencies_us.end());
  report.fewest = slots_.empty() ? 0 : slots_.front().messages;
  for (const Slot& slot : slots_) report.fewest = std::min(report.fewest, slot.messages);
  return report;
}

void Crowd::on_event(const Poller::Event& event) {
  try {
    if (event.readable) read(event.key);
    if (slots_[event.key].fd.open() && (event.writable || !slots_[event.key].out.empty()))
      write(event.key);
  } catch (const std::exception& error) {
    lost(event.key, error.what());
  }
}

void Crowd::read(std::size_t index) {
  Slot& slot = slots_[index];
  const std::size_t size = read_some(slot.fd, scratch_.data(), scratch_.size());
  if (size == 0) return;
  Listener listener(*this, slot, now_us());
  slot.client.received(std::span(scratch_).first(size), slot.out, listener);
}

void Crowd::write(std::size_t index) {
  Slot& slot = slots_[index];
  if (!slot.out.empty()) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(slot.out.data());
    slot.out.erase(0, write_some(slot.fd, bytes, slot.out.size()));
  }
  if (slot.wants_writable == slot.out.empty()) {
    slot.wants_writable = !slot.out.empty();
    poller_.want(slot.fd, index, slot.wants_writable);
  }
}

void Crowd::lost(std::size_t index, const std::string& why) {
  Slot& slot = slots_[index];
  if (slot.client.state() == Client::State::kConnected) --connected_;
  slot = Slot();
  if (failure_.empty()) failure_ = why;
}

}  // namespace socketmesh::bench
