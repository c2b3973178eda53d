#include "sidecar/shell/dialer.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "lib/base/endpoint.hpp"

namespace socketmesh::shell {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

// What listens on every address sees IPv4 as ::ffff:a.b.c.d.
boost::asio::ip::address unmapped(const boost::asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
}

}  // namespace

// Resolve, connect, or give up; the first of these that ends the attempt speaks.
class Dialer::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  using Set = std::unordered_set<std::shared_ptr<Attempt>>;

  Attempt(boost::asio::io_context& io, std::weak_ptr<Set> set, Done done)
      : resolver_(io), socket_(io), timer_(io), set_(std::move(set)), done_(std::move(done)) {}

  void start(const std::string& address, bool loopback_only, std::chrono::milliseconds timeout) {
    loopback_only_ = loopback_only;
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this(), timeout](const error_code& error) {
      if (!error) {
        self->finish(Unexpected{"no answer within " + std::to_string(timeout.count()) + " ms"});
      }
    });
    const auto endpoint = parse_tcp_endpoint(address);
    if (!endpoint) {
      boost::asio::post(socket_.get_executor(), [self = shared_from_this(), endpoint] {
        self->finish(Unexpected{endpoint.error()});
      });
    } else if (endpoint->is_address()) {
      connect({tcp::endpoint(boost::asio::ip::make_address(endpoint->host), endpoint->port)});
    } else {
      resolve(*endpoint);
    }
  }

  // Ends without a callback.
  void cancel() {
    done_ = nullptr;
    close();
  }

 private:
  void resolve(const TcpEndpoint& endpoint) {
    resolver_.async_resolve(
        endpoint.host, std::to_string(endpoint.port), tcp::resolver::numeric_service,
        [self = shared_from_this()](const error_code& error, const tcp::resolver::results_type& r) {
          if (error) {
            self->finish(Unexpected{"name not resolved: " + error.message()});
            return;
          }
          self->connect(std::vector<tcp::endpoint>(r.begin(), r.end()));
        });
  }

  void connect(std::vector<tcp::endpoint> endpoints) {
    if (done_ == nullptr) return;
    if (loopback_only_) {
      std::erase_if(endpoints, [](const auto& e) { return !is_loopback(e.address()); });
      if (endpoints.empty()) {
        boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
          self->finish(Unexpected{"not a loopback address, and links without tls stay on one"});
        });
        return;
      }
    }
    targets_ = std::move(endpoints);
    boost::asio::async_connect(
        socket_, targets_,
        [self = shared_from_this()](const error_code& error, const tcp::endpoint& endpoint) {
          if (error) {
            self->finish(Unexpected{error.message()});
            return;
          }
          self->connected(endpoint);
        });
  }

  void connected(const tcp::endpoint& endpoint) {
    if (is_connected_to_itself(socket_)) {
      finish(Unexpected{"nobody listens there (the kernel connected the socket to itself)"});
      return;
    }
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    finish(Dialed{Socket(std::move(socket_)), endpoint_text(endpoint)});
  }

  void finish(Expected<Dialed> result) {
    if (done_ == nullptr) return;
    const Done done = std::exchange(done_, nullptr);
    const auto self = shared_from_this();
    if (const auto set = set_.lock()) set->erase(self);
    close();
    done(std::move(result));
  }

  void close() {
    timer_.cancel();
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
  }

  tcp::resolver resolver_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::weak_ptr<Set> set_;
  Done done_;
  bool loopback_only_ = false;
  std::vector<tcp::endpoint> targets_;
};

Dialer::Dialer(boost::asio::io_context& io, bool loopback_only, std::chrono::milliseconds timeout)
    : io_(io),
      loopback_only_(loopback_only),
      timeout_(timeout),
      attempts_(std::make_shared<Attempt::Set>()) {}

Dialer::~Dialer() {
  for (const auto& attempt : *attempts_) attempt->cancel();
}

void Dialer::dial(const std::string& address, Done done) {
  auto attempt = std::make_shared<Attempt>(io_, attempts_, std::move(done));
  attempts_->insert(attempt);
  attempt->start(address, loopback_only_, timeout_);
}

std::string endpoint_text(const tcp::endpoint& endpoint) {
  const auto address = unmapped(endpoint.address());
  return TcpEndpoint{address.to_string(), endpoint.port()}.to_string();
}

bool is_connected_to_itself(const tcp::socket& socket) {
  error_code error;
  const auto here = socket.local_endpoint(error);
  if (error) return false;
  const auto there = socket.remote_endpoint(error);
  return !error && here == there;
}

bool is_loopback(const boost::asio::ip::address& address) {
  return unmapped(address).is_loopback();
}

}  // namespace socketmesh::shell
