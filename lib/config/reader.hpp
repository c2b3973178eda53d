// A strict reader of YAML configuration: sections and keys, no guessing.
//
//   Reader reader = Reader::from_file(path, environment);
//   Section link = reader.section("link");
//   const auto listen = link.get("listen", parse_tcp_endpoint);
//   config.listen = listen.value_or(config.listen);
//   auto problems = reader.finish();        // everything wrong, in the file's order
//
// Refuses what YAML lets pass: duplicate keys, anchors, aliases, merge keys, tags, further
// documents, values of the wrong kind (a quoted number for a number, `on` for a text), numbers that
// look octal. A key is known when it was asked for: what remains at finish() is unknown and
// refused, with what was probably meant. A variable SOCKETMESH_<SECTION>_<KEY> overrides a key,
// goes through the same parser, and is named in errors in place of file and line. Problems are
// collected, never thrown. Sections borrow their reader. Not thread-safe; for start-up.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/expected.hpp"
#include "lib/config/environment.hpp"
#include "lib/config/problem.hpp"
#include "lib/config/yaml.hpp"

namespace socketmesh::config {

inline constexpr std::size_t kConfigBytesMax = 1U << 20U;

// A value and where it stands. Without a value it was absent, or wrong and already reported.
template <typename T>
struct Setting {
  std::optional<T> value;
  Place place;
  std::string key;     // "link.listen"
  bool given = false;  // present, right or wrong

  explicit operator bool() const { return value.has_value(); }
  const T& operator*() const { return *value; }
  const T* operator->() const { return &*value; }
  T value_or(T fallback) const { return value.value_or(std::move(fallback)); }
};

class Section;

class Reader {
 public:
  static Reader from_file(const std::string& path, Environment environment);
  static Reader from_text(const std::string& path, std::string_view text, Environment environment);

  // False when the file could not be read or is no map: finish() says why.
  [[nodiscard]] bool readable() const { return !unreadable_; }

  Section section(std::string_view name);
  // A section or key that exists elsewhere but not here: refused with this sentence instead of as
  // unknown. `key` empty: the whole section.
  void refuse(std::string_view section, std::string_view key, std::string_view sentence);

  void complain(Place place, std::string key, std::string message);
  template <typename T>
  void complain(const Setting<T>& setting, std::string message) {
    complain(setting.place, setting.key, std::move(message));
  }

  // Adds what was never asked for, and hands over all problems, ordered by place.
  std::vector<Problem> finish();

 private:
  friend class Section;

  Reader(std::string path, Environment environment);
  void load(std::string_view text);
  void finish_sections();
  void finish_keys(const std::string& section, const YamlNode& node);
  [[nodiscard]] std::set<std::string, std::less<>> keys_of(const std::string& section) const;
  void finish_variables();

  std::string path_;
  Environment environment_;
  YamlNode root_;
  bool unreadable_ = false;  // then absent keys are not reported on top
  std::vector<Problem> problems_;
  // Keys that were asked for, by section; a section in another as "outer.inner".
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> known_;
  std::map<std::pair<std::string, std::string>, std::string> refused_;
};

class Section {
 public:
  // Whether the file has it, if only empty.
  [[nodiscard]] bool in_file() const { return node_ != nullptr; }
  // The section under `key`. Reports what stands there and is no map.
  Section section(std::string_view key);
  // The section's line, or that of the section around it; the file without line when it is absent.
  [[nodiscard]] Place place() const;

  // One value in a notation of its own (an address, a size, a duration), quoted or not, through
  // `parse`: Expected<T>(std::string_view).
  template <typename Parse>
  auto get(std::string_view key, const Parse& parse) {
    return read(key, Want::kNotation, parse);
  }
  // A text. What YAML reads as a number, a bool or nothing needs quotes.
  template <typename Parse>
  auto get_text(std::string_view key, const Parse& parse) {
    return read(key, Want::kText, parse);
  }
  // A whole number, without quotes.
  Setting<std::uint64_t> get_number(std::string_view key, std::uint64_t min, std::uint64_t max);
  // true or false, without quotes; yes, on and their like are refused.
  Setting<bool> get_bool(std::string_view key);

  // A list of such values; in a variable separated by commas. An empty list is a value.
  template <typename Parse>
  auto get_list(std::string_view key, const Parse& parse) {
    using T = typename decltype(parse(std::string_view()))::value_type;
    RawList raw = take_list(key);
    Setting<std::vector<Setting<T>>> list{{}, raw.place, raw.key, raw.given};
    if (!raw.items) return list;
    std::vector<Setting<T>> items;
    bool good = true;
    for (const Raw& item : *raw.items) {
      Setting<T> setting{{}, item.place, item.key, true};
      Expected<T> parsed = parse(*item.text);
      if (parsed) {
        setting.value = std::move(parsed).value();
      } else {
        reader_->complain(setting, parsed.error());
        good = false;
      }
      items.push_back(std::move(setting));
    }
    if (good) list.value = std::move(items);
    return list;
  }

  // Reports a key that must be there and is not.
  template <typename T>
  void require(const Setting<T>& setting, std::string_view hint = {}) {
    if (!setting.given) missing(setting.key, hint);
  }

 private:
  friend class Reader;

  enum class Want { kNotation, kText, kNumber, kBool };
  struct Raw {
    std::optional<std::string> text;
    Place place;
    std::string key;
    bool given = false;
  };
  struct RawList {
    std::optional<std::vector<Raw>> items;
    Place place;
    std::string key;
    bool given = false;
  };

  template <typename Parse>
  auto read(std::string_view key, Want want, const Parse& parse) {
    using T = typename decltype(parse(std::string_view()))::value_type;
    Raw raw = take(key, want);
    Setting<T> setting{{}, raw.place, raw.key, raw.given};
    if (!raw.text) return setting;
    Expected<T> parsed = parse(*raw.text);
    if (parsed) {
      setting.value = std::move(parsed).value();
    } else {
      reader_->complain(setting, parsed.error());
    }
    return setting;
  }

  Section(Reader* reader, std::string name, const YamlNode* node, int line)
      : reader_(reader), name_(std::move(name)), node_(node), line_(line) {}
  const YamlNode* find(std::string_view key) const;
  // From a variable, else nothing; marks the key as known.
  std::optional<std::pair<std::string, std::string>> variable(std::string_view key);
  Raw take(std::string_view key, Want want);
  Raw take_scalar(const YamlNode& node, const std::string& key, Want want);
  RawList take_list(std::string_view key);
  void missing(const std::string& key, std::string_view hint);

  Reader* reader_;
  std::string name_;
  const YamlNode* node_;
  int line_;  // 0: none
};

}  // namespace socketmesh::config
