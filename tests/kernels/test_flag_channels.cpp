// Flagging of channels: by hand, the bands that it must find, the bandpasses that it must keep, and what is
// refused.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/flag_channels.hpp"
#include "kernels/robust.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

struct Band {
  std::vector<float> mean, sigma;
  std::vector<std::int64_t> n_good;
  std::vector<std::uint8_t> good;

  int flag(double threshold) {
    const auto n = std::ssize(mean);
    return flag_channels(View<const float, 1>(mean.data(), {n}), View<const float, 1>(sigma.data(), {n}),
                         View<const std::int64_t, 1>(n_good.data(), {n}), threshold,
                         View<std::uint8_t, 1>(good.data(), {std::ssize(good)}));
  }
};

// Estimates over n_time samples of a bandpass that falls by a third over 4096 channels and ripples; sigma is
// 0.4 of the mean, as it is for 122 kHz and 49 us.
Band noisy_band(int n_chan, double n_time, Xoshiro256& random) {
  Band b;
  for (int c = 0; c < n_chan; ++c) {
    const double level =
        100.0 * (1.0 - 0.33 * c / 4096.0) * (1.0 + 0.02 * std::sin(2.0 * std::numbers::pi * c / 700.0));
    const double sigma = 0.4 * level;
    b.mean.push_back(static_cast<float>(level + sigma * gaussian(random) / std::sqrt(n_time)));
    b.sigma.push_back(static_cast<float>(sigma * (1.0 + gaussian(random) / std::sqrt(2.0 * n_time))));
    b.n_good.push_back(static_cast<std::int64_t>(n_time));
    b.good.push_back(1);
  }
  return b;
}

TEST(FlagChannels, OfSevenByHand) {
  // Medians 10 and 2; a = 0, 0.5, -0.5, 0, 10, 0, 0.5, whose deviation is 1.4826 * 0.5 = 0.74: at 5 of them
  // 3.7. b = 0, 0, 0, 0, 0, 3, 0 whose deviation is 0, and so (2 n)^-1/2 = 0.07: at 5 of them 0.35.
  Band b{{10, 11, 9, 10, 30, 10, 11},
         {2, 2, 2, 2, 2, 8, 2},
         std::vector<std::int64_t>(7, 100),
         std::vector<std::uint8_t>(7, 1)};
  EXPECT_EQ(b.flag(5.0), 2);
  EXPECT_EQ(b.good, (std::vector<std::uint8_t>{1, 1, 1, 1, 0, 0, 1}));
}

TEST(FlagChannels, WhatCannotBeUsedGoesFirst) {
  Xoshiro256 random(1);
  auto b = noisy_band(50, 1e4, random);
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  b.n_good[3] = 0;
  b.sigma[7] = 0.0F;
  b.mean[20] = nan;
  b.sigma[21] = inf;
  b.sigma[49] = nan;
  EXPECT_EQ(b.flag(8.0), 5);
  for (std::size_t c : {3u, 7u, 20u, 21u, 49u}) EXPECT_EQ(b.good[c], 0) << c;
  EXPECT_EQ(std::accumulate(b.good.begin(), b.good.end(), 0), 45);
}

TEST(FlagUnusableChannels, TakesNoChannelThatCouldBeNormalised) {
  Xoshiro256 random(9);
  auto b = noisy_band(20, 1e4, random);
  b.mean[4] *= 100.0F;  // interference, but a number
  b.n_good[5] = 0;
  b.sigma[6] = std::numeric_limits<float>::quiet_NaN();
  b.good[7] = 0, b.sigma[7] = 0.0F;  // flagged before: not counted again
  const auto call = [&](std::vector<std::uint8_t>& good) {
    return flag_unusable_channels(View<const float, 1>(b.mean.data(), {20}),
                                  View<const float, 1>(b.sigma.data(), {20}),
                                  View<const std::int64_t, 1>(b.n_good.data(), {20}),
                                  View<std::uint8_t, 1>(good.data(), {std::ssize(good)}));
  };
  EXPECT_EQ(call(b.good), 2);
  EXPECT_EQ(std::accumulate(b.good.begin(), b.good.end(), 0), 17);
  b.good.pop_back();
  EXPECT_THROW(call(b.good), std::invalid_argument);
}

int flag_saturated(const std::vector<float>& mean, const std::vector<float>& sigma,
                   const std::vector<double>& top, double margin, std::vector<std::uint8_t>& good) {
  return flag_saturated_channels(View<const float, 1>(mean.data(), {std::ssize(mean)}),
                                 View<const float, 1>(sigma.data(), {std::ssize(sigma)}),
                                 View<const double, 1>(top.data(), {std::ssize(top)}), margin,
                                 View<std::uint8_t, 1>(good.data(), {std::ssize(good)}));
}

TEST(FlagSaturatedChannels, AreThoseWhoseHighestCodeIsWithinTheMarginByHand) {
  // top - mean is 20, 19, 21, 0, -5, 19 where sigma is 10 and 2 of them are 20; then 60 of 40, and a row
  // without noise.
  const std::vector<float> mean{235, 236, 234, 255, 260, 236, 195, 100}, sigma{10, 10, 10, 10, 10, 10, 40, 0};
  const std::vector<double> top(8, 255.0);
  std::vector<std::uint8_t> good{1, 1, 1, 1, 1, 0, 1, 1};  // the sixth was flagged before
  EXPECT_EQ(flag_saturated(mean, sigma, top, 2.0, good), 4);
  EXPECT_EQ(good, (std::vector<std::uint8_t>{1, 0, 1, 0, 0, 0, 0, 1}));
  EXPECT_EQ(flag_saturated(mean, sigma, top, 2.0, good), 0);
}

TEST(FlagSaturatedChannels, GainAndOffsetDoNotMatter) {
  Xoshiro256 random(10);
  std::vector<float> mean, sigma, mean_2, sigma_2;
  std::vector<double> top, top_2;
  for (int c = 0; c < 336; ++c) {
    mean.push_back(static_cast<float>(random_between(random, 0, 255)));
    sigma.push_back(static_cast<float>(random_between(random, 1, 100)));
    top.push_back(255.0);
    mean_2.push_back(mean.back() * 0.5F - 64.0F);
    sigma_2.push_back(sigma.back() * 0.5F);
    top_2.push_back(255.0 * 0.5 - 64.0);
  }
  std::vector<std::uint8_t> good(336, 1), good_2(336, 1);
  const int n = flag_saturated(mean, sigma, top, 2.5, good);
  EXPECT_GT(n, 50);
  EXPECT_EQ(n, 336 - std::accumulate(good.begin(), good.end(), 0));
  EXPECT_EQ(flag_saturated(mean_2, sigma_2, top_2, 2.5, good_2), n);
  EXPECT_EQ(good, good_2);
}

TEST(FlagSaturatedChannels, RefusesShapesThatDiffer) {
  std::vector<std::uint8_t> good(3, 1), two(2, 1);
  EXPECT_NO_THROW(flag_saturated({1, 2, 3}, {1, 1, 1}, {9, 9, 9}, 2.0, good));
  EXPECT_THROW(flag_saturated({1, 2}, {1, 1, 1}, {9, 9, 9}, 2.0, good), std::invalid_argument);
  EXPECT_THROW(flag_saturated({1, 2, 3}, {1, 1}, {9, 9, 9}, 2.0, good), std::invalid_argument);
  EXPECT_THROW(flag_saturated({1, 2, 3}, {1, 1, 1}, {9, 9}, 2.0, good), std::invalid_argument);
  EXPECT_THROW(flag_saturated({1, 2, 3}, {1, 1, 1}, {9, 9, 9}, 2.0, two), std::invalid_argument);
}

TEST(RobustSpread, IsMedianAndScaledDeviation) {
  const auto spread = robust_spread({9.0, 1.0, 100.0, 3.0, 5.0});  // 5; |off| = 4 4 95 2 0
  EXPECT_EQ(spread.centre, 5.0);
  EXPECT_DOUBLE_EQ(spread.deviation, 1.4826 * 4.0);
}

TEST(FlagChannels, ACleanBandpassIsKept) {
  Xoshiro256 random(2);
  for (int n_chan : {1, 2, 3, 5, 42, 63, 64, 65, 130, 336, 1000, 4096}) {
    auto b = noisy_band(n_chan, 1e4, random);
    EXPECT_EQ(b.flag(10.0), 0) << n_chan;  // 2 * 4096 tests at about 8 sigma of a Gaussian
  }
}

TEST(FlagChannels, NoiseOfTheEstimateIsNoInterference) {
  Xoshiro256 random(3);
  auto b = noisy_band(300, 1e10, random);  // scatter far below what 100 samples would give
  for (auto& n : b.n_good) n = 100;
  const float sigma = b.sigma[150];
  b.mean[150] += 0.45F * sigma;  // 4.5 standard errors of the mean of 100 samples
  auto c = b;
  EXPECT_EQ(b.flag(6.0), 0);
  c.mean[150] += 0.45F * sigma;
  EXPECT_EQ(c.flag(6.0), 1);
  EXPECT_EQ(c.good[150], 0);
}

TEST(FlagChannels, EachOfManyCarriersIsFound) {
  Xoshiro256 random(4);
  for (int n_chan : {42, 130, 1000, 4096}) {
    auto b = noisy_band(n_chan, 1e4, random);
    std::vector<std::uint8_t> expected(b.good);
    for (int c = 3; c < n_chan; c += 10) {
      const auto at = static_cast<std::size_t>(c);
      (c % 20 == 3 ? b.mean[at] : b.sigma[at]) *= 1.5F;
      expected[at] = 0;
    }
    b.flag(10.0);
    EXPECT_EQ(b.good, expected) << n_chan;
  }
}

// Navigation satellites: 1172-1181 MHz are 74 of FAST's channels, side by side. Gains differ by up to 5 %,
// which is 0.125 of a sigma here; the lift is far more, and must not hide in its own median.
TEST(FlagChannels, AWideBandDoesNotHideInItsOwnMedian) {
  Xoshiro256 random(9);
  auto b = noisy_band(4096, 1e4, random);
  for (std::size_t c = 0; c < 4096; ++c) {
    const auto gain = static_cast<float>(0.95 + 0.1 * random.uniform());
    b.mean[c] *= gain;
    b.sigma[c] *= gain;
  }
  for (std::size_t c = 1409; c < 1483; ++c) b.mean[c] += 4.0F * b.sigma[c];
  b.flag(5.0);
  for (std::size_t c = 1409; c < 1483; ++c) EXPECT_EQ(b.good[c], 0) << c;
  EXPECT_GE(std::accumulate(b.good.begin(), b.good.end(), 0), 4096 - 74 - 4);
}

TEST(FlagChannels, LaterPassesFindWhatTheFirstHid) {
  // A third of the band is bad and widens the deviation about twice; what is 12 deviations of the clean part
  // off is found only once those are gone.
  Xoshiro256 random(5);
  auto b = noisy_band(1200, 1e4, random);
  for (std::size_t c = 0; c < 1200; c += 3) b.mean[c] += 10.0F * b.sigma[c];
  for (std::size_t c = 1; c < 1200; c += 60) b.mean[c] += 0.14F * b.sigma[c];
  b.flag(9.0);
  for (std::size_t c = 1; c < 1200; c += 60) EXPECT_EQ(b.good[c], 0) << c;
  EXPECT_GE(std::accumulate(b.good.begin(), b.good.end(), 0), 780 - 2);
}

TEST(FlagChannels, ChannelsFlaggedBeforeHaveNoSay) {
  Xoshiro256 random(6);
  auto a = noisy_band(336, 1e4, random);
  for (std::size_t c = 100; c < 170; ++c) a.good[c] = 0;
  a.mean[50] *= 2.0F;
  auto b = a;
  for (std::size_t c = 100; c < 170; ++c) b.mean[c] = b.sigma[c] = static_cast<float>(1e6 * random.uniform());
  EXPECT_EQ(a.flag(10.0), 1);
  EXPECT_EQ(b.flag(10.0), 1);
  EXPECT_EQ(a.good, b.good);
}

TEST(FlagChannels, TheReceiversGainDoesNotMatter) {
  Xoshiro256 random(7);
  auto a = noisy_band(130, 1e3, random);
  a.mean[5] *= 1.1F;
  a.sigma[77] *= 1.4F;
  auto b = a;
  for (auto& v : b.mean) v *= 64.0F;
  for (auto& v : b.sigma) v *= 64.0F;
  EXPECT_EQ(a.flag(4.0), b.flag(4.0));
  EXPECT_EQ(a.good, b.good);
}

TEST(FlagChannels, RefusesShapesThatDifferAndThresholdsThatAreNotPositive) {
  Xoshiro256 random(8);
  auto b = noisy_band(10, 100.0, random);
  EXPECT_THROW(b.flag(0.0), std::invalid_argument);
  EXPECT_THROW(b.flag(-3.0), std::invalid_argument);
  EXPECT_THROW(b.flag(std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
  b.good.pop_back();
  EXPECT_THROW(b.flag(5.0), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
