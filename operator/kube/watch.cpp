#include <utility>  // before Asio 1.74, which forgets it

#include "operator/kube/watch.hpp"
//
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <future>
#include <mutex>
#include <random>
#include <variant>

#include "lib/base/assert.hpp"
#include "operator/kube/pool.hpp"
#include "operator/kube/transport.hpp"

namespace socketmesh::op::kube {
namespace {

namespace asio = boost::asio;
namespace lw = socketmesh::kube;
using Clock = std::chrono::steady_clock;

constexpr const char* kAcceptJson = "application/json";
// A watch that asks for the list form is ended by the server at its first event (1.34).
constexpr const char* kAcceptMetadataList =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
constexpr const char* kAcceptMetadata =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

const char* accept_of(bool metadata_only, bool watch) {
  if (!metadata_only) return kAcceptJson;
  return watch ? kAcceptMetadata : kAcceptMetadataList;
}

// ListWatch has a deadline for everything; cpprestsdk's is only to be out of its way.
constexpr std::chrono::minutes kIdleMargin{2};

lw::Time now() {
  return std::chrono::duration_cast<lw::Time>(Clock::now().time_since_epoch());
}

std::uint64_t seed() {
  std::random_device device;
  constexpr unsigned kHalf = 32;
  return (std::uint64_t{device()} << kHalf) | device();
}

lw::ListWatchOptions list_watch_options(const WatchOptions& options) {
  lw::ListWatchOptions made;
  made.collection = {collection_path(options.resource, options.ns), options.label_selector,
                     options.field_selector};
  made.page_size = options.page_size;
  made.limits = options.limits;
  made.times = options.times;
  made.trim = options.trim;
  return made;
}

}  // namespace

// Everything but state() runs on the strand: one thing at a time, on whichever thread of the pool.
class Watch::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<const Access> access, const obs::Logger& logger, const WatchOptions& options,
       WatchHandlers handlers)
      : access_(std::move(access)),
        logger_(logger),
        resource_(options.resource),
        metadata_only_(options.metadata_only),
        handlers_(std::move(handlers)),
        strand_(asio::make_strand(pool())),
        timer_(strand_),
        transport_(access_, options.user_agent,
                   options.times.watch + options.times.watch_margin + kIdleMargin),
        list_watch_(list_watch_options(options), seed()) {}

  void start() {
    asio::post(strand_, [self = shared_from_this()] {
      self->list_watch_.start(now());
      self->drive();
    });
  }

  void stop() {
    SM_ASSERT(!on_pool_thread());  // it would wait for itself
    std::promise<void> stopped;
    asio::post(strand_, [this, &stopped] {
      stopped_ = true;
      list_watch_.stop();
      drive();
      handlers_ = {};
      stopped.set_value();
    });
    stopped.get_future().wait();
  }

  WatchState state() const {
    const std::lock_guard lock(mutex_);
    WatchState state = state_;
    if (seen_at_ != lw::Time::min()) state.staleness = now() - seen_at_;
    return state;
  }

 private:
  class Reader;

  // Carries out what the machine wants, and waits for its deadline.
  void drive() {
    publish();  // before the handlers, which may make others look
    for (auto actions = list_watch_.take_actions(); !actions.empty();
         actions = list_watch_.take_actions()) {
      for (lw::Action& action : actions) {
        std::visit([this](auto& each) { carry_out(each); }, action);
      }
    }
    if (const lw::Time deadline = list_watch_.deadline(); deadline == lw::kNever || stopped_) {
      armed_for_ = lw::kNever;
      timer_.cancel();
    } else if (deadline != armed_for_) {
      arm(deadline);
    }
  }

  void arm(lw::Time deadline) {
    armed_for_ = deadline;
    timer_.expires_at(Clock::time_point(deadline));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self) return;
      self->armed_for_ = lw::kNever;
      self->list_watch_.tick(now());
      self->drive();
    });
  }

  void publish() {
    const std::lock_guard lock(mutex_);
    state_.listed = list_watch_.listed();
    state_.troubled = list_watch_.troubled();
    state_.stats = list_watch_.stats();
    seen_at_ = now() - list_watch_.staleness(now());
  }

  void carry_out(const lw::Request& request);
  void carry_out(const lw::Abort&) { std::exchange(cancel_, {})(); }
  void carry_out(const lw::Reauthenticate&) { access_->expire(); }
  void carry_out(lw::Replace& replace) {
    if (handlers_.replace) handlers_.replace(std::move(replace.objects));
  }
  void carry_out(lw::Upsert& upsert) {
    if (handlers_.upsert) handlers_.upsert(std::move(upsert.object));
  }
  void carry_out(lw::Delete& removed) {
    if (handlers_.remove) handlers_.remove(std::move(removed.object));
  }
  void carry_out(const lw::Bookmark&) {}
  void carry_out(const lw::Troubled& troubled) {
    // Being asked to wait is the API server's ordinary way: a new CRD's storage, priority and
    // fairness.
    const std::initializer_list<obs::LogField> fields = {
        {"resource", resource_.plural},
        {"reason", lw::to_string(troubled.failure.kind)},
        {"status", troubled.failure.status},
        {"message", troubled.failure.message}};
    if (troubled.failure.kind == lw::FailureKind::kThrottled)
      logger_.info("watch told to wait", fields);
    else
      logger_.warn("watch troubled", fields);
  }
  void carry_out(const lw::Recovered&) {
    logger_.info("watch recovered", {{"resource", resource_.plural}});
  }

  const std::shared_ptr<const Access> access_;
  const obs::Logger& logger_;
  const Resource resource_;
  const bool metadata_only_;
  WatchHandlers handlers_;
  asio::strand<asio::io_context::executor_type> strand_;
  asio::steady_timer timer_;
  lw::Time armed_for_ = lw::kNever;
  Transport transport_;
  lw::ListWatch list_watch_;
  Transport::Cancel cancel_;  // of the request under way
  bool stopped_ = false;

  mutable std::mutex mutex_;
  WatchState state_;
  lw::Time seen_at_ = lw::Time::min();  // when the server was last heard of
};

// Brings what a response says to the strand. A piece of the body is given back only when it was
// dealt with there, so the connection waits for slow handlers.
class Watch::Impl::Reader final : public Responder {
 public:
  Reader(std::shared_ptr<Impl> watch, lw::RequestId id) : watch_(std::move(watch)), id_(id) {}

  void responded(ResponseHead head) override {
    asio::post(watch_->strand_, [watch = watch_, id = id_, head = std::move(head)] {
      watch->list_watch_.responded(id, static_cast<unsigned>(head.status), head.retry_after, now());
      watch->drive();
    });
  }
  void received(std::string_view bytes, Resume resume) override {
    asio::post(watch_->strand_, [watch = watch_, id = id_, bytes, resume = std::move(resume)] {
      watch->list_watch_.received(id, bytes, now());
      watch->drive();
      resume(true);
    });
  }
  void finished() override {
    asio::post(watch_->strand_, [watch = watch_, id = id_] {
      watch->list_watch_.finished(id, now());
      watch->drive();
    });
  }
  void failed(ExchangeError error) override {
    asio::post(watch_->strand_, [watch = watch_, id = id_, why = std::move(error.message)] {
      watch->list_watch_.failed(id, why, now());
      watch->drive();
    });
  }

 private:
  const std::shared_ptr<Impl> watch_;
  const lw::RequestId id_;
};

void Watch::Impl::carry_out(const lw::Request& request) {
  ApiRequest wanted{.method = "GET",
                    .target = request.target,
                    .accept = accept_of(metadata_only_, request.watch)};
  cancel_ = transport_.send(wanted, std::make_shared<Reader>(shared_from_this(), request.id));
}

Watch::Watch(std::shared_ptr<const Access> access, const obs::Logger& logger,
             const WatchOptions& options, WatchHandlers handlers)
    : impl_(std::make_shared<Impl>(std::move(access), logger, options, std::move(handlers))) {}

Watch::~Watch() {
  stop();
}

void Watch::start() {
  impl_->start();
}

void Watch::stop() {
  impl_->stop();
}

WatchState Watch::state() const {
  return impl_->state();
}

}  // namespace socketmesh::op::kube
