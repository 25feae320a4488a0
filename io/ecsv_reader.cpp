// ECSV: the header's YAML into columns and meta, then rows of cells of the columns' types.
#include "io/ecsv_reader.hpp"

#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "io/delimited.hpp"
#include "io/key_values.hpp"
#include "io/text_file.hpp"
#include "io/yaml_header.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr const char* kMark = "# %ECSV ";
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

/// The YAML of the header without its '#', the first line blanked, and what stands below.
struct Parts {
  YamlText header;
  std::string data;
  int data_line = 1;
};

Parts split_header(const std::string& text, const std::string& path) {
  Parts parts{{path, 1, ""}, "", 1};
  std::size_t at = 0;
  while (at < text.size() && text[at] == '#') {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at + 1, end - at - 1);
    if (line.ends_with('\r')) line.pop_back();
    if (line.starts_with(' ')) line.erase(0, 1);
    if (line.starts_with('%') || line == "---") line.clear();
    parts.header.text += line + '\n';
    ++parts.data_line;
    at = std::min(end + 1, text.size());
  }
  parts.data = text.substr(at);
  return parts;
}

std::string place(const YamlText& text) { return text.path + ":" + std::to_string(text.line); }

ColumnType column_type(const YamlNode& column) {
  const std::string name = column.find("datatype")->text;
  if (column.find("subtype")) return ColumnType::kString;
  const std::string bits = name.substr(std::min(name.find_first_of("0123456789"), name.size()));
  const std::string kind = name.substr(0, name.size() - bits.size());
  if (kind == "int" || kind == "uint" || name == "bool") return ColumnType::kInt64;
  return kind == "float" ? ColumnType::kFloat64 : ColumnType::kString;
}

std::string text_of(const YamlNode& column, const char* key) {
  const YamlNode* node = column.find(key);
  if (!node) return "";
  if (node->kind == YamlNode::Kind::kMap) return text_of(*node, key);  // !astropy.units.Unit {unit: s}
  return node->kind == YamlNode::Kind::kScalar ? node->text : "";
}

bool fits(const Column& column) {
  try {
    Table({column});
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

Column read_column(const YamlText& item) {
  const YamlNode node = parse_yaml(item);
  const YamlNode* type = node.find("datatype");
  require(type && type->kind == YamlNode::Kind::kScalar && !text_of(node, "name").empty(),
          "{}: a column needs a name and a datatype", place(item));
  Column column{text_of(node, "name"), column_type(node), text_of(node, "unit"), text_of(node, "description"),
                text_of(node, "format")};
  if (!fits(column)) column.format.clear();
  return column;
}

/// YAML 1.1's floats, which have a point, and its names for those that are none.
std::optional<double> yaml_float(const std::string& text) {
  if (text == ".nan") return kNan;
  if (text == ".inf" || text == "-.inf") return text.front() == '-' ? -kInf : kInf;
  return text.find('.') == std::string::npos ? std::nullopt : parse_number(text);
}

std::optional<MetaValue> scalar_value(const YamlNode& node) {
  if (!node.tag.empty()) return std::nullopt;
  const std::string& text = node.text;
  if (node.is_quoted) return text;
  if (text.empty() || text == "~" || text == "null") return std::nullopt;
  if (text == "true" || text == "false") return std::int64_t{text == "true"};
  if (const auto integer = parse_integer(text)) return *integer;
  if (const auto number = yaml_float(text)) return *number;
  return text;
}

std::optional<double> number_of(const MetaValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::nullopt;
}

/// All text or all numbers; none for other lists.
std::optional<MetaValue> list_value(const YamlNode& node) {
  std::vector<std::string> texts;
  std::vector<double> numbers;
  for (const YamlNode& item : node.items) {
    const auto value = item.kind == YamlNode::Kind::kScalar ? scalar_value(item) : std::optional<MetaValue>();
    if (!value) return std::nullopt;
    if (const auto* text = std::get_if<std::string>(&*value)) texts.push_back(*text);
    if (const auto number = number_of(*value)) numbers.push_back(*number);
  }
  if (numbers.empty()) return texts;
  return texts.empty() ? std::optional<MetaValue>(numbers) : std::nullopt;
}

void add_meta(const std::string& name, const YamlNode& node, Table& table) {
  std::optional<MetaValue> value;
  if (node.kind == YamlNode::Kind::kScalar) value = scalar_value(node);
  if (node.kind == YamlNode::Kind::kList && node.tag.empty()) value = list_value(node);
  if (value) table.meta.push_back({name, *value});
}

void add_all_meta(const YamlNode& map, Table& table) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) add_meta(map.keys[i], map.items[i], table);
}

/// Items that are no part of the YAML that is read here are other shapes too, and left out.
void read_meta(const YamlText& meta, Table& table) {
  if (!meta.text.starts_with("!!omap")) {
    const YamlNode node = parse_yaml(meta);
    return add_all_meta(node, table);
  }
  for (const YamlText& item : yaml_items(meta)) {
    try {
      add_all_meta(parse_yaml(item), table);
    } catch (const std::runtime_error&) {
      continue;
    }
  }
}

std::int64_t integer_cell(const std::string& text, const Column& column, const std::string& place) {
  if (text == "True" || text == "False") return text == "True";
  const auto value = parse_integer(text);
  require(value.has_value(), "{}: column '{}' has '{}'; an integer of 64 bits is needed", place, column.name,
          text);
  return *value;
}

double float_cell(const std::string& text, const Column& column, const std::string& place) {
  constexpr std::array<std::pair<const char*, double>, 4> kNames = {
      {{"nan", kNan}, {"inf", kInf}, {"+inf", kInf}, {"-inf", -kInf}}};
  for (const auto& [name, value] : kNames)
    if (text == name) return value;
  const auto value = parse_number(text);
  require(value.has_value(), "{}: column '{}' has '{}'; a number is needed", place, column.name, text);
  return *value;
}

Cell read_cell(const std::string& text, const Column& column, const std::string& place) {
  if (text.empty()) return std::monostate();
  if (column.type == ColumnType::kString) return text;
  if (column.type == ColumnType::kInt64) return integer_cell(text, column, place);
  return float_cell(text, column, place);
}

void check_names(const DelimitedRow& row, const Table& table, const std::string& path) {
  const auto& columns = table.columns();
  require(row.cells.size() == columns.size(), "{}:{}: {} column names for the {} columns of the header", path,
          row.line, row.cells.size(), columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i)
    require(row.cells[i] == columns[i].name, "{}:{}: column {} is '{}' here and '{}' in the header", path,
            row.line, i + 1, row.cells[i], columns[i].name);
}

void add_row(const DelimitedRow& row, Table& table, const std::string& path) {
  const auto& columns = table.columns();
  const std::string place = path + ":" + std::to_string(row.line);
  require(row.cells.size() == columns.size(), "{}: {} cells in a table of {} columns", place,
          row.cells.size(), columns.size());
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < columns.size(); ++i)
    cells.push_back(read_cell(row.cells[i], columns[i], place));
  table.add_row(std::move(cells));
}

Table make_table(const YamlText& datatype) {
  std::vector<Column> columns;
  for (const YamlText& item : yaml_items(datatype)) columns.push_back(read_column(item));
  try {
    return Table(std::move(columns));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(place(datatype) + ": " + error.what());
  }
}

char read_delimiter(const YamlText& value) {
  const std::string delimiter = parse_yaml(value).text;
  require(delimiter == "," || delimiter == " ", "{}: the delimiter is '{}'; ',' and ' ' can be read",
          place(value), delimiter);
  return delimiter.front();
}

}  // namespace

bool is_ecsv(const std::string& text) { return text.starts_with(kMark); }

Table parse_ecsv(const std::string& text, const std::string& path) {
  require(is_ecsv(text), "{}:1: an ECSV file begins with '{}1.0'", path, kMark);
  const Parts parts = split_header(text, path);
  std::optional<YamlText> datatype, meta;
  char delimiter = ' ';
  for (const YamlEntry& entry : yaml_entries(parts.header)) {
    if (entry.key == "datatype") datatype = entry.value;
    if (entry.key == "meta") meta = entry.value;
    if (entry.key == "delimiter") delimiter = read_delimiter(entry.value);
  }
  require(datatype.has_value(), "{}: the header of an ECSV file has no 'datatype'", path);
  Table table = make_table(*datatype);
  if (meta) read_meta(*meta, table);
  const auto rows = split_rows(parts.data, {delimiter, '#'}, path, parts.data_line);
  require(!rows.empty(), "{}:{}: the line of column names is missing", path, parts.data_line);
  check_names(rows.front(), table, path);
  for (std::size_t r = 1; r < rows.size(); ++r) add_row(rows[r], table, path);
  return table;
}

Table read_ecsv(const std::string& path) { return parse_ecsv(read_text_file(path), path); }

}  // namespace tianyan
