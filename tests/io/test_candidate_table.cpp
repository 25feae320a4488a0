// The candidates and detections tables: column order, ranks, exact MJDs, ids.
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

Candidate candidate(int beam, double time_s, double snr) {
  return {beam, time_s, 565.25, 0.5, snr, snr + 1.0, 0.000196608, 1499.93896484375, 12};
}

/// Beam 1 starts at 2020-05-31 00:00:00, beam 7 a second later.
std::vector<BeamOrigin> two_beams() {
  BeamOrigin seventh;
  seventh.beam = 7;
  seventh.start = {59000, 1.0};
  return {{1, {59000, 0.0}, 82.9946, 33.1479}, seventh};
}

const std::vector<std::string> kCommon = {"beam", "time_s",  "mjd",          "dm_pc_cm3", "dm_err_pc_cm3",
                                          "snr",  "width_s", "ref_freq_mhz", "n_members"};

TEST(CandidatesTable, HasItsColumnsInTheFixedOrder) {
  std::vector<std::string> expected = kCommon;
  expected.push_back("rank");
  expected.push_back("snr_white");
  EXPECT_EQ(names_of(candidates_table({}, {})), expected);
}

TEST(DetectionsTable, HasItsColumnsInTheFixedOrder) {
  std::vector<std::string> expected = kCommon;
  for (const char* name :
       {"n_beams", "beams", "ra_deg", "dec_deg", "pos_err_deg", "mjd_inf_bary", "class", "id", "snr_white"})
    expected.emplace_back(name);
  EXPECT_EQ(names_of(detections_table({}, {})), expected);
}

TEST(CandidatesTable, RanksByStrengthOverAllBeamsWhateverTheOrderGiven) {
  std::vector<Candidate> found = {candidate(1, 4.0, 8.5), candidate(7, 3.0, 20.25), candidate(1, 9.0, 7.1),
                                  candidate(7, 4.0, 8.5)};
  const Table table = candidates_table(found, two_beams());
  ASSERT_EQ(table.n_row(), 4u);
  const std::vector<std::string> beams = {"7", "1", "7", "1"}, snr = {"20.250", "8.500", "8.500", "7.100"};
  for (std::size_t r = 0; r < 4; ++r) {
    EXPECT_EQ(text_of(table, r, "rank"), std::to_string(r + 1));
    EXPECT_EQ(text_of(table, r, "beam"), beams[r]);
    EXPECT_EQ(text_of(table, r, "snr"), snr[r]);
  }
  std::reverse(found.begin(), found.end());
  EXPECT_EQ(format_ecsv(candidates_table(found, two_beams())), format_ecsv(table));
}

TEST(CandidatesTable, WritesOneRowAsWorkedByHand) {
  const Table table = candidates_table({candidate(7, 8.64, 20.25)}, two_beams());
  const std::string text = format_ecsv(table);
  // 8.64 s + 1 s = 9.64 s = 1.11574074074...e-4 d
  EXPECT_NE(
      text.find(
          "\n7,8.640000000,59000.000111574074,565.2500,0.5000,20.250,0.000196608,1499.938965,12,1,21.250\n"),
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
}

TEST(DetectionIds, AreUniqueWithTheStrongestKeepingThePlainOne) {
  const std::vector<Candidate> found = {candidate(1, 4.0, 8.0), candidate(1, 4.0001, 30.0),
                                        candidate(7, 3.0, 9.0)};
  EXPECT_EQ(detection_ids(found, two_beams()),
            (std::vector<std::string>{"TY20200531T000004.000_M01_2", "TY20200531T000004.000_M01",
                                      "TY20200531T000004.000_M07"}));
}

TEST(DetectionsTable, LeavesOutWhatIsNotKnownYet) {
  const Table table = detections_table({candidate(1, 4.0, 20.0), candidate(7, 3.0, 10.0)}, two_beams());
  ASSERT_EQ(table.n_row(), 2u);
  EXPECT_EQ(text_of(table, 0, "n_beams"), "1");
  EXPECT_EQ(text_of(table, 0, "beams"), "M01");
  EXPECT_EQ(text_of(table, 0, "ra_deg"), "82.994600");
  EXPECT_EQ(text_of(table, 0, "dec_deg"), "33.147900");
  EXPECT_EQ(text_of(table, 0, "class"), "unsifted");
  EXPECT_EQ(text_of(table, 0, "id"), "TY20200531T000004.000_M01");
  for (const char* name : {"pos_err_deg", "mjd_inf_bary"}) EXPECT_EQ(text_of(table, 0, name), "");
  for (const char* name : {"ra_deg", "dec_deg"}) EXPECT_EQ(text_of(table, 1, name), "");
}

TEST(CandidatesTable, RefusesACandidateOfABeamWithoutAStartTime) {
  EXPECT_THROW(candidates_table({candidate(3, 4.0, 8.5)}, two_beams()), std::invalid_argument);
  EXPECT_THROW(detections_table({candidate(3, 4.0, 8.5)}, two_beams()), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
