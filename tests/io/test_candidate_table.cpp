// The candidates table: column order, ranks, exact MJDs, ids.
#include "io/candidate_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "io/ecsv.hpp"

namespace tianyan {
namespace {

std::string text_of(const Table& table, std::size_t r, const std::string& name) {
  const std::size_t i = table.column_index(name);
  return cell_text(table.columns()[i], table.row(r)[i]);
}

std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const Column& column : table.columns()) names.push_back(column.name);
  return names;
}

CandidateRow row(int beam, double time_s, double snr) {
  return {{beam, time_s, 565.25, 0.5, snr, snr + 1.0, 0.000196608, 1499.93896484375, 12},
          Mjd{59000, 1.0}.plus_seconds(time_s),
          "rfi",
          "TY20200531T000009.640_M07",
          "far beams at once"};
}

TEST(CandidatesTable, HasItsColumnsInTheFixedOrder) {
  EXPECT_EQ(names_of(candidates_table({})),
            (std::vector<std::string>{"beam", "time_s", "mjd", "dm_pc_cm3", "dm_err_pc_cm3", "snr", "width_s",
                                      "ref_freq_mhz", "n_members", "rank", "snr_white", "class", "detection",
                                      "reasons"}));
}

TEST(CandidatesTable, RanksByStrengthOverAllBeamsWhateverTheOrderGiven) {
  std::vector<CandidateRow> found = {row(1, 4.0, 8.5), row(7, 3.0, 20.25), row(1, 9.0, 7.1),
                                     row(7, 4.0, 8.5)};
  const Table table = candidates_table(found);
  ASSERT_EQ(table.n_row(), 4u);
  const std::vector<std::string> beams = {"7", "1", "7", "1"}, snr = {"20.250", "8.500", "8.500", "7.100"};
  for (std::size_t r = 0; r < 4; ++r) {
    EXPECT_EQ(text_of(table, r, "rank"), std::to_string(r + 1));
    EXPECT_EQ(text_of(table, r, "beam"), beams[r]);
    EXPECT_EQ(text_of(table, r, "snr"), snr[r]);
  }
  std::reverse(found.begin(), found.end());
  EXPECT_EQ(format_ecsv(candidates_table(found)), format_ecsv(table));
}

TEST(CandidatesTable, WritesOneRowAsWorkedByHand) {
  const std::string text = format_ecsv(candidates_table({row(7, 8.64, 20.25)}));
  // 8.64 s + 1 s = 9.64 s = 1.11574074074...e-4 d
  EXPECT_NE(
      text.find("\n7,8.640000000,59000.000111574074,565.2500,0.5000,20.250,0.000196608,1499.938965,12,1,"
                "21.250,rfi,TY20200531T000009.640_M07,\"far beams at once\"\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("unit: \"pc / cm3\""), std::string::npos);
}

TEST(MjdDigits, AreExactToTwelveDecimals) {
  EXPECT_EQ(mjd_digits({59000, 0.0}), "59000.000000000000");
  EXPECT_EQ(mjd_digits({59000, 43200.0}), "59000.500000000000");
  EXPECT_EQ(mjd_digits({59000, 1.0}), "59000.000011574074");
  // The last microsecond of a day, and a time that rounds up into the next day.
  EXPECT_EQ(mjd_digits({59000, 86399.999999}), "59000.999999999988");
  EXPECT_EQ(mjd_digits({59000, std::nextafter(86400.0, 0.0)}), "59001.000000000000");
  EXPECT_THROW(mjd_digits({-1, 0.0}), std::invalid_argument);
  EXPECT_THROW(mjd_digits({59000, std::nan("")}), std::invalid_argument);
}

TEST(DetectionId, IsTheUtcOfTheArrivalAndTheBeam) {
  EXPECT_EQ(detection_id({59000, 4.0}, 1), "TY20200531T000004.000_M01");
  EXPECT_EQ(detection_id({58849, 86399.9996}, 19), "TY20200102T000000.000_M19");
  EXPECT_EQ(detection_id({51603, 45296.789}, 0), "TY20000229T123456.789_M00");
  EXPECT_EQ(detection_id({57753, 43200.0}, 1), "TY20161231T120000.000_M01");  // a day of 86401 s
  EXPECT_EQ(detection_id({57753, 86399.9996}, 1), "TY20170101T000000.000_M01");
  EXPECT_THROW(detection_id({-3000000, 0.0}, 1), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
