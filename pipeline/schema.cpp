// Printing of schemas, and the search for the key that was meant.
#include "pipeline/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "io/utf8_text.hpp"

namespace tianyan {
namespace {

std::string join(const std::vector<std::string>& parts, const std::string& between) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : between) + parts[i];
  return text;
}

struct Printer {
  std::string operator()(const double* v) const { return number(*v); }
  std::string operator()(const int* v) const { return fmt::format("{}", *v); }
  std::string operator()(const std::int64_t* v) const { return fmt::format("{}", *v); }
  std::string operator()(const bool* v) const { return *v ? "true" : "false"; }
  std::string operator()(const std::string* v) const { return quoted(*v); }
  std::string operator()(const std::vector<int>* v) const {
    std::vector<std::string> numbers;
    for (int i : *v) numbers.push_back(std::to_string(i));
    return '[' + join(numbers, ", ") + ']';
  }
  std::string operator()(const std::vector<double>* v) const {
    std::vector<std::string> numbers;
    for (double x : *v) numbers.push_back(number(x));
    return '[' + join(numbers, ", ") + ']';
  }
  std::string operator()(const std::vector<Pair>* v) const {
    std::vector<std::string> pairs;
    for (const Pair& p : *v) pairs.push_back(fmt::format("[{}, {}]", number(p[0]), number(p[1])));
    return '[' + join(pairs, ", ") + ']';
  }
  std::string operator()(const std::vector<std::string>* v) const {
    std::vector<std::string> texts;
    for (const auto& text : *v) texts.push_back(quoted(text));
    return '[' + join(texts, ", ") + ']';
  }

  /// The shortest digits that read back as the same double; TOML wants a point or an exponent in a float.
  static std::string number(double v) {
    std::string text = fmt::format("{}", v);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  static std::string quoted(const std::string& v) {
    std::string text = "\"";
    for (char ch : v) {
      if (ch == '"' || ch == '\\')
        text += {'\\', ch};
      else if (static_cast<unsigned char>(ch) < 0x20)
        text += fmt::format("\\u{:04X}", static_cast<unsigned>(ch));
      else
        text += ch;
    }
    return text + "\"";
  }
};

struct TypeName {
  std::string operator()(const double*) const { return "a number"; }
  std::string operator()(const int*) const { return "an integer"; }
  std::string operator()(const std::int64_t*) const { return "an integer"; }
  std::string operator()(const bool*) const { return "true or false"; }
  std::string operator()(const std::string*) const { return "a string"; }
  std::string operator()(const std::vector<int>*) const { return "an array of integers"; }
  std::string operator()(const std::vector<double>*) const { return "an array of numbers"; }
  std::string operator()(const std::vector<Pair>*) const { return "an array of [low, high] pairs"; }
  std::string operator()(const std::vector<std::string>*) const { return "an array of strings"; }
};

std::string table_of(const std::string& name) {
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

std::string leaf_of(const std::string& name) { return name.substr(name.rfind('.') + 1); }

std::string joined_choices(const std::vector<std::string>& choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i)
    text += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  return text;
}

/// Edit distance between `name` and the best beginning of `known`; each letter of `known` that is left costs
/// 0.1.
double distance_to_start(const std::string& name, const std::string& known) {
  const std::size_t n = name.size(), m = known.size();
  std::vector<double> previous(m + 1), row(m + 1);
  for (std::size_t j = 0; j <= m; ++j) previous[j] = static_cast<double>(j);
  for (std::size_t i = 1; i <= n; ++i) {
    row[0] = static_cast<double>(i);
    for (std::size_t j = 1; j <= m; ++j)
      row[j] = std::min(
          {previous[j] + 1.0, row[j - 1] + 1.0, previous[j - 1] + (name[i - 1] == known[j - 1] ? 0.0 : 1.0)});
    std::swap(previous, row);
  }
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j <= m; ++j) best = std::min(best, previous[j] + 0.1 * static_cast<double>(m - j));
  return best;
}

constexpr std::size_t kMostShown = 100;  // of mistakes
constexpr double kOtherTableCost = 0.5;
constexpr double kNearFraction = 0.5;  // of a name's letters that may be wrong in what was meant

// What a config holds, as it may stand on somebody's screen.
std::string as_line(const std::string& text) {
  constexpr std::size_t kMost = 400;
  std::string line;
  for (const unsigned char ch : text.substr(0, kMost)) {
    if (ch < 0x20 || ch == 0x7f)
      line += fmt::format("\\x{:02x}", ch);
    else
      line += static_cast<char>(ch);
  }
  return printable_text(line) + (text.size() > kMost ? " ..." : "");
}

}  // namespace

void ReadReport::add_error(const std::string& line) { errors_.push_back(as_line(line)); }

void ReadReport::add_bad_value(const std::string& key, const std::string& where, const std::string& text) {
  where_[key].clear();
  add_error(fmt::format("{}: {} {}", where, key, text));
}

void ReadReport::rule(bool holds, std::initializer_list<const char*> keys, const std::string& text) {
  if (holds) return;
  std::string where;
  for (const char* key : keys) {
    const auto it = where_.find(key);
    if (it == where_.end()) continue;  // a default
    if (it->second.empty()) return;
    where = it->second;
  }
  add_error(where.empty() ? text : where + ": " + text);
}

std::string ReadReport::where(const std::string& key) const {
  const auto it = where_.find(key);
  return it == where_.end() ? "" : it->second;
}

bool ReadReport::is_long() const { return errors_.size() >= kMostShown; }

void ReadReport::throw_errors() const {
  if (errors_.empty()) return;
  std::vector<std::string> lines(errors_.begin(), errors_.begin() + std::min(kMostShown, errors_.size()));
  if (errors_.size() > kMostShown)
    lines.push_back(fmt::format("and {} more mistakes", errors_.size() - kMostShown));
  throw std::invalid_argument(join(lines, "\n"));
}

std::string print_value(const Slot& slot) { return std::visit(Printer{}, slot); }
std::string type_name(const Slot& slot) { return std::visit(TypeName{}, slot); }

std::string allowed_text(const Key& key) {
  if (!key.choices.empty()) return joined_choices(key.choices);
  const std::string unit = key.unit.empty() ? "" : " " + key.unit;
  const bool has_low = std::isfinite(key.low), has_high = std::isfinite(key.high);
  if (has_low && has_high) return fmt::format("{} to {}{}", key.low, key.high, unit);
  if (has_low) return fmt::format("at least {}{}", key.low, unit);
  if (has_high) return fmt::format("at most {}{}", key.high, unit);
  return "";
}

std::string print_toml(const Schema& schema) {
  std::string text, table;
  for (const Key& key : schema.keys) {
    if (table_of(key.name) != table) {
      table = table_of(key.name);
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", table);
    }
    const std::string allowed = allowed_text(key);
    const std::string range = !allowed.empty()   ? fmt::format(" ({})", allowed)
                              : key.unit.empty() ? std::string()
                                                 : fmt::format(" ({})", key.unit);
    text += fmt::format("# {}{}\n{} = {}\n", key.meaning, range, leaf_of(key.name), print_value(key.slot));
  }
  return text;
}

std::string print_markdown(const Schema& schema) {
  std::string text, table;
  for (const Key& key : schema.keys) {
    if (table_of(key.name) != table) {
      table = table_of(key.name);
      text += fmt::format("\n## `[{}]`\n\n| key | type | default | unit | allowed | meaning |\n", table);
      text += "| --- | --- | --- | --- | --- | --- |\n";
    }
    Key unitless = key;
    unitless.unit.clear();
    text += fmt::format("| `{}` | {} | `{}` | {} | {} | {} |\n", leaf_of(key.name), type_name(key.slot),
                        print_value(key.slot), key.unit, allowed_text(unitless), key.meaning);
  }
  return text;
}

std::string nearest_name(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 100;  // nobody meant more
  if (name.size() > kLongest) return "";
  std::string best;
  double best_cost = std::numeric_limits<double>::infinity();
  for (const std::string& candidate : known) {
    const double cost = std::min(distance_to_start(name, candidate),
                                 distance_to_start(leaf_of(name), leaf_of(candidate)) +
                                     (table_of(name) == table_of(candidate) ? 0.0 : kOtherTableCost));
    if (cost < best_cost) {
      best_cost = cost;
      best = candidate;
    }
  }
  return best_cost <= kNearFraction * static_cast<double>(leaf_of(name).size()) ? best : "";
}

}  // namespace tianyan
