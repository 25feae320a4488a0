// Baselines: by hand, against the full equations and another implementation's numbers, and what they must not
// follow.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/arpls.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Good = std::vector<std::uint8_t>;
using Kernel = decltype(&arpls);

std::vector<double> baseline_of(const ArplsParams& params, const std::vector<double>& y, const Good& good,
                                Kernel kernel = arpls) {
  std::vector<double> z(y.size(), kNan);
  const auto n = std::ssize(y);
  kernel(params, View<const double, 1>(y.data(), {n}), View<const std::uint8_t, 1>(good.data(), {n}),
         View<double, 1>(z.data(), {n}));
  return z;
}
Good all_of(const std::vector<double>& y) { return Good(y.size(), 1); }

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = a.size() == b.size() ? 0.0 : kNan;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (!(std::abs(a[i] - b[i]) <= most)) most = std::abs(a[i] - b[i]);
  return most;
}

// A ripple of amplitude 1 in noise of deviation `sigma`.
std::vector<double> ripple(std::int64_t n, double period, double sigma, Xoshiro256& random) {
  std::vector<double> y;
  for (std::int64_t i = 0; i < n; ++i)
    y.push_back(std::sin(2.0 * std::numbers::pi * static_cast<double>(i) / period) +
                sigma * gaussian(random));
  return y;
}

TEST(Arpls, OfThreeByHand) {
  // With v = (1, -2, 1) the equations are (1 + lambda v v^T) z = y: z = y - lambda v (v.y) / (1 + 6 lambda).
  // v.y = -8 and lambda = 1/2: z = y + v. Both negative d are -1: nothing to weigh by, and so the end.
  const auto z = baseline_of({.lambda = 0.5}, {0.0, 4.0, 0.0}, {1, 1, 1});
  EXPECT_LE(largest_difference(z, {1.0, 2.0, 1.0}), 16 * kEps);
}

TEST(Arpls, OfFourByHandWhereOneIsBad) {
  // Weights 1, 1, 0, 1 on 0, 1, ?, 0. Multiplying the equations by (1, 1, 1, 1) and by (0, 1, 2, 3), whose
  // second differences are 0: sum w d = 0 and sum w i d = 0, so d = a (2, -3, 0, 1) of the good ones. The
  // first and the last equation, w d = lambda (second difference), make these 2 a / lambda and a / lambda.
  // With lambda = 1, z0 = -2 a, z1 = 1 + 3 a, z3 = -a: z2 = 2 a - z0 + 2 z1 = 10 a + 2 from the first and
  // z1 - 2 z2 + z3 = a gives 1 + 3 a - 20 a - 4 - a = a, a = -3/19.
  const double a = -3.0 / 19.0;
  const ArplsParams once{.lambda = 1.0, .max_iterations = 1};
  const auto z = baseline_of(once, {0.0, 1.0, kNan, 0.0}, {1, 1, 0, 1});
  EXPECT_LE(largest_difference(z, {-2.0 * a, 1.0 + 3.0 * a, 2.0 + 10.0 * a, -a}), 64 * kEps);
}

TEST(Arpls, OfTwentyFourAsNumpyHasIt) {
  // A script of its own: np.linalg.solve with D = np.diff(np.eye(24), 2, axis=0), lambda 50 and tolerance
  // 1e-3, six iterations; deviations with ddof=1. y is a ripple with a bump at 9-11; 4, 5 and 15 are bad.
  const std::vector<double> y{10.0,  10.83, 10.9,  11.16, 11.68, 10.98, 11.18, 12.34,
                              12.4,  19.74, 21.16, 14.43, 11.7,  11.16, 11.54, 10.85,
                              11.41, 11.07, 11.36, 9.51,  10.11, 9.75,  8.85,  9.08};
  auto good = all_of(y);
  good[4] = good[5] = good[15] = 0;
  const std::vector<double> expected{10.416073922, 10.663859165, 10.903323342, 11.129455996, 11.337180273,
                                     11.522029373, 11.679536501, 11.805234857, 11.884667181, 11.913500501,
                                     11.897228642, 11.841345426, 11.751344677, 11.632720446, 11.489940646,
                                     11.318019087, 11.112969212, 10.870804464, 10.593422073, 10.286684632,
                                     9.968139441,  9.639800162,  9.306509,     8.975306819};
  // Printed to 1e-9; the least weight of 5e-11 on a bump of 10 lifts by less than 5e-10.
  EXPECT_LE(largest_difference(baseline_of({.lambda = 50.0}, y, good), expected), 1.5e-9);
}

TEST(Arpls, KeepsConstantsAndStraightLines) {
  for (const std::size_t n : {1u, 2u, 3u, 4u, 65u, 1000u}) {
    const std::vector<double> level(n, 3.7);
    EXPECT_EQ(baseline_of({}, level, all_of(level)), level) << n;
    std::vector<double> line;
    for (std::size_t i = 0; i < n; ++i) line.push_back(-2.0 + 0.3 * static_cast<double>(i));
    // Rounding by eps of the range, times the condition of the equations: at most 16 lambda over weight 1.
    const double tolerance = kEps * 16.0 * 1e5 * 0.3 * static_cast<double>(n);
    EXPECT_LE(largest_difference(baseline_of({}, line, all_of(line)), line), tolerance) << n;
  }
}

TEST(Arpls, EqualsTheFullEquations) {
  Xoshiro256 random(1);
  for (const std::int64_t n : {1, 2, 3, 4, 5, 7, 64, 65})
    for (const double lambda : {0.1, 10.0, 1e3})
      for (int turn = 0; turn < 5; ++turn) {
        auto y = ripple(n, 40.0, 0.2, random);
        auto good = all_of(y);
        for (std::size_t i = 0; i < y.size(); ++i) {
          if (random.uniform() < 0.1) y[i] += 5.0 * random.uniform();
          good[i] = random.uniform() < (turn == 0 ? 1.0 : 0.8);
        }
        // A condition of 16 lambda / 1 where enough elements keep their weight, a range of 6 and 8 solutions,
        // each of which passes its error on through the weights: 1000 times 6 eps 16 lambda.
        const ArplsParams params{.lambda = lambda, .tolerance = 1e-300, .max_iterations = 8};
        const double tolerance = 1e3 * 6.0 * kEps * (1.0 + 16.0 * lambda);
        EXPECT_LE(
            largest_difference(baseline_of(params, y, good), baseline_of(params, y, good, arpls_reference)),
            tolerance)
            << n << " lambda " << lambda << " turn " << turn;
      }
}

TEST(Arpls, FollowsARippleAndNotTheBumpsOnIt) {
  // Bumps of 60 to 100 sigma get a weight of exp(-2 * 50) or the least, 1e-7: the baseline is that without
  // them to 1e-7 of 100 sigma for each of their elements, of which the stiffness of lambda joins about 50.
  Xoshiro256 random(2);
  constexpr double kSigma = 0.1;
  const auto y = ripple(4000, 1000.0, kSigma, random);
  auto bumpy = y;
  auto without = all_of(y);
  for (std::size_t i = 100; i < 3900; i += 200)
    for (std::size_t j = i; j < i + 1 + i % 14; ++j) {
      bumpy[j] += kSigma * (60.0 + 40.0 * random.uniform());
      without[j] = 0;
    }
  const ArplsParams params{.tolerance = 1e-12, .max_iterations = 200};
  const auto z = baseline_of(params, bumpy, all_of(y));
  EXPECT_LE(largest_difference(z, baseline_of(params, y, without)), 50 * 1e-7 * 100.0 * kSigma);
  // From the ripple itself by the noise of about 2 pi lambda^(1/4) / 2 = 56 elements, 0.13 sigma, at 5 of
  // them; by twice that beside a bump, where the elements of one side are missing.
  std::vector<double> truth;
  for (std::size_t i = 0; i < y.size(); ++i)
    truth.push_back(std::sin(2.0 * std::numbers::pi * static_cast<double>(i) / 1000.0));
  EXPECT_LE(largest_difference(z, truth), 2.0 * 5.0 * 0.13 * kSigma);
}

TEST(Arpls, DefaultToleranceIsEnoughForATenthOfASigma) {
  Xoshiro256 random(3);
  auto y = ripple(2000, 1000.0, 0.1, random);
  for (std::size_t i = 50; i < 2000; i += 100) y[i] += 3.0;
  const auto z = baseline_of({}, y, all_of(y));
  const auto exact = baseline_of({.tolerance = 1e-12, .max_iterations = 500}, y, all_of(y));
  EXPECT_LE(largest_difference(z, exact), 0.01);
}

TEST(Arpls, BadElementsHaveNoSay) {
  Xoshiro256 random(4);
  auto a = ripple(500, 200.0, 0.1, random);
  auto good = all_of(a);
  for (auto& g : good) g = random.uniform() < 0.8;
  auto b = a;
  for (std::size_t i = 0; i < b.size(); ++i)
    if (good[i] == 0) b[i] = i % 2 == 0 ? kNan : 1e30;
  EXPECT_EQ(baseline_of({}, a, good), baseline_of({}, b, good));
}

TEST(Arpls, JoinsAcrossBadElementsAndIsLevelOutside) {
  // Two good values: the line through them is without cost. Its condition is that of a beam of 4 elements.
  const auto z = baseline_of({.lambda = 10.0}, {99.0, 2.0, 99.0, 99.0, 8.0, 99.0}, {0, 1, 0, 0, 1, 0});
  EXPECT_LE(largest_difference(z, {2.0, 2.0, 4.0, 6.0, 8.0, 8.0}), 6.0 * kEps * (1.0 + 160.0));
  EXPECT_EQ(baseline_of({}, {1.0, 5.0, 7.0}, {0, 1, 0}), (std::vector<double>{5.0, 5.0, 5.0}));
  EXPECT_EQ(baseline_of({}, {1.0, kNan, 7.0}, {0, 0, 0}), (std::vector<double>{0.0, 0.0, 0.0}));
  EXPECT_TRUE(baseline_of({}, {}, {}).empty());
}

TEST(Arpls, StaysFiniteWhereFewElementsDetermineIt) {
  // A V, whose two lowest elements alone keep a weight of 1; a few good ones in a long band; one far off.
  std::vector<double> v, lone(4096, 0.0);
  for (int i = 0; i < 2001; ++i) v.push_back(std::abs(i - 1000.3));
  lone[4095] = 1e12;
  Good few(4096, 0), apart(4096, 0);
  few[2000] = few[2001] = few[2002] = 1;
  apart[0] = apart[1] = apart[4095] = 1;
  std::vector<std::vector<double>> all{baseline_of({}, v, all_of(v)), baseline_of({}, lone, all_of(lone)),
                                       baseline_of({}, lone, few), baseline_of({}, lone, apart)};
  const double most[] = {1001.0, 1e12, 0.0, 1e12};  // the largest value
  for (std::size_t k = 0; k < all.size(); ++k)
    for (const double z : all[k])
      ASSERT_TRUE(std::isfinite(z) && std::abs(z) <= 2.0 * most[k]) << k << " " << z;
}

TEST(Arpls, ScaleAndOffsetOfTheValuesDoNotMatter) {
  Xoshiro256 random(5);
  auto y = ripple(300, 150.0, 0.1, random);
  for (std::size_t i = 20; i < 300; i += 30) y[i] += 2.0;
  const auto z = baseline_of({}, y, all_of(y));
  auto doubled = y, moved = y;
  for (auto& x : doubled) x = std::ldexp(x, 40);
  for (auto& x : moved) x = 1e-3 * x + 7.0;
  auto expected = z;
  for (auto& x : expected) x = std::ldexp(x, 40);
  EXPECT_EQ(baseline_of({}, doubled, all_of(y)), expected);
  for (std::size_t i = 0; i < z.size(); ++i) expected[i] = 1e-3 * z[i] + 7.0;
  // Values of 7 are rounded to 7 eps; solved with a condition of 16 lambda = 1.6e6, at worst.
  EXPECT_LE(largest_difference(baseline_of({}, moved, all_of(y)), expected), 7.0 * kEps * 1.6e6);
}

TEST(Arpls, ReadsAndWritesWithAnyStride) {
  Xoshiro256 random(6);
  const auto y = ripple(50, 25.0, 0.1, random);
  std::vector<double> wide(100, 99.0), out(150, 99.0);
  for (std::size_t i = 0; i < 50; ++i) wide[2 * i] = y[i];
  const auto good = all_of(y);
  arpls({}, View<const double, 1>(wide.data(), {50}, {2}), View<const std::uint8_t, 1>(good.data(), {50}),
        View<double, 1>(out.data(), {50}, {3}));
  const auto z = baseline_of({}, y, good);
  for (std::size_t i = 0; i < 150; ++i) EXPECT_EQ(out[i], i % 3 == 0 ? z[i / 3] : 99.0) << i;
}

TEST(Arpls, RefusesShapesThatDifferAndParametersWithoutMeaning) {
  const std::vector<double> y{1.0, 2.0, 4.0};
  for (const double bad : {0.0, -1.0, kNan}) {
    EXPECT_THROW(baseline_of({.lambda = bad}, y, all_of(y)), std::invalid_argument);
    EXPECT_THROW(baseline_of({.tolerance = bad}, y, all_of(y)), std::invalid_argument);
  }
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THROW(baseline_of({.lambda = infinity}, y, all_of(y)), std::invalid_argument);
  EXPECT_THROW(baseline_of({.max_iterations = 0}, y, all_of(y)), std::invalid_argument);
  std::vector<double> z(3);
  const Good good(3, 1);
  const View<const double, 1> in(y.data(), {3});
  EXPECT_THROW(arpls({}, in, View<const std::uint8_t, 1>(good.data(), {2}), View<double, 1>(z.data(), {3})),
               std::invalid_argument);
  EXPECT_THROW(arpls({}, in, View<const std::uint8_t, 1>(good.data(), {3}), View<double, 1>(z.data(), {2})),
               std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
