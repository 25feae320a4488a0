// Flagging of times: zero-DM sums, impulses by hand, a plain version of the rule, noise, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/base/units.hpp"
#include "kernels/flag_times.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

struct Series {
  std::vector<std::int32_t> z;
  std::vector<float> sigma;
  std::vector<std::uint8_t> good;
  std::vector<std::int16_t> band_z{};  // [band][time]
  std::vector<float> band_sigma{};

  std::int64_t n_band() const { return std::ssize(band_sigma); }
  std::int16_t& of_band(std::int64_t b, std::int64_t t) {
    return band_z[static_cast<std::size_t>(b * std::ssize(z) + t)];
  }
  std::int64_t flag(double threshold) {
    const auto n = n_band() > 0 ? std::ssize(band_z) / n_band() : 0;
    return flag_times(View<const std::int32_t, 1>(z.data(), {std::ssize(z)}),
                      View<const float, 1>(sigma.data(), {std::ssize(sigma)}),
                      {View<const std::int16_t, 2>(band_z.data(), {n_band(), n}),
                       View<const float, 1>(band_sigma.data(), {n_band()})},
                      threshold, View<std::uint8_t, 1>(good.data(), {std::ssize(good)}));
  }
  /// The same without bands.
  std::int64_t flag_all(double threshold) const {
    Series s{z, sigma, good};
    return s.flag(threshold);
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

// Noise in each of the bands, of which z is the sum.
Series banded_noise(int n_band, std::int64_t n, double band_sigma, Xoshiro256& random) {
  Series s;
  s.z.assign(static_cast<std::size_t>(n), 0);
  s.good.assign(static_cast<std::size_t>(n), 1);
  s.sigma.assign(static_cast<std::size_t>(n), static_cast<float>(band_sigma * std::sqrt(n_band)));
  s.band_sigma.assign(static_cast<std::size_t>(n_band), static_cast<float>(band_sigma));
  static const NormalTable normal;
  std::vector<float> unit(static_cast<std::size_t>(n));
  for (int b = 0; b < n_band; ++b) {
    normal.fill(random, unit.data(), n);
    for (std::size_t t = 0; t < unit.size(); ++t) {
      const auto v = static_cast<std::int16_t>(std::lround(band_sigma * unit[t]));
      s.band_z.push_back(v);
      s.z[t] += v;
    }
  }
  return s;
}

void add_to_band(Series& s, std::int64_t b, std::int64_t t, double height) {
  const auto v = static_cast<std::int16_t>(std::lround(height));
  s.of_band(b, t) = static_cast<std::int16_t>(s.of_band(b, t) + v);
  s.z[static_cast<std::size_t>(t)] += v;
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

// Whether much of the band takes part where the whole sum of [begin, end) is `whole` deviations off.
bool broad_plainly(Series s, const std::vector<std::uint8_t>& good, std::int64_t begin, std::int64_t end,
                   double whole) {
  std::vector<double> y;
  for (std::int64_t b = 0; b < s.n_band(); ++b) {
    double sum = 0.0, n = 0.0;
    for (auto t = begin; t < end; ++t) {
      if (good[static_cast<std::size_t>(t)] == 0) continue;
      sum += s.of_band(b, t);
      n += s.sigma[static_cast<std::size_t>(t)] > 0.0F ? 1.0 : 0.0;
    }
    const double sigma = double{s.band_sigma[static_cast<std::size_t>(b)]} * std::sqrt(n);
    if (sigma > 0.0) y.push_back(whole > 0.0 ? sum / sigma : -sum / sigma);
  }
  if (y.size() < 8) return true;
  double high = 0.0;
  for (double v : y) high += v > 3.0 ? 1.0 : 0.0;
  const auto n_band = static_cast<double>(y.size());
  return median(y) * std::sqrt(n_band) > 0.7 * std::abs(whole) || 3.0 * high >= n_band;
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
    const auto before = good;
    for (std::int64_t i = 0; i < std::ssize(y); ++i)
      if (const double off_centre = y[static_cast<std::size_t>(i)] - centre;
          std::abs(off_centre) > threshold * deviation &&
          broad_plainly(s, before, i * scale, (i + 1) * scale, off_centre))
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

TEST(SumBands, AddsTheBandsOfEachSample) {
  Xoshiro256 random(18);
  for (int n_band : {0, 1, 3, 64})
    for (std::int64_t n : {0, 1, 7, 64, 65}) {
      PaddedRows<std::int16_t> bands(n_band, n, random);
      fill_uniform(bands.view(), 32'767, random);
      std::vector<std::int32_t> z(static_cast<std::size_t>(n), 5), expected(z.size(), 0);
      for (int b = 0; b < n_band; ++b)
        for (std::int64_t t = 0; t < n; ++t) expected[static_cast<std::size_t>(t)] += bands.cview()(b, t);
      sum_bands(bands.cview(), View<std::int32_t, 1>(z.data(), {n}));
      EXPECT_EQ(z, expected) << n_band << " x " << n;
    }
  Array<std::int16_t, 2> bands({2, 8});
  Array<std::int32_t, 1> z({7});
  EXPECT_THROW(sum_bands(bands.cview(), z.view()), std::invalid_argument);
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

// Bands of which some have no weight; impulses of either sign in a part of them or in all.
Series random_bands(std::int64_t n, Xoshiro256& random) {
  const int n_band = one_of(random, {1, 7, 8, 9, 31, 64});
  auto s = banded_noise(n_band, n, 20.0, random);
  for (auto& sigma : s.sigma) sigma = random.uniform() < 0.1 ? 0.0F : sigma * 0.9F;
  for (auto& sigma : s.band_sigma) sigma = random.uniform() < 0.1 ? 0.0F : sigma * 0.9F;
  for (std::int64_t i = 0; i < 1 + n / 100; ++i) {
    const auto at = random_between(random, 0, n - 1), end = std::min(n, at + random_between(random, 1, 90));
    const auto first = random_between(random, 0, n_band - 1), last = random_between(random, first, n_band);
    const double height = 20.0 * static_cast<double>(random_between(random, -6, 6));
    const bool whole = random.below(2) == 0;
    for (auto t = at; t < end; ++t)
      for (auto b = whole ? 0 : first; b < (whole ? n_band : last); ++b)
        add_to_band(s, b, t, whole ? 0.3 * height : height);
  }
  return s;
}

TEST(FlagTimesInBands, FollowTheirRuleOverAwkwardSizes) {
  Xoshiro256 random(10);
  std::int64_t n_kept = 0, n_flagged = 0;
  for (std::int64_t n : {1, 3, 4, 7, 8, 63, 64, 65, 127, 128, 511, 512, 513, 1000, 2049})
    for (int round = 0; round < 8; ++round) {
      auto s = random_bands(n, random);
      const auto expected = flagged_plainly(s, 4.0);
      const auto of_sum = s.flag_all(4.0), flagged = s.flag(4.0);
      EXPECT_EQ(s.good, expected) << n << " times, " << s.n_band() << " bands";
      n_flagged += flagged;
      n_kept += of_sum - flagged;
    }
  EXPECT_GT(n_flagged, 1000);  // both ways are taken
  EXPECT_GT(n_kept, 300);
}

TEST(FlagTimesInBands, AnImpulseOfTheWholeBandGoes) {
  Xoshiro256 random(11);
  for (int sign : {1, -1}) {
    auto s = banded_noise(64, 1000, 32.0, random);
    for (int b = 0; b < 64; ++b) add_to_band(s, b, 500, sign * 32.0 * 10.0 / 8.0);  // 10 of the whole sum
    EXPECT_EQ(s.flag(7.0), 3);
    EXPECT_EQ(s.good[499] + s.good[500] + s.good[501], 0);
  }
}

TEST(FlagTimesInBands, AStrongImpulseOfMoreThanAThirdOfTheBandGoesAndOneOfAQuarterStays) {
  Xoshiro256 random(12);
  auto s = banded_noise(64, 1000, 32.0, random);
  for (int b = 10; b < 36; ++b) add_to_band(s, b, 200, 32.0 * 7.0);  // 26 of 64: 23 of the whole sum
  for (int b = 30; b < 46; ++b) add_to_band(s, b, 700, 32.0 * 7.0);  // 16 of 64: 14
  EXPECT_EQ(s.flag_all(7.0), 6);
  EXPECT_EQ(s.flag(7.0), 3);
  EXPECT_EQ(s.good[199] + s.good[200] + s.good[201], 0);
}

TEST(FlagTimesInBands, FewerThanEightWithWeightHaveNoSay) {
  Xoshiro256 random(13);
  for (int n_band : {7, 8}) {
    auto s = banded_noise(n_band, 1000, 32.0, random);
    add_to_band(s, 2, 300, 32.0 * 40.0);  // in one band alone: 14 of the whole sum
    EXPECT_EQ(s.flag(7.0), n_band == 7 ? 3 : 0);
    s.band_sigma[5] = 0.0F;
    EXPECT_EQ(s.flag(7.0), n_band == 7 ? 0 : 3);
  }
}

TEST(FlagTimesInBands, BandsWithoutSigmaDoNotCount) {
  Xoshiro256 random(14);
  auto s = banded_noise(24, 1000, 32.0, random);
  for (int b = 0; b < 24; ++b) add_to_band(s, b, 500, 32.0 * 4.0);
  for (int b = 0; b < 12; ++b) add_to_band(s, b, 100, 32.0 * 0.5);
  auto with_empty = s;
  for (int b = 24; b < 64; ++b) {
    with_empty.band_sigma.push_back(0.0F);
    for (int t = 0; t < 1000; ++t)
      with_empty.band_z.push_back(static_cast<std::int16_t>(random_between(random, -9000, 9000)));
  }
  EXPECT_EQ(with_empty.flag(7.0), 3);
  EXPECT_EQ(s.flag(7.0), 3);
  EXPECT_EQ(s.good, with_empty.good);
}

// A pulse of 4096 channels of 1000-1500 MHz in samples of 49.152 us, noise of 4 levels each: what its
// dedispersed sum of one FWHM would be `snr` of, spread over its sweep.
Series dispersed_pulse(double snr, double dm, double fwhm_s, Xoshiro256& random) {
  constexpr int kChannels = 4096, kBands = 64;
  constexpr double kSampleS = 49.152e-6;
  auto s = banded_noise(kBands, 32'768, 4.0 * std::sqrt(kChannels / kBands), random);
  std::vector<double> rise(s.band_z.size(), 0.0);
  const double width = fwhm_s / kSampleS, sigma = width / kFwhmPerSigma;
  const double of_channel = snr * 4.0 * std::sqrt(kChannels * width) / kChannels;
  for (int c = 0; c < kChannels; ++c) {
    const double freq_mhz = 1000.0 + 500.0 * (c + 0.5) / kChannels;
    const double centre = 3000.0 + dispersion_delay_s(dm, freq_mhz, 1500.0) / kSampleS;
    const auto first = std::llround(centre - 5.0 * sigma), last = std::llround(centre + 5.0 * sigma);
    for (auto t = first; t <= last; ++t) {
      const double off = (static_cast<double>(t) - centre) / sigma;
      rise[static_cast<std::size_t>(c / (kChannels / kBands) * std::ssize(s.z) + t)] +=
          of_channel / (sigma * std::sqrt(2.0 * std::numbers::pi)) * std::exp(-0.5 * off * off);
    }
  }
  for (std::int64_t b = 0; b < kBands; ++b)
    for (std::int64_t t = 0; t < std::ssize(s.z); ++t)
      add_to_band(s, b, t, rise[static_cast<std::size_t>(b * std::ssize(s.z) + t)]);
  return s;
}

// At DM 50 the sweep is 115 ms: at one instant a pulse of 5 ms shines in a tenth of the band, far from a
// third and from the half that a median needs, though its sum over 64 samples is up to 14 and 32 deviations
// off. Noise may lift the median of a cell just above the limit: that takes 0.6 % in the mean of runs like
// the second.
TEST(FlagTimesInBands, ABrightPulseFromTheSkyStays) {
  Xoshiro256 random(15);
  for (double fwhm_s : {1e-3, 5e-3}) {
    auto s = dispersed_pulse(500.0, 50.0, fwhm_s, random);
    const auto of_sum = s.flag_all(7.0);
    EXPECT_GT(of_sum, fwhm_s < 2e-3 ? 800 : 1800) << fwhm_s;
    EXPECT_GT(s.flag_all(12.0), fwhm_s < 2e-3 ? 100 : 1000) << fwhm_s;
    EXPECT_LE(100 * s.flag(7.0), of_sum) << fwhm_s;
  }
}

TEST(FlagTimesInBands, APulseWithoutDispersionGoes) {
  Xoshiro256 random(16);
  auto s = dispersed_pulse(50.0, 0.0, 1e-3, random);
  EXPECT_GE(s.flag(7.0), 20);
  for (std::size_t t = 2995; t < 3005; ++t) EXPECT_EQ(s.good[t], 0) << t;
}

TEST(FlagTimesInBands, RefuseShapesThatDiffer) {
  Xoshiro256 random(17);
  const auto s = banded_noise(8, 64, 5.0, random);
  Array<std::uint8_t, 1> good({64});
  const View<const std::int32_t, 1> z(s.z.data(), {64});
  const View<const float, 1> sigma(s.sigma.data(), {64});
  const auto call = [&](std::int64_t n_band, std::int64_t n, std::int64_t n_sigma) {
    flag_times(z, sigma,
               {View<const std::int16_t, 2>(s.band_z.data(), {n_band, n}),
                View<const float, 1>(s.band_sigma.data(), {n_sigma})},
               5.0, good.view());
  };
  EXPECT_NO_THROW(call(8, 64, 8));
  EXPECT_THROW(call(8, 64, 7), std::invalid_argument);
  EXPECT_THROW(call(0, 64, 8), std::invalid_argument);
  EXPECT_THROW(call(8, 63, 8), std::invalid_argument);
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
