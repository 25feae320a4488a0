// ECSV 1.0, after astropy's APE 6: https://github.com/astropy/astropy-APEs/blob/main/APE6.rst
#include "io/ecsv.hpp"

#include <fmt/format.h>

#include <cmath>

#include "io/text_file.hpp"
#include "io/utf8_text.hpp"

namespace tianyan {
namespace {

/// Always in double quotes, so that no text can turn into another YAML type.
std::string yaml(const std::string& text) {
  const std::string valid = valid_utf8(text);
  std::string quoted = "\"";
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const auto byte = static_cast<unsigned char>(valid[i]);
    if (byte == '"' || byte == '\\')
      quoted += fmt::format("\\{}", valid[i]);
    else if (byte < 0x20 || byte == 0x7f)
      quoted += fmt::format("\\x{:02x}", byte);
    else if (byte == 0xc2 && static_cast<unsigned char>(valid[i + 1]) < 0xa0)  // U+0080 to U+009F
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(valid[++i]));
    else
      quoted += valid[i];
  }
  return quoted + '"';
}

std::string yaml(std::int64_t count) { return fmt::format("{}", count); }

/// YAML 1.1 takes a number for a float only if its mantissa has a point.
std::string yaml(double number) {
  if (std::isnan(number)) return ".nan";
  if (std::isinf(number)) return number > 0 ? ".inf" : "-.inf";
  std::string text = fmt::format("{}", number);
  if (text.find('.') == std::string::npos) text.insert(std::min(text.find('e'), text.size()), ".0");
  return text;
}

template <class T>
std::string yaml(const std::vector<T>& list) {
  std::string text = "[";
  for (std::size_t i = 0; i < list.size(); ++i) text += (i ? ", " : "") + yaml(list[i]);
  return text + ']';
}

const char* datatype(ColumnType type) {
  if (type == ColumnType::kInt64) return "int64";
  return type == ColumnType::kFloat64 ? "float64" : "string";
}

std::string column_line(const Column& column) {
  std::string line = fmt::format("# - {{name: {}", yaml(column.name));
  if (!column.unit.empty()) line += fmt::format(", unit: {}", yaml(column.unit));
  line += fmt::format(", datatype: {}", datatype(column.type));
  if (!column.format.empty()) line += fmt::format(", format: {}", yaml(column.format));
  if (!column.description.empty()) line += fmt::format(", description: {}", yaml(column.description));
  return line + "}\n";
}

std::string meta_line(const MetaEntry& entry) {
  const std::string value = std::visit([](const auto& v) { return yaml(v); }, entry.value);
  return fmt::format("# - {{{}: {}}}\n", yaml(entry.name), value);
}

/// Bare where it is a plain word or number, else in double quotes with inner ones doubled.
std::string csv_field(const std::string& text) {
  const char* plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-:/";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : printable_text(text)) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

std::string format_ecsv(const Table& table) {
  std::string text = "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n";
  for (const Column& column : table.columns()) text += column_line(column);
  if (!table.meta.empty()) text += "# meta: !!omap\n";
  for (const MetaEntry& entry : table.meta) text += meta_line(entry);
  text += "# schema: astropy-2.0\n";
  const auto& columns = table.columns();
  for (std::size_t i = 0; i < columns.size(); ++i) text += (i ? "," : "") + csv_field(columns[i].name);
  text += '\n';
  for (std::size_t r = 0; r < table.n_row(); ++r) {
    for (std::size_t i = 0; i < columns.size(); ++i)
      text += (i ? "," : "") + csv_field(cell_text(columns[i], table.row(r)[i]));
    text += '\n';
  }
  return text;
}

void write_ecsv(const std::string& path, const Table& table) { write_text_file(path, format_ecsv(table)); }

}  // namespace tianyan
