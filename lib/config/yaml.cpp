#include "lib/config/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <istream>
#include <sstream>

#include "lib/base/utf8.hpp"

namespace socketmesh::config {
namespace {

using Kind = YamlNode::Kind;

int line_of(const YAML::Mark& mark) {
  return mark.line + 1;
}

// Builds the tree from yaml-cpp's events. Keys and values of a map arrive in turn; `key` holds a
// key that waits for its value.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& path, std::vector<Problem>& problems,
              std::size_t depth_max = kYamlDepthMax)
      : path_(path), problems_(problems), depth_max_(depth_max) {}

  YamlNode take_root() { return std::move(root_); }

  // Where the document begins.
  [[nodiscard]] const YAML::Mark& start() const { return start_; }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = mark; }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "", anchor);
    YamlNode node;
    node.line = line_of(mark);
    add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    complain(mark, "aliases (*name) are not supported; write the value out");
    add_broken(mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool plain = tag == "?";
    check(mark, plain || tag == "!" ? "" : tag, anchor);
    YamlNode node;
    node.kind = Kind::kScalar;
    node.line = line_of(mark);
    node.scalar = value;
    node.plain = plain;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlNode node;
    bool has_key = false;
    bool keep = true;  // whether the value belongs into the tree, or was a problem
    std::string key;
    int key_line = 0;
  };

  // "link.listen", "discovery.static[2]": where the builder stands.
  std::string key_path() const {
    std::string path;
    for (const Frame& frame : frames_) {
      if (frame.node.kind == Kind::kList) {
        path += "[" + std::to_string(frame.node.items.size()) + "]";
      } else if (frame.has_key) {
        path += (path.empty() ? "" : ".") + frame.key;
      }
    }
    return path;
  }

  void complain(const YAML::Mark& mark, std::string message) {
    problems_.push_back({{path_, line_of(mark)}, key_path(), std::move(message)});
  }

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) complain(mark, "anchors (&name) are not supported; write the value out");
    if (!tag.empty() && tag != "?" && tag != "!") {
      complain(mark, "tags (!name) are not supported");
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Kind kind) {
    check(mark, tag, anchor);
    if (frames_.size() >= depth_max_) {
      throw YAML::ParserException(
          mark, "nested too deep; at most " + std::to_string(depth_max_) + " levels");
    }
    Frame frame;
    frame.node.kind = kind;
    frame.node.line = line_of(mark);
    frames_.push_back(std::move(frame));
  }

  void close() {
    YamlNode node = std::move(frames_.back().node);
    frames_.pop_back();
    add(std::move(node));
  }

  void add_broken(const YAML::Mark& mark) {
    YamlNode node;
    node.kind = Kind::kBroken;
    node.line = line_of(mark);
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Kind::kList) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      take_key(frame, node);
    } else {
      // A collection is where its key is, which is where people look.
      if (node.kind != Kind::kScalar) node.line = frame.key_line;
      if (frame.keep) frame.node.entries.push_back(YamlEntry{frame.key, std::move(node)});
      frame.has_key = false;
    }
  }

  void take_key(Frame& frame, const YamlNode& node) {
    const YamlNode* twin = frame.node.find(node.scalar);
    frame.has_key = true;
    frame.key = node.scalar;
    frame.key_line = node.line;
    frame.keep = false;
    if (node.kind != Kind::kScalar) {
      if (node.kind != Kind::kBroken) complain_here(node.line, "a key must be a text");
    } else if (node.plain && node.scalar == "<<") {
      complain_here(node.line, "merge keys are not supported; write the keys out");
    } else if (twin != nullptr) {
      complain_here(node.line, "is given twice; first on line " + std::to_string(twin->line));
    } else {
      frame.keep = true;
    }
  }

  void complain_here(int line, std::string message) {
    problems_.push_back({{path_, line}, key_path(), std::move(message)});
  }

  const std::string& path_;
  std::vector<Problem>& problems_;
  std::size_t depth_max_;
  YAML::Mark start_ = YAML::Mark::null_mark();
  std::vector<Frame> frames_;
  YamlNode root_;
};

// Calls `read` with a parser of the text. False when the text is no YAML, which is a problem.
template <typename Read>
bool with_parser(const std::string& path, std::string_view text, std::vector<Problem>& problems,
                 const Read& read) {
  const auto complain = [&](int line, const std::string& message) {
    problems.push_back(Problem{Place{path, line}, "", message});
  };
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
    complain(0, "is not UTF-8 text");
    return false;
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    read(parser);
    return true;
  } catch (const YAML::Exception& error) {
    complain(line_of(error.mark), "is not valid YAML: " + error.msg);
    return false;
  }
}

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [key](const YamlEntry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

bool looks_like_number(std::string_view scalar) {
  constexpr std::array<std::string_view, 9> kSpecial = {".inf",  ".Inf", ".INF", "-.inf", "-.Inf",
                                                        "-.INF", ".nan", ".NaN", ".NAN"};
  if (is_one_of(scalar, kSpecial)) return true;
  if (scalar.starts_with('+') || scalar.starts_with('-')) scalar.remove_prefix(1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (scalar.empty() || std::none_of(scalar.begin(), scalar.end(), digit)) return false;
  if (scalar.starts_with("0x") || scalar.starts_with("0o") || scalar.starts_with("0b")) return true;
  // Decimal, octal, float, exponent; "_" and ":" as YAML 1.1 has them in numbers.
  return (digit(scalar.front()) || scalar.front() == '.') &&
         scalar.find_first_not_of("0123456789._:eE+-") == std::string_view::npos &&
         std::count(scalar.begin(), scalar.end(), '.') <= 1;
}

bool looks_like_bool(std::string_view scalar) {
  constexpr std::array<std::string_view, 22> kBools = {
      "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES", "no", "No",
      "NO",   "on",   "On",   "ON",    "off",   "Off",   "OFF", "y",   "Y",   "n",  "N"};
  return is_one_of(scalar, kBools);
}

bool looks_like_null(std::string_view scalar) {
  constexpr std::array<std::string_view, 5> kNulls = {"", "~", "null", "Null", "NULL"};
  return is_one_of(scalar, kNulls);
}

std::string_view describe(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kNull:
    case Kind::kBroken:
      return "nothing";
    case Kind::kScalar:
      break;
  }
  if (node.plain && looks_like_null(node.scalar)) return "nothing";
  if (node.plain && looks_like_bool(node.scalar)) return "a bool";
  if (node.plain && looks_like_number(node.scalar)) return "a number";
  return "a text";
}

YamlNode parse_yaml(const std::string& path, std::string_view text,
                    std::vector<Problem>& problems) {
  YamlNode root;
  const bool valid = with_parser(path, text, problems, [&](YAML::Parser& parser) {
    TreeBuilder builder(path, problems);
    parser.HandleNextDocument(builder);
    root = builder.take_root();
    std::vector<Problem> ignored;
    TreeBuilder further(path, ignored);
    if (!parser.HandleNextDocument(further)) return;
    const std::string message = "holds more than one document";
    problems.push_back(Problem{Place{path, further.take_root().line}, "", message});
  });
  if (valid) return root;
  YamlNode broken;
  broken.kind = Kind::kBroken;
  return broken;
}

std::vector<YamlNode> parse_yaml_documents(const std::string& path, std::string_view text,
                                           std::vector<Problem>& problems, std::size_t depth_max) {
  std::vector<YamlNode> documents;
  const bool valid = with_parser(path, text, problems, [&](YAML::Parser& parser) {
    int last_start = -1;
    for (;;) {
      TreeBuilder builder(path, problems, depth_max);
      if (!parser.HandleNextDocument(builder)) return;
      // yaml-cpp leaves some stray characters where they are, and would begin there for ever.
      if (builder.start().pos <= last_start) {
        throw YAML::ParserException(builder.start(),
                                    "a document begins with what none begins with");
      }
      if (documents.size() == kYamlDocumentsMax) {
        throw YAML::ParserException(
            builder.start(), "too many documents; at most " + std::to_string(kYamlDocumentsMax));
      }
      last_start = builder.start().pos;
      documents.push_back(builder.take_root());
    }
  });
  if (!valid) documents.clear();
  return documents;
}

}  // namespace socketmesh::config
