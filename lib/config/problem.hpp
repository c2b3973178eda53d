// One thing wrong with a configuration, and where. Values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace socketmesh::config {

// Where a value stands: a line of the file, or an environment variable.
struct Place {
  std::string source;  // the file's path, or the variable's name
  int line = 0;        // from 1; 0: no line (a variable, or the file as a whole)

  // "mesh.yaml:7", "mesh.yaml", "SOCKETMESH_LINK_LISTEN".
  [[nodiscard]] std::string to_string() const;
};

struct Problem {
  Place place;
  std::string key;  // "link.listen"; empty: the file as a whole
  std::string message;

  // "mesh.yaml:7: link.listen: 'x' has no port; write host:port".
  [[nodiscard]] std::string to_string() const;
};

// One a line, each with its newline.
std::string to_string(const std::vector<Problem>& problems);

// Those of `candidates` that `word` is probably meant to be: few edits away, nearest first, at
// most three. Case and '-' for '_' count as no edit.
std::vector<std::string> near_matches(std::string_view word,
                                      const std::vector<std::string>& candidates);

// " (did you mean 'a' or 'b'?)"; empty without matches.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace socketmesh::config
