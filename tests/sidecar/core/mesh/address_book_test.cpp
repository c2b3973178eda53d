#include "sidecar/core/mesh/address_book.hpp"

#include <gtest/gtest.h>

namespace socketmesh::mesh {
namespace {

constexpr TimeUs kMin = 20'000;
constexpr TimeUs kMax = 1'000'000;
using Addresses = std::vector<std::string>;

TEST(AddressBook, DialsANewAddressAtOnceAndOnce) {
  AddressBook book(kMin, kMax, 1);
  EXPECT_FALSE(book.known());
  book.set(Addresses{"a:1", "b:1"}, 5);
  EXPECT_TRUE(book.known());
  EXPECT_EQ(book.next_deadline(), 5);
  EXPECT_EQ(book.due(5), (Addresses{"a:1", "b:1"}));
  EXPECT_TRUE(book.due(5).empty());
  book.set(Addresses{"a:1", "b:1"}, 6);
  EXPECT_TRUE(book.due(kMax).empty());
}

TEST(AddressBook, PausesGrowUpToTheMaximumWithJitter) {
  AddressBook book(kMin, kMax, 1);
  book.set(Addresses{"a:1"}, 0);
  TimeUs now = 0;
  TimeUs longest = 0;
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(book.due(now).size(), 1U);
    book.failed("a:1", "refused", now);
    const TimeUs pause = book.next_deadline() - now;
    EXPECT_GE(pause, kMin / 2);
    EXPECT_LE(pause, kMax);
    longest = std::max(longest, pause);
    now = book.next_deadline();
  }
  EXPECT_GE(longest, kMax / 2);
}

TEST(AddressBook, RestsWhileThePeerIsLinkedOtherwise) {
  AddressBook book(kMin, kMax, 1);
  book.set(Addresses{"a:1"}, 0);
  book.due(0);
  book.connected("a:1");
  book.identified("a:1", "peer");
  book.closed("a:1", true, 1);
  EXPECT_EQ(book.next_deadline(), INT64_MAX);
  book.peer_lost("peer", 7);
  EXPECT_EQ(book.due(7), Addresses{"a:1"});
}

TEST(AddressBook, NeverDialsItselfAgain) {
  AddressBook book(kMin, kMax, 1);
  book.set(Addresses{"me:1"}, 0);
  book.due(0);
  book.is_self("me:1");
  book.closed("me:1", false, 1);
  book.set(Addresses{"me:1"}, 2);
  EXPECT_EQ(book.next_deadline(), INT64_MAX);
}

TEST(AddressBook, AnUnlistedAddressIsLeftAloneWhileConnected) {
  AddressBook book(kMin, kMax, 1);
  book.set(Addresses{"a:1", "b:1"}, 0);
  book.due(0);
  book.connected("a:1");
  book.failed("b:1", "refused", 0);
  book.set(Addresses{}, 1);
  EXPECT_EQ(book.entries().size(), 1U);
  EXPECT_TRUE(book.due(kMax).empty());
  book.closed("a:1", false, 2);
  EXPECT_TRUE(book.entries().empty());
}

TEST(AddressBook, APeerMayAnswerUntilDiallingItFailsOrItIsUnlisted) {
  AddressBook book(kMin, kMax, 1);
  book.set(Addresses{"a:1", "b:1"}, 0);
  book.due(0);
  EXPECT_TRUE(book.may_answer("a"));  // as far as is known, any address is its
  for (const char* peer : {"a", "b"}) {
    const std::string address = std::string(peer) + ":1";
    book.connected(address);
    book.identified(address, peer);
  }
  EXPECT_FALSE(book.may_answer("c"));
  book.closed("a:1", false, 0);
  EXPECT_TRUE(book.may_answer("a"));
  book.failed("a:1", "refused", 0);
  EXPECT_FALSE(book.may_answer("a"));
  book.identified("a:1", "a");
  EXPECT_TRUE(book.may_answer("a"));
  book.set(Addresses{"b:1"}, 0);
  EXPECT_FALSE(book.may_answer("a"));
  EXPECT_TRUE(book.may_answer("b"));
}

}  // namespace
}  // namespace socketmesh::mesh
