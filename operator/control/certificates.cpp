#include "operator/control/certificates.hpp"

#include <utility>

#include "operator/control/clock.hpp"
#include "operator/control/view.hpp"

namespace socketmesh::op::control {
namespace {

using Kind = kube::ApiError::Kind;
using nlohmann::json;

kube::ObjectRef secret_ref(const CertificateWishes& wishes, const std::string& name) {
  return {kube::kSecrets, wishes.names.metadata.at("namespace"), name};
}

// The Secret, if it is there and may be used; what is wrong goes into the report.
std::optional<json> read(Api& api, const CertificateWishes& wishes, const std::string& name,
                         CertificateReport& report) {
  const kube::ObjectRef ref = secret_ref(wishes, name);
  auto answer = api.get(ref);
  if (!answer) {
    if (answer.error().kind != Kind::kNotFound) report.error = answer.error();
    return std::nullopt;
  }
  if (!wishes.owner_uid.empty() && controller_of(*answer) != wishes.owner_uid)
    report.conflicts.push_back(ref.to_string());
  return std::move(*answer);
}

}  // namespace

std::string CertificateWishes::digest() const {
  json reports;
  if (sidecars) {
    reports = json::array();
    for (const plan::SidecarReport& sidecar : *sidecars) {
      const auto end = sidecar.leaf_not_after;
      reports.push_back({sidecar.name, sidecar.bundle_sha256.value_or(""),
                         end ? end->time_since_epoch().count() : 0});
    }
  }
  return json({owner_uid, rotate_leaf, rotate_root, settings.leaf_validity.count(),
               settings.rotate_after.count(), settings.dwell.count(), std::move(reports)})
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

CertificateReport Certificates::keep(Api& api, const CertificateWishes& wishes, bool anew) {
  CertificateReport report;
  const std::string digest = wishes.digest();
  if (!anew && !must_look(digest)) return report;
  looked_with_.clear();
  look(api, wishes, report);
  if (!report.error && report.failure.empty()) looked_with_ = digest;
  return report;
}

bool Certificates::must_look(const std::string& digest) const {
  return looked_with_ != digest || wall_seconds() >= view_->decision.wake_at;
}

void Certificates::look(Api& api, const CertificateWishes& wishes, CertificateReport& report) {
  pki::Secrets secrets;
  secrets.ca = read(api, wishes, wishes.names.ca, report);
  if (!report.error) secrets.tls = read(api, wishes, wishes.names.tls, report);
  if (report.error) return;
  if (!report.conflicts.empty()) {
    view_.emplace();
    view_->decision.wake_at = plan::CertTime::max();
    view_->decision.condition = {false, "NameConflict", "a Secret belongs to somebody else"};
    return;
  }
  plan::RotationInputs inputs;
  inputs.settings = wishes.settings;
  inputs.rotate_leaf = wishes.rotate_leaf;
  inputs.rotate_root = wishes.rotate_root;
  inputs.sidecars = wishes.sidecars;
  for (int round = 0;; ++round) {
    // Somebody in between changes what is written, an admission policy for example.
    if (round == pki::kStepsMax) {
      report.failure = "Secrets " + wishes.names.ca + " and " + wishes.names.tls +
                       " do not keep what is written to them";
      return;
    }
    inputs.now = wall_seconds();
    inputs.ca = pki::ca_facts(secrets);
    inputs.tls = pki::tls_facts(secrets, wishes.identity);
    plan::RotationDecision decision = plan::decide_rotation(inputs);
    if (decision.step == plan::RotationStep::kNone) {
      view_.emplace();
      view_->decision = std::move(decision);
      if (secrets.tls) view_->texts = pki::tls_texts(*secrets.tls);
      view_->leaf_not_after = inputs.tls.leaf_not_after;
      if (inputs.ca.current) view_->root_not_after = inputs.ca.current->not_after;
      return;
    }
    auto carried = pki::carry_out(decision, inputs, secrets, wishes.names, wishes.identity);
    if (!carried) {
      report.failure = carried.error();
      return;
    }
    if (!write(api, std::move(*carried), secrets, report)) return;
    logger_.info("certificates changed",
                 {{"namespace", wishes.names.metadata.at("namespace").get<std::string>()},
                  {"secret", wishes.names.tls},
                  {"why", decision.why}});
    report.steps.push_back(plan::event_text(decision));
  }
}

bool Certificates::write(Api& api, pki::CarriedOut carried, pki::Secrets& secrets,
                         CertificateReport& report) {
  const bool is_ca = carried.which == pki::CarriedOut::Secret::kCa;
  std::optional<json>& known = is_ca ? secrets.ca : secrets.tls;
  if (!known) carried.object = create_only(std::move(carried.object));
  auto answer = api.apply_own(carried.object);
  if (!answer) {
    report.error = answer.error();
    return false;
  }
  known = std::move(*answer);
  return true;
}

}  // namespace socketmesh::op::control
