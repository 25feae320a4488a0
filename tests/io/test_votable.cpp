// VOTables: the text worked by hand, and astropy and stilts as independent readers; the table of detections.
#include "io/votable.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

#include "io/detection_table.hpp"
#include "io/exporter.hpp"
#include "tests/io/event_lists.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan {
namespace {

using test::has_python;
using test::read_file;
using test::run_python;
using test::TempFolder;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Table small_table() {
  Table table({{"beam", ColumnType::kInt64, "", "", ""},
               {"dm_pc_cm3", ColumnType::kFloat64, "pc / cm3", "a < b & \"c\"", "%.2f"},
               {"mjd", ColumnType::kFloat64, "d", "", "%.12f"},
               {"note", ColumnType::kString, "", "", ""}});
  table.meta = {{"n_beam", std::int64_t{19}},
                {"program", std::string("tianyan <1.0> & \"more\"")},
                {"edges_mhz", std::vector<double>{1000.0, kInf}},
                {"files", std::vector<std::string>{"a.fits", "b.fits"}}};
  table.add_row(
      {std::int64_t{7}, 565.255, std::string("59000.123456789012"), std::string("<Łukasz> & \"ń\"")});
  table.add_row({std::monostate(), kNan, std::monostate(), std::monostate()});
  table.add_row({std::int64_t{-1}, kInf, 59000.5, std::string("line\nbreak \xff")});
  return table;
}

TEST(Votable, WritesTheTextWorkedByHand) {
  Table table({{"beam", ColumnType::kInt64, "", "", ""},
               {"dm_pc_cm3", ColumnType::kFloat64, "pc / cm3", "D < M", ""}});
  table.meta = {{"n", std::int64_t{2}}, {"by", std::string("a & b")}};
  table.add_row({std::int64_t{7}, 0.5});
  table.add_row({std::monostate(), kNan});
  EXPECT_EQ(format_votable(table), R"(<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
 <RESOURCE type="results">
  <TABLE>
   <INFO name="by" value="a &amp; b" />
   <PARAM name="n" datatype="long" value="2" />
   <FIELD name="beam" datatype="long" ucd="meta.id;instr.beam" />
   <FIELD name="dm_pc_cm3" datatype="double" unit="pc/cm**3" ucd="phys.dispMeasure">
    <DESCRIPTION>D &lt; M</DESCRIPTION>
   </FIELD>
   <DATA>
    <TABLEDATA>
     <TR>
      <TD>7</TD>
      <TD>0.5</TD>
     </TR>
     <TR>
      <TD />
      <TD />
     </TR>
    </TABLEDATA>
   </DATA>
  </TABLE>
 </RESOURCE>
</VOTABLE>
)");
}

TEST(Votable, KeepsDigitsThatADoubleCannotHold) {
  EXPECT_NE(format_votable(small_table()).find("<TD>59000.123456789012</TD>"), std::string::npos);
}

/// Any warning fails: of a UCD that is not in the vocabulary, of a unit that is no VOUnit.
TEST(Votable, IsReadByAstropyWithUnitsMasksTextsFramesAndMetadata) {
  if (!has_python("astropy.io.votable")) GTEST_SKIP() << "/usr/bin/python3 with astropy is missing";
  const TempFolder folder;
  export_format("votable").write(test::event_list(), folder.path());
  run_python(R"(
import sys, warnings
import numpy as np
from astropy.io import votable
from astropy.io.votable import exceptions
warnings.simplefilter('error', exceptions.VOWarning)
file = votable.parse(sys.argv[1], verify='exception')
table = file.get_first_table()
assert file.version == '1.4'
assert table.get_field_by_id_or_name('mjd').ucd == 'time.epoch'
assert [i.name for i in table.infos] == ['program', 'files', 'files'], [i.name for i in table.infos]
assert [i.value for i in table.infos] == ['tianyan <1.0> & "more"', 'a.fits', 'b.fits']
params = {p.name: p.value for p in table.params}
assert params['n_beam'] == 19 and list(params['edges_mhz']) == [1000.0, np.inf], params
t = table.to_table()
assert t.colnames == ['beam', 'dm_pc_cm3', 'mjd', 'note'], t.colnames
assert t['dm_pc_cm3'].unit == 'pc / cm3' and t['dm_pc_cm3'].description == 'a < b & "c"', t['dm_pc_cm3'].unit
assert t['mjd'].unit == 'd' and t['beam'].dtype == 'int64'
assert list(t['beam'].mask) == [False, True, False] and t['beam'][0] == 7 and t['beam'][2] == -1
assert t['dm_pc_cm3'][0] in (565.25, 565.26) and t['dm_pc_cm3'][2] == np.inf
assert np.ma.is_masked(t['dm_pc_cm3'][1]) or np.isnan(t['dm_pc_cm3'][1])
assert np.ma.is_masked(t['mjd'][1]) or np.isnan(t['mjd'][1])
assert t['mjd'][0] == 59000.123456789012 and t['mjd'][2] == 59000.5
notes = [str(s) for s in np.ma.filled(t['note'], '')]
assert notes == ['<\u0141ukasz> & "\u0144"', '', 'line break \ufffd'], notes

# The table of detections.
file = votable.parse(sys.argv[2], verify='exception')
table = file.get_first_table()
resource = file.resources[0]
frames = {s.ID: s.timescale for s in resource.time_systems}
frames.update({s.ID: s.system for s in resource.coordinate_systems})
assert {f.name: frames[f.ref] for f in table.fields if f.ref} == {
    'mjd': 'UTC', 'ra_deg': 'ICRS', 'dec_deg': 'ICRS', 'pos_err_deg': 'ICRS', 'mjd_inf_bary': 'TDB'}
t = table.to_table()
assert [str(v) for v in t['class']] == ['astrophysical', 'astrophysical', 'known:B0531+21']
assert list(t['n_beams']) == [2, 1, 1] and str(t['beams'][0]) == 'M07 M01'
assert list(t['scan']) == [0, 1, 0] and t['ra_deg'][0] == 83.633
assert str(t['reasons'][0]) == "2 neighbouring beams; DM above the Galaxy's <100 & more>"
assert {p.name: p.value for p in table.params}['dispersion_constant_s_mhz2_cm3_pc'] == 1 / 2.41e-4
)",
             {folder.write("t.vot", format_votable(small_table())), folder / "detections.vot"});
}

TEST(Votable, PassesTheCheckOfStilts) {
  if (std::system("command -v stilts >/dev/null") != 0) GTEST_SKIP() << "stilts is missing";
  const TempFolder folder;
  export_format("votable").write(test::event_list(), folder.path());
  const std::string small = folder.write("small.vot", format_votable(small_table()));
  for (const std::string& path : {folder / "detections.vot", small}) {
    const std::string command =
        fmt::format("stilts votlint votable='{}' out='{}' 2>&1", path, folder / "said");
    EXPECT_EQ(std::system(command.c_str()), 0);
    EXPECT_EQ(read_file(folder / "said"), "");
  }
}

TEST(Votable, OfNoDetectionHasItsHeaderAlone) {
  const TempFolder folder;
  export_format("votable").write({}, folder.path());
  const std::string text = read_file(folder / "detections.vot");
  EXPECT_NE(text.find("name=\"mjd_inf_bary\""), std::string::npos);
  EXPECT_NE(text.find("<TABLEDATA />"), std::string::npos);
  EXPECT_EQ(text.find("<TR>"), std::string::npos);
}

TEST(DetectionsTable, OfAListHasItsColumnsInTheFixedOrder) {
  const Table table = detections_table({});
  std::vector<std::string> names;
  for (const Column& column : table.columns()) names.push_back(column.name);
  const std::vector<std::string> expected = {
      "beam",         "time_s",    "mjd",     "dm_pc_cm3", "dm_err_pc_cm3", "snr",     "width_s",
      "ref_freq_mhz", "n_members", "n_beams", "beams",     "ra_deg",        "dec_deg", "pos_err_deg",
      "mjd_inf_bary", "class",     "id",      "snr_white", "scan",          "reasons"};
  EXPECT_EQ(names, expected);
}

TEST(DetectionsTable, OfAListHasTheCellsWorkedByHand) {
  const Table table = detections_table(test::event_list());
  ASSERT_EQ(table.n_row(), 3u);
  const auto texts = [&](std::size_t r) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < table.columns().size(); ++i)
      all.push_back(cell_text(table.columns()[i], table.row(r)[i]));
    return all;
  };
  // 4.5 s and 0.25 s are 52083333.3e-12 and 2893518.5e-12 of a day.
  const std::vector<std::string> first = {"7",
                                          "3.500000000",
                                          "59000.000052083333",
                                          "565.2500",
                                          "0.5000",
                                          "30.000",
                                          "0.001000000",
                                          "1499.938965",
                                          "12",
                                          "2",
                                          "M07 M01",
                                          "83.633000",
                                          "22.014500",
                                          "0.012500",
                                          "59000.000002893519",
                                          "astrophysical",
                                          "TY20200531T000004.500_M07",
                                          "31.000",
                                          "0",
                                          "2 neighbouring beams; DM above the Galaxy's <100 & more>"};
  EXPECT_EQ(texts(0), first);
  for (const char* missing : {"ra_deg", "dec_deg", "pos_err_deg", "mjd_inf_bary"})
    EXPECT_TRUE(is_missing(table.row(1)[table.column_index(missing)])) << missing;
  EXPECT_EQ(texts(2)[15], "known:B0531+21");
}

}  // namespace
}  // namespace tianyan
