#include "sidecar/core/mesh/address_book.hpp"

#include <algorithm>

namespace socketmesh::mesh {

namespace {

// Doublings after which the pause has surely reached its maximum.
constexpr unsigned kMostDoublings = 20;
// Bytes of an error text that are kept for people.
constexpr std::size_t kMaxErrorBytes = 200;

std::uint64_t splitmix64(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

}  // namespace

void AddressBook::set(std::span<const std::string> addresses, TimeUs now) {
  known_ = true;
  for (auto& [address, entry] : entries_) entry.listed = false;
  for (const std::string& address : addresses) {
    const auto [found, added] = entries_.try_emplace(address);
    found->second.listed = true;
    if (added) dial_at(found->second, now);
  }
  std::erase_if(entries_, [](const auto& item) {
    const Entry& entry = item.second;
    return !entry.listed && entry.state != State::kConnected && entry.state != State::kDialing;
  });
}

std::vector<std::string> AddressBook::due(TimeUs now) {
  std::vector<std::string> found;
  if (earliest_ > now) return found;
  earliest_ = INT64_MAX;
  for (auto& [address, entry] : entries_) {
    if (entry.state != State::kWaiting || !entry.listed) continue;
    if (entry.dial_at > now) {
      earliest_ = std::min(earliest_, entry.dial_at);
      continue;
    }
    entry.state = State::kDialing;
    found.push_back(address);
  }
  return found;
}

AddressBook::Entry* AddressBook::find(std::string_view address) {
  const auto found = entries_.find(address);
  return found == entries_.end() ? nullptr : &found->second;
}

void AddressBook::wait(Entry& entry, TimeUs now) {
  const TimeUs pause =
      std::min(redial_max_, redial_min_ << std::min(entry.failures, kMostDoublings));
  ++entry.failures;
  // Half fixed, half random: sidecars that lost one peer don't come back in step.
  const TimeUs jittered =
      pause / 2 +
      static_cast<TimeUs>(splitmix64(random_) % static_cast<std::uint64_t>(pause / 2 + 1));
  entry.state = State::kWaiting;
  dial_at(entry, now + jittered);
}

void AddressBook::dial_at(Entry& entry, TimeUs time) {
  entry.dial_at = time;
  earliest_ = std::min(earliest_, time);
}

void AddressBook::forget_if_unlisted(std::string_view address) {
  const auto found = entries_.find(address);
  if (found != entries_.end() && !found->second.listed) entries_.erase(found);
}

void AddressBook::failed(std::string_view address, std::string_view reason, TimeUs now) {
  Entry* entry = find(address);
  if (entry == nullptr) return;
  entry->last_error = reason.substr(0, kMaxErrorBytes);
  wait(*entry, now);
  forget_if_unlisted(address);
}

void AddressBook::connected(std::string_view address) {
  if (Entry* entry = find(address)) entry->state = State::kConnected;
}

void AddressBook::is_self(std::string_view address) {
  if (Entry* entry = find(address)) entry->state = State::kSelf;
}

void AddressBook::identified(std::string_view address, std::string_view peer) {
  Entry* entry = find(address);
  if (entry == nullptr) return;
  entry->peer = peer;
  entry->failures = 0;
  entry->last_error.clear();
}

void AddressBook::closed(std::string_view address, bool linked, TimeUs now) {
  Entry* entry = find(address);
  if (entry == nullptr || entry->state == State::kSelf) return;
  if (linked) {
    entry->state = State::kResting;
  } else {
    wait(*entry, now);
  }
  forget_if_unlisted(address);
}

void AddressBook::peer_lost(std::string_view peer, TimeUs now) {
  for (auto& [address, entry] : entries_) {
    if (entry.peer != peer || (entry.state != State::kResting && entry.state != State::kWaiting))
      continue;
    entry.state = State::kWaiting;
    entry.failures = 0;
    dial_at(entry, now);
  }
}

bool AddressBook::may_answer(std::string_view peer) const {
  return std::ranges::any_of(entries_, [peer](const auto& item) {
    const Entry& entry = item.second;
    const bool its = entry.peer == peer || (entry.peer.empty() && entry.state != State::kSelf);
    return its && entry.listed && entry.last_error.empty();
  });
}

}  // namespace socketmesh::mesh
