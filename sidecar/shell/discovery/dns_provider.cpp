#include "sidecar/shell/discovery/dns_provider.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "sidecar/shell/dialer.hpp"

namespace socketmesh::shell {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

}  // namespace

class DnsProvider::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& io, const obs::Logger& logger, Options options)
      : resolver_(io), timer_(io), logger_(logger), options_(std::move(options)) {}

  void start(Callback callback) {
    callback_ = std::move(callback);
    poll();
  }

  void stop() {
    callback_ = nullptr;
    resolver_.cancel();
    timer_.cancel();
  }

 private:
  void poll() {
    // No flag address_configured: in a container whose only interface is loopback it finds nothing.
    resolver_.async_resolve(
        options_.name.host, std::to_string(options_.name.port), tcp::resolver::numeric_service,
        [self = shared_from_this()](const error_code& error, const tcp::resolver::results_type& r) {
          if (self->callback_ == nullptr) return;
          self->on_answer(error, r);
          self->poll_later();
        });
  }

  void poll_later() {
    if (callback_ == nullptr) return;
    timer_.expires_after(options_.interval);
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error && self->callback_ != nullptr) self->poll();
    });
  }

  void on_answer(const error_code& error, const tcp::resolver::results_type& results) {
    Addresses addresses;
    std::string refused;
    for (const auto& entry : results) {
      const std::string text = endpoint_text(entry.endpoint());
      if (options_.loopback_only && !is_loopback(entry.endpoint().address())) {
        // The smallest, so that answers in turning order are not news.
        refused = refused.empty() ? text : std::min(refused, text);
      } else {
        addresses.push_back(text);
      }
    }
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    note_refused(refused);

    if (addresses.empty()) {
      note_failure(error ? error.message() : "no usable address in the answer");
      return;
    }
    if (!failure_.empty()) logger_.info("discovery answers again", {{"dns", options_.name.host}});
    failure_.clear();
    if (addresses == last_) return;
    last_ = addresses;
    callback_(addresses);
  }

  void note_failure(const std::string& reason) {
    if (reason == failure_) return;
    failure_ = reason;
    logger_.warn(
        "discovery gave no answer",
        {{"dns", options_.name.host}, {"reason", reason}, {"addresses_kept", last_.size()}});
  }

  void note_refused(const std::string& address) {
    if (address == refused_) return;
    refused_ = address;
    if (address.empty()) return;
    logger_.warn("address refused: links without tls stay on loopback",
                 {{"dns", options_.name.host}, {"address", address}});
  }

  tcp::resolver resolver_;
  boost::asio::steady_timer timer_;
  const obs::Logger& logger_;
  Options options_;
  Callback callback_;
  Addresses last_;
  std::string failure_;  // what was logged last; empty while answers come
  std::string refused_;
};

DnsProvider::DnsProvider(boost::asio::io_context& io, const obs::Logger& logger, Options options)
    : impl_(std::make_shared<Impl>(io, logger, std::move(options))) {}

DnsProvider::~DnsProvider() {
  impl_->stop();
}

void DnsProvider::start(Callback callback) {
  impl_->start(std::move(callback));
}

void DnsProvider::stop() {
  impl_->stop();
}

}  // namespace socketmesh::shell
