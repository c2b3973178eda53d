#include "sidecar/dropin/websocket/frames.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace socketmesh::dropin::ws {
namespace {

constexpr std::size_t kLimit = 1000;

Buffer bytes(std::initializer_list<int> values) {
  Buffer out;
  for (const int value : values) out.push_back(static_cast<std::uint8_t>(value));
  return out;
}

// What a client writes: masked with a key of its own.
Buffer masked(std::uint8_t head, const std::string& payload, std::uint32_t key = 0x04030201) {
  Buffer out = {head};
  if (payload.size() < 126) {
    out.push_back(static_cast<std::uint8_t>(0x80U | payload.size()));
  } else {
    out.push_back(0x80 | 126);
    out.push_back(static_cast<std::uint8_t>(payload.size() >> 8U));
    out.push_back(static_cast<std::uint8_t>(payload.size()));
  }
  for (unsigned i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(key >> (8 * i)));
  for (std::size_t i = 0; i < payload.size(); ++i) {
    const auto mask = static_cast<std::uint8_t>(key >> (8 * (i % 4)));
    out.push_back(static_cast<std::uint8_t>(payload[i]) ^ mask);
  }
  return out;
}

// Everything that came, as text: "b:…|" a whole binary message, "t:…|" a text one, "(9 …)" control.
struct Heard final : Parser::Sink {
  void message(Bytes piece, bool text, bool last) override {
    if (!open) all += text ? "t:" : "b:";
    open = !last;
    all.append(piece.begin(), piece.end());
    if (last) all += "|";
  }
  void control(Opcode opcode, Bytes payload) override {
    all +=
        "(" + std::to_string(int(opcode)) + " " + std::string(payload.begin(), payload.end()) + ")";
  }
  std::string all;
  bool open = false;
};

// In every cut into two, and byte by byte, the same must come.
std::string parse(const Buffer& input, Role role = Role::kServer, std::uint16_t expected = 0) {
  std::string first;
  for (std::size_t cut = 0; cut <= input.size() + 1; ++cut) {
    Parser parser(role, kLimit);
    Heard heard;
    std::uint16_t wrong = 0;
    if (cut <= input.size()) {
      wrong = parser.feed(Bytes(input).first(cut), heard);
      if (wrong == 0) wrong = parser.feed(Bytes(input).subspan(cut), heard);
    } else {
      for (std::size_t i = 0; i < input.size() && wrong == 0; ++i)
        wrong = parser.feed(Bytes(input).subspan(i, 1), heard);
    }
    EXPECT_EQ(wrong, expected) << "cut at " << cut;
    if (cut == 0) first = heard.all;
    EXPECT_EQ(heard.all, first) << "cut at " << cut;
  }
  return first;
}

Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(WebSocketFrames, MessagesComeUnmasked) {
  EXPECT_EQ(parse(masked(0x82, "hello, world") + masked(0x81, "text") + masked(0x82, "")),
            "b:hello, world|t:text|b:|");
  EXPECT_EQ(parse(masked(0x82, "zero key", 0)), "b:zero key|");
  const std::string long_one(300, 'x');
  EXPECT_EQ(parse(masked(0x82, long_one)), "b:" + long_one + "|");
}

TEST(WebSocketFrames, FragmentsAreOneMessageAndControlMayStandBetween) {
  EXPECT_EQ(parse(masked(0x01, "a") + masked(0x89, "ping") + masked(0x00, "") + masked(0x80, "b")),
            "t:a(9 ping)b|");
}

TEST(WebSocketFrames, NothingIsReadBehindAClose) {
  EXPECT_EQ(parse(masked(0x88, "") + masked(0x82, "late")), "(8 )");
}

TEST(WebSocketFrames, RefusesWhatBreaksTheProtocol) {
  for (const Buffer& bad : {
           masked(0x80, "no message begun"), masked(0x02, "a") + masked(0x82, "another one inside"),
           masked(0xc2, "a reserved bit"), masked(0x83, "an unknown kind"),
           masked(0x09, "a control frame in fragments"), masked(0x89, std::string(126, 'x')),
           bytes({0x82, 0x00}),  // not masked
       }) {
    parse(bad, Role::kServer, kProtocolError);
  }
  parse(bytes({0x82, 0x80, 0, 0, 0, 0}), Role::kClient, kProtocolError);
}

TEST(WebSocketFrames, AMessageHasALimitHoweverItIsCut) {
  EXPECT_EQ(parse(masked(0x82, std::string(kLimit, 'x'))).size(), kLimit + 3);
  parse(masked(0x82, std::string(kLimit + 1, 'x')), Role::kServer, kTooBig);
  parse(masked(0x02, std::string(kLimit, 'x')) + masked(0x80, "x"), Role::kServer, kTooBig);
  // Refused before its bytes come, with the longest head there is.
  parse(bytes({0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}),
        Role::kServer, kTooBig);
}

TEST(WebSocketFrames, WhatIsWrittenIsRead) {
  for (const Role role : {Role::kServer, Role::kClient}) {
    const Role reader = role == Role::kServer ? Role::kClient : Role::kServer;
    for (const std::size_t size : {0U, 1U, 125U, 126U, 999U}) {
      Buffer out;
      write_frame(out, role, Opcode::kBinary, true, Buffer(size, 'x'));
      EXPECT_EQ(parse(out, reader), "b:" + std::string(size, 'x') + "|");
    }
  }
  Buffer head;
  write_head(head, Role::kServer, Opcode::kBinary, true, 65'536);
  EXPECT_EQ(head, bytes({0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST(WebSocketFrames, CloseFramesHaveCodeAndReason) {
  Buffer out;
  write_close(out, Role::kServer, 4401, "unauthorized");
  EXPECT_EQ(parse(out, Role::kClient), "(8 \x11\x31unauthorized)");
  out.clear();
  write_close(out, Role::kServer, kNoCode, "not said");
  EXPECT_EQ(parse(out, Role::kClient), "(8 )");
  out.clear();
  write_close(out, Role::kServer, kNormal, std::string(200, 'x'));
  EXPECT_EQ(out.size(), 2 + kControlBytesMax);
  for (const int code : {1000, 1001, 1009, 1014, 3000, 4401, 4999})
    EXPECT_TRUE(is_close_code(std::uint16_t(code)));
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000})
    EXPECT_FALSE(is_close_code(std::uint16_t(code)));
}

}  // namespace
}  // namespace socketmesh::dropin::ws
