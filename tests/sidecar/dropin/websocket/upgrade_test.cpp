#include "sidecar/dropin/websocket/upgrade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::dropin::ws {
namespace {

using Is = UpgradeRequest::Is;
using testing::HasSubstr;

// The example of RFC 6455, section 1.3.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

Bytes as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string head(std::string_view more = "", std::string_view line = "GET /id?x HTTP/1.1") {
  return std::string(line) +
         "\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n" +
         std::string(more) + "Sec-WebSocket-Key: " + std::string(kKey) + "\r\n\r\n";
}

TEST(Upgrade, ARequestIsAnsweredWithItsKey) {
  const std::string text = head();
  const auto request = read_request(as_bytes(text));
  ASSERT_EQ(request.is, Is::kGood) << request.problem;
  EXPECT_EQ(request.target, "/id?x");
  EXPECT_EQ(request.used, text.size());
  EXPECT_THAT(accept_response(request.key),
              HasSubstr("Sec-WebSocket-Accept: " + std::string(kAccept)));
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_EQ(read_request(as_bytes(text.substr(0, size))).is, Is::kPartial) << size;
  EXPECT_EQ(read_request(as_bytes(text + "behind")).used, text.size());
}

TEST(Upgrade, WhatIsNoWebSocketIsRefusedWithTheReason) {
  const auto status = [](const std::string& text) {
    const auto request = read_request(as_bytes(text));
    EXPECT_EQ(request.is, Is::kBad) << text;
    return request.status;
  };
  EXPECT_EQ(status("hello\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 426);
  EXPECT_EQ(status(head("", "POST / HTTP/1.1")), 426);
  EXPECT_EQ(status(head("", "GET / HTTP/1.0")), 426);
  EXPECT_EQ(status(head("Origin: http://example.com\r\n")), 403) << "a web page";
  std::string other = head();
  other.replace(other.find("13\r\n"), 2, "12");
  EXPECT_EQ(status(other), 426);
  std::string key = head();
  key.replace(key.find(kKey), kKey.size(), "c2hvcnQ=");
  EXPECT_EQ(status(key), 400);
  const std::string endless = head("X: " + std::string(kUpgradeBytesMax, 'x') + "\r\n");
  EXPECT_EQ(status(endless), 400);
  EXPECT_THAT(refuse_response(404, "none"), HasSubstr("HTTP/1.1 404 Not Found\r\n"));
}

TEST(Upgrade, OnlyTheRightAnswerIsTaken) {
  const auto read = [](const std::string& text) { return read_response(as_bytes(text), kKey); };
  const std::string good = accept_response(kKey);
  EXPECT_EQ(read(good + "more").is, Is::kGood);
  EXPECT_EQ(read(good + "more").used, good.size());
  EXPECT_EQ(read(good.substr(0, good.size() - 1)).is, Is::kPartial);
  EXPECT_EQ(read_response(as_bytes(good), key_of(as_bytes("sixteen bytes .."))).is, Is::kBad);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").problem, "it answers 200");
  EXPECT_EQ(read("hello\r\n\r\n").is, Is::kBad);
  EXPECT_THAT(request("127.0.0.1:3001", "/p", kKey),
              HasSubstr("GET /p HTTP/1.1\r\nHost: 127.0.0.1:3001\r\n"));
}

}  // namespace
}  // namespace socketmesh::dropin::ws
