#include "lib/obs/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>

namespace socketmesh::obs {
namespace {

using testing::HasSubstr;

TEST(MetricSet, WritesCountersAndGauges) {
  MetricSet metrics;
  metrics.counter("socketmesh_frames_total", "Frames.", 7U, {{"direction", "sent"}});
  metrics.gauge("socketmesh_peers", "Peers linked.", 2);
  metrics.counter("socketmesh_frames_total", "Frames.", 9U, {{"direction", "received"}});
  EXPECT_EQ(metrics.text(),
            "# HELP socketmesh_frames_total Frames.\n"
            "# TYPE socketmesh_frames_total counter\n"
            "socketmesh_frames_total{direction=\"sent\"} 7\n"
            "socketmesh_frames_total{direction=\"received\"} 9\n"
            "# HELP socketmesh_peers Peers linked.\n"
            "# TYPE socketmesh_peers gauge\n"
            "socketmesh_peers 2\n");
}

TEST(MetricSet, WritesHistogramsInBaseUnits) {
  static constexpr std::array<std::uint64_t, 2> kMicroseconds = {100, 10'000};
  Histogram latency(kMicroseconds);
  latency.observe(50);
  latency.observe(2000);
  latency.observe(20'000);
  MetricSet metrics;
  metrics.histogram("socketmesh_latency_seconds", "Latency.", latency, 1e6);
  EXPECT_THAT(metrics.text(), HasSubstr("# TYPE socketmesh_latency_seconds histogram\n"
                                        "socketmesh_latency_seconds_count 3\n"
                                        "socketmesh_latency_seconds_sum 0.02205\n"
                                        "socketmesh_latency_seconds_bucket{le=\"0.0001\"} 1\n"
                                        "socketmesh_latency_seconds_bucket{le=\"0.01\"} 2\n"
                                        "socketmesh_latency_seconds_bucket{le=\"+Inf\"} 3\n"));
}

TEST(MetricSet, EscapesLabelValues) {
  MetricSet metrics;
  metrics.gauge("socketmesh_info", "Info.", 1, {{"id", "a\"b\\c\nd"}});
  EXPECT_THAT(metrics.text(), HasSubstr(R"(socketmesh_info{id="a\"b\\c\nd"} 1)"));
}

TEST(MetricSetDeathTest, RefusesBugs) {
  MetricSet metrics;
  EXPECT_DEATH(metrics.counter("socketmesh_frames", "Frames.", 1), "_total");
  EXPECT_DEATH(metrics.gauge("socketmesh-peers", "Peers.", 1), "is_metric_name");
  EXPECT_DEATH(metrics.gauge("socketmesh_peers", "", 1), "help");
  metrics.gauge("socketmesh_peers", "Peers.", 1);
  EXPECT_DEATH(metrics.gauge("socketmesh_peers", "Other words.", 1), "help");
}

TEST(ProcessMetrics, TellsOfThisProcess) {
  MetricSet metrics;
  add_process_metrics(metrics);
  const auto value_of = [&](std::string_view name) {
    for (const auto& family : metrics.families()) {
      if (family.name == name) {
        return family.type == prometheus::MetricType::Counter ? family.metric.front().counter.value
                                                              : family.metric.front().gauge.value;
      }
    }
    ADD_FAILURE() << "no " << name;
    return -1.0;
  };
  EXPECT_GE(value_of("process_cpu_seconds_total"), 0);
  EXPECT_GT(value_of("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(value_of("process_virtual_memory_bytes"), value_of("process_resident_memory_bytes"));
  EXPECT_GE(value_of("process_open_fds"), 3);
  EXPECT_GE(value_of("process_max_fds"), value_of("process_open_fds"));
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(value_of("process_start_time_seconds"), now, 120);
}

}  // namespace
}  // namespace socketmesh::obs
