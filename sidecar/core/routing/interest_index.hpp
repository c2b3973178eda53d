// Who is interested in a (namespace, room), by its hash, with a count for each owner.
//
// Counts make hash collisions harmless: two rooms of one owner with one hash count two, and the
// interest ends when both have gone. An open-addressing table of 16-byte entries; an entry holds
// its one owner, or refers to a list of several. Pure; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace socketmesh::routing {

// A destination: a peer's slot or a local member, numbered densely by the node.
using EndpointId = std::uint32_t;

class InterestIndex {
 public:
  struct Change {
    bool owner = false;  // the owner's first (add) or last (remove) count of this hash
    bool hash = false;   // and it was the hash's first or last owner
  };

  InterestIndex();

  Change add(std::uint64_t hash, EndpointId owner);
  // Removing what is not there changes nothing.
  Change remove(std::uint64_t hash, EndpointId owner);
  // Takes every count of `owner` out; calls `on_last(hash)` for hashes that have no owner left.
  template <typename OnLast>
  void remove_owner(EndpointId owner, OnLast&& on_last) {
    for (const std::uint64_t hash : hashes_of(owner)) {
      if (remove_all(hash, owner)) on_last(hash);
    }
  }

  template <typename Visit>
  void each_owner(std::uint64_t hash, Visit&& visit) const {
    const Entry* entry = find(hash);
    if (entry == nullptr) return;
    if (entry->owner != kListOwner) {
      visit(entry->owner);
      return;
    }
    for (const OwnerCount& one : lists_[entry->count]) visit(one.owner);
  }

  template <typename Visit>
  void each_hash(Visit&& visit) const {
    for (const Entry& entry : table_) {
      if (entry.count != kEmpty) visit(entry.hash);
    }
  }

  std::size_t hashes() const { return hashes_; }
  // (hash, owner) pairs.
  std::size_t pairs() const { return pairs_; }
  std::size_t memory_bytes() const;

 private:
  struct OwnerCount {
    EndpointId owner;
    std::uint32_t count;
  };
  struct Entry {
    std::uint64_t hash = 0;
    EndpointId owner = 0;
    std::uint32_t count = kEmpty;  // of the owner; with kListOwner an index into lists_
  };
  static constexpr std::uint32_t kEmpty = UINT32_MAX;
  static constexpr EndpointId kListOwner = UINT32_MAX;

  std::size_t home(std::uint64_t hash) const;
  const Entry* find(std::uint64_t hash) const;
  Entry* find(std::uint64_t hash);
  Entry& insert(std::uint64_t hash);
  void erase(Entry& entry);
  void resize(std::size_t capacity);
  bool remove_all(std::uint64_t hash, EndpointId owner);
  bool remove_owner_from(Entry& entry, EndpointId owner);
  std::vector<std::uint64_t> hashes_of(EndpointId owner) const;
  std::uint32_t new_list();

  std::vector<Entry> table_;
  std::vector<std::vector<OwnerCount>> lists_;
  std::vector<std::uint32_t> free_lists_;
  std::size_t hashes_ = 0;
  std::size_t pairs_ = 0;
};

}  // namespace socketmesh::routing
