// Every A and AAAA record of a name, asked again and again.
//
// A headless Service's name lists its pods. A failed or an empty answer changes nothing: the last
// list stands, and the change of state is logged once, not at each poll.
#pragma once

#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>

#include "lib/base/endpoint.hpp"
#include "lib/obs/log.hpp"
#include "sidecar/shell/discovery/provider.hpp"

namespace socketmesh::shell {

class DnsProvider final : public Provider {
 public:
  struct Options {
    TcpEndpoint name;  // host and port
    std::chrono::milliseconds interval{1000};
    // Links without tls: answers that leave the machine are left out, and logged.
    bool loopback_only = false;
  };

  // The logger outlives the provider.
  DnsProvider(boost::asio::io_context& io, const obs::Logger& logger, Options options);
  ~DnsProvider() override;

  void start(Callback callback) override;
  void stop() override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace socketmesh::shell
