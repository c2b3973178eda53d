// Frames between sidecars: the connection's own (HELLO to GOODBYE), and the control frames inside
// records. Decoders return nothing for a malformed payload; views point into it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "sidecar/core/wire/frame.hpp"
#include "sidecar/core/wire/member_id.hpp"

namespace socketmesh::wire::link {

inline constexpr std::uint8_t kProtocolVersion = 1;
inline constexpr std::uint32_t kMagic = 0x48534d53;
inline constexpr std::size_t kMaxSidecarIdBytes = 256;

enum Type : std::uint8_t {
  kHello = 0x01,
  kResume = 0x02,
  kRefuse = 0x03,
  kRecord = 0x04,
  kAck = 0x05,
  kPing = 0x06,
  kPong = 0x07,
  kGoodbye = 0x08,
  kSnapshotBegin = 0x30,
  kInterest = 0x31,
  kMemberUp = 0x32,
  kMemberDown = 0x33,
  kPresence = 0x34,
  kSnapshotEnd = 0x35,
  kMemberLoss = 0x36,
};

enum class Refusal : std::uint16_t {
  kVersion = 1,
  kMeshName = 2,
  kProtocol = 4,
  kLimit = 5,
  kLeaving = 6,
  kDuplicate = 7,
  kSelf = 8,
  kStale = 9
};

struct Hello {
  std::uint32_t magic = kMagic;
  std::uint8_t min_version = kProtocolVersion;
  std::uint8_t max_version = kProtocolVersion;
  std::string_view mesh;
  std::string_view sidecar;
  std::uint64_t epoch = 0;
  std::uint32_t channels = 0;  // bits of those that it speaks; absent in older versions
  std::string_view node;       // the machine that it runs on; absent or "": unknown
};

struct Resume {
  std::uint8_t version = kProtocolVersion;
  std::uint64_t peer_epoch = 0;
  std::uint32_t peer_stream = 0;
  std::uint64_t received = 0;
  std::uint64_t taken = 0;
};

// What the sender has of the opposite direction's stream `stream`. About any other stream they say
// nothing.
struct Watermarks {
  std::uint32_t stream = 0;
  std::uint64_t received = 0;
  std::uint64_t taken = 0;
};

inline constexpr std::size_t kRecordHeadBytes = 44;
inline constexpr std::uint8_t kSkipped = 0x01;

struct Record {
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::uint32_t count = 0;
  std::uint64_t first_seq = 0;
  Watermarks marks;
  Bytes frames;
};

struct Refuse {
  std::uint16_t code = 0;
  std::string_view message;
};

struct InterestOp {
  bool add = false;
  std::uint64_t hash = 0;
};
// Bytes of one operation on the wire.
inline constexpr std::size_t kInterestOpBytes = 9;
// Operations in one INTEREST frame, so that a record stays near its size.
inline constexpr std::size_t kInterestOpsPerFrame = 4096;

struct MemberUp {
  MemberId member = 0;
  std::string_view name;
  std::string_view parser;
  std::vector<std::string_view> namespaces;
};

struct Presence {
  MemberId member = 0;
  bool present = false;
  std::string_view nsp;
};

// What a member missed that was waited for in vain. They were released to its sidecar all the same
// from `released_seq` of this stream on; 0: they were dropped.
struct MemberLoss {
  MemberId member = 0;
  std::uint64_t messages = 0;
  std::uint64_t released_seq = 0;
};

std::optional<Hello> decode_hello(Bytes payload);
std::optional<Resume> decode_resume(Bytes payload);
std::optional<Refuse> decode_refuse(Bytes payload);
std::optional<Record> decode_record(Bytes frame);
std::optional<Watermarks> decode_ack(Bytes payload);
bool decode_interest(Bytes payload, std::vector<InterestOp>& ops);
std::optional<MemberUp> decode_member_up(Bytes payload);
std::optional<Presence> decode_presence(Bytes payload);
std::optional<MemberLoss> decode_member_loss(Bytes payload);

void write_hello(Buffer& out, const Hello& hello);
void write_resume(Buffer& out, const Resume& resume);
void write_refuse(Buffer& out, Refusal code, std::string_view message);
void write_ack(Buffer& out, const Watermarks& marks);
void write_ping(Buffer& out, std::uint64_t token);
void write_pong(Buffer& out, std::uint64_t token);
void write_goodbye(Buffer& out, bool returning);
// Fills the kRecordHeadBytes at the start of `record`, whose length it takes for the frame's.
void store_record_head(Buffer& record, const Record& head);

void write_snapshot_begin(Buffer& out, std::uint64_t version);
void write_snapshot_end(Buffer& out);
void write_interest(Buffer& out, std::uint64_t version, std::span<const InterestOp> ops);
void write_member_up(Buffer& out, MemberId member, std::string_view name, std::string_view parser,
                     const std::vector<std::string_view>& namespaces);
void write_member_down(Buffer& out, MemberId member, std::uint8_t reason);
void write_presence(Buffer& out, MemberId member, bool present, std::string_view nsp);
void write_member_loss(Buffer& out, const MemberLoss& loss);

}  // namespace socketmesh::wire::link
