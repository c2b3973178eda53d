// As much of MessagePack as the drop-in protocol needs: flat maps with string values, found in
// place, so that one value can be replaced and every other byte stays.
//
// Nothing is allocated on a stranger's word, and nesting is skipped without recursion. Views point
// into what was given. Pure functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "sidecar/core/wire/bytes.hpp"

namespace socketmesh::dropin::msgpack {

using wire::Buffer;
using wire::Bytes;

// Values inside one another; deeper ones are malformed.
inline constexpr std::size_t kDepthMax = 64;

struct Field {
  std::string_view key;
  std::optional<std::string_view>
      text;     // of a string (or, from old writers, bytes); none otherwise
  Bytes value;  // the whole encoded value
};

// The fields of the map that `message` is; nothing when it is no map with string keys, is cut, or
// something follows it.
std::optional<std::vector<Field>> read_map(Bytes message);

// The text of the field `key`; nothing when there is none, or it is no text. Of two, the last, as
// decoders into objects have it.
std::optional<std::string_view> text_of(const std::vector<Field>& fields, std::string_view key);

void write_map_head(Buffer& out, std::uint32_t fields);
void write_array_head(Buffer& out, std::uint32_t items);
void write_text(Buffer& out, std::string_view text);

}  // namespace socketmesh::dropin::msgpack
