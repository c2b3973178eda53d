#include "lib/obs/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "lib/base/assert.hpp"

namespace socketmesh::obs {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// Narrower than Prometheus allows: lower case, no colons (those are for recording rules).
bool is_metric_name(std::string_view name) {
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z' &&
         std::all_of(name.begin(), name.end(), is_name_char);
}

}  // namespace

prometheus::ClientMetric& MetricSet::add(std::string_view name, std::string_view help,
                                         prometheus::MetricType type, const Labels& labels) {
  const auto [entry, fresh] = index_.try_emplace(std::string(name), families_.size());
  if (fresh) {
    SM_ASSERT(is_metric_name(name));
    SM_ASSERT(!help.empty());
    prometheus::MetricFamily family;
    family.name = name;
    family.help = help;
    family.type = type;
    families_.push_back(std::move(family));
  }
  prometheus::MetricFamily& family = families_[entry->second];
  SM_ASSERT(family.type == type);
  SM_ASSERT(family.help == help);

  prometheus::ClientMetric& metric = family.metric.emplace_back();
  for (const auto& [key, value] : labels) {
    prometheus::ClientMetric::Label label;
    label.name = key;
    label.value = value;
    metric.label.push_back(std::move(label));
  }
  return metric;
}

void MetricSet::add_counter(std::string_view name, std::string_view help, double value,
                            const Labels& labels) {
  SM_ASSERT(name.ends_with("_total"));
  add(name, help, prometheus::MetricType::Counter, labels).counter.value = value;
}

void MetricSet::add_gauge(std::string_view name, std::string_view help, double value,
                          const Labels& labels) {
  add(name, help, prometheus::MetricType::Gauge, labels).gauge.value = value;
}

void MetricSet::histogram(std::string_view name, std::string_view help, const Histogram& histogram,
                          double per_unit, const Labels& labels) {
  prometheus::ClientMetric& metric = add(name, help, prometheus::MetricType::Histogram, labels);
  metric.histogram.sample_count = histogram.count();
  metric.histogram.sample_sum = static_cast<double>(histogram.sum()) / per_unit;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < histogram.counts().size(); ++i) {
    cumulative += histogram.counts()[i];
    prometheus::ClientMetric::Bucket bucket;
    bucket.cumulative_count = cumulative;
    bucket.upper_bound = i < histogram.upper_bounds().size()
                             ? static_cast<double>(histogram.upper_bounds()[i]) / per_unit
                             : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back(bucket);
  }
}

std::string MetricSet::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_);
  return std::move(out).str();
}

}  // namespace socketmesh::obs
