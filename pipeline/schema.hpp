// Schema: the keys of a TOML file, one row each, bound to the fields of plain structs. The rows drive
// parsing, defaults, errors, the printed file and the documentation.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace tianyan {

using Pair = std::array<double, 2>;  ///< low, high

/// The field that a key sets. What it holds before reading is the default.
using Slot = std::variant<double*, int*, std::int64_t*, bool*, std::string*, std::vector<int>*,
                          std::vector<double>*, std::vector<Pair>*, std::vector<std::string>*>;

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

struct Key {
  std::string name;  ///< dotted: "search.snr_min"
  Slot slot;
  std::string meaning;  ///< one sentence
  std::string unit = "";
  double low =
      -std::numeric_limits<double>::infinity();  ///< allowed, both ends included; of each element of an array
  double high = kNoLimit;
  std::vector<std::string> choices = {};  ///< of a string, or of each of an array
  bool required = false;
};

/// An array of tables: `append` adds an element to its vector and returns rows bound to that element.
struct KeyList {
  std::string name;
  std::function<std::vector<Key>()> append;
};

struct Schema {
  std::vector<Key> keys;  ///< keys of one table follow each other
  std::vector<KeyList> lists = {};
};

/// What reading found wrong: one line each, all reported together.
class ReadReport {
 public:
  void add_error(const std::string& line);
  /// As many as throw_errors() shows: no more need be made readable.
  bool is_long() const;
  void add_bad_value(const std::string& key, const std::string& where, const std::string& text);
  void note_read(const std::string& key, const std::string& where) { where_[key] = where; }
  /// Whether the file or a --set gave the key a value that is possible.
  bool is_set(const std::string& key) const { return !where(key).empty(); }
  /// "file:line" of it; empty where it was not set, or is wrong.
  std::string where(const std::string& key) const;
  /// A condition between keys: an error unless it holds. Not judged where one of the keys is already wrong.
  void rule(bool holds, std::initializer_list<const char*> keys, const std::string& text);
  /// Throws std::invalid_argument with every line, or the first hundred, where there are any.
  void throw_errors() const;

 private:
  std::vector<std::string> errors_;
  std::map<std::string, std::string> where_;  ///< key -> "file:line"; empty for a bad value
};

inline constexpr std::size_t kMaxTomlBytes = 1'000'000;  ///< of a file
inline constexpr std::size_t kMaxTextBytes = 500;        ///< of a string
inline constexpr std::size_t kMaxElements = 1000;        ///< of an array

/// Reads the file (none where `path` is empty), then each "key=value" of `set`, into the schema's fields.
/// Strings are plain text: no control characters, and none of |&;<>$`\"*?[]{}!, which mean something to
/// shells and patterns; no such text reaches a shell, but configs come from everywhere. Throws
/// std::runtime_error where there is no such file, std::invalid_argument with line and column where it is not
/// TOML.
ReadReport read_toml(const Schema& schema, const std::string& path, const std::vector<std::string>& set);

/// The values that the fields hold as TOML, each under a comment with its meaning, unit and range.
std::string print_toml(const Schema& schema);

/// A Markdown table of the keys of each table, with what the fields hold as defaults.
std::string print_markdown(const Schema& schema);

/// The value that a field holds, as TOML.
std::string print_value(const Slot& slot);

/// "a number", "an integer", ...
std::string type_name(const Slot& slot);

/// "0.01 to 0.5 s", "at least 1", "auto, cpu or cuda"; empty where everything is allowed.
std::string allowed_text(const Key& key);

/// The known name nearest to `name` by edit distance; empty where even that has little in common with it. A
/// missing end ("dm_max" for "dm_max_pc_cm3") and a missing table cost little.
std::string nearest_name(const std::string& name, const std::vector<std::string>& known);

}  // namespace tianyan
