// Text in rows of cells between delimiters, quoted as CSV files quote.
#pragma once
#include <string>
#include <vector>

namespace tianyan {

struct DelimitedRow {
  int line = 1;  ///< where it begins in its file, from 1
  std::vector<std::string> cells;
};

struct DelimitedStyle {
  char delimiter = ',';  ///< a blank: any number of them in a row is one
  char comment = '\0';   ///< rows that begin with it are left out; '\0': none
};

/// Rows of `text`, whose first line is line `first_line` of the file `path`. Blanks around a cell go, rows
/// that are blank are left out. A cell that begins with '"' ends at the next one; "" inside is one '"', and
/// delimiters, blanks and line ends inside belong to it. Throws std::runtime_error "PATH:LINE: what" for a
/// quote that is not closed and for text between a closing quote and the next delimiter.
std::vector<DelimitedRow> split_rows(const std::string& text, const DelimitedStyle& style,
                                     const std::string& path, int first_line = 1);

}  // namespace tianyan
