// Catalogues of known sources: each format by hand, rows that are skipped, and the list that comes with the
// program.
#include "io/catalogue.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tianyan {
namespace {

constexpr double kArcsecDeg = 1.0 / 3600.0;

class CatalogueFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = ::testing::TempDir() + "tianyan_catalogue_" + test->name() + std::to_string(::getpid());
  }
  void TearDown() override { std::filesystem::remove(path_); }
  Catalogue read(const std::string& text) const {
    std::ofstream(path_) << text;
    return read_catalogue(path_);
  }

  std::string path_;
};

std::string error_of(const std::string& path) {
  try {
    read_catalogue(path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "read without an error";
}

TEST_F(CatalogueFiles, ReadsTheAtnfDatabase) {
  const Catalogue catalogue = read(
      "#CATALOGUE 1.58\n"
      "#\n"
      "PSRJ     J0002+6216                    cwp+17      \n"
      "RAJ      00:02:58.17              2    cwp+17      \n"
      "DECJ     +62:16:09.4              1    cwp+17      \n"
      "F0       8.6682478274             1    cwp+17      \n"
      "@-----------------------------------------------------------------\n"
      "PSRB     B0329+54                      cp68        \n"
      "PSRJ     J0332+5434                                \n"
      "RAJ      03:32:59.368             5    hlk+04      \n"
      "DECJ     54:34:43.57              7    hlk+04      \n"
      "F0       1.399541538720           6    hlk+04      \n"
      "F1       -4.011970E-15            14   hlk+04      \n"
      "PEPOCH   46473.00                      hlk+04      \n"
      "DM       26.7641                  1    hsh+12      \n"
      "DM       26.833                   10   older      \n"
      "@-----------------------------------------------------------------\n"
      "PSRJ     J1713+0747                    fwc93       \n"
      "ELONG    256.668695267            4    abb+18      \n"
      "ELAT     30.700360514             6    abb+18      \n"
      "P0       0.00457013652            14   abb+18      \n"
      "DM       15.917                   16   abb+18      \n"
      "BINARY   T2                            abb+18      \n"
      "@-----------------------------------------------------------------\n"
      "PSRJ     J0011+08                      dsm+16      \n"
      "RAJ      00:11:34                 114  dsm+16      \n"
      "DECJ     -00:10                   8    dsm+16      \n"
      "DM       24.9                          dsm+16      \n");
  ASSERT_EQ(catalogue.sources.size(), 3U);
  EXPECT_EQ(catalogue.n_skipped, 1);
  EXPECT_EQ(catalogue.notes, (std::vector<std::string>{path_ + ":3: J0002+6216 has no DM"}));
  const KnownSource& b0329 = catalogue.sources[0];
  EXPECT_EQ(b0329.name, "B0329+54");
  EXPECT_EQ(b0329.other_names, std::vector<std::string>{"J0332+5434"});
  EXPECT_NEAR(b0329.position.ra_deg, 53.2473666667, 1e-9);
  EXPECT_NEAR(b0329.position.dec_deg, 54.5787694444, 1e-9);
  EXPECT_EQ(b0329.dm_pc_cm3, 26.7641);
  EXPECT_DOUBLE_EQ(b0329.dm_err_pc_cm3, 0.0001);
  EXPECT_NEAR(b0329.period_s, 0.714519699726, 1e-12);
  EXPECT_NEAR(b0329.period_dot, 2.04826e-15, 1e-20);
  EXPECT_EQ(b0329.epoch_mjd, 46473.0);
  EXPECT_FALSE(b0329.is_binary);
  const KnownSource& j1713 = catalogue.sources[1];  // 17:13:49.53 +07:47:37.5 in equatorial coordinates
  EXPECT_NEAR(j1713.position.ra_deg, 258.456375, kArcsecDeg);
  EXPECT_NEAR(j1713.position.dec_deg, 7.793750, kArcsecDeg);
  EXPECT_DOUBLE_EQ(j1713.dm_err_pc_cm3, 0.016);
  EXPECT_EQ(j1713.period_s, 0.00457013652);
  EXPECT_TRUE(j1713.is_binary);
  EXPECT_NEAR(catalogue.sources[2].position.dec_deg, -1.0 / 6.0, 1e-12);
  // 114 s of right ascension near the equator and 8 arcmin.
  EXPECT_NEAR(catalogue.sources[2].pos_err_deg, std::hypot(114.0 * 15.0 / 3600.0, 8.0 / 60.0), 1e-5);
  EXPECT_TRUE(std::isnan(catalogue.sources[2].period_s));
  EXPECT_TRUE(std::isnan(catalogue.sources[2].dm_err_pc_cm3));
}

TEST_F(CatalogueFiles, ReadsPsrcatsCsvWithErrorsUnitsAndReferences) {
  const Catalogue catalogue = read(
      "#;NAME;;PSRJ;;RAJ;;;DECJ;;;P0;;;DM;;;BINARY;;\n"
      ";;;;;(hms);;;(dms);;;(s);;;(cm^-3 pc);;;(type);;\n"
      "1;B0531+21;sr68;J0534+2200;;05:34:31.973;5.0e-03;mcn71;+22:00:52.06;6e-02;mcn71;0.033392;1e-9;ljg+15;"
      "56.77118;0.00024;bkk+16;*;;\n"
      "2;J1713+0747;fwc93;J1713+0747;;17:13:49.53;*;x;+07:47:37.5;*;x;0.00457;*;x;15.917;*;x;T2;abb+18;\n"
      "3;J0002+6216;cwp+17;J0002+6216;;00:02:58.17;*;x;+62:16:09.4;*;x;0.115;*;x;*;0;*;*;*;\n");
  ASSERT_EQ(catalogue.sources.size(), 2U);
  EXPECT_EQ(catalogue.n_skipped, 1);
  EXPECT_EQ(catalogue.sources[0].name, "B0531+21");
  EXPECT_NEAR(catalogue.sources[0].position.ra_deg, 83.6332208333, 1e-9);
  EXPECT_EQ(catalogue.sources[0].dm_err_pc_cm3, 0.00024);
  EXPECT_EQ(catalogue.sources[0].period_s, 0.033392);
  EXPECT_FALSE(catalogue.sources[0].is_binary);
  EXPECT_TRUE(catalogue.sources[1].is_binary);
  EXPECT_TRUE(catalogue.sources[1].other_names.empty());
}

TEST_F(CatalogueFiles, ReadsPsrcatsShortCsv) {
  const Catalogue catalogue = read(
      "#;PSRJ;RAJ;DECJ;P0;DM;\n"
      "1;J0332+5434;03:32:59.3;+54:34:43.5;0.714520;26.76;\n");
  ASSERT_EQ(catalogue.sources.size(), 1U);
  EXPECT_EQ(catalogue.sources[0].name, "J0332+5434");
  EXPECT_EQ(catalogue.sources[0].period_s, 0.71452);
}

TEST_F(CatalogueFiles, ReadsListsOfBurstsWithTheirColumnNames) {
  const Catalogue chime = read(
      "tns_name\tprevious_name\trepeater_name\tra\tra_err\tdec\tdec_err\tdm_fitb\tdm_fitb_err\n"
      "FRB20180725A\tx\t-9999\t93.420\t0.03\t60.0\t0.02\t715.8093\t0.0041\n"
      "FRB20180814A\tx\tFRB20180814A\t65.54\t0.19\t73.63\t0.27\t189.286\t0.076\n"
      "FRB20180911C\tx\tFRB20180814A\t65.54\t0.19\t73.63\t0.27\t189.84\t0.18\n");
  ASSERT_EQ(chime.sources.size(), 2U);
  EXPECT_EQ(chime.n_repeated, 1);
  EXPECT_EQ(chime.sources[0].name, "FRB20180725A");
  EXPECT_EQ(chime.sources[0].position.ra_deg, 93.42);
  EXPECT_NEAR(chime.sources[0].pos_err_deg, std::hypot(0.015, 0.02), 1e-12);
  EXPECT_EQ(chime.sources[0].dm_err_pc_cm3, 0.0041);
  const Catalogue tns = read(
      "\"ID\",\"Name\",\"RA\",\"RA_err\",\"DECL\",\"DECL_err\",\"DM\",\"Repeater_of_objid\"\n"
      "66119,\"FRB 20200906A\",03:35:00.000,25 arcmin,-14:04:00.00,0.5 deg,577.8,\n"
      "58774,\"FRB 20200423A\",01:58:00.634,,+65:43:00.63,,349.8,\"FRB  20180916B\"\n");
  ASSERT_EQ(tns.sources.size(), 2U);
  EXPECT_EQ(tns.sources[0].position.ra_deg, 53.75);
  EXPECT_NEAR(tns.sources[0].pos_err_deg, std::hypot(25.0 / 60.0 * std::cos(0.24551), 0.5), 1e-5);
  EXPECT_EQ(tns.sources[1].name, "FRB 20180916B");
  EXPECT_EQ(tns.sources[1].other_names, std::vector<std::string>{"FRB 20200423A"});
  const Catalogue frbcat = read(
      "# a list\n"
      ",frb_name,rop_raj,rop_decj,rmp_dm,rmp_dm_error\n"
      "0,FRB010125,19:06:53,-40:37:14,790.3,3\n"
      "1,FRB010724,01:22:30,-75:36.33,375,3\n");
  ASSERT_EQ(frbcat.sources.size(), 2U);
  EXPECT_NEAR(frbcat.sources[1].position.dec_deg, -75.6055, 1e-9);
}

TEST_F(CatalogueFiles, ReadsEcsvWithHoursAndDegrees) {
  const std::string head =
      "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: Name, datatype: string}\n# - {name: RA, unit: %, "
      "datatype: float64}\n# - {name: Dec, unit: deg, datatype: float64}\n# - {name: DM, datatype: "
      "float64}\n";
  const auto with_unit = [&](std::string unit) {
    std::string text = head;
    text.replace(text.find('%', 5), 1, unit);
    return text + "Name RA Dec DM\n\"FRB 1\" 12.5 -5 100\nB2 1.0 2.0 \"\"\n";
  };
  EXPECT_EQ(read(with_unit("hourangle")).sources.at(0).position.ra_deg, 187.5);
  const Catalogue degrees = read(with_unit("deg"));
  EXPECT_EQ(degrees.sources.at(0).position.ra_deg, 12.5);
  EXPECT_EQ(degrees.sources.at(0).name, "FRB 1");
  EXPECT_EQ(degrees.notes, std::vector<std::string>{path_ + ": row 2: B2 has no DM"});
}

TEST_F(CatalogueFiles, SkipsAndCountsRowsThatAreNoSources) {
  std::string text = "name,ra (hours),dec,dm,period\n";
  text +=
      ",1,2,3,\nA,x,2,3,\nB,25,2,3,\nC,1,91,3,\nD,1,2,-3,\nE,1,2,3,-1\nF,1,2\nG,1:61:00,2,3\nH,2,2,3,0.5\n";
  const Catalogue catalogue = read(text);
  ASSERT_EQ(catalogue.sources.size(), 1U);
  EXPECT_EQ(catalogue.sources[0].position.ra_deg, 30.0);
  EXPECT_EQ(catalogue.n_skipped, 8);
  EXPECT_EQ(catalogue.notes[0], path_ + ":2: a row has no name");
  EXPECT_EQ(catalogue.notes[2], path_ + ":4: B is at ra 375 deg, dec 2 deg");
  for (int i = 0; i < 30; ++i) text += "Z" + std::to_string(i) + ",,,\n";
  const Catalogue longer = read(text);
  EXPECT_EQ(longer.n_skipped, 38);
  ASSERT_EQ(longer.notes.size(), 6U);
  EXPECT_EQ(longer.notes.back(), path_ + ": 33 more rows are skipped");
}

TEST_F(CatalogueFiles, RefusesWhatIsNoCatalogue) {
  EXPECT_NE(error_of("/no/such/file").find("/no/such/file"), std::string::npos);
  for (const char* text : {"", "a,b\n1,2\n", "just some text\nof two lines\n", "name,ra,dec\nA,1,2\n"}) {
    std::ofstream(path_) << text;
    EXPECT_EQ(error_of(path_).substr(0, path_.size() + 1), path_ + ":") << text;
  }
}

const std::string kOwnList = std::string(TIANYAN_SOURCE_DIR) + "/configs/known_sources.ecsv";

/// FAST sees declinations of -14 to 65.7 degrees: 40 degrees about its zenith.
TEST(KnownSources, AllRowsOfTheOwnListCanBeMatched) {
  const Catalogue catalogue = read_catalogue(kOwnList);
  EXPECT_EQ(catalogue.n_skipped + catalogue.n_repeated, 0);
  EXPECT_GE(catalogue.sources.size(), 25U);
  EXPECT_EQ(catalogue.sources[1].other_names, std::vector<std::string>{"J0304+1932"});
  for (const KnownSource& source : catalogue.sources) {
    EXPECT_GT(source.dm_pc_cm3, 2.0) << source.name;
    EXPECT_GT(source.position.dec_deg, -14.4) << source.name;
    EXPECT_LT(source.position.dec_deg, 65.8) << source.name;
    EXPECT_EQ(std::isnan(source.period_s), source.name.starts_with("FRB")) << source.name;
  }
}

TEST(KnownSources, AreReadByAstropy) {
  if (std::system("/usr/bin/python3 -c 'import astropy, yaml' 2>/dev/null") != 0)
    GTEST_SKIP() << "/usr/bin/python3 has no astropy";
  const std::string program =
      "import sys; from astropy.table import Table; t = Table.read(sys.argv[1], format='ascii.ecsv'); "
      "crab = t[t['name'] == 'B0531+21'][0]; assert abs(crab['dm'] - 56.771) < 0.01; "
      "assert str(t['ra_deg'].unit) == 'deg' and len(t.meta['sources']) > 3";
  EXPECT_EQ(std::system(("/usr/bin/python3 -c \"" + program + "\" '" + kOwnList + "'").c_str()), 0);
}

}  // namespace
}  // namespace tianyan
