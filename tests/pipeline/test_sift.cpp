// Classes of events by what their candidates say: beams, DMs, positions, periods, scans.
#include "pipeline/sift.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/barycentre.hpp"
#include "kernels/base/units.hpp"
#include "kernels/site.hpp"
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

// A beam that could not be read then is no beam that saw nothing.
TEST(Sift, ABeamThatWasNotSearchedThenSaysNothingOfAPulse) {
  const auto place_of = [](const std::vector<SiftBeam>& beams) {
    return sifted(beams).groups.at(0).detection.position;
  };
  auto beams = all_beams();
  const auto m02 = beam_offset(2, 0.0);
  add_source(beams, {0.4 * m02.east_arcmin, 0.4 * m02.north_arcmin}, 5.0, kDm, 300.0);
  ASSERT_EQ(beams[1].candidates.size(), 1u);
  beams[1].candidates.clear();
  auto without = beams;
  without.erase(without.begin() + 1);
  const auto at = static_cast<std::int64_t>(5.0 / beams[1].info.sample_time_s);
  EXPECT_GT(separation_deg(place_of(beams), place_of(without)), 1e-4);
  beams[1].not_searched = {{at + 1, at + 100}};
  EXPECT_GT(separation_deg(place_of(beams), place_of(without)), 1e-4);
  beams[1].not_searched = {{0, 10}, {at, at + 1}};
  EXPECT_EQ(separation_deg(place_of(beams), place_of(without)), 0.0);
  beams[1].not_searched = {};
  beams[1].info.start = beams[1].info.start.plus_seconds(-10.0);
  beams[1].not_searched = {{at, at + 1}};  // by its own clock
  EXPECT_GT(separation_deg(place_of(beams), place_of(without)), 1e-4);
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

// Right ascension grows by 0.02 degrees a second: 0.3 degrees, two receivers' widths, at 15 s.
SkyPosition drifted(double time_s) { return {83.633 + 0.02 * time_s, 22.0145}; }

void drift(SiftBeam& beam, double since_s, double rotation_deg) {
  SkyTrack track;
  for (const double time_s : {0.0, 10.0, 20.0})
    track.push_back({time_s, at_offset(drifted(since_s + time_s), beam_offset(beam.beam, rotation_deg))});
  beam.info.start = beam.info.start.plus_seconds(since_s);
  beam.info.take_track(track);
}

// At 15 s, when it is in the middle of the band.
double arrival_s(double dm) { return 15.0 - dispersion_delay_s(dm, std::sqrt(1000.0 * 1500.0), 1500.0); }

TEST(Sift, PlacesPulsesWhereTheBeamsLookedWhenTheyArrived) {
  KnownSource known;
  known.name = "FRB 1";
  known.dm_pc_cm3 = kDm;
  const auto m03 = beam_offset(3, 23.4);
  const SkyOffset at{0.54 * m03.east_arcmin, 0.54 * m03.north_arcmin};
  known.position = at_offset(drifted(15.0), at);
  auto beams = all_beams();
  add_source(beams, at, arrival_s(kDm), kDm, 300.0, 23.4);
  for (auto& beam : beams) {
    const double late_s = beam.beam == 1 ? 0.0 : 3.0;  // one clock, two beginnings
    for (auto& c : beam.candidates) c.time_s -= late_s;
    drift(beam, late_s, 23.4);
  }
  auto result = sifted(beams, {known});
  finish_times({}, {known}, result);
  ASSERT_EQ(result.groups.size(), 1u);
  const auto& d = result.groups[0].detection;
  EXPECT_LT(separation_deg(d.position, known.position), 2.8 * d.pos_err_deg);
  EXPECT_LT(d.pos_err_deg * 60.0, 1.0);
  EXPECT_EQ(d.class_name(), "known:FRB 1") << text_of(d);
  EXPECT_NEAR(result.scans[0].observation.rotation_deg, 23.4, 1e-3);
  ASSERT_EQ(result.remarks.size(), 1u);
  EXPECT_NE(result.remarks[0].find("move"), std::string::npos);
  // 1' is at most 2.9e-4 of the 499 s that light takes from the Sun.
  ASSERT_TRUE(d.inf_bary.has_value());
  const auto site = find_site("FAST")->itrf_m;
  const auto there =
      infinite_frequency_barycentric(d.arrival, d.best.ref_freq_mhz, kDm, known.position, site);
  EXPECT_LT(std::abs(d.inf_bary->seconds_since(there)), 0.15);
}

TEST(Sift, OnePointingForAllBeamsMayMove) {
  const auto at = beam_offset(8, 0.0);
  auto beams = all_beams();
  add_source(beams, at, arrival_s(kDm), kDm, 50.0);
  for (auto& beam : beams) beam.info.take_track({{0.0, drifted(0.0)}, {20.0, drifted(20.0)}});
  const auto result = sifted(beams);
  EXPECT_LT(separation_deg(result.groups[0].detection.position, at_offset(drifted(15.0), at)) * 60.0, 0.5);
}

TEST(Sift, AMovingBeamWithoutLayoutIsWhereItLooked) {
  auto beam = beam_of(1);
  beam.beam = 0;
  add(beam, arrival_s(kDm), kDm, 20.0);
  beam.info.take_track({{0.0, drifted(0.0)}, {20.0, drifted(20.0)}});
  const auto result = sifted({beam});
  EXPECT_LT(separation_deg(result.groups[0].detection.position, drifted(15.0)) * 3600.0, 2.0);
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
  refined.found = true;
  refined.wrong_way_snr = 35.0;
  refined.wrong_way_dm_pc_cm3 = -12.0;
  take_refined({}, {}, beams[0].info, refined, result.groups[0]);
  EXPECT_EQ(result.groups[0].detection.class_name(), "rfi");
  EXPECT_NE(text_of(result.groups[0].detection).find("swept the wrong way"), std::string::npos);
}

TEST(Sift, WhatIsNotFoundAtFullResolutionStaysAsItWas) {
  auto beams = all_beams();
  add(beams[0], 5.0, 20.0, 20.0, 5e-3);
  auto result = sifted(beams);
  Refined refined{beams[0].candidates[0]};
  refined.peak_snr = 4.0;
  take_refined({}, {}, beams[0].info, refined, result.groups[0]);
  const auto& d = result.groups[0].detection;
  EXPECT_EQ(d.class_name(), "astrophysical");
  EXPECT_FALSE(d.is_refined);
  EXPECT_EQ(d.best.snr, 20.0);
  EXPECT_NE(text_of(d).find("not measured again: S/N 4.0"), std::string::npos) << text_of(d);
  refined.found = true;
  take_refined({}, {}, beams[0].info, refined, result.groups[0]);
  EXPECT_TRUE(result.groups[0].detection.is_refined);
}

TEST(Sift, ADmIsConsistentWithZeroOnlyWhereZeroWasTried) {
  auto beams = all_beams();
  add(beams[0], 5.0, 100.0, 20.0, 5e-3);
  for (const bool tried : {false, true}) {
    auto result = sifted(beams);
    Refined refined{beams[0].candidates[0]};
    refined.found = true;
    refined.candidate.dm_err_pc_cm3 = 40.0;  // four of them are more than the DM
    refined.tried_dm_zero = tried;
    take_refined({}, {}, beams[0].info, refined, result.groups[0]);
    EXPECT_EQ(result.groups[0].detection.class_name(), tried ? "rfi" : "astrophysical");
  }
}

TEST(Sift, DetectionsAreOfTheFileOfTheirStrongestBeam) {
  auto beams = all_beams();
  beams.resize(2);
  beams[0].file = "first.fits";
  beams[1].file = "strongest.fits";
  beams[1].info.start = beams[1].info.start.plus_seconds(2.5);
  add(beams[0], 5.0, kDm, 12.0);
  add(beams[1], 2.5, kDm, 100.0);
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 1u);
  const auto& d = result.groups[0].detection;
  EXPECT_EQ(d.file, "strongest.fits");
  EXPECT_EQ(d.file_start.seconds_since(beams[1].info.start), 0.0);
  EXPECT_NEAR(d.arrival.seconds_since(d.file_start), d.best.time_s, 1e-6);
  EXPECT_EQ(result.scans[0].observation.file, "first.fits");
}

Observation observation_with(const std::string& telescope, const OutputConfig& output) {
  auto beam = beam_of(1);
  beam.info.telescope = telescope;
  return sift_candidates({}, output, {beam}, {}).scans.at(0).observation;
}

TEST(Sift, GainAndSystemTemperatureAreFastsOnlyWhereItIsFast) {
  EXPECT_EQ(observation_with("FAST", {}).gain_k_jy, 16.0);
  EXPECT_EQ(observation_with("FAST", {}).tsys_k, 20.0);
  for (const char* other : {"Parkes", "somewhere", ""}) {
    EXPECT_TRUE(std::isnan(observation_with(other, {}).gain_k_jy)) << other;
    EXPECT_TRUE(std::isnan(observation_with(other, {}).tsys_k)) << other;
  }
  OutputConfig given;
  given.gain_k_jy = 0.7;
  given.tsys_k = 28.0;
  for (const char* any : {"FAST", "Parkes"}) {
    EXPECT_EQ(observation_with(any, given).gain_k_jy, 0.7) << any;
    EXPECT_EQ(observation_with(any, given).tsys_k, 28.0) << any;
  }
}

TEST(Sift, NoCandidatesAreNoEvents) {
  const auto result = sifted(all_beams());
  EXPECT_TRUE(result.groups.empty());
  EXPECT_EQ(result.scans.size(), 1u);
}

}  // namespace
}  // namespace tianyan
