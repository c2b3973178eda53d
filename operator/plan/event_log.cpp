#include "operator/plan/event_log.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string_view>

namespace socketmesh::op::plan {
namespace {

constexpr char kController[] = "socketmesh-operator";
// A DNS subdomain has 253 bytes; the suffix has a dot and 16 digits.
constexpr std::size_t kNamePrefixBytesMax = 253 - 17;

std::string key_of(const Event& event) {
  const char separator = '\0';
  return event.about.uid + separator + event.about.name + separator + (event.warning ? "W" : "N") +
         separator + event.reason + separator + event.message;
}

// Unlike any other: by what it says and when it was said first.
std::string name_of(const Event& event, const std::string& key, UnixTime wall) {
  const std::size_t hash = std::hash<std::string>()(key + std::to_string(wall.count()));
  char suffix[24];
  std::snprintf(suffix, sizeof suffix, ".%016zx", hash);
  return event.about.name.substr(0, kNamePrefixBytesMax) + suffix;
}

// Never cuts a UTF-8 character in two.
std::string shortened(const std::string& text) {
  constexpr std::string_view kEllipsis = "...";
  if (text.size() <= kEventNoteBytesMax) return text;
  std::size_t size = kEventNoteBytesMax - kEllipsis.size();
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  return text.substr(0, size).append(kEllipsis);
}

}  // namespace

EventLog::Action EventLog::tell(const Event& event, MonoTime now, UnixTime wall) {
  const std::string key = key_of(event);
  if (const auto known = index_.find(key); known != index_.end()) {
    if (now - known->second->told < kEventLifetime) {
      Entry& entry = *known->second;
      entries_.splice(entries_.begin(), entries_, known->second);
      entry.told = now;
      ++entry.count;
      if (now - entry.written < kRepeatInterval) return {};
      entry.written = now;
      return {Kind::kRepeat, entry.name, entry.count};
    }
    forget(event);
  }
  if (!admit(event.about.uid, now)) {
    ++dropped_;
    return {};
  }
  entries_.push_front({key, event.about.uid, name_of(event, key, wall), 1, now, now});
  index_.emplace(key, entries_.begin());
  ++buckets_[event.about.uid].entries;
  Action action{Kind::kCreate, entries_.front().name, 1};
  if (entries_.size() > kEventsMax) drop_oldest();
  return action;
}

void EventLog::forget(const Event& event) {
  const auto known = index_.find(key_of(event));
  if (known == index_.end()) return;
  entries_.splice(entries_.end(), entries_, known->second);
  drop_oldest();
}

bool EventLog::admit(const std::string& uid, MonoTime now) {
  // A bucket lives only while an Event of its object is remembered; a full one need not be kept.
  const auto known = buckets_.find(uid);
  if (known == buckets_.end()) {
    buckets_.emplace(uid, Bucket{kEventBurst - 1.0, now, 0});
    return true;
  }
  Bucket& bucket = known->second;
  const double refill = std::chrono::duration<double>(now - bucket.at) /
                        std::chrono::duration<double>(kEventInterval);
  bucket.tokens = std::min<double>(kEventBurst, bucket.tokens + std::max(refill, 0.0));
  bucket.at = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void EventLog::drop_oldest() {
  const Entry& entry = entries_.back();
  if (const auto bucket = buckets_.find(entry.subject);
      bucket != buckets_.end() && --bucket->second.entries == 0)
    buckets_.erase(bucket);
  index_.erase(entry.key);
  entries_.pop_back();
}

nlohmann::json event_json(const Event& event, const std::string& name, const std::string& instance,
                          UnixTime wall) {
  const EventSubject& about = event.about;
  const std::string ns = about.namespace_name.empty() ? "default" : about.namespace_name;
  nlohmann::json regarding = {
      {"apiVersion", about.api_version}, {"kind", about.kind}, {"name", about.name}};
  if (!about.namespace_name.empty()) regarding["namespace"] = about.namespace_name;
  if (!about.uid.empty()) regarding["uid"] = about.uid;
  return {{"apiVersion", "events.k8s.io/v1"},
          {"kind", "Event"},
          {"metadata", {{"name", name}, {"namespace", ns}}},
          {"eventTime", format_micro_time(wall)},
          {"type", event.warning ? "Warning" : "Normal"},
          {"reason", event.reason},
          {"action", event.action},
          {"note", shortened(event.message)},
          {"regarding", std::move(regarding)},
          {"reportingController", kController},
          {"reportingInstance", instance}};
}

nlohmann::json series_json(std::uint32_t count, UnixTime wall) {
  return {{"series", {{"count", count}, {"lastObservedTime", format_micro_time(wall)}}}};
}

}  // namespace socketmesh::op::plan
