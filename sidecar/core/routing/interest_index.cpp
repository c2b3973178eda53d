#include "sidecar/core/routing/interest_index.hpp"

#include <algorithm>
#include <bit>

namespace socketmesh::routing {

namespace {

constexpr std::size_t kLeastCapacity = 64;
// Spreads hashes that a stranger may have chosen over the table.
constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15ULL;

}  // namespace

InterestIndex::InterestIndex() : table_(kLeastCapacity) {}

std::size_t InterestIndex::home(std::uint64_t hash) const {
  const auto bits = static_cast<unsigned>(std::countr_zero(table_.size()));
  return static_cast<std::size_t>((hash * kSpread) >> (64U - bits));
}

const InterestIndex::Entry* InterestIndex::find(std::uint64_t hash) const {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = home(hash);; at = (at + 1) & mask) {
    const Entry& entry = table_[at];
    if (entry.count == kEmpty) return nullptr;
    if (entry.hash == hash) return &entry;
  }
}

InterestIndex::Entry* InterestIndex::find(std::uint64_t hash) {
  return const_cast<Entry*>(static_cast<const InterestIndex*>(this)->find(hash));
}

InterestIndex::Entry& InterestIndex::insert(std::uint64_t hash) {
  if ((hashes_ + 1) * 4 > table_.size() * 3) resize(table_.size() * 2);
  const std::size_t mask = table_.size() - 1;
  std::size_t at = home(hash);
  while (table_[at].count != kEmpty) at = (at + 1) & mask;
  ++hashes_;
  table_[at].hash = hash;
  return table_[at];
}

void InterestIndex::erase(Entry& entry) {
  const std::size_t mask = table_.size() - 1;
  auto hole = static_cast<std::size_t>(&entry - table_.data());
  table_[hole].count = kEmpty;
  // Closes the hole: an entry further on moves back unless that would put it before its home.
  for (std::size_t at = (hole + 1) & mask; table_[at].count != kEmpty; at = (at + 1) & mask) {
    const std::size_t from_home = (at - home(table_[at].hash)) & mask;
    const std::size_t from_hole = (at - hole) & mask;
    if (from_home < from_hole) continue;
    table_[hole] = table_[at];
    table_[at].count = kEmpty;
    hole = at;
  }
  --hashes_;
  if (table_.size() > kLeastCapacity && hashes_ * 8 < table_.size()) resize(table_.size() / 2);
}

void InterestIndex::resize(std::size_t capacity) {
  std::vector<Entry> old(capacity);
  old.swap(table_);
  const std::size_t mask = capacity - 1;
  for (const Entry& entry : old) {
    if (entry.count == kEmpty) continue;
    std::size_t at = home(entry.hash);
    while (table_[at].count != kEmpty) at = (at + 1) & mask;
    table_[at] = entry;
  }
}

std::uint32_t InterestIndex::new_list() {
  if (!free_lists_.empty()) {
    const std::uint32_t index = free_lists_.back();
    free_lists_.pop_back();
    return index;
  }
  lists_.emplace_back();
  return static_cast<std::uint32_t>(lists_.size() - 1);
}

InterestIndex::Change InterestIndex::add(std::uint64_t hash, EndpointId owner) {
  Entry* entry = find(hash);
  if (entry == nullptr) {
    Entry& added = insert(hash);
    added.owner = owner;
    added.count = 1;
    ++pairs_;
    return {true, true};
  }
  if (entry->owner != kListOwner) {
    if (entry->owner == owner) {
      ++entry->count;
      return {};
    }
    const OwnerCount first{entry->owner, entry->count};
    const std::uint32_t index = new_list();
    lists_[index] = {first, {owner, 1}};
    entry->owner = kListOwner;
    entry->count = index;
    ++pairs_;
    return {true, false};
  }
  std::vector<OwnerCount>& list = lists_[entry->count];
  const auto found = std::ranges::find(list, owner, &OwnerCount::owner);
  if (found != list.end()) {
    ++found->count;
    return {};
  }
  list.push_back({owner, 1});
  ++pairs_;
  return {true, false};
}

// Takes one owner out of an entry whose count is spent; true when that ended the entry.
bool InterestIndex::remove_owner_from(Entry& entry, EndpointId owner) {
  --pairs_;
  if (entry.owner != kListOwner) {
    erase(entry);
    return true;
  }
  const std::uint32_t index = entry.count;
  std::vector<OwnerCount>& list = lists_[index];
  std::erase_if(list, [owner](const OwnerCount& one) { return one.owner == owner; });
  if (list.size() == 1) {
    entry.owner = list.front().owner;
    entry.count = list.front().count;
    list = {};
    free_lists_.push_back(index);
  }
  return false;
}

InterestIndex::Change InterestIndex::remove(std::uint64_t hash, EndpointId owner) {
  Entry* entry = find(hash);
  if (entry == nullptr) return {};
  std::uint32_t* count = nullptr;
  if (entry->owner == owner) {
    count = &entry->count;
  } else if (entry->owner == kListOwner) {
    std::vector<OwnerCount>& list = lists_[entry->count];
    const auto found = std::ranges::find(list, owner, &OwnerCount::owner);
    if (found != list.end()) count = &found->count;
  }
  if (count == nullptr) return {};
  if (*count > 1) {
    --*count;
    return {};
  }
  return {true, remove_owner_from(*entry, owner)};
}

bool InterestIndex::remove_all(std::uint64_t hash, EndpointId owner) {
  Entry* entry = find(hash);
  return entry != nullptr && remove_owner_from(*entry, owner);
}

std::vector<std::uint64_t> InterestIndex::hashes_of(EndpointId owner) const {
  std::vector<std::uint64_t> found;
  for (const Entry& entry : table_) {
    if (entry.count == kEmpty) continue;
    const bool owns = entry.owner == kListOwner
                          ? std::ranges::find(lists_[entry.count], owner, &OwnerCount::owner) !=
                                lists_[entry.count].end()
                          : entry.owner == owner;
    if (owns) found.push_back(entry.hash);
  }
  return found;
}

std::size_t InterestIndex::memory_bytes() const {
  std::size_t bytes =
      table_.capacity() * sizeof(Entry) + lists_.capacity() * sizeof(std::vector<OwnerCount>);
  for (const auto& list : lists_) bytes += list.capacity() * sizeof(OwnerCount);
  return bytes;
}

}  // namespace socketmesh::routing
