// Table: checks of columns and rows, and the text of a cell.
#include "io/table.hpp"

#include <fmt/printf.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

const char* type_name(ColumnType type) {
  if (type == ColumnType::kInt64) return "int64";
  return type == ColumnType::kFloat64 ? "float64" : "string";
}

bool is_decimal_number(const std::string& text) {
  double value = 0.0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end && std::isfinite(value);
}

/// Digits from `at` on, at most `most` of them; where they end.
std::size_t skip_digits(const std::string& text, std::size_t at, std::size_t most) {
  const std::size_t begin = at;
  while (at < text.size() && at - begin < most && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

/// One conversion, of the column's type: "%.9f", "%8.3e", "%05d". Cells are of at most 99 characters and
/// digits, so that a table takes no more memory than its text.
bool is_format_of(const std::string& format, ColumnType type) {
  if (type == ColumnType::kString || !format.starts_with('%')) return false;
  std::size_t at = std::min(format.find_first_not_of("+- #0", 1), format.size());
  at = skip_digits(format, at, 2);
  if (at < format.size() && format[at] == '.') at = skip_digits(format, at + 1, 2);
  const std::string conversions = type == ColumnType::kInt64 ? "dxX" : "eEfFgG";
  return at + 1 == format.size() && conversions.find(format[at]) != std::string::npos;
}

bool fits(const Cell& cell, ColumnType type) {
  if (std::holds_alternative<std::monostate>(cell)) return true;
  if (type == ColumnType::kInt64) return std::holds_alternative<std::int64_t>(cell);
  if (type == ColumnType::kString) return std::holds_alternative<std::string>(cell);
  const auto* digits = std::get_if<std::string>(&cell);
  return digits ? is_decimal_number(*digits) : std::holds_alternative<double>(cell);
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    expect(!column.name.empty(), "column {} of a table has no name", i);
    expect(column_index(column.name) == i, "two columns of a table are named '{}'", column.name);
    expect(column.format.empty() || is_format_of(column.format, column.type),
           "format '{}' of column '{}' is not one conversion of a {}", column.format, column.name,
           type_name(column.type));
  }
}

std::size_t Table::column_index(const std::string& name) const {
  std::size_t i = 0;
  while (i < columns_.size() && columns_[i].name != name) ++i;
  expect(i < columns_.size(), "a table has no column '{}'", name);
  return i;
}

void Table::add_row(std::vector<Cell> cells) {
  expect(cells.size() == columns_.size(), "a row of {} cells for a table of {} columns", cells.size(),
         columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i)
    expect(fits(cells[i], columns_[i].type), "row {}: column '{}' takes a {}", rows_.size(), columns_[i].name,
           type_name(columns_[i].type));
  rows_.push_back(std::move(cells));
}

bool is_missing(const Cell& cell) {
  const auto* number = std::get_if<double>(&cell);
  return std::holds_alternative<std::monostate>(cell) || (number && std::isnan(*number));
}

std::string cell_text(const Column& column, const Cell& cell) {
  if (is_missing(cell)) return {};
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* count = std::get_if<std::int64_t>(&cell))
    return column.format.empty() ? fmt::format("{}", *count) : fmt::sprintf(column.format, *count);
  const double number = std::get<double>(cell);
  return column.format.empty() ? fmt::format("{}", number) : fmt::sprintf(column.format, number);
}

}  // namespace tianyan
