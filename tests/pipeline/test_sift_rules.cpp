// Rules of the sift at their edges: beams that are there twice or have no number, periods in a crowd, what is
// measured again, dates without barycentric time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/base/random.hpp"
#include "pipeline/sift_times.hpp"
#include "tests/pipeline/sift_test.hpp"

namespace tianyan {
namespace {

constexpr double kDiode_s = 0.201326592;

int count_containing(const std::vector<std::string>& lines, const std::string& part) {
  return static_cast<int>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.find(part) != std::string::npos;
  }));
}

std::vector<const Detection*> with_dm(const Sifted& sifted, double dm) {
  std::vector<const Detection*> found;
  for (const auto& g : sifted.groups)
    if (g.detection.best.dm_pc_cm3 == dm) found.push_back(&g.detection);
  return found;
}

// Two runs of every beam, of low and of high DMs.
std::vector<SiftBeam> searched_twice() {
  auto beams = all_beams();
  for (auto& beam : beams) beam.dm_max_pc_cm3 = 500.0;
  for (auto beam : all_beams()) {
    beam.dm_min_pc_cm3 = 500.0;
    beams.push_back(beam);
  }
  return beams;
}

TEST(SiftRules, TwoRunsOfABeamAreOneBeam) {
  auto beams = searched_twice();
  for (std::size_t b = 19; b < 38; ++b) add(beams[b], 5.0, 1000.0, 30.0);
  add(beams[0], 9.0, 499.8, 30.0);
  add(beams[19], 9.0, 500.0, 29.0);
  const auto result = sifted(beams);
  ASSERT_EQ(result.scans.size(), 1u);
  EXPECT_EQ(result.scans[0].beams.size(), 19u);
  EXPECT_TRUE(result.scans[0].has_layout);
  EXPECT_TRUE(result.remarks.empty()) << result.remarks[0];
  ASSERT_EQ(result.groups.size(), 2u);
  EXPECT_EQ(result.groups[0].detection.class_name(), "rfi") << text_of(result.groups[0].detection);
  EXPECT_EQ(result.groups[1].detection.class_name(), "astrophysical") << text_of(result.groups[1].detection);
  EXPECT_EQ(result.groups[1].detection.beams, std::vector<int>{1});
  EXPECT_EQ(result.group_of[0], std::vector<std::size_t>{1});
  EXPECT_EQ(result.group_of[19].size(), 2u);
}

TEST(SiftRules, BeamsThatDidNotLookAtADmSayNothingOfWhatTheyDoNotSee) {
  auto beams = all_beams();
  add(beams[0], 5.0, 1000.0, 30.0);
  const double told = sifted(beams).groups[0].detection.pos_err_deg;
  for (std::size_t b = 1; b < 19; ++b) beams[b].dm_max_pc_cm3 = 500.0;
  const double untold = sifted(beams).groups[0].detection.pos_err_deg;
  EXPECT_GT(untold, 1.02 * told);  // S/N 30 in M01 and below 7 around it keeps it nearer
}

TEST(SiftRules, WhatTheLayoutLacksIsSaid) {
  auto beams = all_beams();
  beams[4].beam = 0;
  beams[4].file = "e.fits";
  auto result = sifted(beams);
  EXPECT_FALSE(result.scans[0].has_layout);
  EXPECT_EQ(count_containing(result.remarks, "e.fits does not say which beam"), 1);

  beams = all_beams();
  beams[4].beam = 4;  // it looks where M05 does
  beams[3].file = "d.fits";
  beams[4].file = "e.fits";
  result = sifted(beams);
  EXPECT_FALSE(result.scans[0].has_layout);
  EXPECT_EQ(result.scans[0].beams.size(), 19u);
  EXPECT_EQ(count_containing(result.remarks, "d.fits and e.fits are both said to be of beam M04"), 1);

  beams = {beam_of(1), beam_of(1)};
  for (auto& beam : beams) beam.info.telescope = "Parkes";
  beams[1].info.start = {59001, 0.0};
  result = sifted(beams);
  EXPECT_EQ(result.scans.size(), 2u);
  ASSERT_EQ(result.remarks.size(), 1u);  // of both scans, said once
  EXPECT_EQ(count_containing(result.remarks, "telescope \"Parkes\" is not FAST"), 1);
}

TEST(SiftRules, BeamsWithoutANumberAreDifferentBeams) {
  std::vector<SiftBeam> beams(2, beam_of(1));
  for (auto& beam : beams) beam.beam = 0;
  add(beams[0], 5.0, kDm, 20.0);
  add(beams[1], 5.0, kDm, 15.0);
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 1u);
  EXPECT_EQ(result.groups[0].detection.beams, (std::vector<int>{0, 0}));
  EXPECT_EQ(result.groups[0].detection.reasons[0], "dispersed, in 2 beams");
}

// Two pulses next to each other in time, at like phases, a third of a period off the diode's.
TEST(SiftRules, PulsesAmongTheDiodesEventsStayWhereTheirPhaseIsAnother) {
  auto beams = all_beams();
  for (int n = 0; n < 20; ++n) add(beams[4], 1.0 + kDiode_s * 4 * n, kDm, 12.0);
  add(beams[4], 1.0 + kDiode_s * 30.36, kDm, 25.0);
  add(beams[4], 1.0 + kDiode_s * 31.33, kDm, 24.0);
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 22u);
  for (std::size_t g = 0; g < 22; ++g) {
    const auto& d = result.groups[g].detection;
    EXPECT_EQ(d.class_name(), g < 2 ? "astrophysical" : "rfi") << text_of(d);
    EXPECT_EQ(text_of(d).find("one of 20 that keep time with the noise diode") != std::string::npos, g >= 2);
  }
}

// The mains' phase is lost within a second, so that pulses minutes later are not in it.
TEST(SiftRules, PulsesLongAfterTheMainsEventsStay) {
  auto beams = all_beams();
  for (auto& beam : beams) beam.info.n_time = 4'000'000;
  double time_s = 1.0;
  for (int n = 0; n < 40; ++n) add(beams[4], time_s += 0.02 * (2 + n % 2), kDm, 12.0);
  add(beams[4], 301.0, kDm, 25.0);
  add(beams[4], 305.0, kDm, 24.0);
  const auto result = sifted(beams);
  ASSERT_EQ(result.groups.size(), 42u);
  for (std::size_t g = 0; g < 42; ++g) {
    const auto& d = result.groups[g].detection;
    EXPECT_EQ(d.class_name(), g < 2 ? "astrophysical" : "rfi") << text_of(d);
    EXPECT_EQ(text_of(d).find("one of 40 that keep time with") != std::string::npos, g >= 2) << text_of(d);
  }
}

// DMs of all decades alike: about 29 events within 5 % of DM 300, which hide twelve in all of those.
TEST(SiftRules, TheDiodeIsFoundInABusyScan) {
  std::vector<SiftBeam> beams = {beam_of(5)};
  beams[0].info.n_time = 4'000'000;
  beams[0].info.telescope = "Parkes";  // without a layout to find 2000 places by
  Xoshiro256 random(7);
  for (int i = 0; i < 2000; ++i)
    add(beams[0], 780.0 * random.uniform(), 100.0 * std::pow(30.0, random.uniform()), 9.0);
  for (int n = 0; n < 12; ++n) add(beams[0], 1.0 + kDiode_s * (137 * n + n % 2), kDm, 12.0);
  const auto result = sifted(beams);
  const auto diode = with_dm(result, kDm);
  ASSERT_EQ(diode.size(), 12u);
  for (const auto* d : diode) EXPECT_EQ(d->class_name(), "rfi") << text_of(*d);
  const auto n_rfi = std::count_if(result.groups.begin(), result.groups.end(), [](const SiftGroup& g) {
    return g.detection.source_class == SourceClass::kRfi;
  });
  EXPECT_LE(n_rfi, 14);  // and none is taken for it that is not near it in DM and phase
}

// Spread over less than what counts as like, and wider than any narrower window: 12 pc/cm3 at 300.
TEST(SiftRules, TheDiodeIsFoundOverDmsThatAreLike) {
  auto beams = all_beams();
  for (int n = 0; n < 12; ++n) add(beams[4], 1.0 + kDiode_s * (3 * n + n % 2), 294.0 + n, 12.0);
  const auto result = sifted(beams);
  const auto n_rfi = std::count_if(result.groups.begin(), result.groups.end(), [](const SiftGroup& g) {
    return g.detection.source_class == SourceClass::kRfi;
  });
  EXPECT_EQ(n_rfi, 12);
}

KnownSource crab() {
  KnownSource source;
  source.name = "B0531+21";
  source.position = {83.633, 22.0145};
  source.dm_pc_cm3 = 56.77;
  return source;
}

// Limits of the match: 3 hypot(dm_err, 0.1, 0.28), 2 and 1 pc/cm3 for errors of 0.6 and 0.1.
TEST(SiftRules, KnownSourcesAreMatchedByWhatIsMeasuredAgain) {
  auto beams = all_beams();
  add(beams[0], 5.0, 58.0, 5.0);  // error 0.6
  add(beams[0], 9.0, 61.0, 5.0);
  auto result = sifted(beams, {crab()});
  ASSERT_EQ(result.groups.size(), 2u);
  auto &known = result.groups[0], &unknown = result.groups[1];
  ASSERT_EQ(known.detection.class_name(), "known:B0531+21");
  ASSERT_EQ(unknown.detection.class_name(), "astrophysical");
  const auto measured = [&](const SiftGroup& group, double dm) {
    Refined refined{group.detection.best};
    refined.found = refined.tried_dm_zero = true;
    refined.candidate.dm_pc_cm3 = dm;
    refined.candidate.dm_err_pc_cm3 = 0.1;
    return refined;
  };
  take_refined({}, {crab()}, beams[0].info, measured(known, 58.5), known);
  EXPECT_EQ(known.detection.class_name(), "astrophysical") << text_of(known.detection);
  EXPECT_TRUE(known.detection.known_name.empty());
  EXPECT_EQ(known.detection.reasons[0], "dispersed, in M01 alone");
  take_refined({}, {crab()}, beams[0].info, measured(unknown, 57.0), unknown);
  EXPECT_EQ(unknown.detection.class_name(), "known:B0531+21") << text_of(unknown.detection);
  EXPECT_EQ(unknown.detection.reasons,
            std::vector<std::string>{"0.0 arcmin from B0531+21, DM 0.23 pc/cm3 above its 56.77"});
  take_refined({}, {}, beams[0].info, measured(unknown, 0.4), unknown);
  EXPECT_EQ(unknown.detection.reasons,
            std::vector<std::string>{"DM 0.40 +- 0.10, at full resolution, is consistent with zero"});
}

TEST(SiftRules, DatesWithoutBarycentricTimesAreSaidOnce) {
  std::vector<SiftBeam> beams = {beam_of(1), beam_of(2), beam_of(1)};
  beams[0].info.start = beams[1].info.start = {0, 0.0};
  beams[2].info.start = {88069, 0.0};
  for (auto& beam : beams) {
    add(beam, 5.0, kDm, 20.0);
    add(beam, 9.0, kDm, 20.0);
  }
  auto result = sifted(beams);
  ASSERT_EQ(result.scans.size(), 2u);
  finish_times({}, {}, result);
  for (const auto& g : result.groups) EXPECT_FALSE(g.detection.inf_bary.has_value());
  EXPECT_EQ(count_containing(result.remarks, "no barycentric times of 4 detections"), 1);
  EXPECT_EQ(count_containing(result.remarks, "no barycentric times"), 1);
}

TEST(SiftRules, AnUnknownTelescopeIsSaidOnce) {
  std::vector<SiftBeam> beams = {beam_of(1), beam_of(1)};
  beams[1].info.start = {59001, 0.0};
  for (auto& beam : beams) {
    beam.info.telescope = "Moon";
    add(beam, 5.0, kDm, 20.0);
  }
  auto result = sifted(beams);
  finish_times({}, {}, result);
  EXPECT_EQ(count_containing(result.remarks, "telescope \"Moon\" is not known"), 1);
}

}  // namespace
}  // namespace tianyan
