#include "operator/control/webhook_server.hpp"

#include <utility>

#include "operator/api/json_access.hpp"
#include "operator/control/clock.hpp"
#include "operator/pki/inspect.hpp"

namespace socketmesh::op::control {
namespace {

constexpr plan::MonoTime kKeepDeadline = std::chrono::seconds(30);
// While something is missing: the first replica makes the Secrets, the others wait for them.
constexpr plan::MonoTime kRetry = std::chrono::seconds(3);

// Longer lives than a mesh's: nothing is lost while a leaf is renewed, and the API server alone
// looks at it.
plan::RotationSettings webhook_rotation() {
  plan::RotationSettings settings;
  settings.leaf_validity = std::chrono::hours(24 * 7);
  settings.rotate_after = std::chrono::hours(24 * 3);
  // Every replica has looked at the Secrets, and the API server at the configuration.
  settings.dwell = std::chrono::seconds(180);
  return settings;
}

// The Secrets go with the configuration, as when the chart is uninstalled. That it comes back under
// another uid costs a new CA, which the next look makes.
void set_owner(const nlohmann::json& configuration, nlohmann::json& metadata) {
  const nlohmann::json& known = api::member(configuration, "metadata");
  const std::string uid = api::text_at(known, "uid");
  if (uid.empty()) return;
  metadata["ownerReferences"] =
      nlohmann::json::array({{{"apiVersion", "admissionregistration.k8s.io/v1"},
                              {"kind", "MutatingWebhookConfiguration"},
                              {"name", api::text_at(known, "name")},
                              {"uid", uid}}});
}

CertificateWishes wishes_of(const WebhookOptions& options) {
  CertificateWishes wishes;
  wishes.names = {kWebhookCaSecret,
                  kWebhookTlsSecret,
                  {{"namespace", options.service.ns},
                   {"labels",
                    {{"app.kubernetes.io/name", "socketmesh-operator"},
                     {"app.kubernetes.io/managed-by", "socketmesh-operator"}}}}};
  wishes.identity = pki::service_identity(options.service.ns, options.service.name);
  wishes.settings = webhook_rotation();
  return wishes;
}

}  // namespace

WebhookServer::WebhookServer(const Store& store, const obs::Logger& logger, WebhookOptions options)
    : store_(store),
      logger_(logger),
      options_(std::move(options)),
      certificates_(logger),
      listener_(logger) {
  listener_.post(kWebhookPath, [this](const std::string& body) { return answer(body); });
}

std::pair<int, std::string> WebhookServer::answer(const std::string& body) {
  const auto find = [this](const std::string& ns,
                           const std::string& mesh) -> std::shared_ptr<const api::SocketMesh> {
    auto record = store_.mesh(ns + "/" + mesh);
    if (record == nullptr || !record->problems.empty()) return nullptr;
    return {record, &record->mesh};
  };
  webhook::Answer answered = webhook::review(body, find);
  const char* outcome = webhook::name_of(answered.outcome);
  if (answered.message.empty()) {
    logger_.debug("pod reviewed", {{"outcome", outcome}});
  } else {
    logger_.warn("pod reviewed", {{"outcome", outcome}, {"message", answered.message}});
  }
  const std::lock_guard lock(mutex_);
  ++outcomes_.at(static_cast<std::size_t>(answered.outcome));
  return {answered.status, std::move(answered.body)};
}

plan::MonoTime WebhookServer::keep(kube::Client& client, const std::function<bool()>& leading) {
  const bool leads = leading();
  Api api(client, leads ? leading : [] { return true; }, mono_now() + kKeepDeadline);
  const bool kept = leads ? lead(api) : read_secret(api);
  return kept && serving_ ? kWebhookLook : kRetry;
}

bool WebhookServer::lead(Api& api) {
  nlohmann::json configuration;  // null: not known
  const bool read = read_configuration(api, configuration);
  const bool kept = keep_secrets(api, configuration);
  const bool bundled = !serving_ || configuration.is_null() || keep_bundle(api, configuration);
  return read && kept && bundled;
}

bool WebhookServer::keep_secrets(Api& api, const nlohmann::json& configuration) {
  CertificateWishes wishes = wishes_of(options_);
  set_owner(configuration, wishes.names.metadata);
  wishes.sidecars =
      webhook_reports(configuration, options_.service, served_ ? served_->cert_pem : "");
  const CertificateReport report = certificates_.keep(api, wishes, true);
  if (report.error)
    logger_.warn("webhook certificate not kept", {{"error", report.error->to_string()}});
  if (!report.failure.empty())
    logger_.error("webhook certificate not made", {{"error", report.failure}});
  const CertificateView* view = certificates_.view();
  if (view != nullptr && view->texts) serve(*view->texts);
  return !report.error && report.failure.empty();
}

bool WebhookServer::read_secret(Api& api) {
  const auto secret = api.get({kube::kSecrets, options_.service.ns, kWebhookTlsSecret});
  if (!secret) {
    if (secret.error().kind != kube::ApiError::Kind::kNotFound)
      logger_.warn("webhook certificate not read", {{"error", secret.error().to_string()}});
    return false;
  }
  const auto texts = pki::tls_texts(*secret);
  if (texts) serve(*texts);
  return texts.has_value();
}

void WebhookServer::serve(const pki::TlsTexts& texts) {
  const bool same =
      served_ && served_->cert_pem == texts.cert_pem && served_->key_pem == texts.key_pem;
  if (!same) {
    const auto set = listener_.set_certificate({texts.cert_pem, texts.key_pem});
    if (!set) return logger_.error("webhook certificate refused", {{"error", set.error()}});
    if (const auto facts = pki::inspect_certificate(texts.cert_pem))
      not_after_ = facts->not_after.time_since_epoch().count();
    logger_.info("webhook certificate set", {{"not_after", not_after_.load()}});
  }
  served_ = texts;
  if (serving_) return;
  if (const auto listening = listener_.listen(options_.listen); !listening)
    return logger_.error("webhook not served", {{"error", listening.error()}});
  serving_ = true;
}

bool WebhookServer::read_configuration(Api& api, nlohmann::json& configuration) {
  auto answer = api.get({kube::kMutatingWebhooks, "", options_.configuration});
  if (!answer) {
    logger_.warn("webhook configuration not read", {{"error", answer.error().to_string()}});
    return false;
  }
  configuration = std::move(*answer);
  return true;
}

// After the listener serves a certificate of the bundle.
bool WebhookServer::keep_bundle(Api& api, const nlohmann::json& configuration) {
  const auto patch = bundle_patch(configuration, options_.service, served_->ca_pem);
  if (!patch) return true;
  if (const auto applied = api.apply_own(*patch); !applied) {
    logger_.warn("caBundle not applied", {{"error", applied.error().to_string()}});
    return false;
  }
  logger_.info("caBundle applied", {{"configuration", options_.configuration}});
  return true;
}

WebhookServer::Figures WebhookServer::figures() const {
  Figures figures;
  figures.https = listener_.stats();
  figures.not_after = not_after_;
  const std::lock_guard lock(mutex_);
  figures.outcomes = outcomes_;
  return figures;
}

}  // namespace socketmesh::op::control
