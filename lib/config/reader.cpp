#include "lib/config/reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "lib/base/parse.hpp"
#include "lib/base/text.hpp"

namespace socketmesh::config {
namespace {

using Kind = YamlNode::Kind;

std::string join_key(std::string_view section, std::string_view key) {
  return std::string(section) + "." + std::string(key);
}

bool is_outermost(std::string_view section) {
  return section.find('.') == std::string_view::npos;
}

std::vector<std::string> words(const std::set<std::string, std::less<>>& set) {
  return {set.begin(), set.end()};
}

}  // namespace

Reader::Reader(std::string path, Environment environment)
    : path_(std::move(path)), environment_(std::move(environment)) {}

Reader Reader::from_file(const std::string& path, Environment environment) {
  Reader reader(path, std::move(environment));
  std::error_code error;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, error)) {
    const std::string reason = file ? "is a folder" : std::strerror(errno);
    reader.complain({path, 0}, "", "cannot be read: " + reason);
    reader.unreadable_ = true;
    return reader;
  }
  std::string text(kConfigBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  reader.load(text);
  return reader;
}

Reader Reader::from_text(const std::string& path, std::string_view text, Environment environment) {
  Reader reader(path, std::move(environment));
  reader.load(text);
  return reader;
}

void Reader::load(std::string_view text) {
  if (text.size() > kConfigBytesMax) {
    complain({path_, 0}, "", "is too large; at most " + format_size(kConfigBytesMax));
    unreadable_ = true;
    return;
  }
  root_ = parse_yaml(path_, text, problems_);
  unreadable_ = root_.kind == Kind::kBroken;
  if (!unreadable_ && root_.kind != Kind::kMap && root_.kind != Kind::kNull) {
    complain({path_, root_.line}, "",
             "must be a map of sections, and is " + std::string(describe(root_)));
    unreadable_ = true;
  }
}

Section Reader::section(std::string_view name) {
  known_.try_emplace(std::string(name));
  const YamlNode* node = unreadable_ ? nullptr : root_.find(name);
  return {this, std::string(name), node, node == nullptr ? 0 : node->line};
}

void Reader::refuse(std::string_view section, std::string_view key, std::string_view sentence) {
  refused_.insert_or_assign({std::string(section), std::string(key)}, std::string(sentence));
}

void Reader::complain(Place place, std::string key, std::string message) {
  problems_.push_back({std::move(place), std::move(key), std::move(message)});
}

std::vector<Problem> Reader::finish() {
  if (!unreadable_) {
    finish_sections();
    finish_variables();
  }
  const auto rank = [this](const Problem& problem) {
    return std::pair(problem.place.source != path_, problem.place.line);
  };
  std::stable_sort(problems_.begin(), problems_.end(),
                   [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
  return std::move(problems_);
}

void Reader::finish_sections() {
  std::vector<std::string> names;
  for (const auto& [name, keys] : known_) {
    if (is_outermost(name)) names.push_back(name);
  }
  for (const auto& [name, node] : root_.entries) {
    const bool known = is_outermost(name) && known_.contains(name);
    if (const auto refused = refused_.find({name, ""}); refused != refused_.end()) {
      complain({path_, node.line}, name, refused->second);
    } else if (!known) {
      complain({path_, node.line}, name, "is not a known section" + suggestion(name, names));
    } else if (node.kind != Kind::kMap) {
      if (node.kind == Kind::kNull || node.kind == Kind::kBroken) continue;
      complain({path_, node.line}, name, "must be a map, and is " + std::string(describe(node)));
    } else {
      finish_keys(name, node);
    }
  }
}

void Reader::finish_keys(const std::string& section, const YamlNode& node) {
  const auto known = keys_of(section);
  for (const auto& [key, value] : node.entries) {
    if (known.contains(key)) {
      const std::string inner = join_key(section, key);
      if (known_.contains(inner) && value.kind == Kind::kMap) finish_keys(inner, value);
      continue;
    }
    const auto refused = refused_.find({section, key});
    complain({path_, value.line}, join_key(section, key),
             refused != refused_.end() ? refused->second
                                       : "is not a known key" + suggestion(key, words(known)));
  }
}

// With those that are sections themselves.
std::set<std::string, std::less<>> Reader::keys_of(const std::string& section) const {
  auto keys = known_.find(section)->second;
  const std::string prefix = section + ".";
  for (const auto& [name, inner] : known_) {
    if (name.starts_with(prefix)) keys.insert(name.substr(prefix.size()));
  }
  return keys;
}

void Reader::finish_variables() {
  std::vector<std::string> names;
  for (const auto& [section, keys] : known_) {
    for (const std::string& key : keys) names.push_back(variable_name(section, key));
  }
  for (const auto& [variable, value] : environment_) {
    if (std::find(names.begin(), names.end(), variable) != names.end()) continue;
    if (is_foreign_variable(variable, value)) continue;
    std::string message = "is not a known variable" + suggestion(variable, names);
    for (const auto& [name, sentence] : refused_) {
      const std::string prefix = variable_name(name.first, name.second);
      if (variable == prefix || (name.second.empty() && variable.starts_with(prefix))) {
        message = sentence;
      }
    }
    complain({variable, 0}, "", std::move(message));
  }
}

Place Section::place() const {
  return {reader_->path_, line_};
}

Section Section::section(std::string_view key) {
  const std::string name = join_key(name_, key);
  reader_->known_.try_emplace(name);
  const YamlNode* node = find(key);
  if (node == nullptr) return {reader_, name, nullptr, line_};
  if (node->kind != Kind::kMap && node->kind != Kind::kNull && node->kind != Kind::kBroken) {
    reader_->complain({reader_->path_, node->line}, name,
                      "must be a map, and is " + std::string(describe(*node)));
  }
  return {reader_, name, node, node->line};
}

const YamlNode* Section::find(std::string_view key) const {
  return node_ == nullptr ? nullptr : node_->find(key);
}

std::optional<std::pair<std::string, std::string>> Section::variable(std::string_view key) {
  reader_->known_[name_].emplace(key);
  const auto found = reader_->environment_.find(variable_name(name_, key));
  if (found == reader_->environment_.end()) return std::nullopt;
  return *found;
}

Section::Raw Section::take(std::string_view key, Want want) {
  Raw raw{{}, place(), join_key(name_, key), false};
  if (const auto set = variable(key)) {
    raw.place = {set->first, 0};
    raw.text = set->second;
    raw.given = true;
    return raw;
  }
  const YamlNode* node = find(key);
  if (node == nullptr) return raw;
  return take_scalar(*node, raw.key, want);
}

Section::Raw Section::take_scalar(const YamlNode& node, const std::string& key, Want want) {
  Raw raw{{}, {reader_->path_, node.line}, key, true};
  if (node.kind == Kind::kBroken) return raw;
  const std::string_view kind = describe(node);
  const auto refuse = [&](std::string message) {
    reader_->complain(raw.place, key, std::move(message));
    return raw;
  };
  if (kind == "nothing") return refuse("has no value");
  if (node.kind != Kind::kScalar)
    return refuse("must be a single value, and is " + std::string(kind));
  if (want == Want::kText && kind != "a text") {
    return refuse(in_quotes(node.scalar) + " is " + std::string(kind) +
                  "; put it in quotes if the text is meant");
  }
  if (want == Want::kNumber && kind != "a number") {
    return refuse(in_quotes(node.scalar) + " is " + std::string(kind) +
                  "; a number without quotes is needed");
  }
  if (want == Want::kBool && kind != "a bool") {
    return refuse(in_quotes(node.scalar) + " is " + std::string(kind) +
                  "; true or false is needed");
  }
  raw.text = node.scalar;
  return raw;
}

Section::RawList Section::take_list(std::string_view key) {
  RawList list{{}, place(), join_key(name_, key), false};
  if (const auto set = variable(key)) {
    list.place = {set->first, 0};
    list.given = true;
    list.items.emplace();
    std::string_view rest = set->second;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      list.items->push_back({std::string(rest.substr(0, comma)), list.place, list.key, true});
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
      if (rest.empty()) list.items->push_back({"", list.place, list.key, true});
    }
    return list;
  }
  const YamlNode* node = find(key);
  if (node == nullptr) return list;
  list.place = {reader_->path_, node->line};
  list.given = true;
  if (node->kind == Kind::kBroken) return list;
  if (node->kind != Kind::kList) {
    reader_->complain(list.place, list.key,
                      "must be a list, and is " + std::string(describe(*node)));
    return list;
  }
  std::vector<Raw> items;
  bool good = true;
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    items.push_back(
        take_scalar(node->items[i], list.key + "[" + std::to_string(i) + "]", Want::kNotation));
    good = good && items.back().text.has_value();
  }
  if (good) list.items = std::move(items);
  return list;
}

Setting<std::uint64_t> Section::get_number(std::string_view key, std::uint64_t min,
                                           std::uint64_t max) {
  return read(key, Want::kNumber, [min, max](std::string_view text) -> Expected<std::uint64_t> {
    auto number = parse_uint(text, max);
    if (number && *number < min) {
      return Unexpected{in_quotes(text) + " is too small; at least " + std::to_string(min)};
    }
    return number;
  });
}

Setting<bool> Section::get_bool(std::string_view key) {
  return read(key, Want::kBool, [](std::string_view text) -> Expected<bool> {
    if (text == "true") return true;
    if (text == "false") return false;
    return Unexpected{in_quotes(text) + " is ambiguous; write true or false"};
  });
}

void Section::missing(const std::string& key, std::string_view hint) {
  if (reader_->unreadable_) return;
  // A section that is there but no map was reported as that.
  if (node_ != nullptr && node_->kind != Kind::kMap && node_->kind != Kind::kNull) return;
  reader_->complain(place(), key, "is missing" + (hint.empty() ? "" : "; " + std::string(hint)));
}

}  // namespace socketmesh::config
