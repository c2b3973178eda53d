#include "lib/config/problem.hpp"

#include <algorithm>
#include <numeric>

namespace socketmesh::config {
namespace {

constexpr std::size_t kSuggestionsMax = 3;

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

// Levenshtein: insertions, deletions and substitutions to get from a to b.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (folded(a[i]) == folded(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string Place::to_string() const {
  return line > 0 ? source + ":" + std::to_string(line) : source;
}

std::string Problem::to_string() const {
  return place.to_string() + ": " + (key.empty() ? "" : key + ": ") + message;
}

std::string to_string(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += problem.to_string() + "\n";
  return text;
}

std::vector<std::string> near_matches(std::string_view word,
                                      const std::vector<std::string>& candidates) {
  constexpr std::size_t kWordBytesMax = 256;  // the work is quadratic
  if (word.size() > kWordBytesMax) return {};
  const std::size_t allowed = std::max<std::size_t>(1, word.size() / 4);
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edits(word, candidate);
    if (distance <= allowed) ranked.emplace_back(distance, candidate);
  }
  std::sort(ranked.begin(), ranked.end());
  if (ranked.size() > kSuggestionsMax) ranked.resize(kSuggestionsMax);
  std::vector<std::string> matches;
  matches.reserve(ranked.size());
  for (auto& [distance, candidate] : ranked) matches.push_back(std::move(candidate));
  return matches;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  std::string text;
  for (const std::string& match : near_matches(word, candidates)) {
    text += (text.empty() ? " (did you mean '" : " or '") + match + "'";
  }
  return text.empty() ? text : text + "?)";
}

}  // namespace socketmesh::config
