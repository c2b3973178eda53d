// The program itself: what it prints, how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/temp_folder.hpp"

namespace socketmesh::shell {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr char kBinary[] = SOCKETMESH_BIN_DIR "/socketmesh-sidecar";

class BinaryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kBinary)) GTEST_SKIP() << kBinary << " is not built";
  }
  void TearDown() override {
    if (child_ > 0) wait(SIGKILL);
  }

  std::string config(const std::string& link, const std::string& more = "") const {
    return folder_.write("s.yaml",
                         "mesh: {name: chat, id: a}\n"
                         "app: {listen: \"unix:" +
                             (folder_ / "app.sock") +
                             "\"}\n"
                             "link: {listen: \"" +
                             link +
                             "\"}\n"
                             "admin: {listen: \"127.0.0.1:0\"}\n"
                             "discovery: {static: []}\n" +
                             more);
  }

  void start(const std::vector<std::string>& arguments) {
    child_ = ::fork();
    if (child_ != 0) return;
    std::freopen((folder_ / "out").c_str(), "w", stdout);
    std::freopen((folder_ / "err").c_str(), "w", stderr);
    std::vector<char*> argv = {const_cast<char*>(kBinary)};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(kBinary, argv.data());
    ::_exit(127);
  }
  int wait(int signal = 0) {
    if (signal != 0) ::kill(child_, signal);
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int run(const std::vector<std::string>& arguments) {
    start(arguments);
    return wait();
  }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name).rdbuf();
    return text.str();
  }
  bool wait_for(const std::string& text) const {
    const auto end = steady_clock::now() + std::chrono::seconds(10);
    while (steady_clock::now() < end) {
      if (read("err").find(text) != std::string::npos) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }

  support::TempFolder folder_;
  pid_t child_ = -1;
};

TEST_F(BinaryTest, ChecksAGoodConfiguration) {
  EXPECT_EQ(run({"--config", config("127.0.0.1:7400"), "--check-config"}), 0) << read("err");
  EXPECT_THAT(read("out"), HasSubstr("is valid"));
}

TEST_F(BinaryTest, NamesFileLineAndKeyOfAMistake) {
  EXPECT_EQ(run({"--config", config("127.0.0.1:7400", "lnik: {}\n"), "--check-config"}), 2);
  EXPECT_THAT(read("err"), HasSubstr("s.yaml:6: lnik"));
}

TEST_F(BinaryTest, NamesAMissingFile) {
  EXPECT_EQ(run({"--config", folder_ / "absent.yaml"}), 2);
  EXPECT_THAT(read("err"), HasSubstr("absent.yaml"));
}

TEST_F(BinaryTest, NamesThePortInUse) {
  boost::asio::io_context io;
  const tcp::acceptor taken(io, {boost::asio::ip::address_v4::loopback(), 0});
  const std::string address = "127.0.0.1:" + std::to_string(taken.local_endpoint().port());
  EXPECT_EQ(run({"--config", config(address)}), 2);
  EXPECT_THAT(read("err"), HasSubstr("s.yaml:3: link.listen"));
  EXPECT_THAT(read("err"), HasSubstr(address + ": Address already in use"));
}

TEST_F(BinaryTest, EndsSoonAfterSigterm) {
  start({"--config", config("127.0.0.1:0")});
  ASSERT_TRUE(wait_for("sidecar started")) << read("err");
  const auto start = steady_clock::now();
  EXPECT_EQ(wait(SIGTERM), 0);
  EXPECT_LT(steady_clock::now() - start, milliseconds(1500));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "app.sock"));
}

TEST_F(BinaryTest, EndsInTimeWithAnAppThatDoesNotRead) {
  start({"--config", config("127.0.0.1:0")});
  ASSERT_TRUE(wait_for("sidecar started"));
  boost::asio::io_context io;
  boost::asio::local::stream_protocol::socket app(io);
  app.connect(boost::asio::local::stream_protocol::endpoint(folder_ / "app.sock"));
  const auto start = steady_clock::now();
  EXPECT_EQ(wait(SIGTERM), 0);
  EXPECT_LT(steady_clock::now() - start, milliseconds(1500));
}

TEST_F(BinaryTest, LeaveTellsTheSidecarAndReturns) {
  const std::string file = config("127.0.0.1:0");
  start({"--config", file});
  ASSERT_TRUE(wait_for("sidecar started"));
  const std::string command = std::string(kBinary) + " leave --config " + file;
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(wait(SIGTERM), 0);
  EXPECT_NE(std::system((command + " 2>/dev/null").c_str()), 0) << "nobody is there any more";
}

}  // namespace
}  // namespace socketmesh::shell
