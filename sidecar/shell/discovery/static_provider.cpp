#include "sidecar/shell/discovery/static_provider.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace socketmesh::shell {

StaticProvider::StaticProvider(boost::asio::io_context& io, Addresses addresses)
    : io_(io), addresses_(std::move(addresses)) {}

void StaticProvider::start(Callback callback) {
  callback_ = std::make_shared<Callback>(std::move(callback));
  boost::asio::post(io_, [weak = std::weak_ptr(callback_), addresses = addresses_] {
    if (const auto call = weak.lock()) (*call)(addresses);
  });
}

void StaticProvider::stop() {
  callback_.reset();
}

}  // namespace socketmesh::shell
