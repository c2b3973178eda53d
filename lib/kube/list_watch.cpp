#include "lib/kube/list_watch.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/assert.hpp"
#include "lib/kube/target.hpp"

namespace socketmesh::kube {
namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kBadRequest = 400;
// Times in a row that the server may refuse to resume before the collection is listed anew: one
// restored from a backup refuses versions of its former future for ever, with 504.
constexpr unsigned kResumesRefusedMax = 3;

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

ListWatch::ListWatch(ListWatchOptions options, std::uint64_t seed)
    : options_(std::move(options)),
      backoff_(options_.times.backoff_min, options_.times.backoff_max, seed),
      pages_(options_),
      lines_(options_.limits.event_bytes_max) {}

void ListWatch::start(Time now) {
  SM_ASSERT(request_ == 0);
  life_seen_ = now;
  request(now);
}

void ListWatch::stop() {
  abort();
  phase_ = Phase::kStopped;
}

void ListWatch::abort() {
  if (open_) actions_.emplace_back(Abort{request_});
  open_ = false;
}

void ListWatch::request(Time now) {
  ++request_;
  open_ = true;
  answered_ = false;
  requested_at_ = now;
  request_ends_ = now + options_.times.response_timeout;
  settles_at_ = kNever;
  pages_.clear_page();
  lines_.clear();
  refusal_ = {};
  if (version_.empty()) {
    request_page();
  } else {
    request_watch();
  }
}

void ListWatch::request_page() {
  phase_ = Phase::kListing;
  if (pages_.continue_token().empty() && listed()) ++stats_.relists;
  actions_.emplace_back(Request{
      request_, list_target(options_.collection, options_.page_size, pages_.continue_token()),
      false});
}

void ListWatch::request_watch() {
  using std::chrono::seconds;
  phase_ = Phase::kWatching;
  const Time less = backoff_.up_to(Time(options_.times.watch) / 10);
  const auto server_timeout = options_.times.watch - std::chrono::duration_cast<seconds>(less);
  watch_ends_ = requested_at_ + server_timeout + options_.times.watch_margin;
  actions_.emplace_back(
      Request{request_, watch_target(options_.collection, version_, server_timeout), true});
}

void ListWatch::responded(RequestId id, unsigned status, std::string_view retry_after, Time now) {
  if (!is_open(id) || answered_) return;
  answered_ = true;
  if (status != kOk) {
    phase_ = Phase::kRefused;
    status_ = status;
    const auto asked = parse_retry_after(retry_after);
    retry_after_ = asked ? std::min(Time(*asked), options_.times.retry_after_max) : Time(0);
    request_ends_ = now + options_.times.response_timeout;
    return;
  }
  life_seen_ = now;
  if (phase_ == Phase::kListing) {
    request_ends_ = requested_at_ + options_.times.page_timeout;
  } else {
    ++stats_.watches;
    request_ends_ = watch_ends_;
    settles_at_ = now + options_.times.settle;
  }
}

void ListWatch::received(RequestId id, std::string_view bytes, Time now) {
  if (!is_open(id) || !answered_) return;
  if (phase_ == Phase::kRefused) {
    take_refusal(bytes, now);
    return;
  }
  life_seen_ = now;
  if (phase_ == Phase::kListing) {
    if (!pages_.append(bytes)) fail(FailureKind::kTooLarge, "a page over the limit", now);
    return;
  }
  const bool good =
      lines_.feed(bytes, [this, now](std::string_view line) { return take_line(line, now); });
  // When an event was the reason to stop, its failure has ended this request already.
  if (good || !is_open(id)) return;
  list_anew();
  fail(FailureKind::kTooLarge, "an event over the limit", now);
}

void ListWatch::take_refusal(std::string_view bytes, Time now) {
  const std::size_t room = options_.limits.refusal_bytes_max - refusal_.size();
  refusal_.append(bytes.substr(0, room));
  if (bytes.size() > room) refused_response(now);
}

void ListWatch::finished(RequestId id, Time now) {
  if (!is_open(id)) return;
  open_ = false;
  if (!answered_) {
    fail(FailureKind::kTransport, "the connection ended without a response", now);
  } else if (phase_ == Phase::kRefused) {
    refused_response(now);
  } else if (phase_ == Phase::kListing) {
    end_page(now);
  } else {
    end_watch(now);
  }
}

void ListWatch::failed(RequestId id, std::string_view why, Time now) {
  if (!is_open(id)) return;
  open_ = false;
  if (phase_ == Phase::kRefused) {
    refused_response(now);
  } else {
    fail(FailureKind::kTransport, why, now);
  }
}

void ListWatch::end_page(Time now) {
  const auto last = pages_.end_page();
  if (!last) {
    retreat(last.error(), Time(0), now);
    return;
  }
  if (*last) {
    ++stats_.lists;
    version_ = pages_.resource_version();
    actions_.emplace_back(Replace{pages_.take_objects(), version_});
    pages_.clear();
  }
  request(now);
}

// False when the watch is over.
bool ListWatch::take_line(std::string_view line, Time now) {
  if (is_blank(line)) return true;
  auto event = decode_watch_event(line);
  if (!event) {
    list_anew();
    fail(FailureKind::kMalformed, event.error(), now);
    return false;
  }
  if (event->type == WatchEvent::Type::kError) {
    const unsigned code = event->error_code;
    const FailureKind kind = code == 0 ? FailureKind::kServer : failure_of_status(code);
    refused(Failure{kind, code, failure_text(event->error_message)}, Time(0), now);
    return false;
  }
  deliver(std::move(event).value());
  return true;
}

void ListWatch::deliver(WatchEvent event) {
  version_ = std::move(event.resource_version);
  if (event.type == WatchEvent::Type::kBookmark) {
    ++stats_.bookmarks;
    actions_.emplace_back(Bookmark{version_});
    return;
  }
  ++stats_.events;
  if (options_.trim) options_.trim(event.object);
  if (event.type == WatchEvent::Type::kDeleted) {
    actions_.emplace_back(Delete{std::move(event.object)});
  } else {
    actions_.emplace_back(Upsert{std::move(event.object)});
  }
}

// As it should, after timeoutSeconds; or early, as when the server restarts. A line that has not
// ended comes again: the version stands before it.
void ListWatch::end_watch(Time now) {
  const bool settled = settles_at_ == kNever;
  if (settled) {
    request(now);
  } else if (backoff_.fresh()) {
    backoff_.next();
    request(now);
  } else {
    fail(FailureKind::kTransport, "watches end as soon as they begin", now);
  }
}

void ListWatch::settle() {
  settles_at_ = kNever;
  backoff_.reset();
  resumes_refused_ = 0;
  if (told_.any()) actions_.emplace_back(Recovered{});
  told_.reset();
}

void ListWatch::refused_response(Time now) {
  const FailureKind kind = failure_of_status(status_);
  refused(Failure{kind, status_, failure_text(status_message(refusal_))}, retry_after_, now);
}

// The server said no, by a status or by an ERROR event.
void ListWatch::refused(const Failure& failure, Time retry_after, Time now) {
  const bool resuming = !version_.empty();
  if (failure.kind == FailureKind::kUnauthorized) actions_.emplace_back(Reauthenticate{});
  if (failure.kind == FailureKind::kExpired && backoff_.fresh()) {
    // Ordinary after a long absence: no trouble to tell of, and no need to wait.
    ++stats_.failures.at(static_cast<std::size_t>(failure.kind));
    abort();
    list_anew();
    backoff_.next();
    request(now);
    return;
  }
  const bool hopeless = failure.kind == FailureKind::kExpired || failure.status == kBadRequest;
  if (resuming && !says_nothing_of_version(failure) &&
      (hopeless || ++resumes_refused_ >= kResumesRefusedMax)) {
    list_anew();
  }
  retreat(failure, retry_after, now);
}

void ListWatch::fail(FailureKind kind, std::string_view why, Time now) {
  retreat(Failure{kind, 0, failure_text(why)}, Time(0), now);
}

// Ends the request and waits before the next one. A list that was not whole begins anew.
void ListWatch::retreat(const Failure& failure, Time pause_min, Time now) {
  const auto kind = static_cast<std::size_t>(failure.kind);
  ++stats_.failures.at(kind);
  if (!told_.test(kind)) actions_.emplace_back(Troubled{failure});
  told_.set(kind);
  abort();
  if (version_.empty()) list_anew();
  pages_.clear_page();
  lines_.clear();
  refusal_ = {};
  phase_ = Phase::kPaused;
  retry_at_ = now + std::max(backoff_.next(), pause_min);
}

void ListWatch::list_anew() {
  version_.clear();
  pages_.clear();
  resumes_refused_ = 0;
}

void ListWatch::tick(Time now) {
  if (phase_ == Phase::kPaused && now >= retry_at_) {
    request(now);
    return;
  }
  if (!open_) return;
  if (now >= settles_at_) settle();
  if (now < request_ends_) return;
  if (phase_ == Phase::kRefused) {
    refused_response(now);
  } else {
    fail(FailureKind::kTimeout, "the server went silent", now);
  }
}

Time ListWatch::deadline() const {
  if (phase_ == Phase::kPaused) return retry_at_;
  return open_ ? std::min(request_ends_, settles_at_) : kNever;
}

}  // namespace socketmesh::kube
