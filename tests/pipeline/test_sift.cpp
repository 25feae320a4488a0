// Classes of events by what their candidates say: beams, DMs, positions, periods, scans.
#include "pipeline/sift.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/base/units.hpp"
#include "pipeline/sift_times.hpp"
#include "tests/pipeline/sift_test.hpp"

namespace tianyan {
namespace {

TEST(Sift, PulseBetweenBeamsIsOneDetectionAtItsPlace) {
  for (const double rotation : {0.0, 23.4}) {
    auto beams = all_beams(rotation);
    const auto m03 = beam_offset(3, rotation), m01 = beam_offset(1, rotation);
    const SkyOffset at{0.54 * m03.east_arcmin + 0.46 * m01.east_arcmin,
                       0.54 * m03.north_arcmin + 0.46 * m01.north_arcmin};
    add_source(beams, at, 5.0, kDm, 300.0, rotation);
    const auto result = sifted(beams);
    ASSERT_EQ(result.groups.size(), 1u);
    const auto& d = result.groups[0].detection;
    EXPECT_EQ(d.class_name(), "astrophysical") << text_of(d);
    EXPECT_EQ(d.best.beam, 3);
    EXPECT_GE(d.beams.size(), 2u);
    EXPECT_EQ(d.beams[0], 3);
    const auto truth = at_offset({83.633, 22.0145}, at);
    // 68 % of sources are nearer than the error; 99.99 % of a Gaussian within 2.8 times it.
    EXPECT_LT(separation_deg(d.position, truth), 2.8 * d.pos_err_deg) << rotation;
    EXPECT_LT(d.pos_err_deg * 60.0, 1.0);
    EXPECT_NEAR(result.scans[0].observation.rotation_deg, rotation, 1e-3);
  }
}

TEST(Sift, PulseInAllBeamsIsInterferenceAndNoneOfItsCandidatesIsLost) {
  auto beams = all_beams();
  for (auto& beam : beams) add(beam, 5.0 + 1e-4 * beam.beam, kDm, 20.0 + beam.beam);
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 1u);
  const auto& d = result.groups[0].detection;
  EXPECT_EQ(d.class_name(), "rfi");
  EXPECT_EQ(d.beams.size(), 19u);
  EXPECT_EQ(d.best.n_members, 19 * 5);
  EXPECT_NE(text_of(d).find("far beams at once"), std::string::npos) << text_of(d);
  for (const auto& beam : result.group_of) EXPECT_EQ(beam, std::vector<std::size_t>{0});
}

TEST(Sift, SidelobesOfAStrongPulseDoNotMakeItInterference) {
  auto beams = all_beams();
  add_source(beams, {0.3, 0.2}, 5.0, kDm, 2000.0);
  add(beams[13], 5.0, kDm, 30.0);  // 1.5 % of it, 9.9' and more away
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 1u);
  EXPECT_EQ(result.groups[0].detection.class_name(), "astrophysical") << text_of(result.groups[0].detection);
}

TEST(Sift, EqualStrengthsInNeighboursAreNoPointSource) {
  auto beams = all_beams();
  for (int b = 1; b <= 7; ++b) add(beams[static_cast<std::size_t>(b) - 1], 5.0, kDm, b == 1 ? 50.0 : 45.0);
  // M02..M07 are not all neighbours of M01's neighbours: the strongest is M01, all others are next to it.
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 1u);
  EXPECT_EQ(result.groups[0].detection.class_name(), "rfi");
  EXPECT_NE(text_of(result.groups[0].detection).find("not those of a point source"), std::string::npos);
}

TEST(Sift, PulsesTwentyMillisecondsApartAreTwo) {
  auto beams = all_beams();
  add(beams[9], 5.0, kDm, 30.0, 4e-3);
  add(beams[9], 5.02, kDm, 25.0, 4e-3);
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 2u);
  EXPECT_NE(result.groups[0].detection.id, result.groups[1].detection.id);
  EXPECT_EQ(result.group_of[9], (std::vector<std::size_t>{0, 1}));
}

TEST(Sift, BeamsThatStartAtDifferentTimesAreComparedByTheClock) {
  auto beams = all_beams();
  beams[1].info.start = beams[1].info.start.plus_seconds(2.5);
  add(beams[0], 5.0, kDm, 100.0);
  add(beams[1], 2.5, kDm, 12.0);
  EXPECT_EQ(sifted(beams).groups.size(), 1u);
  EXPECT_EQ(sifted(beams).scans.size(), 1u);
}

TEST(Sift, DmConsistentWithZeroIsInterference) {
  auto beams = all_beams();
  add(beams[0], 5.0, 1.0, 40.0, 5e-3);  // 5 ms are 2.2 pc/cm3 over the band
  add(beams[0], 9.0, 9.0, 40.0, 5e-3);
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 2u);
  EXPECT_EQ(result.groups[0].detection.class_name(), "rfi") << text_of(result.groups[0].detection);
  EXPECT_EQ(result.groups[1].detection.class_name(), "astrophysical") << text_of(result.groups[1].detection);
}

TEST(Sift, KnownSourceIsNamedWithItsPhases) {
  KnownSource crab;
  crab.name = "B0531+21";
  crab.position = {83.633, 22.0145};
  crab.dm_pc_cm3 = 56.77;
  crab.period_s = 0.0337;
  auto beams = all_beams();
  for (int n = 0; n < 8; ++n) add(beams[0], 1.0 + 0.0337 * (7 + 40 * n + 3 * n * n), 56.8, 20.0, 5e-4);
  add(beams[0], 2.0, 90.0, 15.0);
  auto result = sifted(beams, {crab});
  finish_times({}, {crab}, result);
  ASSERT_EQ(result.groups.size(), 9u);
  int n_known = 0;
  for (const auto& g : result.groups) {
    if (g.detection.class_name() != "known:B0531+21") continue;
    ++n_known;
    EXPECT_NE(text_of(g.detection).find("in phase"), std::string::npos) << text_of(g.detection);
    EXPECT_TRUE(g.detection.inf_bary.has_value());
  }
  EXPECT_EQ(n_known, 8);
}

TEST(Sift, EventsThatKeepTimeWithTheDiodeAreInterference) {
  auto beams = all_beams();
  for (int n = 0; n < 12; ++n) add(beams[4], 1.0 + 0.201326592 * (3 * n + n % 2), kDm, 12.0);
  add(beams[4], 16.0, 800.0, 30.0);
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 13u);
  EXPECT_EQ(result.groups[0].detection.class_name(), "astrophysical");
  for (std::size_t g = 1; g < result.groups.size(); ++g)
    EXPECT_EQ(result.groups[g].detection.class_name(), "rfi") << text_of(result.groups[g].detection);
}

TEST(Sift, RunsOfDifferentBeamsAtOneTimeAreOneScanAndOfDifferentTimesAreNot) {
  auto beams = all_beams();
  beams.resize(2);
  auto later = beam_of(1);
  later.info.start = {59001, 0.0};
  beams.push_back(later);
  add(beams[2], 5.0, kDm, 20.0);
  const auto result = sifted(beams);
  ASSERT_EQ(result.scans.size(), 2u);
  EXPECT_EQ(result.scans[0].beams, (std::vector<std::vector<std::size_t>>{{0}, {1}}));
  EXPECT_EQ(result.groups[0].detection.scan, 1u);
}

TEST(Sift, OnePointingForAllBeamsIsThatOfTheMiddleOneAndSaysSo) {
  auto beams = all_beams();
  for (auto& beam : beams) {
    beam.info.ra_deg = 83.633;
    beam.info.dec_deg = 22.0145;
  }
  const auto at = beam_offset(8, 0.0);
  add_source(beams, at, 5.0, kDm, 50.0);
  const auto result = sifted(beams);
  EXPECT_LT(separation_deg(result.groups[0].detection.position, at_offset({83.633, 22.0145}, at)) * 60.0,
            0.5);
  ASSERT_EQ(result.remarks.size(), 1u);
  EXPECT_NE(result.remarks[0].find("sift.rotation_deg"), std::string::npos);
}

TEST(Sift, OtherTelescopesHaveNoLayout) {
  auto beams = all_beams();
  for (auto& beam : beams) beam.info.telescope = "Parkes";
  for (auto& beam : beams) add(beam, 5.0, kDm, 20.0);
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 1u);
  EXPECT_EQ(result.groups[0].detection.class_name(), "astrophysical");
  EXPECT_FALSE(result.scans[0].has_layout);
  EXPECT_NEAR(result.groups[0].detection.position.ra_deg, beams[0].info.ra_deg, 1e-12);
}

TEST(Sift, WrongWaySweepsAreFoundAtFullResolution) {
  auto beams = all_beams();
  add(beams[0], 5.0, 20.0, 20.0, 5e-3);
  auto result = sifted(beams);
  ASSERT_EQ(result.groups[0].detection.class_name(), "astrophysical");
  Refined refined{beams[0].candidates[0]};
  refined.wrong_way_snr = 35.0;
  refined.wrong_way_dm_pc_cm3 = -12.0;
  take_refined({}, {}, beams[0].info, refined, result.groups[0]);
  EXPECT_EQ(result.groups[0].detection.class_name(), "rfi");
  EXPECT_NE(text_of(result.groups[0].detection).find("swept the wrong way"), std::string::npos);
}

TEST(Sift, NoCandidatesAreNoEvents) {
  const auto result = sifted(all_beams());
  EXPECT_TRUE(result.groups.empty());
  EXPECT_EQ(result.scans.size(), 1u);
}

}  // namespace
}  // namespace tianyan
