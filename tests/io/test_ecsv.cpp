// ECSV tables: the text worked by hand, refusals of bad tables, and astropy as an independent reader.
#include "io/ecsv.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "io/atomic_file.hpp"
#include "io/ecsv_reader.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class Ecsv : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ / name; }

  test::TempFolder folder_;
};

Table small_table() {
  Table table({{"beam", ColumnType::kInt64, "", "", ""},
               {"time_s", ColumnType::kFloat64, "s", "Arrival", "%.3f"},
               {"class", ColumnType::kString, "", "", ""}});
  table.meta = {{"program", std::string("tianyan: 1.0")},
                {"dispersion_constant", 1.0 / 2.41e-4},
                {"n_beam", std::int64_t{19}},
                {"files", std::vector<std::string>{"a b.fits", "say \"x\"\\y"}},
                {"edges_mhz", std::vector<double>{1000.0, 1e20}}};
  table.add_row({std::int64_t{7}, 1.23456, std::string("rfi")});
  table.add_row({std::int64_t{19}, kNan, std::string("known:B0531+21, \"Crab\"")});
  table.add_row({std::monostate(), 0.5, std::string("# two\nlines")});
  return table;
}

TEST_F(Ecsv, WritesTheTextWorkedByHand) {
  EXPECT_EQ(
      format_ecsv(small_table()),
      "# %ECSV 1.0\n"
      "# ---\n"
      "# delimiter: ','\n"
      "# datatype:\n"
      "# - {name: \"beam\", datatype: int64}\n"
      "# - {name: \"time_s\", unit: \"s\", datatype: float64, format: \"%.3f\", description: \"Arrival\"}\n"
      "# - {name: \"class\", datatype: string}\n"
      "# meta: !!omap\n"
      "# - {\"program\": \"tianyan: 1.0\"}\n"
      "# - {\"dispersion_constant\": 4149.377593360996}\n"
      "# - {\"n_beam\": 19}\n"
      "# - {\"files\": [\"a b.fits\", \"say \\\"x\\\"\\\\y\"]}\n"
      "# - {\"edges_mhz\": [1000.0, 1.0e+20]}\n"
      "# schema: astropy-2.0\n"
      "beam,time_s,class\n"
      "7,1.235,rfi\n"
      "19,\"\",\"known:B0531+21, \"\"Crab\"\"\"\n"
      "\"\",0.500,\"# two lines\"\n");
}

TEST_F(Ecsv, WritesTheFileUnderItsOwnNameOnly) {
  write_ecsv(path("t.ecsv"), small_table());
  std::ifstream in(path("t.ecsv"));
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), format_ecsv(small_table()));
  const std::filesystem::directory_iterator files(folder_.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(Ecsv, NamesTheFileThatCannotBeWritten) {
  std::ofstream(path("file")) << "not a folder";
  try {
    write_ecsv(path("file/t.ecsv"), small_table());
    FAIL() << "wrote into a file as if it were a folder";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("file/t.ecsv"), std::string::npos) << error.what();
  }
}

TEST_F(Ecsv, ReportsAFullDisk) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const std::string target = path("t.ecsv");
  const std::string temporary = AtomicFile(target).temporary_path();
  std::filesystem::create_symlink("/dev/full", temporary);
  EXPECT_THROW(write_ecsv(target, small_table()), std::runtime_error);
  EXPECT_FALSE(std::filesystem::exists(target));
}

TEST_F(Ecsv, IsReadByAstropyWithUnitsMasksAndMetadata) {
  if (std::system("/usr/bin/python3 -c 'import astropy, yaml' 2>/dev/null") != 0)
    GTEST_SKIP() << "/usr/bin/python3 has no astropy";
  write_ecsv(path("t.ecsv"), small_table());
  std::ofstream(path("check.py")) << R"(
import sys
from astropy.table import Table
t = Table.read(sys.argv[1], format='ascii.ecsv')
assert t.colnames == ['beam', 'time_s', 'class'], t.colnames
assert str(t['time_s'].unit) == 's' and t['time_s'].description == 'Arrival'
assert t['beam'].dtype == 'int64' and t['time_s'].dtype == 'float64'
assert list(t['beam'].mask) == [False, False, True], t['beam']
assert list(t['time_s'].mask) == [False, True, False], t['time_s']
assert list(t['beam'][:2]) == [7, 19] and t['time_s'][2] == 0.5 and t['time_s'][0] == 1.235
assert list(t['class']) == ['rfi', 'known:B0531+21, "Crab"', '# two lines'], list(t['class'])
assert list(t.meta) == ['program', 'dispersion_constant', 'n_beam', 'files', 'edges_mhz'], t.meta
assert t.meta['program'] == 'tianyan: 1.0' and t.meta['n_beam'] == 19
assert t.meta['dispersion_constant'] == 1 / 2.41e-4
assert t.meta['files'] == ['a b.fits', 'say "x"\\y'] and t.meta['edges_mhz'] == [1000.0, 1e20]
)";
  EXPECT_EQ(std::system(("/usr/bin/python3 '" + path("check.py") + "' '" + path("t.ecsv") + "'").c_str()), 0);
}

// Latin-1, GBK, and U+0085, at which YAML breaks lines.
TEST_F(Ecsv, OfAnyBytesIsReadByAstropyAndByUs) {
  Table table({{"name", ColumnType::kString, "", "Sgr A\xb0", ""}});
  table.add_row({std::string("Sgr A\xb0, \xcc\xec\xd1\xdb \xc2\x85.")});
  table.meta = {{"file", std::string("\xcc\xec\xd1\xdb\n\xc2\x85.fits")},
                {"files", std::vector<std::string>{"天眼.fits", "\xff"}}};
  write_ecsv(path("t.ecsv"), table);
  const Table read = read_ecsv(path("t.ecsv"));
  EXPECT_EQ(std::get<std::string>(read.row(0)[0]), "Sgr A\ufffd, \ufffd\ufffd\ufffd\ufffd  .");
  EXPECT_EQ(std::get<std::string>(read.meta[0].value), "\ufffd\ufffd\ufffd\ufffd\n\u0085.fits");
  if (std::system("/usr/bin/python3 -c 'import astropy, yaml' 2>/dev/null") != 0)
    GTEST_SKIP() << "/usr/bin/python3 has no astropy";
  std::ofstream(path("check.py")) << R"(
import sys
from astropy.table import Table
t = Table.read(sys.argv[1], format='ascii.ecsv')
assert t['name'][0] == 'Sgr A\ufffd, ' + 4 * '\ufffd' + '  .', t['name']
assert t.meta['file'] == 4 * '\ufffd' + '\n\x85.fits', t.meta
assert t.meta['files'] == ['天眼.fits', '\ufffd'], t.meta
)";
  EXPECT_EQ(std::system(("/usr/bin/python3 '" + path("check.py") + "' '" + path("t.ecsv") + "'").c_str()), 0);
}

TEST_F(Ecsv, WritesDigitsThatADoubleCannotHold) {
  Table table({{"mjd", ColumnType::kFloat64, "d", "", "%.12f"}});
  table.add_row({std::string("58999.123456789012")});
  EXPECT_NE(format_ecsv(table).find("\n58999.123456789012\n"), std::string::npos);
  EXPECT_THROW(table.add_row({std::string("58999.1 d")}), std::invalid_argument);
}

TEST_F(Ecsv, RefusesRowsAndColumnsThatDoNotFit) {
  Table table = small_table();
  EXPECT_THROW(table.add_row({std::int64_t{1}, 0.0}), std::invalid_argument);
  EXPECT_THROW(table.add_row({1.0, 0.0, std::string("x")}), std::invalid_argument);
  EXPECT_THROW(table.add_row({std::int64_t{1}, std::int64_t{0}, std::string("x")}), std::invalid_argument);
  EXPECT_THROW(table.column_index("dm"), std::invalid_argument);
  EXPECT_THROW(Table({{"a", ColumnType::kInt64, "", "", ""}, {"a", ColumnType::kInt64, "", "", ""}}),
               std::invalid_argument);
  EXPECT_THROW(Table({{"", ColumnType::kInt64, "", "", ""}}), std::invalid_argument);
  EXPECT_THROW(Table({{"a", ColumnType::kInt64, "", "", "%.3f"}}), std::invalid_argument);
  for (const char* format : {"%.3f%s", "%.3", "%1.2.3f", "%100f", "%.100f", "%3 f"})
    EXPECT_THROW(Table({{"a", ColumnType::kFloat64, "", "", format}}), std::invalid_argument) << format;
}

}  // namespace
}  // namespace tianyan
