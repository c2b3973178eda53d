#include "tests/sim/runner.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace socketmesh::sim {

namespace {

// What a child writes: a mark when it begins a seed, then the outcome.
enum class Tag : std::uint8_t { kBegins, kEnded };
struct Header {
  Tag tag = Tag::kBegins;
  bool passed = false;
  std::uint64_t seed = 0;
  std::uint64_t report_bytes = 0;
  Stats stats;
};

void write_all(int fd, const void* data, std::size_t bytes) {
  const auto* p = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::write(fd, p, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) std::_Exit(3);  // the parent is gone
    p += n;
    bytes -= static_cast<std::size_t>(n);
  }
}

using RunSeed = decltype(RunnerOptions::run);

[[noreturn]] void child(int fd, const std::vector<std::uint64_t>& seeds, RunSeed run) {
  for (const std::uint64_t seed : seeds) {
    Header header;
    header.seed = seed;
    write_all(fd, &header, sizeof header);
    const Outcome outcome = run(seed, false);
    const std::string report = outcome.violation + (outcome.passed ? "" : "\n") + outcome.tail;
    header.tag = Tag::kEnded;
    header.passed = outcome.passed;
    header.report_bytes = report.size();
    header.stats = outcome.stats;
    write_all(fd, &header, sizeof header);
    write_all(fd, report.data(), report.size());
  }
  std::_Exit(0);
}

class Worker {
 public:
  Worker(std::vector<std::uint64_t> seeds, RunSeed run) : seeds_(std::move(seeds)), run_(run) {
    spawn();
  }
  ~Worker() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      ::close(fd_);
    }
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  int fd() const { return pid_ > 0 ? fd_ : -1; }
  bool done() const { return pid_ <= 0; }

  // Reads one message, or learns that the child died. True when a seed ended; it is added to the
  // summary.
  bool advance(Summary& summary) {
    Header header;
    if (!read_all(&header, sizeof header)) return reap(summary);
    running_ = header.seed;
    if (header.tag == Tag::kBegins) return false;
    std::string report(header.report_bytes, '\0');
    if (!read_all(report.data(), report.size())) return reap(summary);
    std::erase(seeds_, header.seed);
    summary.stats.merge(header.stats);
    if (header.passed) {
      ++summary.passed;
    } else {
      summary.failures.push_back({header.seed, report});
    }
    return true;
  }

 private:
  void spawn() {
    int ends[2];
    if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) {
      ::close(ends[0]);
      child(ends[1], seeds_, run_);
    }
    ::close(ends[1]);
    fd_ = ends[0];
  }

  bool reap(Summary& summary) {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    ::close(fd_);
    pid_ = -1;
    if (seeds_.empty()) return false;
    const std::string how = WIFSIGNALED(status)
                                ? std::string("crashed: ") + strsignal(WTERMSIG(status))
                                : "ended with status " + std::to_string(WEXITSTATUS(status));
    summary.failures.push_back({running_, how});
    std::erase(seeds_, running_);
    if (!seeds_.empty()) spawn();
    return true;
  }

  bool read_all(void* data, std::size_t bytes) {
    auto* p = static_cast<char*>(data);
    while (bytes > 0) {
      const ssize_t n = ::read(fd_, p, bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      p += n;
      bytes -= static_cast<std::size_t>(n);
    }
    return true;
  }

  std::vector<std::uint64_t> seeds_;
  RunSeed run_;
  std::uint64_t running_ = 0;
  pid_t pid_ = -1;
  int fd_ = -1;
};

}  // namespace

Summary run_seeds(const RunnerOptions& options, const std::function<void(const Failure&)>& report) {
  Summary summary;
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned job = 0; job < options.jobs; ++job) {
    std::vector<std::uint64_t> share;
    for (std::size_t i = job; i < options.seeds.size(); i += options.jobs)
      share.push_back(options.seeds[i]);
    if (!share.empty()) workers.push_back(std::make_unique<Worker>(std::move(share), options.run));
  }
  std::size_t reported = 0;
  for (;;) {
    std::vector<pollfd> waiting;
    waiting.reserve(workers.size());
    for (const auto& worker : workers) waiting.push_back({worker->fd(), POLLIN, 0});
    std::erase_if(waiting, [](const pollfd& one) { return one.fd < 0; });
    if (waiting.empty()) return summary;
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "poll");
    }
    for (const pollfd& ready : waiting) {
      if (ready.revents == 0) continue;
      for (const auto& worker : workers) {
        if (worker->fd() == ready.fd) {
          worker->advance(summary);
          break;
        }
      }
    }
    for (; reported < summary.failures.size(); ++reported) report(summary.failures[reported]);
    if (options.stop_at_first && !summary.failures.empty()) return summary;
  }
}

std::vector<std::uint64_t> read_seeds(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": " + std::strerror(errno));
  std::vector<std::uint64_t> seeds;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    line.erase(std::min(line.find('#'), line.size()));
    std::istringstream words(line);
    std::uint64_t seed = 0;
    std::string rest;
    if (words >> seed) {
      seeds.push_back(seed);
    } else {
      words.clear();
    }
    if (words >> rest) {
      std::string problem = path;
      problem.append(":").append(std::to_string(number)).append(": not a seed: ").append(rest);
      throw std::runtime_error(problem);
    }
  }
  return seeds;
}

}  // namespace socketmesh::sim
