// The injecting webhook on the wire: its listener, its certificate, and the caBundle by which the
// API server trusts it.
//
// All replicas serve one certificate, from the Secrets that the leader keeps; each reads them by
// name, and swaps what it serves. The leader puts the caBundle into the
// MutatingWebhookConfiguration, and only after its own listener serves a certificate of that
// bundle; and the rotation goes on only when the configuration was seen to have it.
// Thread-safe, but keep() is one thread's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "lib/base/endpoint.hpp"
#include "lib/obs/log.hpp"
#include "operator/control/ca_bundle.hpp"
#include "operator/control/certificates.hpp"
#include "operator/control/store.hpp"
#include "operator/kube/https_listener.hpp"
#include "operator/webhook/admission.hpp"

namespace socketmesh::op::control {

inline constexpr char kWebhookCaSecret[] = "socketmesh-webhook-ca";
inline constexpr char kWebhookTlsSecret[] = "socketmesh-webhook-tls";
inline constexpr char kWebhookPath[] = "/mutate";
// Between looks at the Secrets; the rotation's phases last longer.
inline constexpr plan::MonoTime kWebhookLook = std::chrono::seconds(60);

struct WebhookOptions {
  ServiceName service;  // in the operator's namespace
  std::string configuration;
  TcpEndpoint listen;
};

class WebhookServer {
 public:
  // Store and logger outlive it.
  WebhookServer(const Store& store, const obs::Logger& logger, WebhookOptions options);

  // Reads the certificate, and keeps it in order when this replica leads; says when to call again.
  plan::MonoTime keep(kube::Client& client, const std::function<bool()>& leading);
  // Listens, with a certificate.
  [[nodiscard]] bool serving() const { return serving_; }
  void close() { listener_.close(); }

  static constexpr std::size_t kOutcomes = 7;  // of webhook::Outcome
  struct Figures {
    std::array<std::uint64_t, kOutcomes> outcomes{};
    kube::HttpsStats https;
    std::int64_t not_after = 0;  // of what is served, in unix seconds; 0: nothing
  };
  [[nodiscard]] Figures figures() const;

 private:
  std::pair<int, std::string> answer(const std::string& body);
  bool lead(Api& api);
  bool keep_secrets(Api& api, const nlohmann::json& configuration);
  bool read_secret(Api& api);
  void serve(const pki::TlsTexts& texts);
  bool read_configuration(Api& api, nlohmann::json& configuration);
  bool keep_bundle(Api& api, const nlohmann::json& configuration);

  const Store& store_;
  const obs::Logger& logger_;
  const WebhookOptions options_;
  Certificates certificates_;
  std::optional<pki::TlsTexts> served_;  // of keep()'s thread
  std::atomic<bool> serving_ = false;
  std::atomic<std::int64_t> not_after_ = 0;
  mutable std::mutex mutex_;
  std::array<std::uint64_t, kOutcomes> outcomes_{};
  kube::HttpsListener listener_;  // last: its handlers use the rest
};

}  // namespace socketmesh::op::control
