#include "sidecar/shell/discovery/kubernetes_provider.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>
#include <variant>

#include "lib/kube/list_watch.hpp"
#include "sidecar/shell/discovery/account_files.hpp"
#include "sidecar/shell/discovery/api_connection.hpp"

namespace socketmesh::shell {
namespace {

using boost::system::error_code;
using std::chrono::steady_clock;

kube::Time steady_now() {
  return std::chrono::duration_cast<kube::Time>(steady_clock::now().time_since_epoch());
}

kube::ListWatchOptions watch_options(const KubernetesProvider::Options& options) {
  kube::ListWatchOptions watch;
  watch.collection.path =
      "/apis/discovery.k8s.io/v1/namespaces/" + options.space + "/endpointslices";
  watch.collection.label_selector = "kubernetes.io/service-name=" + options.service;
  watch.page_size = KubernetesProvider::kPageSize;
  watch.times = options.times;
  watch.trim = [](nlohmann::json& slice) {
    const auto metadata = slice.find("metadata");
    if (metadata != slice.end() && metadata->is_object()) metadata->erase("managedFields");
  };
  return watch;
}

}  // namespace

class KubernetesProvider::Impl : public ApiConnection::Host,
                                 public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& io, const obs::Logger& logger, Options options)
      : io_(io),
        logger_(logger),
        options_(std::move(options)),
        watch_(watch_options(options_), options_.seed),
        slices_(options_.port, options_.preferred),
        watch_timer_(io),
        publish_timer_(io) {}

  void start(Callback callback) {
    callback_ = std::move(callback);
    watch_.start(steady_now());
    carry_out();
  }

  void stop() {
    callback_ = nullptr;
    watch_.stop();
    disconnect();
    watch_timer_.cancel();
    publish_timer_.cancel();
  }

  [[nodiscard]] WatchFigures figures() const {
    return {watch_.staleness(steady_now()), watch_.troubled(), last_.size(), watch_.stats()};
  }

 private:
  void api_responded(unsigned status, std::string_view retry_after) override {
    watch_.responded(request_, status, retry_after, steady_now());
    carry_out();
  }
  void api_received(std::string_view bytes) override {
    watch_.received(request_, bytes, steady_now());
    carry_out();
  }
  void api_finished() override {
    // A watch begins anew with a handshake, so that a server behind a balancer can be left.
    if (is_watch_) disconnect();
    watch_.finished(request_, steady_now());
    carry_out();
    // Idle: nothing follows now, and the server may close it any time.
    if (connection_ != nullptr && connection_->reusable()) disconnect();
  }
  void api_failed(const std::string& why) override {
    disconnect();
    watch_.failed(request_, why, steady_now());
    carry_out();
  }

  void disconnect() {
    if (connection_ != nullptr) connection_->close();
    connection_ = nullptr;
  }

  void carry_out() {
    if (callback_ == nullptr) return;
    for (const kube::Action& action : watch_.take_actions()) {
      std::visit([this](const auto& wanted) { perform(wanted); }, action);
    }
    arm_watch_timer();
  }

  void perform(const kube::Request& request) {
    request_ = request.id;
    is_watch_ = request.watch;
    const auto token = read_token(options_.access);
    if (!token) {
      fail_later(token.error());
      return;
    }
    if (connection_ == nullptr || !connection_->reusable()) {
      disconnect();
      auto context = api_context();
      if (!context) {
        fail_later(context.error());
        return;
      }
      connection_ = std::make_shared<ApiConnection>(io_, options_.access.server,
                                                    std::move(context).value(), *this);
    }
    connection_->get(request.target, *token);
  }
  void perform(const kube::Abort& /*unused*/) { disconnect(); }
  // The token is read for each request anyway.
  void perform(const kube::Reauthenticate& /*unused*/) {}
  void perform(const kube::Replace& replace) {
    slices_.replace(replace.objects);
    publish_later(listed_ ? kCoalesce : std::chrono::milliseconds(0));
    listed_ = true;
  }
  void perform(const kube::Upsert& upsert) {
    slices_.upsert(upsert.object);
    publish_later(kCoalesce);
  }
  void perform(const kube::Delete& gone) {
    slices_.erase(gone.object);
    publish_later(kCoalesce);
  }
  void perform(const kube::Bookmark& /*unused*/) {}
  void perform(const kube::Troubled& troubled) {
    const kube::Failure& failure = troubled.failure;
    logger_.warn("endpoints cannot be watched", {{"service", options_.service},
                                                 {"namespace", options_.space},
                                                 {"reason", to_string(failure.kind)},
                                                 {"status", failure.status},
                                                 {"detail", failure.message},
                                                 {"addresses_kept", last_.size()}});
  }
  void perform(const kube::Recovered& /*unused*/) {
    logger_.info("endpoints are watched again",
                 {{"service", options_.service}, {"namespace", options_.space}});
  }

  // Read for each connection: a rotated CA needs no other care.
  Expected<ApiTlsContext> api_context() const {
    const auto pem = read_ca(options_.access);
    if (!pem) return Unexpected{pem.error()};
    auto context = make_api_tls_context(*pem);
    if (!context) return Unexpected{"'" + options_.access.ca_file + "': " + context.error()};
    return context;
  }

  void fail_later(const std::string& why) {
    boost::asio::post(io_, [self = shared_from_this(), id = request_, why] {
      self->watch_.failed(id, why, steady_now());
      self->carry_out();
    });
  }

  void arm_watch_timer() {
    const kube::Time deadline = watch_.deadline();
    if (deadline == armed_for_) return;
    armed_for_ = deadline;
    if (deadline == kube::kNever) {
      watch_timer_.cancel();
      return;
    }
    watch_timer_.expires_at(steady_clock::time_point(deadline));
    watch_timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (error || self->callback_ == nullptr) return;
      self->armed_for_ = kube::kNever;
      self->watch_.tick(steady_now());
      self->carry_out();
    });
  }

  void publish_later(std::chrono::milliseconds delay) {
    if (publishing_) return;
    publishing_ = true;
    publish_timer_.expires_after(delay);
    publish_timer_.async_wait([self = shared_from_this()](const error_code& error) {
      self->publishing_ = false;
      if (!error && self->callback_ != nullptr) self->publish();
    });
  }

  void publish() {
    note_left_out();
    auto addresses = slices_.addresses();
    if (published_ && addresses == last_) return;
    published_ = true;
    last_ = std::move(addresses);
    callback_(last_);
  }

  void note_left_out() {
    const std::size_t left_out = slices_.slices_left_out();
    if (left_out == left_out_) return;
    left_out_ = left_out;
    if (left_out == 0) return;
    logger_.warn(
        "EndpointSlices without a usable port or address",
        {{"service", options_.service}, {"slices", left_out}, {"port", options_.port.name}});
  }

  boost::asio::io_context& io_;
  const obs::Logger& logger_;
  Options options_;
  Callback callback_;  // empty once stopped
  kube::ListWatch watch_;
  kube::EndpointSlices slices_;
  std::shared_ptr<ApiConnection> connection_;
  kube::RequestId request_ = 0;
  bool is_watch_ = false;
  boost::asio::steady_timer watch_timer_;
  kube::Time armed_for_ = kube::kNever;
  boost::asio::steady_timer publish_timer_;
  bool publishing_ = false;  // the timer runs
  bool listed_ = false;
  bool published_ = false;
  Addresses last_;
  std::size_t left_out_ = 0;  // that was logged last
};

KubernetesProvider::KubernetesProvider(boost::asio::io_context& io, const obs::Logger& logger,
                                       Options options)
    : impl_(std::make_shared<Impl>(io, logger, std::move(options))) {}

KubernetesProvider::~KubernetesProvider() {
  impl_->stop();
}

void KubernetesProvider::start(Callback callback) {
  impl_->start(std::move(callback));
}

void KubernetesProvider::stop() {
  impl_->stop();
}

std::optional<WatchFigures> KubernetesProvider::watch_figures() const {
  return impl_->figures();
}

}  // namespace socketmesh::shell
