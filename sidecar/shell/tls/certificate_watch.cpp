#include "sidecar/shell/tls/certificate_watch.hpp"

#include <utility>

#include "lib/base/text.hpp"

namespace socketmesh::shell {
namespace {

std::string named(const std::string& identity) {
  return identity.empty() ? "no mesh" : identity;
}

}  // namespace

CertificateWatch::CertificateWatch(const obs::Logger& logger, net::TlsFiles files)
    : logger_(logger), files_(std::move(files)) {}

Expected<void, net::TlsError> CertificateWatch::load() {
  // Marked before it is read: what changes in between is seen as a change.
  const net::TlsFilesMark mark = net::mark_tls_files(files_);
  auto loaded = TlsContext::load(files_);
  if (!loaded) return Unexpected{loaded.error()};
  context_ = std::move(loaded).value();
  schedule_.emplace(mark);
  return {};
}

void CertificateWatch::look(std::int64_t now_s, const OnChange& on_change) {
  const ReloadSchedule::Verdict verdict = schedule_->look(net::mark_tls_files(files_));
  if (verdict != ReloadSchedule::Verdict::kNothing) {
    if (verdict == ReloadSchedule::Verdict::kChanged) problem_.clear();
    auto next = load_next(now_s);
    if (next) {
      take(std::move(next).value(), on_change);
    } else {
      schedule_->refused();
      refuse(next.error());
    }
  }
  tell_end(now_s);
}

Expected<CertificateWatch::Context> CertificateWatch::load_next(std::int64_t now_s) const {
  auto loaded = TlsContext::load(files_);
  if (!loaded) return Unexpected{loaded.error().message};
  Context next = std::move(loaded).value();
  if (auto dates = next->check_dates(now_s); !dates) {
    return Unexpected{in_quotes(files_.cert) + " cannot be used: " + dates.error()};
  }
  // Another identity is another mesh: its links would all be refused, or a stranger's accepted.
  if (next->identity() != context_->identity()) {
    return Unexpected{in_quotes(files_.cert) + " names " + named(next->identity()) + ", not " +
                      named(context_->identity())};
  }
  return next;
}

void CertificateWatch::take(Context next, const OnChange& on_change) {
  context_ = std::move(next);
  ++stats_.reloads;
  problem_.clear();
  told_end_ = false;
  logger_.info("certificates reloaded", {{"bundle_sha256", context_->bundle_sha256()},
                                         {"not_after_s", context_->not_after_s()}});
  on_change(context_);
}

void CertificateWatch::refuse(const std::string& why) {
  if (why == problem_) return;
  problem_ = why;
  ++stats_.refused;
  logger_.error("new certificates refused, the old ones stay", {{"reason", why}});
}

void CertificateWatch::tell_end(std::int64_t now_s) {
  if (told_end_ || now_s <= context_->not_after_s()) return;
  told_end_ = true;
  logger_.error("the own certificate has ended: peers refuse new links",
                {{"not_after_s", context_->not_after_s()}});
}

}  // namespace socketmesh::shell
