// Base64 (RFC 4648), as Secrets and kubeconfigs hold it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/expected.hpp"

namespace socketmesh::op::kube {

// Line breaks are skipped; padding is needed.
Expected<std::string> decode_base64(std::string_view text);

}  // namespace socketmesh::op::kube
