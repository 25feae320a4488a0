// SumThreshold: by hand, against the plain version with every instruction set, on noise alone, and on pulses
// that it must keep.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/sum_threshold.hpp"
#include "tests/kernels/kernel_test.hpp"
#include "tests/kernels/target_test.hpp"

namespace tianyan {
namespace {

using Runs = std::vector<RunThreshold>;
using Flags = std::vector<std::uint8_t>;

std::int64_t flag(RunAxis axis, const Runs& runs, View<const float, 2> x, View<std::uint8_t, 2> good) {
  const auto n = axis == RunAxis::kTime ? x.shape(1) : x.shape(0);
  Array<std::int32_t, 1> scratch({sum_threshold_scratch_ints(axis, n)});
  return axis == RunAxis::kTime ? sum_threshold_times(runs, x, good, scratch.view())
                                : sum_threshold_channels(runs, x, good, scratch.view());
}
std::int64_t flag_plainly(RunAxis axis, const Runs& runs, View<const float, 2> x,
                          View<std::uint8_t, 2> good) {
  return axis == RunAxis::kTime ? sum_threshold_times_reference(runs, x, good)
                                : sum_threshold_channels_reference(runs, x, good);
}

// What is left of one line of values, checked to be the same along both axes and with both versions.
Flags left_of(const Runs& runs, std::vector<float> x, const Flags& good) {
  Flags left;
  const auto n = std::ssize(x);
  for (const auto axis : {RunAxis::kTime, RunAxis::kChannel})
    for (const auto kernel : {flag, flag_plainly}) {
      Flags now = good;
      const std::array<std::int64_t, 2> shape =
          axis == RunAxis::kTime ? std::array<std::int64_t, 2>{1, n} : std::array<std::int64_t, 2>{n, 1};
      const auto flagged =
          kernel(axis, runs, View<const float, 2>(x.data(), shape), View<std::uint8_t, 2>(now.data(), shape));
      EXPECT_EQ(flagged,
                std::accumulate(good.begin(), good.end(), 0) - std::accumulate(now.begin(), now.end(), 0));
      EXPECT_TRUE(left.empty() || left == now);
      left = now;
    }
  return left;
}
Flags left_of(const Runs& runs, const std::vector<float>& x) { return left_of(runs, x, Flags(x.size(), 1)); }

// A plane that only this test sees, and what of it is flagged.
struct Plane {
  Array<float, 2> x;
  Array<std::uint8_t, 2> good;
  Plane(std::int64_t n_chan, std::int64_t n_cell) : x({n_chan, n_cell}), good({n_chan, n_cell}) {
    std::fill_n(good.data(), good.size(), std::uint8_t{1});
  }
  std::int64_t flag_along(RunAxis axis, const RunThresholdParams& params) {
    return flag(axis, sum_thresholds(axis, params), x.cview(), good.view());
  }
};

TEST(SumThresholds, AlongTimeByHand) {
  // 6 / 1.5^k against (2 + 4) / sqrt(2)^k: 6 6; 4 4.243; 2.667 3; 1.778 2.121.
  const auto runs = sum_thresholds(RunAxis::kTime, {6.0, 1.5, 15, 2.0, 4.0});
  ASSERT_EQ(runs.size(), 4u);
  const double expected[] = {6.0, 6.0 / std::numbers::sqrt2, 3.0, 3.0 / std::numbers::sqrt2};
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_EQ(runs[k].length, 1 << k);
    EXPECT_NEAR(runs[k].limit(1 << k), expected[k] * (1 << k), 1e-12 * (1 << k));
  }
}

TEST(SumThresholds, AlongChannelsByHand) {
  // 9 / 1.5^k against 2 + 4 / sqrt(2)^k: 9 6; 6 4.828; 4 4; 2.667 3.414; 1.778 3.
  const auto runs = sum_thresholds(RunAxis::kChannel, {9.0, 1.5, 16, 2.0, 4.0});
  ASSERT_EQ(runs.size(), 5u);
  const double expected[] = {9.0, 6.0, 4.0, 2.0 + std::numbers::sqrt2, 3.0};
  for (std::size_t k = 0; k < 5; ++k) EXPECT_NEAR(runs[k].limit(1 << k), expected[k] * (1 << k), 1e-11);
  // Of 4 good ones among 16: max(9 / 1.5^4 sqrt(16 4), 2 4 + 4 2).
  EXPECT_NEAR(runs[4].limit(4), 16.0, 1e-12);
}

TEST(SumThresholdSteps, AreTheNearestToEvenAndClipped) {
  constexpr float kStep = 1.0F / 256.0F, kInfinity = std::numeric_limits<float>::infinity();
  static_assert(sum_threshold_steps(1.0F) == 256 && sum_threshold_steps(-3.0F) == -768);
  static_assert(sum_threshold_steps(0.5F * kStep) == 0 && sum_threshold_steps(1.5F * kStep) == 2);
  static_assert(sum_threshold_steps(-1.5F * kStep) == -2 && sum_threshold_steps(0.51F * kStep) == 1);
  static_assert(sum_threshold_steps(9999.5F) == 2559872 && sum_threshold_steps(1e30F) == 2560000);
  EXPECT_EQ(sum_threshold_steps(kInfinity), 2560000);
  EXPECT_EQ(sum_threshold_steps(-kInfinity), -2560000);
  EXPECT_EQ(sum_threshold_steps(std::numeric_limits<float>::quiet_NaN()), 2560000);
}

TEST(SumThreshold, FindsARunThatNoSampleShowsAlone) {
  // 5 + 4 > 2 * 4, and 5 + 0, 4 + 0 are not. Without these two no four exceed.
  const Runs runs{{1, 6.0}, {2, 4.0}, {4, 1.0}};
  EXPECT_EQ(left_of(runs, {0, 0, 5, 4, 0, 0, 0, 0}), (Flags{1, 1, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(left_of(runs, {0, 0, -5, -4, 0, 0, 0, 0}), (Flags{1, 1, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(left_of(runs, {0, 0, 5, -4, 0, 0, 0, 0}), Flags(8, 1));
  EXPECT_EQ(left_of({{1, 6.0}, {4, 1.0}}, {0, 1.5, 1.5, 1.5, 0, 0}), (Flags{0, 0, 0, 0, 0, 1}));
}

TEST(SumThreshold, AtItsThresholdAValueIsKept) {
  EXPECT_EQ(left_of({{1, 6.0}}, {6.0F, -6.0F, 6.0F + 1.0F / 256.0F}), (Flags{1, 1, 0}));
  EXPECT_EQ(left_of({{2, 4.0}}, {4.0F, 4.0F}), (Flags{1, 1}));
}

TEST(SumThreshold, LeavesFlaggedValuesOutOfLongerRuns) {
  const Runs runs{{1, 6.0}, {2, 4.0}};
  EXPECT_EQ(left_of(runs, {7, 3, 0, 0}), (Flags{0, 1, 1, 1}));     // 3 of one value, not 10 of two
  EXPECT_EQ(left_of(runs, {7, 5.6F, 0, 0}), (Flags{0, 1, 1, 1}));  // 5.6 < 4 sqrt(2) of one value
  EXPECT_EQ(left_of(runs, {7, 5.7F, 0, 0}), (Flags{0, 0, 1, 1}));
  EXPECT_EQ(left_of(runs, {7, 3, 0, 0}, {0, 1, 1, 1}), (Flags{0, 1, 1, 1}));
  EXPECT_EQ(left_of(runs, {5.7F, 4, 5.7F, 0}, {1, 0, 1, 0}), (Flags{0, 0, 0, 0}));
}

TEST(SumThreshold, SetsFlagsOfALengthAfterAllItsRunsWereJudged) {
  // 6 + 2 < 8.1 keeps both; 7 + 2 takes both, and were 2 gone by then, 5.8 would be one above 4.05 sqrt(2).
  EXPECT_EQ(left_of({{2, 4.05}}, {6, 2, 5.8F}), (Flags{1, 1, 1}));
  EXPECT_EQ(left_of({{2, 4.05}}, {7, 2, 5.8F}), (Flags{0, 0, 1}));
  EXPECT_EQ(left_of({{2, 4.0}}, {5, 4, 5, 0}), (Flags{0, 0, 0, 1}));  // runs may share values
}

TEST(SumThreshold, SkipsRunsThatAreWhollyFlagged) {
  const Runs runs{{1, 6.0}, {2, 4.0}, {4, 2.0}};
  EXPECT_EQ(left_of(runs, {9, 9, 9, 9, 9, 0}, {0, 0, 0, 0, 0, 1}), (Flags{0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(left_of(runs, {9, 9, 9}, {0, 0, 0}), (Flags{0, 0, 0}));
}

TEST(SumThreshold, RunsLongerThanTheLineAreLeftOut) {
  EXPECT_EQ(left_of({{1, 6.0}, {4, 1.0}}, {2, 2, 2}), (Flags{1, 1, 1}));
  EXPECT_EQ(left_of({{4, 1.0}}, {2, 2, 2, 2}), (Flags{0, 0, 0, 0}));
  EXPECT_EQ(left_of({}, {100, 100}), (Flags{1, 1}));
}

TEST(SumThreshold, ValuesThatAreNoNumbersAreFlagged) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(left_of({{1, 6.0}}, {nan, 1, inf, -inf, 1}), (Flags{0, 1, 0, 0, 1}));
}

TEST(SumThreshold, TheLongestRunsOfTheLargestValuesDoNotOverflow) {
  std::vector<float> x(1100, 1e9F);
  EXPECT_EQ(left_of({{512, 1e4}}, x), Flags(1100, 1));  // at the clip is not above it
  EXPECT_EQ(left_of({{512, 1e300}}, x), Flags(1100, 1));
  EXPECT_EQ(left_of({{512, 9999.99}}, x), Flags(1100, 0));
  for (auto& v : x) v = -v;
  EXPECT_EQ(left_of({{512, 9999.99}}, x), Flags(1100, 0));
}

// Noise, a fifth of it without weight, with blocks of interference of any size and strength.
void fill_with_interference(View<float, 2> x, View<std::uint8_t, 2> good, Xoshiro256& random) {
  fill_gaussian(x, 0.0, 1.0, random);
  const double chance = random.uniform() < 0.5 ? 1.0 : 0.8;
  for (std::int64_t c = 0; c < good.shape(0); ++c)
    for (std::int64_t t = 0; t < good.shape(1); ++t) good(c, t) = random.uniform() < chance;
  for (int k = 0; k < 3; ++k) {
    const auto first_chan = random_between(random, 0, x.shape(0) - 1),
               first_cell = random_between(random, 0, x.shape(1) - 1);
    const auto last_chan = std::min(x.shape(0), first_chan + random_between(random, 1, 20)),
               last_cell = std::min(x.shape(1), first_cell + random_between(random, 1, 20));
    const auto strength = static_cast<float>(16.0 * random.uniform() - 8.0);
    for (auto c = first_chan; c < last_chan; ++c)
      for (auto t = first_cell; t < last_cell; ++t) x(c, t) += strength;
  }
}

// Both axes and both versions on one plane; the flags of the first axis count for the second.
void check_plane(std::int64_t n_chan, std::int64_t n_cell, Xoshiro256& random) {
  PaddedRows<float> x(n_chan, n_cell, random);
  PaddedRows<std::uint8_t> fast(n_chan, n_cell, random), plain(n_chan, n_cell, random);
  fill_with_interference(x.view(), fast.view(), random);
  for (std::int64_t c = 0; c < n_chan; ++c)
    for (std::int64_t t = 0; t < n_cell; ++t) plain.view()(c, t) = fast.view()(c, t);
  for (const auto axis : {RunAxis::kTime, RunAxis::kChannel}) {
    auto runs = sum_thresholds(axis, {4.0 + 4.0 * random.uniform(), 1.5, 64, random.uniform(), 3.0});
    if (random.uniform() < 0.3) runs.erase(runs.begin() + random_between(random, 0, 3));
    EXPECT_EQ(flag(axis, runs, x.cview(), fast.view()), flag_plainly(axis, runs, x.cview(), plain.view()));
    ASSERT_TRUE(equal(fast.cview(), plain.cview(), "channel", "cell")) << n_chan << " x " << n_cell;
  }
  EXPECT_TRUE(fast.gaps_untouched());
}

TEST(SumThreshold, EqualsThePlainVersionWithEveryInstructionSet) {
  for_each_target([] {
    Xoshiro256 random(1);
    for (const std::int64_t n_chan : {1, 2, 7, 8, 63, 64, 65, 130})
      for (const std::int64_t n_cell : {1, 3, 8, 9, 17, 64, 65, 100}) check_plane(n_chan, n_cell, random);
  });
}

TEST(SumThreshold, EmptyPlanesAreFine) {
  const Runs runs{{1, 6.0}, {2, 4.0}};
  for (const auto axis : {RunAxis::kTime, RunAxis::kChannel}) {
    Plane no_channels(0, 5), no_cells(5, 0);
    EXPECT_EQ(flag(axis, runs, no_channels.x.cview(), no_channels.good.view()), 0);
    EXPECT_EQ(flag(axis, runs, no_cells.x.cview(), no_cells.good.view()), 0);
  }
}

TEST(SumThreshold, SignAndDirectionDoNotMatterAndColumnsAreRowsOfTheTransposed) {
  Xoshiro256 random(2);
  Plane a(70, 90), negative(70, 90), reversed(70, 90), across(90, 70);
  fill_with_interference(a.x.view(), a.good.view(), random);
  for (std::int64_t c = 0; c < 70; ++c)
    for (std::int64_t t = 0; t < 90; ++t) {
      negative.x(c, t) = -a.x(c, t);
      reversed.x(c, 89 - t) = across.x(t, c) = a.x(c, t);
      negative.good(c, t) = reversed.good(c, 89 - t) = across.good(t, c) = a.good(c, t);
    }
  const auto runs = sum_thresholds(RunAxis::kTime, {.first_sigma = 4.0, .margin_sigma = 3.0});
  EXPECT_GT(flag(RunAxis::kTime, runs, a.x.cview(), a.good.view()), 0);
  flag(RunAxis::kTime, runs, negative.x.cview(), negative.good.view());
  flag(RunAxis::kTime, runs, reversed.x.cview(), reversed.good.view());
  flag(RunAxis::kChannel, runs, across.x.cview(), across.good.view());
  for (std::int64_t c = 0; c < 70; ++c)
    for (std::int64_t t = 0; t < 90; ++t) {
      const int g = a.good(c, t);
      ASSERT_TRUE(negative.good(c, t) == g && reversed.good(c, 89 - t) == g && across.good(t, c) == g)
          << "[channel=" << c << "][cell=" << t << "]";
    }
}

TEST(SumThreshold, PlanesMayBeCutIntoSlabs) {
  Xoshiro256 random(3);
  for (const auto axis : {RunAxis::kTime, RunAxis::kChannel}) {
    Plane whole(100, 77), cut(100, 77);
    fill_with_interference(whole.x.view(), whole.good.view(), random);
    std::copy_n(whole.good.data(), whole.good.size(), cut.good.data());
    const auto runs = sum_thresholds(axis, {.first_sigma = 4.0, .margin_sigma = 3.0});
    const int across = axis == RunAxis::kTime ? 0 : 1;
    std::int64_t in_slabs = 0;
    for (std::int64_t end = 0, begin = 0; begin < whole.x.shape(across); begin = end) {
      end = std::min(whole.x.shape(across), begin + random_between(random, 1, 20));
      in_slabs += flag(axis, runs, whole.x.cview().slice(across, begin, end),
                       cut.good.view().slice(across, begin, end));
    }
    EXPECT_EQ(flag(axis, runs, whole.x.cview(), whole.good.view()), in_slabs);
    EXPECT_TRUE(equal(whole.good.cview(), cut.good.cview(), "channel", "cell"));
  }
}

// Both tails of a Gaussian.
double outside(double sigmas) { return std::erfc(sigmas / std::numbers::sqrt2); }

TEST(SumThreshold, SingleValuesOfNoiseAreFlaggedAsOftenAsTheirTailSays) {
  Xoshiro256 random(4);
  Plane p(1024, 128);
  fill_gaussian(p.x.view(), 0.0, 1.0, random);
  const auto n = static_cast<double>(p.x.size());
  // Flagged are steps from 769 on: values above 768.5 / 256.
  const double expected = n * outside(768.5 / 256.0);
  const auto flagged = static_cast<double>(flag(RunAxis::kTime, {{1, 3.0}}, p.x.cview(), p.good.view()));
  EXPECT_NEAR(flagged, expected, 5.0 * std::sqrt(expected));
}

TEST(SumThreshold, RarelyFlagsNoise) {
  // A run of N flags at most N values, and exceeds with the tail of a Gaussian at limit_N(N) / sqrt(N), the
  // steps of values and thresholds taken off. Runs that touch flagged values count again with the same tail:
  // less than half of it.
  const RunThresholdParams params{.first_sigma = 5.0, .margin_sigma = 4.5};
  Xoshiro256 random(5);
  for (const auto axis : {RunAxis::kTime, RunAxis::kChannel}) {
    Plane p(512, 256);
    fill_gaussian(p.x.view(), 0.0, 1.0, random);
    double bound = 0.0;
    for (const auto& run : sum_thresholds(axis, params))
      bound +=
          run.length * outside((run.limit(run.length) / run.length - 1.0 / 256.0) * std::sqrt(run.length));
    bound *= 1.5 * static_cast<double>(p.x.size());
    EXPECT_LE(static_cast<double>(p.flag_along(axis, params)), bound + 5.0 * 64.0) << bound;
  }
}

// A pulse of S/N `snr` over all channels, in each for `width` cells at a time that falls with frequency.
void add_pulse(View<float, 2> x, double snr, std::int64_t width) {
  const auto n_chan = x.shape(0);
  const auto height = static_cast<float>(snr / std::sqrt(static_cast<double>(n_chan)) /
                                         std::sqrt(static_cast<double>(width)));
  for (std::int64_t c = 0; c < n_chan; ++c) {
    const auto down = n_chan - 1 - c, first = 20 + 100 * down * down / (n_chan * n_chan);
    for (auto t = first; t < first + width; ++t) x(c, t) += height;
  }
}

TEST(SumThreshold, KeepsADispersedPulseAndFlagsInterferenceTwiceAsStrong) {
  // S/N 200 over 128 channels is k = 17.7 in each. Noise adds more than 6 sigma to one of the 4e5 runs with a
  // chance of 1e-3; what is twice as strong is 17.7 - 6 = 11 sigma above.
  constexpr double kSnr = 200.0;
  const double k = kSnr / std::sqrt(128.0);
  const RunThresholdParams params{.first_sigma = 6.0, .keep_sigma = k, .margin_sigma = 6.0};
  Xoshiro256 random(6);
  for (const std::int64_t width : {1, 4, 16, 64}) {
    Plane pulse(128, 200), twice(128, 200);
    fill_gaussian(pulse.x.view(), 0.0, 1.0, random);
    std::copy_n(pulse.x.data(), pulse.x.size(), twice.x.data());
    add_pulse(pulse.x.view(), kSnr, width);
    add_pulse(twice.x.view(), 2.0 * kSnr, width);
    EXPECT_EQ(pulse.flag_along(RunAxis::kTime, params), 0) << width;
    EXPECT_EQ(pulse.flag_along(RunAxis::kChannel, params), 0) << width;
    // Short runs may take the middle first and leave edges that are then too weak: a quarter at the most.
    EXPECT_GE(4 * twice.flag_along(RunAxis::kTime, params), 3 * 128 * width);
    EXPECT_EQ(twice.good(127, 20), 0);
    EXPECT_EQ(twice.good(0, 118 + width - 1), 0);
  }
}

TEST(SumThreshold, RarelyFlagsNoiseOfWhichHalfIsFlaggedAlready) {
  // What is left of a run is as significant as a whole one when it is flagged: single values exceed 6 sigma
  // with 2e-9, runs of 64 their 0.53 sigma sqrt(64) = 4.2 with 2.6e-5, but for margin 5: with 6e-7, 7
  // lengths, 64 values each: 1.3e5 (6e-7) 7 64 = 35 at the most.
  Xoshiro256 random(8);
  Plane p(512, 256);
  fill_gaussian(p.x.view(), 0.0, 1.0, random);
  for (std::int64_t i = 0; i < p.good.size(); ++i) p.good.data()[i] = random.uniform() < 0.5;
  const RunThresholdParams params{.first_sigma = 6.0, .margin_sigma = 5.0};
  EXPECT_LE(p.flag_along(RunAxis::kTime, params), 35);
  EXPECT_LE(p.flag_along(RunAxis::kChannel, params), 35);
}

TEST(SumThreshold, FindsBroadbandInterferenceOverWhatAPulseMayHave) {
  // 12 in 64 channels side by side, where a pulse may have 10: 12 < 10 + 6 / sqrt(8), but 12 > 10 + 6 / 4 for
  // runs of 16. Of those only 15 of which are inside the mean is 11.25: all 64 go, and nothing else.
  const RunThresholdParams params{.first_sigma = 6.0, .keep_sigma = 10.0, .margin_sigma = 6.0};
  Xoshiro256 random(7);
  Plane p(128, 40);
  fill_gaussian(p.x.view(), 0.0, 0.05, random);
  for (std::int64_t c = 30; c < 94; ++c) p.x(c, 7) += 12.0F;
  EXPECT_EQ(p.flag_along(RunAxis::kTime, params), 0);
  EXPECT_EQ(p.flag_along(RunAxis::kChannel, params), 64);
  for (std::int64_t c = 0; c < 128; ++c) EXPECT_EQ(p.good(c, 7), c < 30 || c >= 94) << c;
}

TEST(SumThresholds, RefuseParametersWithoutMeaning) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const RunThresholdParams bad[] = {{.first_sigma = 0.0}, {.first_sigma = nan}, {.base = 0.9},
                                    {.base = nan},        {.longest = 0},       {.longest = 513},
                                    {.keep_sigma = -1.0}, {.keep_sigma = nan},  {.margin_sigma = -1.0},
                                    {.margin_sigma = nan}};
  for (const auto& params : bad) EXPECT_THROW(sum_thresholds(RunAxis::kTime, params), std::invalid_argument);
}

TEST(SumThreshold, RefusesRunsShapesAndScratchThatDoNotFit) {
  Plane p(10, 20), other(10, 21);
  for (const auto axis : {RunAxis::kTime, RunAxis::kChannel}) {
    for (const Runs& runs :
         {Runs{{3, 1.0}}, Runs{{0, 1.0}}, Runs{{-4, 1.0}}, Runs{{1024, 1.0}}, Runs{{1, 0.0}},
          Runs{{2, 1.0}, {1, 1.0}}, Runs{{2, 1.0}, {2, 1.0}}, Runs{{1, std::nan("")}}})
      for (const auto kernel : {flag, flag_plainly})
        EXPECT_THROW(kernel(axis, runs, p.x.cview(), p.good.view()), std::invalid_argument);
    const Runs runs{{1, 6.0}};
    EXPECT_THROW(flag(axis, runs, p.x.cview(), other.good.view()), std::invalid_argument);
    const View<const float, 2> gaps(p.x.data(), {5, 10}, {40, 2});
    EXPECT_THROW(flag(axis, runs, gaps, p.good.view().slice(0, 0, 5).slice(1, 0, 10)), std::invalid_argument);
  }
  Array<std::int32_t, 1> few({sum_threshold_scratch_ints(RunAxis::kTime, 20) - 1});
  EXPECT_THROW(sum_threshold_times({{1, 6.0}}, p.x.cview(), p.good.view(), few.view()),
               std::invalid_argument);
  EXPECT_THROW(sum_threshold_channels({{1, 6.0}}, p.x.cview(), p.good.view(), few.view()),
               std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
