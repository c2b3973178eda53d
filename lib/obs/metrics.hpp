// Turns the plain integers that the cores count into Prometheus text, once a scrape.
//
//   MetricSet metrics;
//   metrics.counter("socketmesh_link_frames_total", "Frames written to links.", stats.frames,
//                   {{"direction", "sent"}});
//   response.body = metrics.text();
//
// No registry and no live series: a MetricSet is a snapshot, built and thrown away, so a series
// that is no longer added is gone. Samples of one name form one family; their help is said once
// and must agree. Labels must not grow with sockets, rooms, or pods that come and go. Wrong names
// and disagreeing families are bugs: assertions. Not thread-safe.
#pragma once

#include <prometheus/metric_family.h>

#include <concepts>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/base/histogram.hpp"

namespace socketmesh::obs {

class MetricSet {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  // The content type that goes with text().
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  // Only grows while the process lives; the name ends in _total.
  template <typename T>
    requires std::integral<T> || std::floating_point<T>
  void counter(std::string_view name, std::string_view help, T value, const Labels& labels = {}) {
    add_counter(name, help, static_cast<double>(value), labels);
  }

  template <typename T>
    requires std::integral<T> || std::floating_point<T>
  void gauge(std::string_view name, std::string_view help, T value, const Labels& labels = {}) {
    add_gauge(name, help, static_cast<double>(value), labels);
  }

  // `per_unit`: how many of what was observed make the base unit of the name; 1e6 for microseconds
  // exported as seconds. (A divisor: 100 / 1e6 prints as 0.0001, 100 * 1e-6 as 9.999e-05.)
  void histogram(std::string_view name, std::string_view help, const Histogram& histogram,
                 double per_unit = 1.0, const Labels& labels = {});

  [[nodiscard]] const std::vector<prometheus::MetricFamily>& families() const { return families_; }

  // The text exposition format, for GET /metrics.
  [[nodiscard]] std::string text() const;

 private:
  void add_counter(std::string_view name, std::string_view help, double value,
                   const Labels& labels);
  void add_gauge(std::string_view name, std::string_view help, double value, const Labels& labels);
  prometheus::ClientMetric& add(std::string_view name, std::string_view help,
                                prometheus::MetricType type, const Labels& labels);

  std::vector<prometheus::MetricFamily> families_;
  std::unordered_map<std::string, std::size_t> index_;  // name -> place in families_
};

// What every exporter tells of its process: CPU, memory, open files, start time. Linux; values
// that /proc does not give are left out.
void add_process_metrics(MetricSet& metrics);

}  // namespace socketmesh::obs
