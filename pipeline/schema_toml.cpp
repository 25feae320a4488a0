// Reading of TOML into a schema's fields. The only file that includes toml++, which is slow to compile.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "kernels/base/expect.hpp"
#include "pipeline/schema.hpp"

namespace tianyan {
namespace {

/// A value of the tree under its dotted name.
struct Entry {
  std::string name;
  const toml::node* node;
  std::string origin;  ///< the file's path, or "--set key=value"
  bool in_file;

  std::uint64_t line() const { return in_file ? node->source().begin.line : UINT64_MAX; }
  std::string where() const { return in_file ? fmt::format("{}:{}", origin, line()) : origin; }
};

/// By name.
using Entries = std::map<std::string, Entry>;

/// A parsed text; entries point into its table.
struct Document {
  std::string origin;
  bool in_file;
  toml::table table;
};

/// What the values of one table are read with.
struct Reader {
  const Schema& schema;
  std::string prefix;  ///< of names in errors: "pulse[2]."
  ReadReport& report;
};

/// A value as the user wrote it, or nearly so.
std::string value_text(const toml::node& node) {
  if (node.is_floating_point()) return fmt::format("{}", *node.value<double>());
  if (node.is_string()) return '"' + *node.value<std::string>() + '"';
  std::ostringstream out;
  if (const auto* array = node.as_array()) {
    for (const toml::node& element : *array) out << (out.tellp() > 0 ? ", " : "") << value_text(element);
    return '[' + out.str() + ']';
  }
  if (const auto* table = node.as_table())
    out << *table;
  else
    node.visit([&out](const auto& v) {
      if constexpr (toml::is_value<decltype(v)>) out << v;
    });
  return out.str();
}

bool fits_range(const Key& key, double v) { return std::isfinite(v) && key.low <= v && v <= key.high; }

std::string range_error(const Key& key, const std::string& value) {
  const std::string allowed = allowed_text(key);
  return fmt::format("= {} is out of range: {} allowed", value,
                     allowed.empty() ? "finite numbers are" : allowed);
}

/// What is wrong with a text, or nothing.
std::string text_fault(const std::string& v) {
  if (v.size() > kMaxTextBytes)
    return fmt::format("has {} bytes: a text has at most {}", v.size(), kMaxTextBytes);
  const auto bad = std::find_if(v.begin(), v.end(), [](unsigned char ch) {
    return ch < 0x20 || ch == 0x7f ||
           std::string_view("|&;<>$`\\\"*?[]{}!").find(static_cast<char>(ch)) != std::string_view::npos;
  });
  if (bad == v.end()) return "";
  const auto code = static_cast<unsigned char>(*bad);
  const std::string name =
      code < 0x20 || code == 0x7f ? fmt::format("the control character {}", code) : fmt::format("'{}'", *bad);
  return fmt::format("has {}: a text may have letters, digits, spaces and plain punctuation", name);
}

/// Each overload stores the node's value in the field and returns an empty text, or returns what is wrong.
struct Store {
  const Key& key;
  const toml::node& node;

  std::string operator()(double* field) const {
    if (!node.is_number()) return wrong_type();
    const double v = *node.value<double>();
    if (!fits_range(key, v)) return range_error(key, value_text(node));
    *field = v;
    return "";
  }
  std::string operator()(int* field) const { return store_integer(field); }
  std::string operator()(std::int64_t* field) const { return store_integer(field); }
  std::string operator()(bool* field) const {
    if (!node.is_boolean()) return wrong_type();
    *field = *node.value<bool>();
    return "";
  }
  std::string operator()(std::string* field) const {
    if (!node.is_string()) return wrong_type();
    const std::string v = *node.value<std::string>();
    const std::string wrong = wrong_text(v);
    if (wrong.empty()) *field = v;
    return wrong;
  }
  std::string operator()(std::vector<std::string>* field) const {
    return store_array(field, [this](const toml::node& element, std::string& v) {
      if (!element.is_string()) return wrong_type();
      v = *element.value<std::string>();
      return wrong_text(v);
    });
  }
  std::string operator()(std::vector<int>* field) const {
    return store_array(field, [this](const toml::node& element, int& v) {
      if (!element.is_integer()) return wrong_type();
      const std::int64_t wide = *element.value<std::int64_t>();
      if (!fits_range(key, static_cast<double>(wide))) return range_error(key, value_text(node));
      v = static_cast<int>(wide);
      return std::string();
    });
  }
  std::string operator()(std::vector<double>* field) const {
    return store_array(field, [this](const toml::node& element, double& v) {
      if (!element.is_number()) return wrong_type();
      v = *element.value<double>();
      return fits_range(key, v) ? std::string() : range_error(key, value_text(node));
    });
  }
  std::string operator()(std::vector<Pair>* field) const {
    return store_array(field, [this](const toml::node& element, Pair& v) {
      const auto* pair = element.as_array();
      if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_number() || !(*pair)[1].is_number())
        return wrong_type();
      v = {*(*pair)[0].value<double>(), *(*pair)[1].value<double>()};
      if (!fits_range(key, v[0]) || !fits_range(key, v[1])) return range_error(key, value_text(node));
      if (v[0] >= v[1])
        return fmt::format("= {}: [{}, {}] is reversed: low < high is wanted", value_text(node), v[0], v[1]);
      return std::string();
    });
  }

  /// read(element, v) gives what is wrong with an element.
  template <class T, class Read>
  std::string store_array(std::vector<T>* field, const Read& read) const {
    const auto* array = node.as_array();
    if (array == nullptr) return wrong_type();
    if (array->size() > kMaxElements)
      return fmt::format("has {} elements: an array has at most {}", array->size(), kMaxElements);
    std::vector<T> values;
    for (const toml::node& element : *array) {
      T v{};
      if (std::string wrong = read(element, v); !wrong.empty()) return wrong;
      values.push_back(std::move(v));
    }
    *field = std::move(values);
    return "";
  }

  template <class Integer>
  std::string store_integer(Integer* field) const {
    if (!node.is_integer()) return wrong_type();
    const std::int64_t v = *node.value<std::int64_t>();
    const bool representable =
        v >= std::numeric_limits<Integer>::min() && v <= std::numeric_limits<Integer>::max();
    if (!representable || !fits_range(key, static_cast<double>(v))) return range_error(key, value_text(node));
    *field = static_cast<Integer>(v);
    return "";
  }

  std::string wrong_text(const std::string& v) const {
    if (key.choices.empty()) return text_fault(v);
    if (std::find(key.choices.begin(), key.choices.end(), v) != key.choices.end()) return "";
    return fmt::format("= {} is not one of its choices: {}", value_text(node), allowed_text(key));
  }

  std::string wrong_type() const {
    std::string text = fmt::format("wants {}, not {}", type_name(key.slot), value_text(node));
    const bool is_number = std::holds_alternative<double*>(key.slot) ||
                           std::holds_alternative<int*>(key.slot) ||
                           std::holds_alternative<std::int64_t*>(key.slot);
    if (node.is_string() && is_number)
      text += fmt::format(": units are in the names of keys, values are plain numbers{}",
                          key.unit.empty() ? "" : fmt::format(" (here in {})", key.unit));
    return text;
  }
};

const Key* find_key(const Schema& schema, const std::string& name) {
  for (const Key& key : schema.keys)
    if (key.name == name) return &key;
  return nullptr;
}

const KeyList* find_list(const Schema& schema, const std::string& name) {
  for (const KeyList& list : schema.lists)
    if (list.name == name) return &list;
  return nullptr;
}

bool is_known_table(const Schema& schema, const std::string& name) {
  return std::any_of(schema.keys.begin(), schema.keys.end(),
                     [&](const Key& key) { return key.name.rfind(name + ".", 0) == 0; });
}

/// Adds the values of a table by dotted name, down to what the schema knows as keys; a later one replaces an
/// earlier one. `like` says where the table is from.
void flatten(const toml::table& table, const std::string& prefix, const Schema& schema, const Entry& like,
             Entries& entries) {
  for (auto&& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    const bool known = find_key(schema, name) != nullptr || find_list(schema, name) != nullptr;
    const auto* inner = node.as_table();
    if (!known && inner != nullptr && (!inner->empty() || is_known_table(schema, name))) {
      flatten(*inner, name + ".", schema, like, entries);
      continue;
    }
    entries.insert_or_assign(name, Entry{name, &node, like.origin, like.in_file});
  }
}

void report_missing(const Schema& schema, const Entries& entries, const std::string& prefix,
                    const std::string& where, ReadReport& report) {
  for (const Key& key : schema.keys)
    if (key.required && !entries.contains(key.name))
      report.add_error(fmt::format("{}: {}{} is missing", where, prefix, key.name));
}

std::string unknown_text(const Reader& reader, const Entry& entry) {
  const auto& [schema, prefix, report] = reader;
  if (is_known_table(schema, entry.name))
    return fmt::format("{}: '{}{}' is a table of keys, not a value", entry.where(), prefix, entry.name);
  std::vector<std::string> known;
  if (report.is_long()) return fmt::format("{}: unknown key '{}{}'", entry.where(), prefix, entry.name);
  for (const Key& key : schema.keys) known.push_back(key.name);
  for (const KeyList& list : schema.lists) known.push_back(list.name);
  const std::string nearest = nearest_name(entry.name, known);
  const std::string hint = nearest.empty() ? "no known one is near it"
                                           : fmt::format("the nearest known one is '{}{}'", prefix, nearest);
  return fmt::format("{}: unknown key '{}{}'; {}", entry.where(), prefix, entry.name, hint);
}

void read_entries(const Reader& reader, const Entries& entries);

void read_list(const Reader& reader, const KeyList& list, const Entry& entry) {
  const auto* array = entry.node->as_array();
  if (array == nullptr ||
      !std::all_of(array->begin(), array->end(), [](const auto& n) { return n.is_table(); })) {
    reader.report.add_error(
        fmt::format("{}: '{}' wants tables: [[{}]]", entry.where(), list.name, list.name));
    return;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    const Schema element{list.append()};
    const toml::table& table = *(*array)[i].as_table();
    const Entry head{"", &table, entry.origin, entry.in_file};
    Entries entries;
    flatten(table, "", element, head, entries);
    const std::string prefix = fmt::format("{}[{}].", list.name, i + 1);
    report_missing(element, entries, prefix, head.where(), reader.report);
    read_entries({element, prefix, reader.report}, entries);
  }
}

std::vector<const Entry*> by_line(const Entries& entries) {
  std::vector<const Entry*> sorted;
  for (const auto& [name, entry] : entries) sorted.push_back(&entry);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Entry* a, const Entry* b) { return a->line() < b->line(); });
  return sorted;
}

void read_entries(const Reader& reader, const Entries& entries) {
  for (const Entry* at : by_line(entries)) {
    const Entry& entry = *at;
    if (const KeyList* list = find_list(reader.schema, entry.name)) {
      read_list(reader, *list, entry);
      continue;
    }
    const Key* key = find_key(reader.schema, entry.name);
    if (key == nullptr) {
      reader.report.add_error(unknown_text(reader, entry));
      continue;
    }
    const std::string wrong = std::visit(Store{*key, *entry.node}, key->slot);
    const std::string name = reader.prefix + key->name;
    if (wrong.empty())
      reader.report.note_read(name, entry.where());
    else
      reader.report.add_bad_value(name, entry.where(), wrong);
  }
}

/// At most kMaxTomlBytes; more is not a file that a person wrote.
std::string read_file(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) throw std::runtime_error(path + ": no such file");
  if (std::filesystem::is_directory(path, ignored))
    throw std::runtime_error(path + ": a directory, not a TOML file");
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxTomlBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || !in.is_open()) throw std::runtime_error(path + ": cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  expect(text.size() <= kMaxTomlBytes, "{}: more than {} bytes: no TOML file for tianyan", path,
         kMaxTomlBytes);
  const auto nul = text.find('\0');
  expect(nul == std::string::npos, "{}:{}: not valid TOML: a NUL byte", path,
         1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(nul, text.size())),
                        '\n'));
  return text;
}

/// Most dots between two other marks of the text: as deep as a key may nest tables. The parser sets no limit,
/// and walks trees by calling itself.
int deepest_key(const std::string& text) {
  int deepest = 0, dots = 0;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char ch = text[i];
    if (ch == '\n') quote = '\0';  // no key goes on in the next line
    if (quote != '\0') {
      i += quote == '"' && ch == '\\' ? 1 : 0;
      if (ch == quote) quote = '\0';
    } else if (ch == '"' || ch == '\'') {
      quote = ch;
    } else if (ch == '.') {
      deepest = std::max(deepest, ++dots);
    } else if (std::string_view("\n=,{}[]#").find(ch) != std::string_view::npos) {
      dots = 0;
    }
  }
  return deepest;
}

toml::table parse_text(const std::string& text, const std::string& origin) {
  constexpr int kDeepest = 30;
  expect(deepest_key(text) <= kDeepest, "{}: not valid TOML for tianyan: a key of more than {} parts", origin,
         kDeepest);
  return toml::parse(text, origin);
}

toml::table parse_file(const std::string& path) {
  const std::string text = read_file(path);
  try {
    return parse_text(text, path);
  } catch (const toml::parse_error& e) {
    throw std::invalid_argument(fmt::format("{}:{}:{}: not valid TOML: {}", path, e.source().begin.line,
                                            e.source().begin.column, e.description()));
  }
}

/// "key=value" as TOML; a value that is no TOML, such as a bare word, is taken as a string.
toml::table parse_set(const std::string& text) {
  const auto equals = text.find('=');
  const std::string key = text.substr(0, equals);
  if (equals == std::string::npos || equals == 0)
    throw std::invalid_argument(
        fmt::format("--set {}: key=value is wanted, e.g. search.dm_max_pc_cm3=1000", text));
  try {
    return parse_text(key + " = " + text.substr(equals + 1), "--set");
  } catch (const toml::parse_error&) {
  }
  std::string value = text.substr(equals + 1);
  try {
    return parse_text(key + " = " + print_value(Slot(&value)), "--set");
  } catch (const toml::parse_error& e) {
    throw std::invalid_argument(fmt::format("--set {}: not valid TOML: {}", text, e.description()));
  }
}

}  // namespace

ReadReport read_toml(const Schema& schema, const std::string& path, const std::vector<std::string>& set) {
  std::vector<Document> documents;
  if (!path.empty()) documents.push_back({path, true, parse_file(path)});
  for (const std::string& text : set) documents.push_back({"--set " + text, false, parse_set(text)});
  Entries entries;
  for (const Document& d : documents)
    flatten(d.table, "", schema, {"", &d.table, d.origin, d.in_file}, entries);
  ReadReport report;
  report_missing(schema, entries, "", path, report);
  read_entries({schema, "", report}, entries);
  return report;
}

}  // namespace tianyan
