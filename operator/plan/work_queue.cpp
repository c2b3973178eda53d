#include "operator/plan/work_queue.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/base/assert.hpp"

namespace socketmesh::op::plan {
namespace {

std::uint64_t elapsed_us(MonoTime since, MonoTime now) {
  return static_cast<std::uint64_t>(std::max(now - since, MonoTime::zero()).count());
}

}  // namespace

WorkQueue::WorkQueue(WorkQueueLimits limits) : limits_(limits), tokens_(limits.retry_burst) {
  SM_ASSERT(limits.backoff_min > MonoTime::zero());
  SM_ASSERT(limits.backoff_max >= limits.backoff_min);
  SM_ASSERT(limits.retries_per_s > 0);
  SM_ASSERT(limits.retry_burst > 0);
}

void WorkQueue::add(const std::string& key, MonoTime now) {
  if (shut_down_ || !waiting_.try_emplace(key, now).second) return;
  ++adds_;
  if (!working_.contains(key)) ready_.push_back(key);
}

void WorkQueue::add_after(const std::string& key, MonoTime delay, MonoTime now) {
  if (shut_down_) return;
  if (delay <= MonoTime::zero()) return add(key, now);
  const MonoTime at = now + delay;
  const auto [entry, fresh] = delayed_.try_emplace(key, at);
  if (!fresh) {
    if (entry->second <= at) return;
    delayed_order_.erase({entry->second, key});
    entry->second = at;
  }
  delayed_order_.emplace(at, key);
}

void WorkQueue::add_rate_limited(const std::string& key, MonoTime now) {
  if (shut_down_) return;
  ++retries_;
  const std::uint32_t before = failures_[key]++;
  MonoTime pause = limits_.backoff_min;
  for (std::uint32_t i = 0; i < before && pause < limits_.backoff_max; ++i) pause *= 2;
  add_after(key, std::max(std::min(pause, limits_.backoff_max), reserve_token(now)), now);
}

void WorkQueue::forget(const std::string& key) {
  failures_.erase(key);
}

std::uint32_t WorkQueue::failures(const std::string& key) const {
  const auto entry = failures_.find(key);
  return entry == failures_.end() ? 0 : entry->second;
}

std::optional<std::string> WorkQueue::take(MonoTime now) {
  ripen(now);
  if (shut_down_ || ready_.empty()) return std::nullopt;
  std::string key = std::move(ready_.front());
  ready_.pop_front();
  const auto waited = waiting_.find(key);
  queue_us_.observe(elapsed_us(waited->second, now));
  waiting_.erase(waited);
  working_.emplace(key, now);
  return key;
}

void WorkQueue::done(const std::string& key, MonoTime now) {
  const auto entry = working_.find(key);
  SM_ASSERT(entry != working_.end());
  work_us_.observe(elapsed_us(entry->second, now));
  working_.erase(entry);
  if (waiting_.contains(key)) ready_.push_back(key);
}

std::optional<MonoTime> WorkQueue::next_deadline() const {
  if (shut_down_ || delayed_order_.empty()) return std::nullopt;
  return delayed_order_.begin()->first;
}

void WorkQueue::shut_down() {
  shut_down_ = true;
  ready_.clear();
  waiting_.clear();
  delayed_.clear();
  delayed_order_.clear();
}

WorkQueue::Figures WorkQueue::figures(MonoTime now) const {
  Figures figures;
  figures.depth = ready_.size();
  figures.adds = adds_;
  figures.retries = retries_;
  for (const auto& [key, since] : working_) {
    const MonoTime running = std::max(now - since, MonoTime::zero());
    figures.unfinished += running;
    figures.longest_running = std::max(figures.longest_running, running);
  }
  return figures;
}

void WorkQueue::ripen(MonoTime now) {
  while (!delayed_order_.empty() && delayed_order_.begin()->first <= now) {
    const std::string key = delayed_order_.begin()->second;
    delayed_order_.erase(delayed_order_.begin());
    delayed_.erase(key);
    add(key, now);
  }
}

// How long from now the next token is due; it is taken, so that later calls wait longer.
MonoTime WorkQueue::reserve_token(MonoTime now) {
  const std::chrono::duration<double> passed = std::max(now - tokens_at_, MonoTime::zero());
  tokens_ = std::min<double>(limits_.retry_burst, tokens_ + passed.count() * limits_.retries_per_s);
  tokens_at_ = std::max(now, tokens_at_);
  tokens_ -= 1;
  if (tokens_ >= 0) return MonoTime::zero();
  return std::chrono::ceil<MonoTime>(
      std::chrono::duration<double>(-tokens_ / limits_.retries_per_s));
}

}  // namespace socketmesh::op::plan
