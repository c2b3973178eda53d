#include "sidecar/shell/log_fields.hpp"

namespace socketmesh::shell {

std::vector<obs::LogField> split_log_fields(std::string_view text) {
  std::vector<obs::LogField> fields;
  while (true) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return fields;
    text.remove_prefix(begin);

    const std::size_t equals = text.find('=');
    const std::size_t space = text.find(' ');
    if (equals == std::string_view::npos || space < equals) {
      fields.emplace_back("detail", text.substr(0, space));
      text.remove_prefix(space == std::string_view::npos ? text.size() : space);
      continue;
    }
    const std::string_view key = text.substr(0, equals);
    text.remove_prefix(equals + 1);
    const bool quoted = text.starts_with('"');
    if (quoted) text.remove_prefix(1);
    const std::size_t end = text.find(quoted ? '"' : ' ');
    fields.emplace_back(key, text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace socketmesh::shell
