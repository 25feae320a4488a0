// Coincidences of beams: three by hand, the bounds that keep the sky, noise, interference, the plain version,
// and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/base/beam_layout.hpp"
#include "kernels/beam_coincidence.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

std::vector<int> all_beams() {
  std::vector<int> beams(kNumBeams);
  std::iota(beams.begin(), beams.end(), 1);
  return beams;
}

struct Planes {
  std::vector<int> beams;
  Array<float, 3> y;
  Array<std::uint8_t, 3> good;

  Planes(std::vector<int> numbers, std::int64_t n_subband, std::int64_t n_cell)
      : beams(std::move(numbers)), y({std::ssize(beams), n_subband, n_cell}), good(y.view().shape()) {
    std::fill_n(good.data(), good.size(), std::uint8_t{1});
  }
  void fill_noise(Xoshiro256& random) {
    for (std::int64_t i = 0; i < y.size(); ++i) y.data()[i] = static_cast<float>(gaussian(random));
  }
  void add(int beam, float height) {
    const auto b = std::find(beams.begin(), beams.end(), beam) - beams.begin();
    for (std::int64_t s = 0; s < y.shape(1); ++s)
      for (std::int64_t t = 0; t < y.shape(2); ++t) y(b, s, t) += height;
  }
  std::int64_t flag(double threshold) { return flag_coincidences(beams, y.cview(), threshold, good.view()); }
  std::int64_t flagged_in(int beam) const {
    const auto b = std::find(beams.begin(), beams.end(), beam) - beams.begin();
    std::int64_t n = 0;
    for (std::int64_t s = 0; s < good.shape(1); ++s)
      for (std::int64_t t = 0; t < good.shape(2); ++t) n += good(b, s, t) == 0 ? 1 : 0;
    return n;
  }
  std::int64_t cells_with_a_flag() const {
    std::int64_t n = 0;
    for (std::int64_t s = 0; s < good.shape(1); ++s)
      for (std::int64_t t = 0; t < good.shape(2); ++t) {
        bool any = false;
        for (std::int64_t b = 0; b < good.shape(0); ++b) any = any || good(b, s, t) == 0;
        n += any ? 1 : 0;
      }
    return n;
  }
  std::vector<std::uint8_t> flags() const { return {good.data(), good.data() + good.size()}; }
};

// Of n cells, each flagged with the chance p, within five standard deviations of their number, plus one.
void expect_binomial(std::int64_t count, std::int64_t n, double p, int beam) {
  const double mean = static_cast<double>(n) * p;
  EXPECT_NEAR(static_cast<double>(count), mean, 5.0 * std::sqrt(mean * (1.0 - p)) + 1.0) << "beam " << beam;
}

// M01, M02 are neighbours; M14 is a neighbour of neither. So S_1 = {1, 14}, S_2 = {2, 14}, S_14 = {1, 2, 14}.
TEST(FlagCoincidences, OfThreeBeamsByHand) {
  Planes p({1, 2, 14}, 1, 5);
  const float y[3][5] = {{3, 9, -3, 2, 2}, {3, 9, -3, 2, 2}, {0, 0, -3, 1, 3}};
  for (int b = 0; b < 3; ++b)
    for (int t = 0; t < 5; ++t) p.y(b, 0, t) = y[b][t];
  p.good(2, 0, 4) = 0;
  // T_1 = T_2 = (3 + 0) / sqrt(2) = 2.1, (3.5 + 0) / sqrt(2) = 2.5, -6 / sqrt(2) = -4.2, 3 / sqrt(2) = 2.1,
  //             alone without M14's weight.
  // T_14 = 6 / sqrt(3) = 3.5, 7 / sqrt(3) = 4.04, -9 / sqrt(3) = -5.2, 5 / sqrt(3) = 2.9, no weight.
  EXPECT_EQ(p.flag(3.0), 5);
  EXPECT_EQ(p.flags(), (std::vector<std::uint8_t>{1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 1, 0}));
}

TEST(FlagCoincidences, ABeamThatHasNoWeightDoesNotCount) {
  // 7 / sqrt(2) = 4.95 of M01 and M14; with a third beam of weight and nothing in it 7 / sqrt(3) = 4.04.
  for (const bool weight : {false, true}) {
    Planes p({1, 14, 12}, 1, 1);
    p.y(0, 0, 0) = p.y(1, 0, 0) = 100.0F;
    p.good(2, 0, 0) = weight ? 1 : 0;
    p.y(2, 0, 0) = weight ? 0.0F : -7.0F;
    EXPECT_EQ(p.flag(4.5), weight ? 0 : 2);
  }
}

TEST(FlagCoincidences, WhatStandsWithoutWeightDoesNotMatter) {
  Xoshiro256 random(1);
  const float nothing[] = {0.0F, -1e30F, std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN()};
  Planes a(all_beams(), 2, 70);
  a.fill_noise(random);
  for (std::int64_t i = 0; i < a.good.size(); ++i) a.good.data()[i] = random.uniform() < 0.7 ? 1 : 0;
  Planes b(all_beams(), 2, 70);
  for (std::int64_t i = 0; i < a.good.size(); ++i) {
    b.good.data()[i] = a.good.data()[i];
    b.y.data()[i] = a.good.data()[i] != 0 ? a.y.data()[i] : one_of(random, nothing);
  }
  EXPECT_GT(a.flag(2.0), 0);
  b.flag(2.0);
  EXPECT_EQ(a.flags(), b.flags());
}

TEST(FlagCoincidences, ANanHasNoWeight) {
  Planes p({1, 14, 18}, 1, 1);
  p.y(0, 0, 0) = p.y(1, 0, 0) = 10.0F;
  p.y(2, 0, 0) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(p.flag(4.5), 3);  // 7 / sqrt(2), in M18 too, of whose S it is the sum
}

TEST(FlagCoincidences, TwoNeighboursNeverFlagEachOther) {
  Xoshiro256 random(2);
  for (int other : {2, 3, 4, 5, 6, 7}) {
    Planes p({other, 1}, 3, 65);
    for (std::int64_t i = 0; i < p.y.size(); ++i) p.y.data()[i] = static_cast<float>(1e4 * gaussian(random));
    EXPECT_EQ(p.flag(1e-3), 0) << other;
  }
}

TEST(FlagCoincidences, OneBeamAloneIsNotACoincidence) {
  Planes p({5}, 1, 8);
  p.add(5, 1000.0F);
  EXPECT_EQ(p.flag(1e-3), 0);
}

// The largest threshold at which a source in some beams, nothing in the others, is flagged in `beam`: its
// |T|.
double reach_of(const std::vector<int>& seen_in, int beam) {
  double low = 0.0, high = 20.0;
  for (int i = 0; i < 40; ++i) {
    const double threshold = 0.5 * (low + high);
    Planes p(all_beams(), 1, 1);
    for (int b : seen_in) p.add(b, 1e6F);
    p.flag(threshold);
    (p.flagged_in(beam) > 0 ? low : high) = threshold;
  }
  return low;
}

// n: 19 less the neighbours. Float compares squares: 1e-6 of them.
TEST(FlagCoincidences, ASourceAddsNoMoreThanItsBound) {
  const double clip = double{kCoincidenceClip};
  for (int b = 1; b <= kNumBeams; ++b) {
    int n = 1;
    for (int i = 1; i <= kNumBeams; ++i) n += i != b && !are_neighbours(i, b) ? 1 : 0;
    EXPECT_NEAR(reach_of({b}, b), clip / std::sqrt(n), 1e-5) << b;
  }
  EXPECT_NEAR(reach_of({1, 2}, 1), clip / std::sqrt(13.0), 1e-5);     // neighbours are not in S
  EXPECT_NEAR(reach_of({1, 2, 3}, 3), clip / std::sqrt(13.0), 1e-5);  // nor are two
  EXPECT_NEAR(reach_of({2, 3}, 5), 2.0 * clip / std::sqrt(13.0), 1e-5);
  EXPECT_NEAR(reach_of({2, 3}, 14), 2.0 * clip / std::sqrt(16.0), 1e-5);
  EXPECT_NEAR(reach_of({2, 3, 9}, 15), 3.0 * clip / std::sqrt(15.0), 1e-5);
  EXPECT_NEAR(reach_of({1, 2, 3, 4, 5, 6, 7}, 1), clip / std::sqrt(13.0), 1e-5);
  EXPECT_NEAR(reach_of({1, 2, 3, 4, 5, 6, 7}, 2), 4.0 * clip / std::sqrt(13.0), 1e-5);
}

// Chances of |T| > threshold from the density of a Gaussian clipped at 3.5, convolved n times with itself in
// steps of 0.02: variance 0.99916, and for n = 13, 15, 16
//   |T| > 3.0: 0.0026785, 0.0026799, 0.0026804 (a Gaussian: 0.0026998)
//   |T| > 4.5: 6.5e-6, 6.6e-6, 6.6e-6 (6.8e-6)
TEST(FlagCoincidences, NoiseIsFlaggedAsOftenAsItsSumsSay) {
  Xoshiro256 random(3);
  Planes p(all_beams(), 64, 256);
  p.fill_noise(random);
  auto again = Planes(all_beams(), 64, 256);
  std::copy_n(p.y.data(), p.y.size(), again.y.data());
  EXPECT_GT(p.flag(3.0), 0);
  for (int b = 1; b <= kNumBeams; ++b) expect_binomial(p.flagged_in(b), 64 * 256, 0.00268, b);
  // 19 * 16384 * 6.6e-6 = 2.0 flags are expected, in no more cells: a Poisson number of that mean is above 10
  // with a chance of 1e-5.
  again.flag(4.5);
  EXPECT_LE(again.cells_with_a_flag(), 10);
}

// Brighter than any clip in M01 and well above it in its neighbours. What M01 gets is 3.5 and the noise of 12
// others: from the same convolution, shifted, P(|T| > 4.5) = 1.2e-4.
TEST(FlagCoincidences, AStrongPulseIsKeptInItsBeam) {
  Xoshiro256 random(4);
  Planes p(all_beams(), 64, 256);
  p.fill_noise(random);
  p.add(1, 60.0F);
  for (int b : {2, 3, 4, 5, 6, 7}) p.add(b, 20.0F);
  p.flag(4.5);
  expect_binomial(p.flagged_in(1), 64 * 256, 1.175e-4, 1);
  // The price of a source in a beam and all six around it: each of the six adds three others of them, 14 and
  // the noise of nine.
  for (int b : {2, 3, 4, 5, 6, 7}) expect_binomial(p.flagged_in(b), 64 * 256, 0.2291, b);
}

// Between beams: two or three that are neighbours of one another see it, all of them keep it.
TEST(FlagCoincidences, APulseBetweenBeamsIsKeptInEachThatSeesIt) {
  Xoshiro256 random(5);
  for (const auto& seen_in : {std::vector<int>{4}, {2, 3}, {1, 6, 7}, {8, 9}, {2, 8, 19}}) {
    Planes p(all_beams(), 16, 256);
    p.fill_noise(random);
    for (int b : seen_in) p.add(b, 60.0F);
    p.flag(4.5);
    // One clipped sample and noise: 1.2e-4 for n = 13, 0.9e-4 for n = 16
    for (int b : seen_in) expect_binomial(p.flagged_in(b), 16 * 256, 1.0e-4, b);
    // Elsewhere at most three of them: 0.035 for n = 13, less for more
    for (int b = 1; b <= kNumBeams; ++b) EXPECT_LE(p.flagged_in(b), 16 * 256 * 0.035 + 5.0 * 12.0) << b;
  }
}

// y = 2 + noise, clipped at 3.5: mean 1.9707, deviation 0.9426, so T = 1.9707 sqrt(n) +- 0.9426, which is
// above 4.5 with the chance 0.9971 for n = 13, 0.9996 for 15, 0.9998 for 16.
TEST(FlagCoincidences, WeakInterferenceInAllBeamsIsFound) {
  Xoshiro256 random(6);
  for (const float height : {2.0F, -2.0F}) {
    Planes p(all_beams(), 64, 256);
    p.fill_noise(random);
    for (int b = 1; b <= kNumBeams; ++b) p.add(b, height);
    p.flag(4.5);
    for (int b = 1; b <= kNumBeams; ++b)
      EXPECT_GE(static_cast<double>(p.flagged_in(b)), 64 * 256 * 0.9971 - 5.0 * std::sqrt(16384 * 0.0029))
          << b;
  }
}

TEST(FlagCoincidences, TheOrderOfBeamsDoesNotMatter) {
  Xoshiro256 random(7);
  Planes a(all_beams(), 3, 300);
  a.fill_noise(random);
  std::vector<int> shuffled = all_beams();
  for (std::size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.below(i)]);
  Planes b(shuffled, 3, 300);
  for (std::int64_t i = 0; i < kNumBeams; ++i)
    std::copy_n(&a.y(shuffled[static_cast<std::size_t>(i)] - 1, 0, 0), 900, &b.y(i, 0, 0));
  EXPECT_EQ(a.flag(2.0), b.flag(2.0));
  for (std::int64_t i = 0; i < kNumBeams; ++i)
    EXPECT_TRUE(
        equal(b.good.view()[i], a.good.view()[shuffled[static_cast<std::size_t>(i)] - 1], "subband", "cell"));
}

TEST(FlagCoincidences, IsThePlainVersionBitForBit) {
  Xoshiro256 random(8);
  for (std::int64_t n_cell : {1, 3, 7, 255, 256, 257, 515}) {
    auto beams = all_beams();
    for (std::size_t i = beams.size(); i > 1; --i) std::swap(beams[i - 1], beams[random.below(i)]);
    beams.resize(static_cast<std::size_t>(random_between(random, 1, 19)));
    const auto n_beam = std::ssize(beams), n_subband = random_between(random, 1, 4);
    PaddedRows<float> y(n_beam * n_subband, n_cell, random);
    PaddedRows<std::uint8_t> fast(n_beam * n_subband, n_cell, random),
        plain(n_beam * n_subband, n_cell, random);
    fill_gaussian(y.view(), 0.3, 1.5, random);
    for (std::int64_t r = 0; r < n_beam * n_subband; ++r)
      for (std::int64_t t = 0; t < n_cell; ++t)
        fast.view()(r, t) = plain.view()(r, t) = random.uniform() < 0.8 ? 1 : 0;
    const auto in_beams = [&](auto rows) {
      using T = std::remove_reference_t<decltype(rows(0, 0))>;
      return View<T, 3>(rows.data(), {n_beam, n_subband, n_cell},
                        {n_subband * rows.stride(0), rows.stride(0), 1});
    };
    EXPECT_EQ(flag_coincidences(beams, in_beams(y.cview()), 2.0, in_beams(fast.view())),
              flag_coincidences_reference(beams, in_beams(y.cview()), 2.0, in_beams(plain.view())));
    EXPECT_TRUE(equal(fast.cview(), plain.cview(), "beam and subband", "cell"));
    EXPECT_TRUE(fast.gaps_untouched());
  }
}

TEST(FlagCoincidences, NothingGivenNothingFlagged) {
  EXPECT_EQ(Planes({}, 4, 4).flag(4.5), 0);
  EXPECT_EQ(Planes({1, 14}, 0, 4).flag(4.5), 0);
  EXPECT_EQ(Planes({1, 14}, 4, 0).flag(4.5), 0);
  Planes p(all_beams(), 2, 3);
  p.add(1, 50.0F), p.add(14, 50.0F);
  std::fill_n(p.good.data(), p.good.size(), std::uint8_t{0});
  EXPECT_EQ(p.flag(0.1), 0);
}

TEST(FlagCoincidences, AThresholdThatNoSumReachesFlagsNothing) {
  Planes p(all_beams(), 1, 4);
  for (int b = 1; b <= kNumBeams; ++b) p.add(b, 1e30F);
  for (double threshold : {17.0, 1e30, std::numeric_limits<double>::infinity()})
    EXPECT_EQ(p.flag(threshold), 0) << threshold;
}

TEST(FlagCoincidences, RefusesWhatDoesNotFit) {
  for (double threshold : {0.0, -4.5, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_THROW(Planes({1, 14}, 1, 4).flag(threshold), std::invalid_argument);
  EXPECT_THROW(Planes({0, 14}, 1, 4).flag(4.5), std::invalid_argument);
  EXPECT_THROW(Planes({1, 20}, 1, 4).flag(4.5), std::invalid_argument);
  EXPECT_THROW(Planes({3, 14, 3}, 1, 4).flag(4.5), std::invalid_argument);
  Planes few({1, 14}, 1, 4), more({1, 14}, 1, 5), strided({1, 14}, 4, 4);
  EXPECT_THROW(flag_coincidences({1}, few.y.cview(), 4.5, few.good.view()), std::invalid_argument);
  EXPECT_THROW(flag_coincidences({1, 14}, few.y.cview(), 4.5, more.good.view()), std::invalid_argument);
  const View<const float, 3> turned(strided.y.data(), {2, 4, 4}, {16, 1, 4});
  EXPECT_THROW(flag_coincidences({1, 14}, turned, 4.5, strided.good.view()), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
