// Block style by indentation, flow style and scalars character by character, after YAML 1.1.
#include "io/yaml_header.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr int kMaxDepth = 32;

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  lines.push_back(text.substr(begin));
  return lines;
}

std::size_t indentation(const std::string& line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool is_blank(const std::string& line) { return indentation(line) == line.size(); }

bool is_item(const std::string& line) { return line == "-" || line.starts_with("- "); }

void append_utf8(std::string& text, unsigned code) {
  const auto byte = [&](unsigned value) { text += static_cast<char>(value); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) return byte(0xc0 | code >> 6), byte(0x80 | (code & 0x3f));
  if (code < 0x10000)
    byte(0xe0 | code >> 12);
  else
    byte(0xf0 | code >> 18), byte(0x80 | (code >> 12 & 0x3f));
  byte(0x80 | (code >> 6 & 0x3f)), byte(0x80 | (code & 0x3f));
}

/// Flow style and scalars of one text.
class FlowParser {
 public:
  explicit FlowParser(const YamlText& text) : source_(text), text_(text.text) {}

  YamlNode parse_all() {
    YamlNode node = parse(0, "");
    skip_blanks();
    check(at_ == text_.size(), "text after the end of a value");
    return node;
  }
  /// A quoted scalar that the text begins with; `end` is where it stops.
  std::string parse_quoted_key(std::size_t& end) {
    std::string key = quoted();
    end = at_;
    return key;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  void check(bool is_right, const char* what) const {
    const auto line = std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    require(is_right, "{}:{}: the header's YAML is not of the kind that ECSV uses: {}", source_.path,
            source_.line + line, what);
  }
  void skip_blanks() {
    while (!at_end() && std::isspace(static_cast<unsigned char>(peek()))) ++at_;
  }
  std::string token() {
    const std::size_t begin = at_;
    while (!at_end() && !std::isspace(static_cast<unsigned char>(peek()))) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  /// `stops` are the characters that end a plain scalar: none outside of flow lists and maps.
  YamlNode parse(int depth, const char* stops) {
    check(depth <= kMaxDepth, "nested more than 32 deep");
    skip_blanks();
    YamlNode node;
    if (peek() == '!' || peek() == '&') {
      const std::string tag = token();
      node = parse(depth + 1, stops);
      node.tag = tag;
    } else if (peek() == '[') {
      parse_list(depth, node);
    } else if (peek() == '{') {
      parse_map(depth, node);
    } else if (peek() == '"' || peek() == '\'') {
      node.is_quoted = true;
      node.text = quoted();
    } else {
      node.text = plain(stops);
      if (node.text.starts_with("*")) node.tag = node.text;
    }
    return node;
  }

  void parse_list(int depth, YamlNode& node) {
    node.kind = YamlNode::Kind::kList;
    ++at_;
    for (skip_blanks(); peek() != ']'; skip_blanks()) {
      check(!at_end(), "a list without its ']'");
      node.items.push_back(parse(depth + 1, ",]"));
      comma_or(']');
    }
    ++at_;
  }

  void parse_map(int depth, YamlNode& node) {
    node.kind = YamlNode::Kind::kMap;
    ++at_;
    for (skip_blanks(); peek() != '}'; skip_blanks()) {
      check(!at_end(), "a map without its '}'");
      node.keys.push_back(parse(depth + 1, ":,}").text);
      skip_blanks();
      check(peek() == ':', "a key without its ':'");
      ++at_;
      node.items.push_back(parse(depth + 1, ",}"));
      comma_or('}');
    }
    ++at_;
  }

  void comma_or(char end) {
    skip_blanks();
    if (peek() == ',')
      ++at_;
    else
      check(peek() == end, "neither ',' nor the end after an item");
  }

  /// Up to a stop, trimmed; a ':' stops only before a blank or the end.
  std::string plain(const std::string& stops) {
    std::string value;
    for (; !at_end() && !is_stop(stops); ++at_)
      if (peek() == '\n')
        fold(value), --at_;
      else
        value += peek();
    value.erase(value.find_last_not_of(" \t") + 1);
    return value;
  }
  bool is_stop(const std::string& stops) const {
    if (stops.find(peek()) == std::string::npos) return false;
    return peek() != ':' || peek(1) == '\0' || std::isspace(static_cast<unsigned char>(peek(1)));
  }

  std::string quoted() {
    const char quote = peek();
    std::string value;
    for (++at_; !at_end(); ++at_) {
      if (peek() == quote) {
        ++at_;
        if (quote == '"' || peek() != quote) return value;
        value += quote;  // '' inside '...'
      } else if (peek() == '\n') {
        fold(value), --at_;
      } else if (quote == '"' && peek() == '\\') {
        ++at_;
        escape(value);
      } else {
        value += peek();
      }
    }
    check(false, "a text without its closing quote");
    return value;
  }

  /// Line ends: one is a blank, n + 1 are n line ends; the blanks around them go.
  void fold(std::string& value) {
    value.erase(value.find_last_not_of(" \t") + 1);
    std::size_t n_line_end = 0;
    for (; !at_end() && std::isspace(static_cast<unsigned char>(peek())); ++at_) n_line_end += peek() == '\n';
    value += n_line_end == 1 ? " " : std::string(n_line_end - 1, '\n');
  }

  /// What stands after a backslash; the last character of it is left to the caller's step.
  void escape(std::string& value) {
    static constexpr char kNames[] = "0abtnvfre\"/\\ \t", kMeant[] = "\0\a\b\t\n\v\f\r\x1b\"/\\ \t";
    const char name = peek();
    check(!at_end(), "a text without its closing quote");
    if (name == '\n') {
      while (std::isspace(static_cast<unsigned char>(peek(1)))) ++at_;
    } else if (name == 'x' || name == 'u' || name == 'U') {
      append_utf8(value, hexadecimal(name == 'x' ? 2 : name == 'u' ? 4 : 8));
    } else {
      const auto* meant = std::find(kNames, std::end(kNames) - 1, name);
      check(meant != std::end(kNames) - 1, "an unknown escape in a text");
      value += kMeant[meant - kNames];
    }
  }
  unsigned hexadecimal(std::size_t n_digits) {
    unsigned code = 0;
    const std::string digits = text_.substr(at_ + 1, n_digits);
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    check(error == std::errc() && digits.size() == n_digits && rest == digits.data() + n_digits &&
              code <= 0x10ffff,
          "a bad hexadecimal escape in a text");
    at_ += n_digits;
    return code;
  }

  const YamlText& source_;
  const std::string& text_;
  std::size_t at_ = 0;
};

/// The key of a line and the rest of it behind the ':'; none where it is no "key: value".
struct KeyAndRest {
  std::string key, rest;
};

std::optional<KeyAndRest> split_key(const YamlText& source, const std::string& line) {
  std::string key;
  std::size_t colon = 0;
  if (line.starts_with('"') || line.starts_with('\'')) {
    const auto close = line.find(line.front(), 1);
    if (close == std::string::npos) return std::nullopt;  // a scalar of several lines
    const YamlText first_line{source.path, source.line, line};
    key = FlowParser(first_line).parse_quoted_key(colon);
    if (colon == line.size() || line[colon] != ':') return std::nullopt;
  } else {
    if (line.find_first_of("{[!&*|>?%@`#") == 0) return std::nullopt;
    colon = line.find(": ");
    if (colon == std::string::npos && line.ends_with(':')) colon = line.size() - 1;
    if (colon == std::string::npos) return std::nullopt;
    key = line.substr(0, colon);
  }
  const std::string rest = line.substr(colon + 1);
  return KeyAndRest{key, rest.substr(indentation(rest))};
}

/// Lines below a first one that is empty, moved to the left as far as the first of them allows.
YamlText dedented(const YamlText& source) {
  YamlText block{source.path, source.line, ""};
  std::optional<std::size_t> indent;
  for (const std::string& line : split_lines(source.text)) {
    if (!indent && !is_blank(line)) indent = indentation(line);
    if (indent)
      block.text += line.substr(std::min(*indent, indentation(line))) + '\n';
    else
      ++block.line;
  }
  if (!block.text.empty()) block.text.pop_back();
  return block;
}

/// Takes a tag or an anchor off the front; what follows stays.
std::string take_tag(YamlText& source) {
  if (!source.text.starts_with('!') && !source.text.starts_with('&')) return "";
  const auto end = std::min(source.text.find_first_of(" \n"), source.text.size());
  const std::string tag = source.text.substr(0, end);
  source.text.erase(0, end);
  source.text.erase(0, source.text.find_first_not_of(' '));
  return tag;
}

YamlNode parse_node(YamlText source, int depth) {
  require(depth <= kMaxDepth, "{}:{}: the header's YAML is nested more than {} deep", source.path,
          source.line, kMaxDepth);
  const std::string tag = take_tag(source);
  source = dedented(source);
  YamlNode node;
  const std::string first = source.text.substr(0, source.text.find('\n'));
  if (is_item(first)) {
    node.kind = YamlNode::Kind::kList;
    for (const YamlText& item : yaml_items(source)) node.items.push_back(parse_node(item, depth + 1));
  } else if (split_key(source, first)) {
    node.kind = YamlNode::Kind::kMap;
    for (const YamlEntry& entry : yaml_entries(source)) {
      node.keys.push_back(entry.key);
      node.items.push_back(parse_node(entry.value, depth + 1));
    }
  } else {
    node = FlowParser(source).parse_all();
  }
  if (!tag.empty()) node.tag = tag;
  return node;
}

}  // namespace

const YamlNode* YamlNode::find(const std::string& key) const {
  const auto at = std::find(keys.begin(), keys.end(), key);
  return at == keys.end() ? nullptr : &items[static_cast<std::size_t>(at - keys.begin())];
}

std::vector<YamlEntry> yaml_entries(const YamlText& text) {
  std::vector<YamlEntry> entries;
  int number = text.line - 1;
  for (const std::string& line : split_lines(text.text)) {
    ++number;
    const bool continues = is_blank(line) || line.front() == ' ' || is_item(line);
    if (continues && !entries.empty()) entries.back().value.text += '\n' + line;
    if (continues) continue;
    const auto split = split_key(text, line);
    require(split.has_value(), "{}:{}: '{}' is no 'key: value' of a YAML header", text.path, number, line);
    entries.push_back({split->key, {text.path, number, split->rest}});
  }
  return entries;
}

std::vector<YamlText> yaml_items(const YamlText& text) {
  YamlText block = text;
  take_tag(block);
  block = dedented(block);
  std::vector<YamlText> items;
  int number = block.line - 1;
  for (const std::string& line : split_lines(block.text)) {
    ++number;
    if (is_item(line)) {
      items.push_back({text.path, number, line.substr(std::min<std::size_t>(2, line.size()))});
      continue;
    }
    const bool continues = is_blank(line) || (line.front() == ' ' && !items.empty());
    require(continues, "{}:{}: '{}' is no '- item' of a YAML header", text.path, number, line);
    if (!items.empty()) items.back().text += '\n' + line.substr(std::min<std::size_t>(2, indentation(line)));
  }
  return items;
}

YamlNode parse_yaml(const YamlText& text) { return parse_node(text, 0); }

}  // namespace tianyan
