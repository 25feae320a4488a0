// ECSV 1.0, after astropy's APE 6: https://github.com/astropy/astropy-APEs/blob/main/APE6.rst
#include "io/ecsv.hpp"

#include <fmt/format.h>

#include <cmath>
#include <fstream>

#include "io/atomic_file.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

/// Always in double quotes, so that no text can turn into another YAML type.
std::string yaml(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      quoted += fmt::format("\\{}", c);
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      quoted += c;
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
  for (const char c : text) {
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (c == '"') quoted += '"';
    quoted += is_control ? ' ' : c;
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

void write_ecsv(const std::string& path, const Table& table) {
  const std::string text = format_ecsv(table);
  AtomicFile file(path);
  std::ofstream out(file.temporary_path(), std::ios::binary | std::ios::trunc);
  require(out.is_open(), "{}: cannot be opened for writing", file.temporary_path());
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  require(out.good(), "{}: {} bytes could not be written; is the disk full?", path, text.size());
  file.commit();
}

}  // namespace tianyan
