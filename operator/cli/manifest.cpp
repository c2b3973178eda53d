#include "operator/cli/manifest.hpp"

#include <charconv>

#include "lib/base/text.hpp"
#include "lib/config/yaml.hpp"

namespace socketmesh::op::cli {
namespace {

using config::Problem;
using config::YamlNode;
using nlohmann::json;

// Turns one tree into JSON, noting lines.
class Converter {
 public:
  Converter(const std::string& file, Document& document, std::vector<Problem>& problems)
      : file_(file), document_(document), problems_(problems) {}

  json convert(const YamlNode& node, const std::string& path) {
    document_.lines[path] = node.line;
    switch (node.kind) {
      case YamlNode::Kind::kList:
        return convert_list(node, path);
      case YamlNode::Kind::kMap:
        return convert_map(node, path);
      case YamlNode::Kind::kScalar:
        return node.plain ? convert_plain(node, path) : json(node.scalar);
      case YamlNode::Kind::kNull:
      case YamlNode::Kind::kBroken:
        break;
    }
    return nullptr;
  }

 private:
  json convert_list(const YamlNode& node, const std::string& path) {
    json list = json::array();
    for (const YamlNode& item : node.items) {
      list.push_back(convert(item, path + "[" + std::to_string(list.size()) + "]"));
    }
    return list;
  }

  json convert_map(const YamlNode& node, const std::string& path) {
    json map = json::object();
    for (const auto& [key, value] : node.entries) {
      // Keys with dots are names of labels and the like, which problems cite in brackets.
      const bool plain = key.find_first_of("./") == std::string::npos;
      std::string inner = path;
      inner += plain ? (path.empty() ? "" : ".") : "[";
      inner += key;
      if (!plain) inner += "]";
      map[key] = convert(value, inner);
    }
    return map;
  }

  json convert_plain(const YamlNode& node, const std::string& path) {
    const std::string& scalar = node.scalar;
    if (config::looks_like_null(scalar)) return nullptr;
    if (scalar == "true" || scalar == "false") return scalar == "true";
    if (config::looks_like_bool(scalar)) {
      complain(node, path,
               "is a bool to some and a text to others; write true or false, or '" + scalar +
                   "' in quotes");
      return nullptr;
    }
    if (config::looks_like_number(scalar)) return convert_number(node, path);
    return scalar;
  }

  // JSON's notation of numbers, and nothing else.
  json convert_number(const YamlNode& node, const std::string& path) {
    json number = json::parse(node.scalar, nullptr, false);
    if (number.is_number()) return number;
    complain(node, path,
             in_quotes(node.scalar) +
                 " is a number that not all read alike; write it as a plain decimal, "
                 "or in quotes if it is a text");
    return nullptr;
  }

  void complain(const YamlNode& node, const std::string& path, std::string message) {
    problems_.push_back({{file_, node.line}, path, std::move(message)});
  }

  const std::string& file_;
  Document& document_;
  std::vector<Problem>& problems_;
};

}  // namespace

int Document::line_of(std::string path) const {
  for (;;) {
    const auto found = lines.find(path);
    if (found != lines.end()) return found->second;
    if (path.empty()) return 0;
    const std::size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
}

Expected<std::vector<Document>, std::vector<Problem>> parse_manifest(const std::string& path,
                                                                     std::string_view text) {
  std::vector<Problem> problems;
  if (text.size() > kManifestBytesMax) {
    const std::string message = "is larger than " + std::to_string(kManifestBytesMax) + " bytes";
    problems.push_back(Problem{config::Place{path, 0}, "", message});
    return Unexpected{std::move(problems)};
  }
  std::vector<Document> documents;
  for (const YamlNode& root :
       config::parse_yaml_documents(path, text, problems, kManifestDepthMax)) {
    if (root.kind == YamlNode::Kind::kNull) continue;
    Document document;
    document.object = Converter(path, document, problems).convert(root, "");
    documents.push_back(std::move(document));
  }
  if (!problems.empty()) return Unexpected{std::move(problems)};
  return documents;
}

}  // namespace socketmesh::op::cli
