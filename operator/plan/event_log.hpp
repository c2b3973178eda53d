// Which Events to write: the first of a kind at once, repeats counted on the same Event, floods not
// at all.
//
//   EventLog::Action action = log.tell(event, now, wall);
//   kCreate: POST event_json(...); kRepeat: patch series_json(...) onto action.name; kDrop: nothing
//
// A repeat says the same (object, type, reason, message). It is written at most once a
// kRepeatInterval, with the true count. New kinds of one object pass a token bucket. What was told
// longest ago is forgotten beyond kEventsMax, so that memory is bounded. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

#include "operator/plan/time.hpp"

namespace socketmesh::op::plan {

inline constexpr std::size_t kEventsMax = 1024;
inline constexpr std::size_t kEventNoteBytesMax = 1024;  // the API server's own limit
inline constexpr MonoTime kRepeatInterval = std::chrono::minutes(1);
// The API server keeps an Event for an hour; one that was not told for so long starts anew.
inline constexpr MonoTime kEventLifetime = std::chrono::minutes(50);
// New Events of one object: so many at once, then one each interval.
inline constexpr std::uint32_t kEventBurst = 25;
inline constexpr MonoTime kEventInterval = std::chrono::minutes(1);

struct EventSubject {
  std::string api_version;
  std::string kind;
  std::string namespace_name;
  std::string name;
  std::string uid;

  bool operator==(const EventSubject&) const = default;
};

struct Event {
  EventSubject about;
  bool warning = false;
  std::string reason;  // CamelCase, as in conditions
  std::string action;  // what the operator did: "Reconcile", "Rotate"
  std::string message;
};

class EventLog {
 public:
  enum class Kind : std::uint8_t { kDrop, kCreate, kRepeat };
  struct Action {
    Kind kind = Kind::kDrop;
    std::string name;         // of the Event object
    std::uint32_t count = 1;  // kRepeat: how often it was told
  };

  Action tell(const Event& event, MonoTime now, UnixTime wall);
  // Writing it failed, or it is gone: the next tell() creates it anew.
  void forget(const Event& event);

  // Events that were not written because of the limits.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::string subject;  // uid
    std::string name;
    std::uint32_t count = 1;
    MonoTime told{};     // last
    MonoTime written{};  // last
  };
  struct Bucket {
    double tokens = kEventBurst;
    MonoTime at{};
    std::size_t entries = 0;
  };

  bool admit(const std::string& uid, MonoTime now);
  void drop_oldest();

  std::list<Entry> entries_;  // told last at the front
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
  std::unordered_map<std::string, Bucket> buckets_;  // by uid; as long as one of its entries lives
  std::uint64_t dropped_ = 0;
};

// The events.k8s.io/v1 Event of a first telling. `instance`: which replica of the operator. An
// object without namespace has its Events in "default".
nlohmann::json event_json(const Event& event, const std::string& name, const std::string& instance,
                          UnixTime wall);
// The merge patch of a repeat.
nlohmann::json series_json(std::uint32_t count, UnixTime wall);

}  // namespace socketmesh::op::plan
