// Which addresses to dial, and when. Discovery gives addresses; only a handshake tells which
// sidecar answers there.
//
// An address is dialled at once when it appears, and again with growing, jittered pauses while
// nobody answers. It rests while it is its own (kSelf) or leads to a peer that is linked, by
// whatever connection. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace socketmesh::mesh {

using TimeUs = std::int64_t;

class AddressBook {
 public:
  enum class State : std::uint8_t { kWaiting, kDialing, kConnected, kResting, kSelf };
  struct Entry {
    State state = State::kWaiting;
    TimeUs dial_at = 0;
    unsigned failures = 0;
    bool listed = true;  // discovery names it now
    std::string peer;    // who answered there last
    std::string last_error;
  };

  AddressBook(TimeUs redial_min, TimeUs redial_max, std::uint64_t seed)
      : redial_min_(redial_min), redial_max_(redial_max), random_(seed) {}

  void set(std::span<const std::string> addresses, TimeUs now);
  // Addresses to dial now; they count as being dialled from here on.
  std::vector<std::string> due(TimeUs now);
  void failed(std::string_view address, std::string_view reason, TimeUs now);
  void connected(std::string_view address);
  void is_self(std::string_view address);
  // `peer` answered at `address`.
  void identified(std::string_view address, std::string_view peer);
  // The connection at `address` closed; `linked` = its peer is linked by another one.
  void closed(std::string_view address, bool linked, TimeUs now);
  // The link to `peer` was lost: whatever address led to it is tried at once.
  void peer_lost(std::string_view peer, TimeUs now);
  // Whether `peer` may answer yet: discovery names an address that led to it, or to nobody known,
  // and dialling that has not failed since somebody answered there.
  bool may_answer(std::string_view peer) const;
  // When due() has something to dial, or earlier: of an entry that needs no dialling any more.
  TimeUs next_deadline() const { return earliest_; }

  bool known() const { return known_; }
  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }

 private:
  Entry* find(std::string_view address);
  void wait(Entry& entry, TimeUs now);
  void dial_at(Entry& entry, TimeUs time);
  void forget_if_unlisted(std::string_view address);

  TimeUs redial_min_;
  TimeUs redial_max_;
  std::uint64_t random_;
  bool known_ = false;
  TimeUs earliest_ = INT64_MAX;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace socketmesh::mesh
