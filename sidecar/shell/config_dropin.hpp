// The dropin section of the configuration. Both its ports carry what apps say without encryption or
// proof of who they are, so nothing but loopback is accepted.
#pragma once

#include <string>

#include "lib/config/reader.hpp"
#include "sidecar/shell/config.hpp"

namespace socketmesh::config {

// Bytes of a token, a line break at its end left out.
inline constexpr std::size_t kTokenBytesMax = 4096;

// The token in `file`; the error says what is wrong with the file, never what is in it.
Expected<std::string> read_token(const std::string& file);

// Reads the section into `config.dropin`, and reports what is wrong with it. Everything else has
// been read: ports must not collide with others, and the state is kept beside the app's socket
// unless a file is given. Relative paths are relative to the folder of `path`.
void read_dropin(Reader& reader, const std::string& path, SidecarConfig& config);

}  // namespace socketmesh::config
