// Flagging by lagged differences: by hand, against an independent program, and what it must find and keep.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/iqrm.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Flags = std::vector<std::uint8_t>;

int flag(const IqrmParams& params, const std::vector<float>& statistic, Flags& good) {
  return flag_iqrm(params, View<const float, 1>(statistic.data(), {std::ssize(statistic)}),
                   View<std::uint8_t, 1>(good.data(), {std::ssize(good)}));
}

std::vector<int> flagged_of(const IqrmParams& params, const std::vector<float>& statistic) {
  Flags good(statistic.size(), 1);
  const int n = flag(params, statistic, good);
  std::vector<int> channels;
  for (std::size_t c = 0; c < good.size(); ++c)
    if (good[c] == 0) channels.push_back(static_cast<int>(c));
  EXPECT_EQ(n, std::ssize(channels));
  return channels;
}

std::vector<int> range(int begin, int end) {
  std::vector<int> r(static_cast<std::size_t>(end - begin));
  std::iota(r.begin(), r.end(), begin);
  return r;
}

// Sums of four 16-bit numbers from a congruential generator (Numerical Recipes): whole numbers with standard
// deviation 37837, which float32 holds exactly.
std::vector<int> noise(int n_chan, std::uint32_t seed) {
  std::vector<int> values(static_cast<std::size_t>(n_chan), 0);
  for (auto& v : values)
    for (int i = 0; i < 4; ++i) {
      seed = seed * 1664525u + 1013904223u;
      v += static_cast<int>(seed >> 16);
    }
  return values;
}
constexpr int kSigma = 37837;

std::vector<float> statistic_of(const std::vector<int>& values) { return {values.begin(), values.end()}; }

void add(std::vector<int>& values, int begin, int end, int what) {
  for (int c = begin; c < end; ++c) values[static_cast<std::size_t>(c)] += what;
}

TEST(Iqrm, AHighChannelOfSevenByHand) {
  // Lag 1: d = 0 1 -1 1 8 -8 -1; its quartiles are -1, 0, 1 and the limit 3 * 2 / 1.349 = 4.4: channel 3
  // votes against 4. Lag -1: d = -1 1 -1 -8 8 1 0: 5 votes against 4. Both cast one vote, and 4 received two.
  EXPECT_EQ(flagged_of({.radius = 1}, {0, 1, 0, 1, 9, 1, 0}), std::vector<int>{4});
}

TEST(Iqrm, ALowChannelOfSevenIsOutvotedByHand) {
  // Lag 1: d = 0 1 -1 -8 9 -1 1: 3 votes against 4. Lag -1: d = -1 1 8 -9 1 -1 0: 3 votes against 2. Channel
  // 3 cast two, and both received one.
  EXPECT_EQ(flagged_of({.radius = 1}, {0, 1, 0, -8, 1, 0, 1}), std::vector<int>{});
}

TEST(Iqrm, TheThresholdIsInDeviationsOfTheQuartilesByHand) {
  // As AHighChannelOfSevenByHand: its difference of 8 is 8 * 1.349 / 2 = 5.396 deviations.
  const std::vector<float> statistic{0, 1, 0, 1, 9, 1, 0};
  EXPECT_EQ(flagged_of({1, 5.39}, statistic), std::vector<int>{4});
  EXPECT_EQ(flagged_of({1, 5.40}, statistic), std::vector<int>{});
}

// Flagged channels by a program written from the paper with numpy: votes as a matrix of bool, filled lag by
// lag from numpy.percentile, and summed over its rows and columns. Input: noise(n_chan, seed) on a slope,
// with a band, two high channels, a low one, and two near the ends of the band.
std::vector<float> busy_band(int n_chan, std::uint32_t seed) {
  auto values = noise(n_chan, seed);
  for (int c = 0; c < n_chan; ++c) add(values, c, c + 1, 3000 * c);
  add(values, n_chan / 3, n_chan / 3 + n_chan / 16, 500000);
  add(values, n_chan / 2, n_chan / 2 + 1, 400000);
  add(values, n_chan / 7, n_chan / 7 + 1, -600000);
  add(values, 0, 1, 300000);
  add(values, n_chan - 2, n_chan - 1, 350000);
  return statistic_of(values);
}

TEST(Iqrm, AgreesWithAnIndependentProgram) {
  EXPECT_EQ(flagged_of({2, 3.0}, busy_band(7, 1)), (std::vector<int>{}));
  EXPECT_EQ(flagged_of({6, 3.0}, busy_band(64, 2)), (std::vector<int>{0, 21, 22, 23, 24, 32, 62}));
  EXPECT_EQ(flagged_of({50, 2.5}, busy_band(65, 3)), (std::vector<int>{0, 21, 22, 23, 24, 32, 63}));
  auto expected = range(66, 78);
  expected.insert(expected.begin(), 0);
  expected.insert(expected.end(), {100, 198});
  EXPECT_EQ(flagged_of({20, 3.0}, busy_band(200, 4)), expected);
  expected = range(112, 133);
  expected.insert(expected.begin(), 0);
  expected.insert(expected.end(), {168, 334});
  EXPECT_EQ(flagged_of({33, 4.0}, busy_band(336, 5)), expected);
}

// A difference of two channels has a deviation of sqrt(2) kSigma: 6 of these are 8.5 kSigma, and sums of four
// uniform numbers are never further apart than 6.9 of theirs.
constexpr double kBeyondNoise = 6.0;

TEST(Iqrm, KeepsNoiseSlopesAndLowChannels) {
  for (int n_chan : {3, 5, 42, 65, 200, 1000}) {
    const IqrmParams params{std::max(1, n_chan / 10), kBeyondNoise};
    auto values = noise(n_chan, 11);
    EXPECT_EQ(flagged_of(params, statistic_of(values)), std::vector<int>{}) << n_chan;
    for (int c = 0; c < n_chan; ++c) add(values, c, c + 1, -2 * kSigma * c / 5);
    EXPECT_EQ(flagged_of(params, statistic_of(values)), std::vector<int>{}) << n_chan;
    if (n_chan < 42) continue;
    add(values, n_chan / 2, n_chan / 2 + 3, -40 * kSigma);
    EXPECT_EQ(flagged_of(params, statistic_of(values)), std::vector<int>{}) << n_chan;
  }
}

TEST(Iqrm, FindsSpikesAndBandsUpToTheRadius) {
  for (int width : {1, 2, 5, 12, 20})
    for (int first : {0, 1, 20, 40, 117, 140, 180 - width}) {
      // At an end of the band there is one side to vote: the outer part of a wide one is not outvoted.
      if (width > 5 && (first < 20 || first + width > 160)) continue;
      auto values = noise(180, 7);
      add(values, first, first + width, 30 * kSigma);
      EXPECT_EQ(flagged_of({20, kBeyondNoise}, statistic_of(values)), range(first, first + width)) << width;
    }
}

TEST(Iqrm, AStepCostsOnlyChannelsNearItOnItsHighSide) {
  auto values = noise(300, 8);
  add(values, 150, 300, 30 * kSigma);
  const auto flagged = flagged_of({20, kBeyondNoise}, statistic_of(values));
  ASSERT_FALSE(flagged.empty());
  EXPECT_GE(flagged.front(), 150);
  EXPECT_LT(flagged.back(), 150 + 20);
}

TEST(Iqrm, TheOrderOfChannelsTheUnitAndTheLevelDoNotMatter) {
  const auto statistic = busy_band(336, 6);
  const IqrmParams params{33, 3.0};
  const auto expected = flagged_of(params, statistic);
  ASSERT_GE(expected.size(), 20u);
  auto other = statistic;
  for (auto& v : other) v = 0.125F * v + 65536.0F;  // exact: below 2^24 eighths
  EXPECT_EQ(flagged_of(params, other), expected);
  std::vector<int> mirrored(expected);
  for (auto& c : mirrored) c = 335 - c;
  std::reverse(mirrored.begin(), mirrored.end());
  EXPECT_EQ(flagged_of(params, {statistic.rbegin(), statistic.rend()}), mirrored);
}

TEST(Iqrm, ChannelsFlaggedBeforeAreAsIfTheyWereNotThere) {
  Xoshiro256 random(1);
  const auto dense = busy_band(200, 4);
  const float marks[] = {1e30F, -1e30F, std::numeric_limits<float>::quiet_NaN(),
                         std::numeric_limits<float>::infinity()};
  std::vector<float> statistic;
  Flags good;
  for (const float v : dense) {
    for (; random.uniform() < 0.3; good.push_back(0)) statistic.push_back(one_of(random, marks));
    statistic.push_back(v);
    good.push_back(1);
  }
  const Flags before = good;
  EXPECT_EQ(flag({20, 3.0}, statistic, good), 15);
  Flags of_dense(dense.size(), 1), left;
  flag({20, 3.0}, dense, of_dense);
  for (std::size_t c = 0; c < good.size(); ++c)
    if (before[c] != 0) left.push_back(good[c]);
  EXPECT_EQ(left, of_dense);
}

TEST(Iqrm, FlagsWhatIsNotFiniteFirst) {
  auto statistic = statistic_of(noise(50, 9));
  statistic[4] = std::numeric_limits<float>::quiet_NaN();
  statistic[49] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(flagged_of({5, kBeyondNoise}, statistic), (std::vector<int>{4, 49}));
}

TEST(Iqrm, LeavesFewerThanThreeChannelsAlone) {
  EXPECT_EQ(flagged_of({.radius = 3}, {}), std::vector<int>{});
  EXPECT_EQ(flagged_of({.radius = 3}, {5}), std::vector<int>{});
  EXPECT_EQ(flagged_of({.radius = 3}, {5, 1e9F}), std::vector<int>{});
  EXPECT_EQ(flagged_of({.radius = 3}, {5, std::numeric_limits<float>::infinity(), 1e9F}),
            std::vector<int>{1});
  Flags none(40, 0);
  EXPECT_EQ(flag({.radius = 3}, statistic_of(noise(40, 10)), none), 0);
}

TEST(Iqrm, EqualStatisticsAndTheLongestRadiusAreHarmless) {
  const int longest = std::numeric_limits<int>::max();
  EXPECT_EQ(flagged_of({longest, 3.0}, std::vector<float>(30, 7.0F)), std::vector<int>{});
  auto values = noise(42, 12);
  values[17] += 30 * kSigma;
  EXPECT_EQ(flagged_of({longest, kBeyondNoise}, statistic_of(values)), std::vector<int>{17});
}

TEST(Iqrm, ReadsAndWritesThroughStrides) {
  const auto dense = busy_band(64, 2);
  std::vector<float> statistic;
  for (const float v : dense) statistic.insert(statistic.end(), {v, -1e30F, 1e30F});
  Flags good(128, 1);
  EXPECT_EQ(flag_iqrm({6, 3.0}, View<const float, 1>(statistic.data(), {64}, {3}),
                      View<std::uint8_t, 1>(good.data(), {64}, {2})),
            7);
  for (std::size_t i = 1; i < 128; i += 2) EXPECT_EQ(good[i], 1) << i;
}

TEST(Iqrm, RefusesShapesThatDifferAndWhatIsNotPositive) {
  const auto statistic = statistic_of(noise(20, 13));
  Flags good(20, 1), fewer(19, 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(flag({0, 3.0}, statistic, good), std::invalid_argument);
  EXPECT_THROW(flag({-4, 3.0}, statistic, good), std::invalid_argument);
  EXPECT_THROW(flag({5, 0.0}, statistic, good), std::invalid_argument);
  EXPECT_THROW(flag({5, nan}, statistic, good), std::invalid_argument);
  EXPECT_THROW(flag({5, 3.0}, statistic, fewer), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
