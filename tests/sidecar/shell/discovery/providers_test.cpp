#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sidecar/shell/discovery/dns_provider.hpp"
#include "sidecar/shell/discovery/static_provider.hpp"
#include "tests/sidecar/shell/support/run_loop.hpp"

namespace socketmesh::shell {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class ProviderTest : public testing::Test {
 protected:
  Provider::Callback record() {
    return [this](const Provider::Addresses& addresses) { lists_.push_back(addresses); };
  }
  std::size_t logged(const std::string& text) const {
    std::size_t count = 0;
    for (auto at = log_.find(text); at != std::string::npos; at = log_.find(text, at + 1)) ++count;
    return count;
  }

  std::string log_;
  obs::Logger logger_{obs::LogLevel::kInfo, obs::LogFormat::kText,
                      [this](std::string_view line) { log_ += line; }};
  boost::asio::io_context io_;
  std::vector<Provider::Addresses> lists_;
};

TEST_F(ProviderTest, StaticGivesItsListOnceAndLater) {
  StaticProvider provider(io_, {"127.0.0.1:1", "b:2"});
  provider.start(record());
  EXPECT_TRUE(lists_.empty());
  run_for(io_, milliseconds(20));
  EXPECT_THAT(lists_, ElementsAre(Provider::Addresses{"127.0.0.1:1", "b:2"}));
}

TEST_F(ProviderTest, StaticIsSilentOnceStopped) {
  StaticProvider provider(io_, {"a:1"});
  provider.start(record());
  provider.stop();
  run_for(io_, milliseconds(20));
  EXPECT_TRUE(lists_.empty());
}

TEST_F(ProviderTest, DnsGivesEveryAddressAndOnlyChanges) {
  DnsProvider provider(io_, logger_, {{"localhost", 7400}, milliseconds(10), true});
  provider.start(record());
  ASSERT_TRUE(run_until(io_, [&] { return !lists_.empty(); }));
  EXPECT_THAT(lists_.front(), Contains("127.0.0.1:7400"));
  run_for(io_, milliseconds(100));
  EXPECT_EQ(lists_.size(), 1U);
}

TEST_F(ProviderTest, DnsKeepsPlainLinksOnLoopback) {
  DnsProvider provider(io_, logger_, {{"192.0.2.7", 7400}, milliseconds(10), true});
  provider.start(record());
  run_for(io_, milliseconds(150));
  EXPECT_TRUE(lists_.empty());
  EXPECT_EQ(logged("address refused"), 1U) << log_;
  EXPECT_THAT(log_, HasSubstr("192.0.2.7:7400"));
}

TEST_F(ProviderTest, DnsLogsAnOutageOnce) {
  // Never resolves, here or anywhere: a label longer than DNS allows.
  DnsProvider provider(io_, logger_, {{std::string(70, 'x'), 7400}, milliseconds(5), true});
  provider.start(record());
  ASSERT_TRUE(run_until(io_, [&] { return logged("discovery gave no answer") > 0; }));
  run_for(io_, milliseconds(100));
  EXPECT_EQ(logged("discovery gave no answer"), 1U);
  EXPECT_TRUE(lists_.empty());
}

TEST_F(ProviderTest, DnsIsSilentOnceStopped) {
  DnsProvider provider(io_, logger_, {{"localhost", 7400}, milliseconds(10), true});
  provider.start(record());
  provider.stop();
  run_for(io_, milliseconds(50));
  EXPECT_TRUE(lists_.empty());
}

}  // namespace
}  // namespace socketmesh::shell
