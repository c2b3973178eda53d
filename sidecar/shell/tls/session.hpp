// TLS of one link connection.
//
// A dialled session is "open" only when the peer's first application byte has come: in TLS 1.3 the
// dialling side ends its handshake before the peer has looked at its certificate, so a refusal
// would otherwise look like a link that broke. The accepting side speaks first (its HELLO). One
// thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "sidecar/shell/tls/context.hpp"
#include "sidecar/shell/tls/wire_bio.hpp"
#include "sidecar/shell/transport.hpp"

namespace socketmesh::shell {

class TlsSession final : public Transport {
 public:
  TlsSession(std::shared_ptr<const TlsContext> context, TransportRole role);
  ~TlsSession() override;

  void start() override;
  void wire_received(std::span<const std::uint8_t> bytes, const PlainSink& plain) override;
  std::size_t send(std::span<const std::span<const std::uint8_t>> slices) override;
  void finish() override;
  [[nodiscard]] std::span<const std::uint8_t> wire_pending() const override;
  void wire_written(std::size_t bytes) override;
  [[nodiscard]] Phase phase() const override { return phase_; }
  [[nodiscard]] std::string_view error() const override { return error_; }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  void shake_hands();
  void read_plain(const PlainSink& plain);
  bool encrypt(std::span<const std::uint8_t> plain);
  void fail(int result);
  [[nodiscard]] std::string describe_failure() const;

  std::shared_ptr<const TlsContext> context_;
  WireBuffers wire_;
  std::unique_ptr<SSL, Free> ssl_;
  TransportRole role_;
  Phase phase_ = Phase::kHandshake;
  bool finished_ = false;
  std::string error_;
  std::vector<std::uint8_t> record_;  // small slices gathered into one TLS record
};

}  // namespace socketmesh::shell
