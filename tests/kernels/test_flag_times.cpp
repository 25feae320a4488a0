// Flagging of times: zero-DM sums, impulses by hand, a plain version of the rule, noise, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/flag_times.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

struct Series {
  std::vector<std::int32_t> z;
  std::vector<float> sigma;
  std::vector<std::uint8_t> good;

  std::int64_t flag(double threshold) {
    return flag_times(View<const std::int32_t, 1>(z.data(), {std::ssize(z)}),
                      View<const float, 1>(sigma.data(), {std::ssize(sigma)}), {}, threshold,
                      View<std::uint8_t, 1>(good.data(), {std::ssize(good)}));
  }
};

Series noise(std::int64_t n, double sigma, Xoshiro256& random) {
  Series s;
  for (std::int64_t t = 0; t < n; ++t) {
    s.z.push_back(static_cast<std::int32_t>(std::lround(sigma * gaussian(random))));
    s.sigma.push_back(static_cast<float>(sigma));
    s.good.push_back(1);
  }
  return s;
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

// The rule, cell by cell, as its header says it.
std::vector<std::uint8_t> flagged_plainly(const Series& s, double threshold) {
  auto good = s.good;
  const auto n = std::ssize(s.z);
  for (int scale : kZeroDmScales) {
    std::vector<double> y, with_weight, off;  // what an earlier scale flagged does not count
    for (std::int64_t t = 0; t + scale <= n; t += scale) {
      double sum = 0.0, variance = 0.0;
      for (auto i = static_cast<std::size_t>(t); i < static_cast<std::size_t>(t + scale); ++i)
        if (good[i] != 0) sum += s.z[i], variance += double{s.sigma[i]} * s.sigma[i];
      y.push_back(variance > 0.0 ? sum / std::sqrt(variance) : std::numeric_limits<double>::quiet_NaN());
      if (variance > 0.0) with_weight.push_back(y.back());
    }
    const bool few = with_weight.size() < 8;  // no centre and no deviation can be told from so few
    const double centre = few ? 0.0 : median(with_weight);
    for (double v : with_weight) off.push_back(std::abs(v - centre));
    const double deviation = few ? 1.0 : std::max(1.0, 1.4826 * median(off));
    for (std::int64_t i = 0; i < std::ssize(y); ++i)
      if (std::abs(y[static_cast<std::size_t>(i)] - centre) > threshold * deviation)
        for (auto t = std::max<std::int64_t>(0, (i - 1) * scale); t < std::min(n, (i + 2) * scale); ++t)
          good[static_cast<std::size_t>(t)] = 0;
  }
  return good;
}

TEST(AddZeroDm, AddsTheChannelsOfEachSample) {
  const std::int8_t q[6] = {1, -2, 3, 40, 50, -128};
  std::int16_t z[3] = {100, 200, 300};
  add_zero_dm(View<const std::int8_t, 2>(q, {2, 3}), View<std::int16_t, 1>(z, {3}));
  EXPECT_EQ(std::vector<std::int16_t>(z, z + 3), (std::vector<std::int16_t>{141, 248, 175}));
}

TEST(AddZeroDm, MatchesTheReferenceOverAwkwardSizes) {
  Xoshiro256 random(1);
  for (int n_chan : {1, 2, 3, 5, 42, 63, 64, 65, 130, 256})
    for (std::int64_t n : {1, 3, 7, 31, 32, 33, 257}) {
      PaddedRows<std::int8_t> q(n_chan, n, random);
      fill_uniform(q.view(), 127, random);
      PaddedRows<std::int16_t> fast(1, n, random), plain(1, n, random);
      for (std::int64_t t = 0; t < n; ++t)
        fast.view()(0, t) = plain.view()(0, t) = static_cast<std::int16_t>(t % 50);
      add_zero_dm(q.cview(), fast.view()[0]);
      add_zero_dm_reference(q.cview(), plain.view()[0]);
      EXPECT_TRUE(equal(fast.cview(), plain.cview(), "", "t")) << n_chan;
      EXPECT_TRUE(fast.gaps_untouched());
    }
}

TEST(SubtractZeroDm, TakesAChannelOutAgain) {
  Xoshiro256 random(7);
  for (std::int64_t n : {1, 3, 7, 63, 64, 65, 257}) {
    PaddedRows<std::int8_t> q(5, n, random);
    fill_uniform(q.view(), 127, random);
    Array<std::int16_t, 1> z({n}), others({n});
    add_zero_dm(q.cview(), z.view());
    add_zero_dm_reference(q.cview().slice(0, 0, 4), others.view());
    subtract_zero_dm(q.cview()[4], z.view());
    EXPECT_EQ(values_of(z.cview()), values_of(others.cview()));
    EXPECT_THROW(subtract_zero_dm(q.cview()[4], z.view().slice(0, 0, n - 1)), std::invalid_argument);
  }
}

TEST(AddZeroDm, OfManyRowsAtTheirLargestDoesNotOverflow) {
  Array<std::int8_t, 2> q({256, 64});
  for (std::int64_t i = 0; i < q.size(); ++i) q.data()[i] = -127;
  Array<std::int16_t, 1> z({64});
  add_zero_dm(q.cview(), z.view());
  EXPECT_EQ(values_of(z.cview()), std::vector<std::int16_t>(64, -127 * 256));
}

TEST(AddZeroDm, RefusesShapesThatDiffer) {
  Array<std::int8_t, 2> q({3, 8});
  Array<std::int16_t, 1> z({7}), right({8});
  EXPECT_THROW(add_zero_dm(q.cview(), z.view()), std::invalid_argument);
  EXPECT_THROW(add_zero_dm(View<const std::int8_t, 2>(q.data(), {3, 8}, {1, 3}), right.view()),
               std::invalid_argument);
}

TEST(FlagTimes, AnImpulseGoesWithItsNeighbours) {
  // 30 of 4 is 7.5 deviations; the sum of its four is 29 of 4 sqrt(4) = 3.6.
  Series s{{1, -2, 30, 0, 1, -1, 2}, std::vector<float>(7, 4.0F), std::vector<std::uint8_t>(7, 1)};
  EXPECT_EQ(s.flag(5.0), 3);
  EXPECT_EQ(s.good, (std::vector<std::uint8_t>{1, 0, 0, 0, 1, 1, 1}));
}

TEST(FlagTimes, AnImpulseAtEitherEndOfTheSeriesIsFlagged) {
  Xoshiro256 random(2);
  auto s = noise(1000, 4.0, random);
  s.z.front() = -30;
  s.z.back() = 30;
  EXPECT_EQ(s.flag(5.5), 4);
  EXPECT_EQ(s.good[0] + s.good[1] + s.good[998] + s.good[999], 0);
}

TEST(FlagTimes, AWeakButLongRiseIsFoundOnItsOwnScale) {
  Xoshiro256 random(3);
  auto s = noise(64 * 100, 40.0, random);
  for (std::size_t t = 640; t < 704; ++t) s.z[t] += 60;  // 1.5 sigma a sample, 12 of the sum of 64
  EXPECT_GT(s.flag(7.0), 0);
  for (std::size_t t = 576; t < 768; ++t) EXPECT_EQ(s.good[t], 0) << t;
  EXPECT_EQ(s.good[575], 1);
  EXPECT_EQ(s.good[768], 1);
}

TEST(FlagTimes, PureNoiseIsKept) {
  Xoshiro256 random(4);
  auto s = noise(200'000, 260.0, random);
  EXPECT_EQ(s.flag(7.0), 0);  // P(|x| > 7 sigma) 2.7e5 = 7e-7
}

TEST(FlagTimes, NoiseThatIsLargerThanItsWeightsSayIsMeasuredByItself) {
  Xoshiro256 random(5);
  auto s = noise(50'000, 260.0, random);
  for (auto& sigma : s.sigma) sigma = 26.0F;
  EXPECT_EQ(s.flag(7.0), 0);
  for (auto& z : s.z) z += 900;  // neither does a level that is off
  EXPECT_EQ(s.flag(7.0), 0);
  s.z[20'000] += 10 * 260;
  EXPECT_EQ(s.flag(7.0), 3);
}

TEST(FlagTimes, SamplesWithoutWeightAreLeftAlone) {
  Xoshiro256 random(6);
  auto s = noise(256, 10.0, random);
  for (std::size_t t = 64; t < 128; ++t) s.sigma[t] = 0.0F, s.z[t] = 100'000;
  EXPECT_EQ(s.flag(7.0), 0);
  EXPECT_EQ(s.good, std::vector<std::uint8_t>(256, 1));
}

TEST(FlagTimes, WhatWasFlaggedBeforeIsNotCountedAgain) {
  Series s{{1, -2, 30, 0, 1, -1, 2}, std::vector<float>(7, 4.0F), {1, 0, 1, 1, 1, 0, 1}};
  EXPECT_EQ(s.flag(5.0), 2);
  EXPECT_EQ(s.good, (std::vector<std::uint8_t>{1, 0, 0, 0, 1, 0, 1}));
}

TEST(FlagTimes, FollowsItsRuleOverAwkwardSizes) {
  Xoshiro256 random(7);
  for (std::int64_t n : {1, 3, 4, 7, 8, 63, 64, 65, 127, 128, 511, 512, 513, 1000, 4097})
    for (int round = 0; round < 4; ++round) {
      auto s = noise(n, 20.0, random);
      for (auto& sigma : s.sigma) sigma = static_cast<float>(random.uniform() < 0.1 ? 0.0 : 15.0);
      for (std::int64_t i = 0; i < 1 + n / 100; ++i) {
        const auto at = static_cast<std::size_t>(random_between(random, 0, n - 1));
        const auto end = std::min(s.z.size(), at + static_cast<std::size_t>(random_between(random, 1, 90)));
        const auto height = static_cast<int>(random_between(random, -60, 60));
        for (auto t = at; t < end; ++t) s.z[t] += height;
      }
      const auto expected = flagged_plainly(s, 4.0);
      const auto before = std::count(s.good.begin(), s.good.end(), 1);
      const auto n_flagged = s.flag(4.0);
      EXPECT_EQ(s.good, expected) << n;
      EXPECT_EQ(n_flagged, before - std::count(s.good.begin(), s.good.end(), 1)) << n;
    }
}

TEST(FlagTimes, SignAndScaleDoNotMatter) {
  Xoshiro256 random(8);
  auto a = noise(2001, 20.0, random);
  for (std::size_t t = 100; t < 2000; t += 317) a.z[t] += 150;
  auto b = a;
  for (auto& z : b.z) z *= -8;
  for (auto& sigma : b.sigma) sigma *= 8.0F;
  EXPECT_GT(a.flag(5.0), 0);
  b.flag(5.0);
  EXPECT_EQ(a.good, b.good);
}

TEST(FlagTimes, RefusesShapesThatDifferAndThresholdsThatAreNotPositive) {
  Xoshiro256 random(9);
  auto s = noise(100, 5.0, random);
  EXPECT_THROW(s.flag(0.0), std::invalid_argument);
  s.sigma.pop_back();
  EXPECT_THROW(s.flag(5.0), std::invalid_argument);
  s.sigma.push_back(1.0F);
  s.good.pop_back();
  EXPECT_THROW(s.flag(5.0), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
