// Positions by hand and by symmetry, how often the true one is within the error, which strengths no source
// has, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <numbers>

#include "kernels/localise.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

constexpr double kThreshold = 7.0;

struct Seen {
  int beam;
  double snr;
};

/// The other beams, up to `n_beam`, saw nothing.
std::vector<BeamStrength> strengths(const std::vector<Seen>& seen, int n_beam = kNumBeams) {
  std::vector<BeamStrength> all;
  for (const auto& s : seen) all.push_back({s.beam, s.snr, true});
  for (int b = 1; b <= n_beam; ++b)
    if (std::none_of(seen.begin(), seen.end(), [b](const Seen& s) { return s.beam == b; }))
      all.push_back({b, kThreshold, false});
  return all;
}

/// S/N `middle` in M01 and `around` in M02..M07.
std::vector<Seen> ring(double middle, double around) {
  std::vector<Seen> seen{{1, middle}};
  for (int b = 2; b <= 7; ++b) seen.push_back({b, around});
  return seen;
}

std::vector<Seen> everywhere(double snr) {
  std::vector<Seen> seen;
  for (int b = 1; b <= kNumBeams; ++b) seen.push_back({b, snr});
  return seen;
}

/// A hexagon without the layout's errors, in steps of 5.74': a line of symmetry through any two neighbours.
LocaliseParams symmetric() {
  LocaliseParams params;
  for (std::size_t b = 0; b < 7; ++b) {
    const double angle = b == 0 ? 0.0 : (static_cast<double>(b) - 1.0) * std::numbers::pi / 3.0;
    const double r = b == 0 ? 0.0 : 5.74;
    params.offsets[b] = {r * std::cos(angle), -r * std::sin(angle)};
  }
  return params;
}

// What is symmetric is found to be so but for rounding, and for the cells, which are squares of 0.2' or less
// cut off at a circle: a tenth of one.
TEST(Localise, PutsAStrongMiddleWithSixEqualNeighboursThere) {
  const auto l = localise(strengths(ring(1000.0, 10.0), 7), symmetric());
  EXPECT_LT(l.offset.length_arcmin(), 0.02);
  EXPECT_GT(l.probability, 0.1);
}

// sqrt(V) over the slope of ln G (8 ln2 2.87 / 2.9^2 = 1.9 per arcmin for either beam, in opposite senses) is
// the error along the line, 0.07' here; halfway it is to a tenth of a cell.
TEST(Localise, PutsASourceInTwoNeighboursOnTheMiddleOfTheirLine) {
  for (const int n_beam : {2, 7}) {
    const auto l = localise(strengths({{1, 30.0}, {2, 30.0}}, n_beam), symmetric());
    EXPECT_NEAR(l.offset.east_arcmin, 2.87, 0.02) << n_beam;
    EXPECT_NEAR(l.offset.north_arcmin, 0.0, 0.02) << n_beam;
    EXPECT_GT(l.probability, 0.1);
  }
}

TEST(Localise, IsNearerToTheStrongerBeam) {
  LocaliseParams params = symmetric();
  params.gain_err = params.sidelobe = 0.0;
  params.model = {1250.0, 1250.0};
  // G ratio of 100 / 50 at x from M01: 4 ln2 ((5.74 - x)^2 - x^2) / 2.9^2 = ln 2. Errors of 1/100 and 1/50 in
  // the strengths are 0.022 in ln ratio, 0.006' in x.
  const double x = 2.87 - 2.9 * 2.9 / (8.0 * 5.74);
  const auto l = localise(strengths({{1, 100.0}, {2, 50.0}}, 2), params);
  EXPECT_NEAR(l.offset.east_arcmin, x, 0.02);
}

// One beam: P ~ G^1.5, two-dimensional Gaussian of sigma fwhm / sqrt(8 ln2 1.5) = 1.0055' at one frequency,
// of which 68 % are within sqrt(-2 ln 0.32) sigma = 1.518'. G is cut at 0.01, which leaves out 0.1 %; 0.03'
// for cells of 0.2', whose distances from the middle are that close by there, and for Laplace's integral.
TEST(Localise, KnowsABeamsHalfWidthFromOneBeam) {
  LocaliseParams params;
  params.model = {1250.0, 1250.0};
  for (const int beam : {1, 4, 8}) {
    const auto l = localise({{beam, 20.0, true}}, params);
    const auto& at = params.offsets[static_cast<std::size_t>(beam - 1)];
    EXPECT_NEAR(l.offset.east_arcmin, at.east_arcmin, 0.02) << beam;
    EXPECT_NEAR(l.offset.north_arcmin, at.north_arcmin, 0.02) << beam;
    EXPECT_NEAR(l.err_arcmin, 1.518, 0.03) << beam;
    EXPECT_GT(l.probability, 0.5);
  }
}

TEST(Localise, IsSurerWhereNeighboursSawNothing) {
  const auto alone = localise(strengths({{1, 100.0}}, 1), {});
  const auto faint = localise(strengths({{1, 10.0}}, 7), {});
  const auto bright = localise(strengths({{1, 100.0}}, 7), {});
  EXPECT_NEAR(faint.err_arcmin, 1.5, 0.1);
  EXPECT_LT(bright.err_arcmin, 0.9 * alone.err_arcmin);
  EXPECT_GT(bright.probability, 0.5);
}

// Turning all beams turns the answer. The cells do not turn: a tenth of one, as above.
TEST(Localise, TurnsWithTheReceiver) {
  const auto s = strengths({{3, 60.0}, {10, 35.0}, {11, 12.0}});
  LocaliseParams still;
  const auto a = localise(s, still);
  for (const double angle : {23.4, 53.4, 180.0}) {
    LocaliseParams params;
    params.offsets = beam_offsets(angle);
    const auto b = localise(s, params);
    const double c = std::cos(angle * std::numbers::pi / 180.0),
                 n = std::sin(angle * std::numbers::pi / 180.0);
    EXPECT_NEAR(b.offset.east_arcmin, c * a.offset.east_arcmin + n * a.offset.north_arcmin, 0.02) << angle;
    EXPECT_NEAR(b.offset.north_arcmin, c * a.offset.north_arcmin - n * a.offset.east_arcmin, 0.02) << angle;
    EXPECT_NEAR(b.err_arcmin, a.err_arcmin, 0.03) << angle;
    EXPECT_NEAR(b.amplitude_snr, a.amplitude_snr, 0.03 * a.amplitude_snr) << angle;
  }
}

TEST(Localise, DoesNotDependOnTheOrderOfBeams) {
  auto s = strengths({{3, 60.0}, {10, 35.0}, {11, 12.0}});
  const auto a = localise(s, {});
  std::reverse(s.begin(), s.end());
  const auto b = localise(s, {});
  EXPECT_NEAR(a.offset.east_arcmin, b.offset.east_arcmin, 1e-6);  // sums in another order, converged to 0.005
  EXPECT_NEAR(a.err_arcmin, b.err_arcmin, 1e-6);
  EXPECT_NEAR(a.chi2, b.chi2, 1e-6);
}

// Strengths as the model has them: a source of A ~ A^-2.5 at any place of a disc around the receiver.
struct Source {
  SkyOffset at;
  double amplitude;
};

Source random_source(Xoshiro256& random, double least) {
  const double r = 17.0 * std::sqrt(random.uniform()), angle = 2.0 * std::numbers::pi * random.uniform();
  return {{r * std::cos(angle), r * std::sin(angle)}, least * std::pow(1.0 - random.uniform(), -2.0 / 3.0)};
}

std::vector<BeamStrength> observed(const Source& source, const LocaliseParams& params, Xoshiro256& random) {
  std::array<double, kNumBeams> mean;
  for (std::size_t b = 0; b < kNumBeams; ++b)
    mean[b] = source.amplitude *
              params.model.response(std::hypot(source.at.east_arcmin - params.offsets[b].east_arcmin,
                                               source.at.north_arcmin - params.offsets[b].north_arcmin));
  const double lit = std::min(source.amplitude, kMostLit * *std::max_element(mean.begin(), mean.end()));
  std::vector<BeamStrength> all;
  for (std::size_t b = 0; b < kNumBeams; ++b) {
    const double snr = mean[b] * (1.0 + params.gain_err * gaussian(random)) +
                       params.sidelobe * lit * gaussian(random) + gaussian(random);
    const bool detected = snr >= kThreshold;
    all.push_back({static_cast<int>(b) + 1, detected ? snr : kThreshold, detected});
  }
  return all;
}

struct Tally {
  int n = 0, within = 0, refused = 0;
};

Tally tally(int n, double least_amplitude, int least_beams, std::uint64_t seed) {
  const LocaliseParams params;
  Xoshiro256 random(seed);
  Tally t;
  while (t.n < n) {
    const auto source = random_source(random, least_amplitude);
    const auto s = observed(source, params, random);
    if (std::count_if(s.begin(), s.end(), [](const auto& b) { return b.detected; }) < least_beams) continue;
    const auto l = localise(s, params);
    const double off = std::hypot(l.offset.east_arcmin - source.at.east_arcmin,
                                  l.offset.north_arcmin - source.at.north_arcmin);
    ++t.n;
    t.within += off <= l.err_arcmin ? 1 : 0;
    t.refused += l.probability < 1e-4 ? 1 : 0;
  }
  return t;
}

// Sources drawn from the prior are within a region of 68 % in 68 % of cases whatever data are selected: so to
// 3.5 standard deviations of a binomial. None fainter than S/N 2 reaches 7. Of 150, 0.015 have a probability
// under 1e-4 if chi2 is a chi2; more than one by a chance of 1e-4.
TEST(Localise, HoldsTheTrueSourceAsOftenAsItSays) {
  const auto t = tally(150, 2.0, 1, 11);
  EXPECT_NEAR(t.within, 0.68 * t.n, 3.5 * std::sqrt(0.68 * 0.32 * t.n));
  EXPECT_LE(t.refused, 1);
}

// Those in three beams and more are all brighter than S/N 100: three beams have a response of 0.04 at most to
// one source.
TEST(Localise, HoldsTheTrueSourceOfManyBeamsAsOften) {
  const auto t = tally(60, 100.0, 3, 12);
  EXPECT_NEAR(t.within, 0.68 * t.n, 3.5 * std::sqrt(0.68 * 0.32 * t.n));
  EXPECT_LE(t.refused, 1);
}

// Away from the three beams nearest to it a source has sidelobes alone, 0.2 of the strongest beam's S/N or
// less: 45 is 4.4 standard deviations (sqrt(1 + 10^2)) of it in four beams or more. 1e-10 is chi2 = 54 of 4.
TEST(Localise, FindsNoSourceInStrengthsThatAreAlikeInManyBeams) {
  EXPECT_LT(localise(strengths(ring(50.0, 45.0)), {}).probability, 1e-10);
  EXPECT_LT(localise(strengths(ring(50.0, 45.0), 7), {}).probability, 1e-10);
  for (const double snr : {8.0, 20.0, 1000.0})
    EXPECT_LT(localise(strengths(everywhere(snr)), {}).probability, 1e-10) << snr;
}

// Two beams 17.2' apart: one of them sees a sidelobe, at 20 / sqrt(1 + 4^2) = 4.9 standard deviations.
TEST(Localise, FindsNoSourceInBeamsFarApart) {
  EXPECT_LT(localise(strengths({{2, 20.0}, {14, 20.0}}), {}).probability, 1e-4);
}

// M03 and M07 at a fifth of M01 put the source at x = 4.9' towards M02, ln 5 = 4 ln2 (33 - 5.76 x) / 2.9^2,
// where M02 would see it at S/N > 1000.
TEST(Localise, CountsABeamThatShouldHaveSeenTheSource) {
  LocaliseParams params;
  params.sidelobe = 0.0;
  const std::vector<Seen> seen{{1, 100.0}, {3, 20.0}, {7, 20.0}};
  auto s = strengths(seen);
  EXPECT_LT(localise(s, params).probability, 1e-10);
}

TEST(Localise, SeesSidelobesOfABrightSourceAsSuch) {
  const auto l = localise(strengths({{1, 1000.0}, {2, 10.0}, {3, 20.0}, {4, 9.0}, {7, 30.0}}), {});
  EXPECT_GT(l.probability, 0.01);
  EXPECT_LT(l.offset.length_arcmin(), l.err_arcmin);
}

TEST(Localise, RefusesWhatIsNoPulse) {
  EXPECT_THROW(localise({}, {}), std::invalid_argument);
  EXPECT_THROW(localise({{1, 7.0, false}, {2, 7.0, false}}, {}), std::invalid_argument);
  for (int unknown : {-1, 0, 20})
    EXPECT_THROW(localise({{unknown, 10.0, true}}, {}), std::invalid_argument) << unknown;
  EXPECT_THROW(localise({{1, 10.0, true}, {1, 7.0, false}}, {}), std::invalid_argument);
  for (double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(localise({{1, bad, true}}, {}), std::invalid_argument) << bad;
    EXPECT_THROW(localise({{1, 10.0, true}, {2, bad, false}}, {}), std::invalid_argument) << bad;
  }
  LocaliseParams params;
  params.gain_err = -0.1;
  EXPECT_THROW(localise({{1, 10.0, true}}, params), std::invalid_argument);
  params = {};
  params.sidelobe = std::nan("");
  EXPECT_THROW(localise({{1, 10.0, true}}, params), std::invalid_argument);
  params = {};
  for (const BeamModel band : {BeamModel{1500.0, 1000.0}, BeamModel{0.0, 0.0}, BeamModel{1.0, 1500.0}}) {
    params.model = band;
    EXPECT_THROW(localise({{1, 10.0, true}}, params), std::invalid_argument);
  }
  params = {};
  params.offsets[0].east_arcmin = std::nan("");
  EXPECT_THROW(localise({{1, 10.0, true}}, params), std::invalid_argument);
}

// From tables of chi2: 95 % and 99.9 % points, to their three decimals (5e-4 times the density, below 0.1 at
// the first, relative 5e-4 / 2 at the others).
TEST(Chi2Tail, IsThatOfTables) {
  const double table[][3] = {{1, 3.841, 0.05},   {2, 5.991, 0.05},   {3, 7.815, 0.05},  {4, 9.488, 0.05},
                             {10, 18.307, 0.05}, {19, 30.144, 0.05}, {1, 10.828, 1e-3}, {16, 39.252, 1e-3}};
  for (const auto& [n, x, p] : table) EXPECT_NEAR(chi2_tail(x, static_cast<int>(n)), p, 5e-4 * p) << n;
  EXPECT_EQ(chi2_tail(0.0, 1), 1.0);
  EXPECT_EQ(chi2_tail(0.0, 6), 1.0);
  EXPECT_NEAR(chi2_tail(200.0, 2), std::exp(-100.0), 1e-58);
  EXPECT_THROW(chi2_tail(1.0, 0), std::invalid_argument);
  EXPECT_THROW(chi2_tail(-1.0, 1), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
