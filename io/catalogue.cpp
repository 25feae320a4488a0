// Tells catalogues apart by their text and turns them into rows of named values.
#include "io/catalogue.hpp"

#include <algorithm>
#include <string_view>

#include "io/catalogue_row.hpp"
#include "io/delimited.hpp"
#include "io/ecsv_reader.hpp"
#include "io/key_values.hpp"
#include "io/text_file.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

std::string place_of(const std::string& path, int line) { return path + ":" + std::to_string(line); }

// ATNF database: the first blank-separated word is the key, the second the value, a third of digits alone its
// error in units of the value's last digit.

/// Records end in '@' at the beginning of a line, and each begins with a name.
bool is_atnf_database(const std::string& text) {
  return text.find("\n@--") != std::string::npos &&
         (text.starts_with("PSR") || text.find("\nPSRJ ") != std::string::npos);
}

/// `digits` in units of the last digit of `value`: 26.7641 with 12 is 0.0012; "" where it is no such thing.
std::string error_text(const std::string& value, const std::string& digits) {
  const auto n = parse_number(digits);
  if (!n || !parse_number(value) || digits.find_first_not_of("0123456789") != std::string::npos) return "";
  const auto end = std::min(value.find_first_of("eEdD"), value.size());
  const auto point = value.find('.');
  const std::size_t n_decimal = point < end ? end - point - 1 : 0;
  return fmt::format("{}e-{}", digits, n_decimal);
}

/// Of "03:32:59.368" with 5: in degrees, where one unit of the first number is `deg_per_unit`; "" for none.
std::string angle_error_text(const std::string& value, const std::string& digits, double deg_per_unit) {
  const auto last = value.rfind(':');
  const auto error = parse_number(error_text(value.substr(last == std::string::npos ? 0 : last + 1), digits));
  for (const char c : value)
    if (c == ':') deg_per_unit /= 60.0;
  return error ? fmt::format("{} deg", *error * deg_per_unit) : "";
}

void read_database_line(const std::string& line, CatalogueRow& row) {
  const auto words = split_rows(line, {' ', '\0'}, row.place).front().cells;
  if (words.size() < 2) return;
  const std::string key = lower_case(words[0]);
  if (!row.values.emplace(key, words[1]).second) return;  // the first of several is the preferred one
  if (words.size() < 3) return;
  if (key == "dm") row.values.emplace("dm_err", error_text(words[1], words[2]));
  if (key == "raj") row.values.emplace("ra_err", angle_error_text(words[1], words[2], 15.0));
  if (key == "decj") row.values.emplace("dec_err", angle_error_text(words[1], words[2], 1.0));
}

void read_database(const std::string& text, const std::string& path, Catalogue& catalogue) {
  CatalogueRow row;
  int number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = trimmed(text.substr(at, end - at));
    at = end + 1;
    ++number;
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '@') {
      if (!row.values.empty()) add_source(row, catalogue);
      row = {};
      continue;
    }
    if (row.values.empty()) row.place = place_of(path, number);
    read_database_line(line, row);
  }
  if (!row.values.empty()) add_source(row, catalogue);
}

// Columns.

/// Lower case, without the units that some put behind: "RA (deg)" is "ra" with unit "deg".
struct NameAndUnit {
  std::string name, unit;
};

NameAndUnit split_unit(const std::string& title) {
  const auto open = title.find_first_of("([");
  if (open == std::string::npos || open == 0) return {lower_case(trimmed(title)), ""};
  const auto close = std::min(title.find_first_of(")]", open), title.size());
  return {lower_case(trimmed(title.substr(0, open))), trimmed(title.substr(open + 1, close - open - 1))};
}

/// psrcat's CSV with errors has columns without a title behind each value: its error, then its reference.
std::vector<NameAndUnit> read_titles(const DelimitedRow& row) {
  std::vector<NameAndUnit> titles;
  for (const std::string& cell : row.cells) {
    NameAndUnit title = split_unit(cell);
    const bool follows = title.name.empty() && !titles.empty();
    if (follows && !titles.back().name.empty()) title.name = titles.back().name + "_err";
    titles.push_back(title);
  }
  return titles;
}

CatalogueRow make_row(const std::vector<NameAndUnit>& titles, const DelimitedRow& cells,
                      const std::string& path) {
  CatalogueRow row{place_of(path, cells.line), {}, {}};
  for (std::size_t i = 0; i < titles.size(); ++i) {
    row.values.emplace(titles[i].name, i < cells.cells.size() ? cells.cells[i] : "");
    if (!titles[i].unit.empty()) row.units.emplace(titles[i].name, titles[i].unit);
  }
  return row;
}

/// Below psrcat's titles: "(hms)" under RAJ, and nothing that is a number.
bool is_unit_line(const DelimitedRow& row) {
  const auto is_unit = [](const std::string& cell) { return cell.starts_with('(') && cell.ends_with(')'); };
  const auto is_number = [](const std::string& cell) { return parse_number(cell).has_value(); };
  return std::any_of(row.cells.begin(), row.cells.end(), is_unit) &&
         std::none_of(row.cells.begin(), row.cells.end(), is_number);
}

char guess_delimiter(const std::string& text) {
  std::size_t begin = 0;
  while (begin < text.size() && text[begin] == '#' && text.find(';', begin) > text.find('\n', begin))
    begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  const std::string_view titles = std::string_view(text).substr(begin, text.find('\n', begin) - begin);
  const auto count = [&](char c) { return std::count(titles.begin(), titles.end(), c); };
  const char most = count(';') > count(',') ? ';' : ',';
  return count('\t') > count(most) ? '\t' : most;
}

void check_columns(const CatalogueRow& row) {
  require(
      has_source_columns(row),
      "{}: no catalogue of known sources that can be read: columns of a name, a position (ra and dec) and "
      "a DM are needed",
      row.place);
}

void read_delimited(const std::string& text, const std::string& path, Catalogue& catalogue) {
  const char delimiter = guess_delimiter(text);
  const auto rows = split_rows(text, {delimiter, delimiter == ';' ? '\0' : '#'}, path);
  require(!rows.empty(), "{}: the catalogue is empty", path);
  std::vector<NameAndUnit> titles = read_titles(rows.front());
  check_columns(make_row(titles, rows.front(), path));
  for (std::size_t r = 1; r < rows.size(); ++r) {
    if (r > 1 || !is_unit_line(rows[r])) {
      add_source(make_row(titles, rows[r], path), catalogue);
      continue;
    }
    for (std::size_t i = 0; i < std::min(titles.size(), rows[r].cells.size()); ++i)
      titles[i].unit = split_unit("unit" + rows[r].cells[i]).unit;
  }
}

void read_table(const Table& table, const std::string& path, Catalogue& catalogue) {
  std::vector<NameAndUnit> titles;
  for (const Column& column : table.columns()) titles.push_back({lower_case(column.name), column.unit});
  check_columns(make_row(titles, {1, {}}, path));
  for (std::size_t r = 0; r < table.n_row(); ++r) {
    DelimitedRow cells;
    for (std::size_t i = 0; i < titles.size(); ++i)
      cells.cells.push_back(
          cell_text({titles[i].name, table.columns()[i].type, "", "", ""}, table.row(r)[i]));
    CatalogueRow row = make_row(titles, cells, path);
    row.place = fmt::format("{}: row {}", path, r + 1);
    add_source(row, catalogue);
  }
}

}  // namespace

Catalogue read_catalogue(const std::string& path) {
  const std::string text = read_text_file(path);
  Catalogue catalogue;
  if (is_ecsv(text))
    read_table(parse_ecsv(text, path), path, catalogue);
  else if (is_atnf_database(text))
    read_database(text, path, catalogue);
  else
    read_delimited(text, path, catalogue);
  finish_catalogue(path, catalogue);
  return catalogue;
}

}  // namespace tianyan
