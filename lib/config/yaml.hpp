// A YAML document as a plain tree with line numbers, over yaml-cpp's event parser.
//
// Tells plain scalars from quoted ones and keeps them as written: no resolution of types here.
// Everything a configuration should not use is a problem: duplicate keys, anchors, aliases, merge
// keys, tags, keys that are no texts, further documents, deep nesting.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/config/problem.hpp"

namespace socketmesh::config {

inline constexpr std::size_t kYamlDepthMax = 16;
inline constexpr std::size_t kYamlDocumentsMax = 1000;  // of one text

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap, kBroken };  // kBroken: a problem told why

  Kind kind = Kind::kNull;
  int line = 0;                    // from 1
  std::string scalar;              // kScalar
  bool plain = false;              // kScalar: written without quotes
  std::vector<YamlNode> items;     // kList
  std::vector<YamlEntry> entries;  // kMap, in order

  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  YamlNode value;
};

// "a list", "a map", "a text", "a number", "a bool", "nothing": for messages.
std::string_view describe(const YamlNode& node);

// What a plain scalar is to YAML 1.1, which people and yaml-cpp have in mind.
bool looks_like_number(std::string_view scalar);
bool looks_like_bool(std::string_view scalar);
bool looks_like_null(std::string_view scalar);

// The root is kNull for an empty document, and kBroken when the text is no YAML at all. Problems
// name `path` and line.
YamlNode parse_yaml(const std::string& path, std::string_view text, std::vector<Problem>& problems);

// Every document of a text with any number of them; none when the text is no YAML at all.
std::vector<YamlNode> parse_yaml_documents(const std::string& path, std::string_view text,
                                           std::vector<Problem>& problems,
                                           std::size_t depth_max = kYamlDepthMax);

}  // namespace socketmesh::config
