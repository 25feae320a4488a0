// Offsets of the turned receiver by hand, the pattern against a quadrature, and rotations found again from
// pointings.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "kernels/beam_model.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

TEST(BeamOffset, IsTheLayoutWhereNothingIsTurned) {
  for (int b = 1; b <= kNumBeams; ++b) {
    EXPECT_EQ(beam_offset(b, 0.0).east_arcmin, kBeamOffsets[static_cast<std::size_t>(b - 1)].ra_arcmin);
    EXPECT_EQ(beam_offset(b, 0.0).north_arcmin, kBeamOffsets[static_cast<std::size_t>(b - 1)].dec_arcmin);
  }
}

// A quarter turn from north through east takes north to east and east to south. 1e-14: rounding of 12'.
TEST(BeamOffset, TurnsFromNorthThroughEast) {
  EXPECT_NEAR(beam_offset(17, 90.0).east_arcmin, 9.94, 1e-14);
  EXPECT_NEAR(beam_offset(17, 90.0).north_arcmin, 0.02, 1e-14);
  EXPECT_NEAR(beam_offset(2, 90.0).east_arcmin, 0.01, 1e-14);
  EXPECT_NEAR(beam_offset(2, 90.0).north_arcmin, -5.74, 1e-14);
  EXPECT_NEAR(beam_offset(8, 23.4).east_arcmin, 11.5 * 0.917754625683981 + 0.01 * 0.397147890634780, 1e-13);
}

TEST(BeamOffset, KeepsSeparations) {
  const auto at = beam_offsets(53.4);
  for (int a = 1; a <= kNumBeams; ++a)
    for (int b = 1; b <= kNumBeams; ++b) {
      const auto &p = at[static_cast<std::size_t>(a - 1)], &q = at[static_cast<std::size_t>(b - 1)];
      EXPECT_NEAR(std::hypot(p.east_arcmin - q.east_arcmin, p.north_arcmin - q.north_arcmin),
                  beam_separation_arcmin(a, b), 1e-13);
    }
}

TEST(BeamOffset, RefusesBeamsAndAnglesThatAreNone) {
  for (int unknown : {-1, 0, 20}) EXPECT_THROW(beam_offset(unknown, 0.0), std::invalid_argument);
  EXPECT_THROW(beam_offset(1, std::nan("")), std::invalid_argument);
}

// Simpson's rule in 2000 steps: at 20' a step is 2.3e-3 in u, and 12 / 180 of its fourth power is 2e-12.
double response_reference(double low, double high, double r) {
  const int n = 2000;
  double sum = 0.0;
  for (int i = 0; i <= n; ++i) {
    const double fwhm = 2.9 * 1250.0 / (low + (high - low) * i / n);
    const double weight = i == 0 || i == n ? 1.0 : (i % 2 == 1 ? 4.0 : 2.0);
    sum += weight * std::exp(-4.0 * std::numbers::ln2 * r * r / (fwhm * fwhm));
  }
  return sum / (3.0 * n);
}

// Bands on both sides of where erf gives way to the mean; 1e-10 is what the header states.
TEST(BeamModel, IsTheMeanOfGaussiansOverTheBand) {
  const double bands[][2] = {{1000, 1500}, {1050, 1450}, {1250, 1250.122}, {1250, 1250.004}, {1499, 1500}};
  for (const auto& [low, high] : bands)
    for (double r = 0.0; r < 20.0; r += 0.37)
      EXPECT_NEAR((BeamModel{low, high}.response(r)), response_reference(low, high, r), 1e-10)
          << low << ' ' << high << ' ' << r;
}

TEST(BeamModel, IsOneInTheMiddleAndAHalfAtHalfItsWidth) {
  EXPECT_EQ((BeamModel{1000.0, 1500.0}.response(0.0)), 1.0);
  EXPECT_NEAR((BeamModel{1250.0, 1250.0}.response(1.45)), 0.5, 1e-15);
  EXPECT_NEAR((BeamModel{1000.0, 1500.0}.fwhm_arcmin()), 2.9, 1e-15);
  EXPECT_NEAR((BeamModel{1450.0, 1450.0}.fwhm_arcmin()), 2.5, 1e-15);
}

TEST(BeamModel, FallsWithDistanceToNothing) {
  const BeamModel model;
  for (double r = 0.1; r < 25.0; r += 0.1) EXPECT_LE(model.response(r), model.response(r - 0.1)) << r;
  EXPECT_EQ(model.response(1000.0), 0.0);
}

TEST(BeamModel, RefusesBandsAndDistancesThatAreNone) {
  EXPECT_THROW((BeamModel{0.0, 1500.0}.response(1.0)), std::invalid_argument);
  EXPECT_THROW((BeamModel{1500.0, 1000.0}.response(1.0)), std::invalid_argument);
  EXPECT_THROW(BeamModel{}.response(-0.1), std::invalid_argument);
  EXPECT_THROW(BeamModel{}.response(std::nan("")), std::invalid_argument);
}

std::vector<BeamPointing> pointings_of(const std::vector<int>& beams, const SkyPosition& m01, double angle) {
  std::vector<BeamPointing> pointings;
  for (int b : beams) pointings.push_back({b, at_offset(m01, beam_offset(b, angle))});
  return pointings;
}

// Headers that hold what the layout says: what is left is that beam 1, where it is not given, is put to the
// bend of a plane over 23', r^3 / 3 = 3e-4', in the first pass, and of that, north turning by tan(dec), to
// 1e-5 degrees in the second; the third has the square of it.
TEST(RotationFromPointings, FindsWhatTheReceiverWasTurnedBy) {
  const std::vector<std::vector<int>> sets = {
      {1, 2},
      {8, 14},
      {9, 1, 17},
      {5, 18},
      {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}};
  for (const auto& beams : sets)
    for (const double angle : {0.0, 23.4, 53.4, -30.0, 179.0})
      for (const double dec : {-14.0, 0.0, 41.0, 65.0}) {
        const auto found = rotation_from_pointings(pointings_of(beams, {359.95, dec}, angle));
        ASSERT_TRUE(found.has_value()) << beams.size() << ' ' << angle << ' ' << dec;
        EXPECT_NEAR(*found, angle, 1e-5) << beams.size() << ' ' << dec;
      }
}

TEST(RotationFromPointings, IsEmptyWherePointingsDoNotSpread) {
  const SkyPosition m01{80.0, 30.0};
  EXPECT_FALSE(rotation_from_pointings({}).has_value());
  EXPECT_FALSE(rotation_from_pointings({{1, m01}}).has_value());
  EXPECT_FALSE(rotation_from_pointings({{3, m01}, {3, m01}}).has_value());
  EXPECT_FALSE(rotation_from_pointings({{1, m01}, {2, m01}, {3, m01}}).has_value());
  EXPECT_FALSE(rotation_from_pointings({{1, m01}, {2, {}}}).has_value());
  EXPECT_FALSE(rotation_from_pointings({{1, m01}, {2, {260.0, -30.0}}}).has_value());
}

TEST(RotationFromPointings, TakesSmallErrorsAndRefusesLargeOnes) {
  const SkyPosition m01{80.0, 30.0};
  std::vector<int> beams(kNumBeams);
  for (int b = 0; b < kNumBeams; ++b) beams[static_cast<std::size_t>(b)] = b + 1;
  auto pointings = pointings_of(beams, m01, 23.4);
  // Beam 2 off by e turns the fit by at most e 5.74 / sum of squared distances (1190 square arcmin), and
  // leaves at least 18/19 - 5.74^2 / 1190 = 0.92 of e as residual.
  pointings[1].position.dec_deg += 0.3 / 60.0;
  const auto near = rotation_from_pointings(pointings);
  ASSERT_TRUE(near.has_value());
  EXPECT_NEAR(*near, 23.4, 0.3 * 5.74 / 1190.0 * 180.0 / std::numbers::pi);
  pointings[1].position.dec_deg += 0.3 / 60.0;
  EXPECT_FALSE(rotation_from_pointings(pointings).has_value());
}

TEST(RotationFromPointings, LeavesOutUnknownPositionsAndRefusesUnknownBeams) {
  auto pointings = pointings_of({1, 4, 9}, {80.0, 30.0}, 53.4);
  pointings.push_back({12, {}});
  const auto found = rotation_from_pointings(pointings);
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(*found, 53.4, 1e-6);
  pointings.push_back({0, {80.0, 30.0}});
  EXPECT_THROW(rotation_from_pointings(pointings), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
