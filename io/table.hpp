// Table: named, typed columns with units, rows and ordered metadata; what every table format writes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace tianyan {

enum class ColumnType { kInt64, kFloat64, kString };

struct Column {
  std::string name;
  ColumnType type = ColumnType::kFloat64;
  std::string unit;         ///< as astropy and VOUnits read it: "s", "d", "pc / cm3"; empty: none
  std::string description;  ///< one line
  std::string format;  ///< of a number, as printf's: "%.9f"; empty: the shortest that reads back the same
};

/// std::monostate is a missing value. In a float64 column NaN is missing too, and a string is a decimal
/// number that is written as it stands, for values with more digits than a double has.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

using MetaValue =
    std::variant<std::string, std::int64_t, double, std::vector<std::string>, std::vector<double>>;
struct MetaEntry {
  std::string name;
  MetaValue value;
};

class Table {
 public:
  std::vector<MetaEntry> meta;  ///< written in this order

  Table() = default;
  /// Throws std::invalid_argument for two columns of one name, a name that is empty, or a format that does
  /// not fit the column's type.
  explicit Table(std::vector<Column> columns);

  const std::vector<Column>& columns() const { return columns_; }
  std::size_t n_row() const { return rows_.size(); }
  const std::vector<Cell>& row(std::size_t r) const { return rows_[r]; }
  /// Index of a column by name; throws std::invalid_argument where there is none.
  std::size_t column_index(const std::string& name) const;
  /// Throws std::invalid_argument where the row has another length or a cell another type than its column.
  void add_row(std::vector<Cell> cells);

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// The cell's text in its column's format, without quotes; empty where it is missing.
std::string cell_text(const Column& column, const Cell& cell);

/// Whether the cell is written as a missing value.
bool is_missing(const Cell& cell);

}  // namespace tianyan
