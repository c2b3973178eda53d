#include "operator/cli/yaml_writer.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "lib/base/utf8.hpp"
#include "lib/config/yaml.hpp"

namespace socketmesh::op::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kIndent = 2;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Whether the text may stand without quotes. Narrower than YAML: what is left out is quoted.
bool is_plain(std::string_view text) {
  constexpr std::string_view kInner = "._/-";
  if (text.empty()) return false;
  if (!is_letter_or_digit(text.front()) && text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool colon = text[i] == ':' && i + 1 < text.size();
    const bool inner = kInner.find(text[i]) != std::string_view::npos;
    if (!colon && !inner && !is_letter_or_digit(text[i])) return false;
  }
  return !config::looks_like_bool(text) && !config::looks_like_null(text) &&
         !config::looks_like_number(text);
}

// The code point of a well-formed sequence.
char32_t decode(std::string_view sequence) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  constexpr std::array<unsigned, 5> kLeadBits = {0, 0x7FU, 0x1FU, 0x0FU, 0x07U};
  char32_t code = byte(0) & kLeadBits.at(sequence.size());
  for (std::size_t i = 1; i < sequence.size(); ++i) code = (code << 6U) | (byte(i) & 0x3FU);
  return code;
}

// Characters that readers may refuse, drop, or take for the end of a line.
bool needs_escape(char32_t code) {
  return code < 0x20U || (code >= 0x7FU && code < 0xA0U) || code == 0x2028U || code == 0x2029U ||
         code == 0xFEFFU || (code & 0xFFFEU) == 0xFFFEU;
}

std::string escape(char32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    case '\r':
      return "\\r";
    default:
      break;
  }
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const std::size_t digits = code < 0x100U ? 2 : code < 0x10000U ? 4 : 8;
  std::string text = code < 0x100U ? "\\x" : code < 0x10000U ? "\\u" : "\\U";
  for (std::size_t i = digits; i-- > 0;) text += kDigits[(code >> (4 * i)) & 0xFU];
  return text;
}

// Calls `take` with each character and its code point; what is no UTF-8 becomes U+FFFD.
template <typename Take>
void for_each_character(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    const std::string_view character = length > 0 ? text.substr(0, length) : kReplacement;
    take(character, decode(character));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

std::string in_double_quotes(std::string_view text) {
  std::string quoted = "\"";
  for_each_character(text, [&quoted](std::string_view character, char32_t code) {
    if (code == '"' || code == '\\') quoted += '\\';
    quoted += needs_escape(code) ? escape(code) : std::string(character);
  });
  return quoted + '"';
}

// Whether a literal block keeps the text: lines that end in one newline or none, that begin
// without a space, and hold nothing that needs an escape.
bool is_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text.ends_with("\n\n")) return false;
  if (text.front() == ' ' || text.front() == '\n' || !is_utf8(text)) return false;
  bool clean = true;
  for_each_character(text, [&clean](std::string_view, char32_t code) {
    clean = clean && (code == '\n' || !needs_escape(code));
  });
  return clean;
}

class Writer {
 public:
  std::string write(const json& value) {
    if (is_scalar(value)) {
      scalar(value, kIndent);
    } else {
      block(value, 0);
    }
    return std::move(text_);
  }

 private:
  static bool is_scalar(const json& value) { return !value.is_structured() || value.empty(); }

  static std::vector<std::string> ordered_keys(const json& map) {
    constexpr std::array<std::string_view, 5> kFirst = {"apiVersion", "kind", "metadata", "name",
                                                        "namespace"};
    std::vector<std::string> keys;
    for (const auto& [key, value] : map.items()) keys.push_back(key);
    std::stable_sort(keys.begin(), keys.end(), [&](const std::string& a, const std::string& b) {
      return std::find(kFirst.begin(), kFirst.end(), a) <
             std::find(kFirst.begin(), kFirst.end(), b);
    });
    return keys;
  }

  static std::string key_text(const std::string& key) {
    return (is_plain(key) ? key : in_double_quotes(key)) + ":";
  }

  void scalar(const json& value, std::size_t indent) {
    if (!value.is_string()) {
      text_ += value.dump() + "\n";
      return;
    }
    const auto& text = value.get_ref<const std::string&>();
    if (is_block(text)) {
      literal(text, indent);
    } else {
      text_ += (is_plain(text) ? text : in_double_quotes(text)) + "\n";
    }
  }

  void literal(std::string_view text, std::size_t indent) {
    text_ += text.ends_with('\n') ? "|\n" : "|-\n";
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      if (!line.empty()) text_ += std::string(indent, ' ') + std::string(line);
      text_ += '\n';
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  }

  // The lines of a map or list, the first one without its indentation when `inlined`.
  void block(const json& value, std::size_t indent, bool inlined = false) {
    const auto start = [&] {
      if (!inlined) text_ += std::string(indent, ' ');
      inlined = false;
    };
    if (value.is_array()) {
      for (const json& item : value) {
        start();
        text_ += "- ";
        nested(item, indent, true);
      }
      return;
    }
    for (const std::string& key : ordered_keys(value)) {
      start();
      text_ += key_text(key);
      nested(value.at(key), indent, false);
    }
  }

  // What follows a "- " or a "key:".
  void nested(const json& value, std::size_t indent, bool item) {
    if (is_scalar(value)) {
      if (!item) text_ += ' ';
      scalar(value, indent + kIndent);
    } else if (item) {
      block(value, indent + kIndent, true);
    } else {
      text_ += '\n';
      block(value, value.is_array() ? indent : indent + kIndent);
    }
  }

  std::string text_;
};

}  // namespace

std::string to_yaml(const json& value) {
  return Writer().write(value);
}

}  // namespace socketmesh::op::cli
