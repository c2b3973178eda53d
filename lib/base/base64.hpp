// Base64 (RFC 4648, section 4), as JSON carries bytes: Secrets, kubeconfig files, patches.
//
// Decoding is strict: the standard alphabet, padded, no spaces or line breaks. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace socketmesh {

std::string base64_encode(std::string_view bytes);

// Nothing when the text is not what base64_encode would have written.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace socketmesh
