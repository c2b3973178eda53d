// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace socketmesh {

// Bytes of the character that `text` begins with; 0 when it is not well-formed, or text is empty.
std::size_t utf8_sequence_length(std::string_view text);

bool is_utf8(std::string_view text);

// The beginning of a well-formed text, at most this long, without a character that is cut.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max);

}  // namespace socketmesh
