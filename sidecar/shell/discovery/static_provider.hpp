// The list that stands in the configuration.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "sidecar/shell/discovery/provider.hpp"

namespace socketmesh::shell {

class StaticProvider final : public Provider {
 public:
  StaticProvider(boost::asio::io_context& io, Addresses addresses);

  void start(Callback callback) override;
  void stop() override;

 private:
  boost::asio::io_context& io_;
  Addresses addresses_;
  std::shared_ptr<Callback> callback_;
};

}  // namespace socketmesh::shell
