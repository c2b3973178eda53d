// The dashboard's files, embedded at build time from sidecar/shell/dashboard/ (cmake/embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace socketmesh::shell {

struct DashboardFile {
  std::string_view path;  // on the admin server
  std::string_view content_type;
  std::string_view body;
};

// Valid for ever.
std::span<const DashboardFile> dashboard_files();

}  // namespace socketmesh::shell
