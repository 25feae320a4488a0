// Reading ECSV: what our writer wrote comes back, what astropy wrote is read, and bad files name their line.
#include "io/ecsv_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "io/ecsv.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class EcsvReader : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ / name; }

  test::TempFolder folder_;
};

Table full_table() {
  Table table({{"beam", ColumnType::kInt64, "", "", "%03d"},
               {"time_s", ColumnType::kFloat64, "s", "Arrival: \"first\", {late}", "%.3f"},
               {"dm", ColumnType::kFloat64, "pc / cm3", "", ""},
               {"class", ColumnType::kString, "", "a\\b # c", ""}});
  table.meta = {{"program", std::string("tianyan: 1.0")},
                {"x: y", -1.0 / 2.41e-4},
                {"n_beam", std::int64_t{-19}},
                {"number as text", std::string("19")},
                {"files", std::vector<std::string>{"a b.fits", "say \"x\"\\y\tz\n", ""}},
                {"edges_mhz", std::vector<double>{1000.0, 1e20, -1e-300}},
                {"nan", kNan},
                {"inf", -std::numeric_limits<double>::infinity()},
                {"none", std::vector<double>{}}};
  table.add_row({std::int64_t{7}, 1.23456, 0.1, std::string("rfi")});
  table.add_row({std::int64_t{19}, kNan, 1e300, std::string("known:B0531+21, \"Crab\"")});
  table.add_row({std::monostate(), 0.5, std::monostate(), std::string(" # two\nlines")});
  table.add_row({std::int64_t{-1}, -0.5, 5e-324, std::string("µs")});
  return table;
}

TEST_F(EcsvReader, GivesBackTheTextOfAWrittenTable) {
  const std::string text = format_ecsv(full_table());
  write_ecsv(path("t.ecsv"), full_table());
  EXPECT_EQ(format_ecsv(read_ecsv(path("t.ecsv"))), text);
}

TEST_F(EcsvReader, GivesBackTypesUnitsMetaAndMissingCells) {
  const Table table = parse_ecsv(format_ecsv(full_table()), "t");
  ASSERT_EQ(table.columns().size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    const Column &is = table.columns()[i], was = full_table().columns()[i];
    EXPECT_EQ(is.name, was.name);
    EXPECT_EQ(is.type, was.type);
    EXPECT_EQ(is.unit, was.unit);
    EXPECT_EQ(is.description, was.description);
    EXPECT_EQ(is.format, was.format);
  }
  ASSERT_EQ(table.n_row(), 4U);
  EXPECT_EQ(table.row(0)[0], Cell(std::int64_t{7}));
  EXPECT_EQ(table.row(0)[2], Cell(0.1));
  EXPECT_TRUE(is_missing(table.row(1)[1]));
  EXPECT_TRUE(is_missing(table.row(2)[0]));
  EXPECT_EQ(table.row(1)[3], Cell(std::string("known:B0531+21, \"Crab\"")));
  EXPECT_EQ(table.row(2)[3], Cell(std::string(" # two lines")));
  ASSERT_EQ(table.meta.size(), 9U);
  EXPECT_EQ(table.meta[1].name, "x: y");
  EXPECT_EQ(table.meta[1].value, MetaValue(-1.0 / 2.41e-4));
  EXPECT_EQ(table.meta[2].value, MetaValue(std::int64_t{-19}));
  EXPECT_EQ(table.meta[3].value, MetaValue(std::string("19")));
  EXPECT_EQ(table.meta[4].value, full_table().meta[4].value);
  EXPECT_EQ(table.meta[5].value, full_table().meta[5].value);
}

/// The header's block and flow styles, folded lines and escapes, worked by hand.
TEST_F(EcsvReader, ReadsBlockStyleFoldedTextAndMetaOfOtherShapes) {
  const Table table = parse_ecsv(
      "# %ECSV 1.0\n"
      "# ---\n"
      "# datatype:\n"
      "# - name: a\n"
      "#   unit: !astropy.units.Unit {unit: pc / cm3}\n"
      "#   datatype: float32\n"
      "#   format: '{:.2f}'\n"
      "#   description: it is\n"
      "#     folded\n"
      "#   meta: !!omap\n"
      "#   - {x: 1}\n"
      "# - {name: b, datatype: bool, description: 'it''s, so\n"
      "#     on'}\n"
      "# - {name: c, datatype: string, subtype: 'float64[2]'}\n"
      "# meta: !!omap\n"
      "# - {u: \"\\xB5\\\n"
      "#     \\ \\u20ac\"}\n"
      "# - long:\n"
      "#   - 'x'\n"
      "#   - y z\n"
      "# - tuple: !!python/tuple [1, 2]\n"
      "# - mixed: [1, a]\n"
      "# - map:\n"
      "#     z: {q: [1, 2]}\n"
      "# - ? [1, 2]\n"
      "#   : 3\n"
      "# - {ints: [1, 2.5], none: null, yes: true}\n"
      "# schema: astropy-2.0\n"
      "a b c\n"
      "\n"
      "1.5   True [1.0,2.0]\n"
      "nan \"\" \"a \"\"b\"\"\"\n",
      "t");
  const auto& columns = table.columns();
  EXPECT_EQ(columns[0].unit, "pc / cm3");
  EXPECT_EQ(columns[0].type, ColumnType::kFloat64);
  EXPECT_EQ(columns[0].format, "");
  EXPECT_EQ(columns[0].description, "it is folded");
  EXPECT_EQ(columns[1].type, ColumnType::kInt64);
  EXPECT_EQ(columns[1].description, "it's, so on");
  EXPECT_EQ(columns[2].type, ColumnType::kString);
  EXPECT_EQ(table.row(0), (std::vector<Cell>{1.5, std::int64_t{1}, std::string("[1.0,2.0]")}));
  EXPECT_TRUE(std::isnan(std::get<double>(table.row(1)[0])));
  EXPECT_EQ(table.row(1)[2], Cell(std::string("a \"b\"")));
  ASSERT_EQ(table.meta.size(), 4U);
  EXPECT_EQ(table.meta[0].value, MetaValue(std::string("µ €")));
  EXPECT_EQ(table.meta[1].value, MetaValue(std::vector<std::string>{"x", "y z"}));
  EXPECT_EQ(table.meta[2].value, MetaValue(std::vector<double>{1.0, 2.5}));
  EXPECT_EQ(table.meta[3].name, "yes");
}

const char* const kWriteByAstropy = R"(
import sys
import numpy as np
from astropy.table import Table, Column, MaskedColumn
t = Table()
t['name'] = ['A "b", c', '', 'x']
t['t'] = Column([1.5, 2.25, np.nan], unit='s', format='%.3f', description='it is: a "long" description, ' +
                'with {braces} and so much text that the writer is going to wrap it into a second line here')
t['n'] = MaskedColumn([1, 2, 3], mask=[0, 1, 0], dtype='int16')
t['f'] = MaskedColumn([True, False, True], mask=[0, 0, 1])
t['dm'] = Column([1, 2, 3.], unit='pc/cm3', format='{:.2f}', meta={'a': 1, 'b': [1, 2]})
t['arr'] = np.arange(6).reshape(3, 2)
t.meta['s'] = 'text: with colon'
t.meta['n'] = 5
t.meta['x'] = 1e20
t.meta['b'] = True
t.meta['none'] = None
t.meta['l'] = ['a', 'b c, d']
t.meta['d'] = [1.0, 2.5]
t.meta['m'] = [1, 'a']
t.meta['map'] = {'a': 1, 'z': {'q': [1, 2]}}
t.meta['array'] = np.arange(3)
t.meta['tuple'] = (1, 2)
t.meta['e'] = '1e5'
t.meta['q'] = 'yes'
t.meta['nl'] = 'two\nlines\n'
t.meta['long'] = 'word ' * 60
t.meta['uni'] = '\xb5\tq ' * 40
t.meta['hash'] = "it's #1 # not"
t.meta['quotes'] = '"a" \'b\' \\'
t.write(sys.argv[1] + '/blank.ecsv', format='ascii.ecsv')
t.write(sys.argv[1] + '/comma.ecsv', format='ascii.ecsv', delimiter=',')
)";

bool has_astropy() { return std::system("/usr/bin/python3 -c 'import astropy, yaml' 2>/dev/null") == 0; }

std::string repeated(const std::string& text, int n) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

TEST_F(EcsvReader, ReadsWhatAstropyWrites) {
  if (!has_astropy()) GTEST_SKIP() << "/usr/bin/python3 has no astropy";
  std::ofstream(path("write.py")) << kWriteByAstropy;
  ASSERT_EQ(std::system(("/usr/bin/python3 '" + path("write.py") + "' '" + folder_.path() + "'").c_str()), 0);
  const std::vector<std::pair<std::string, MetaValue>> meta = {{"s", std::string("text: with colon")},
                                                               {"n", std::int64_t{5}},
                                                               {"x", 1e20},
                                                               {"b", std::int64_t{1}},
                                                               {"l", std::vector<std::string>{"a", "b c, d"}},
                                                               {"d", std::vector<double>{1.0, 2.5}},
                                                               {"e", std::string("1e5")},
                                                               {"q", std::string("yes")},
                                                               {"nl", std::string("two\nlines\n")},
                                                               {"long", repeated("word ", 60)},
                                                               {"uni", repeated("µ\tq ", 40)},
                                                               {"hash", std::string("it's #1 # not")},
                                                               {"quotes", std::string("\"a\" 'b' \\")}};
  for (const char* name : {"blank.ecsv", "comma.ecsv"}) {
    const Table table = read_ecsv(path(name));
    ASSERT_EQ(table.n_row(), 3U);
    EXPECT_EQ(table.row(0), (std::vector<Cell>{std::string("A \"b\", c"), 1.5, std::int64_t{1},
                                               std::int64_t{1}, 1.0, std::string("[0,1]")}));
    EXPECT_TRUE(is_missing(table.row(1)[0]) && is_missing(table.row(1)[2]) && is_missing(table.row(2)[1]));
    EXPECT_EQ(table.columns()[1].unit, "s");
    EXPECT_EQ(table.columns()[1].format, "%.3f");
    EXPECT_TRUE(
        table.columns()[1].description.ends_with(" the writer is going to wrap it into a second line here"));
    ASSERT_EQ(table.meta.size(), meta.size());
    for (std::size_t i = 0; i < meta.size(); ++i) {
      EXPECT_EQ(table.meta[i].name, meta[i].first);
      EXPECT_EQ(table.meta[i].value, meta[i].second) << meta[i].first;
    }
  }
}

std::string error_of(const std::string& text) {
  try {
    parse_ecsv(text, "t.ecsv");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "read without an error";
}

TEST_F(EcsvReader, NamesTheLineOfWhatIsWrong) {
  const std::string head = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int64}\n";
  const auto begins = [](const std::string& text, const std::string& start) {
    EXPECT_EQ(error_of(text).substr(0, start.size()), start);
  };
  begins("a,b\n1,2\n", "t.ecsv:1: an ECSV file begins");
  begins("# %ECSV 1.0\n# ---\na\n1\n", "t.ecsv: the header of an ECSV file has no 'datatype'");
  begins(head, "t.ecsv:5: the line of column names");
  begins(head + "b\n1\n", "t.ecsv:5: column 1 is 'b' here and 'a' in the header");
  begins(head + "a\n1\n1 2\n", "t.ecsv:7: 2 cells in a table of 1 columns");
  begins(head + "a\n\n1.5\n", "t.ecsv:7: column 'a' has '1.5'; an integer");
  begins(head + "a\n\"1\n", "t.ecsv:6: a cell begins with");
  begins(head + "a\n99999999999999999999\n", "t.ecsv:6: column 'a' has '99999999999999999999'");
  begins(head + "# - {name: b\n# schema: x\na b\n", "t.ecsv:5: the header's YAML");
  begins(head + "# - {name: a, datatype: string}\na a\n", "t.ecsv:3: two columns");
  begins(head + "# - {name: b}\na b\n", "t.ecsv:5: a column needs a name and a datatype");
  begins(head + "# delimiter: ';'\na\n", "t.ecsv:5: the delimiter is ';'");
  begins(head + "# - {name: " + repeated("[", 100) + "}\na\n", "t.ecsv:5: the header's YAML");
  begins(head + "# what is this\na\n", "t.ecsv:5: 'what is this' is no");
  EXPECT_THROW(read_ecsv(path("none.ecsv")), std::runtime_error);
  EXPECT_THROW(read_ecsv(folder_.path()), std::runtime_error);
}

}  // namespace
}  // namespace tianyan
