// Robust statistics of channels: by hand, against the reference and against Gaussians, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/channel_stats.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

struct Stats {
  Array<float, 1> mean, sigma;
  Array<std::int64_t, 1> n_good;
  explicit Stats(std::int64_t n) : mean({n}), sigma({n}), n_good({n}) {}
};

Stats stats_of(View<const float, 2> x, const SpanWeights& w, int chan_begin = 0) {
  Stats s(x.shape(0));
  channel_stats(x, w, chan_begin, s.mean.view(), s.sigma.view(), s.n_good.view());
  return s;
}

TEST(ChannelStats, OfSixSamplesByHand) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, -1, 99, 1, 3, 3, -1};
  SpanWeights w{{0, 2, 6}, {1, 0, 1, 1}, 2};  // of channel 1 the first two samples are flagged
  const auto s = stats_of(View<const float, 2>(x.data(), {2, 6}), w);
  EXPECT_FLOAT_EQ(s.mean(0), 3.5F);
  EXPECT_FLOAT_EQ(s.sigma(0), std::sqrt(35.0F / 12.0F));
  EXPECT_FLOAT_EQ(s.mean(1), 1.5F);
  EXPECT_FLOAT_EQ(s.sigma(1), std::sqrt(2.75F));
  EXPECT_EQ(s.n_good(0), 6);
  EXPECT_EQ(s.n_good(1), 4);
}

TEST(ChannelStats, OfAGaussianAreUnbiased) {
  Xoshiro256 random(1);
  constexpr std::int64_t kN = 200'000;
  Array<float, 2> x({2, kN});
  fill_gaussian(x.view().slice(0, 0, 1), 1000.0, 3.0, random);
  fill_gaussian(x.view().slice(0, 1, 2), -2.0, 0.01, random);
  const auto s = stats_of(x.cview(), all_good(kN, 2));
  // 5 standard errors, n^-1/2 and (2 n)^-1/2 sigma; clipping at 3 sigma adds under 10 % to them.
  const double error = 5.5 / std::sqrt(kN);
  EXPECT_NEAR(s.mean(0), 1000.0, 3.0 * error);
  EXPECT_NEAR(s.sigma(0), 3.0, 3.0 * error / std::sqrt(2.0));
  EXPECT_NEAR(s.mean(1), -2.0, 0.01 * error);
  EXPECT_NEAR(s.sigma(1), 0.01, 0.01 * error / std::sqrt(2.0));
}

TEST(ChannelStats, OfOneBitDataAreThoseOfACoin) {
  Xoshiro256 random(2);
  constexpr std::int64_t kN = 10'007;
  Array<float, 2> x({1, kN});
  double ones = 0.0;
  for (std::int64_t t = 0; t < kN; ++t) ones += x(0, t) = random.uniform() < 0.4 ? 1.0F : 0.0F;
  const double p = ones / kN;
  const auto s = stats_of(x.cview(), all_good(kN, 1));
  EXPECT_NEAR(s.mean(0), p, 2e-5);  // the float sums' bound: 1.5e-5 sigma
  EXPECT_NEAR(s.sigma(0), std::sqrt(p * (1.0 - p)), 2e-5);
}

TEST(ChannelStats, BurstsOfInterferenceAreClipped) {
  Xoshiro256 random(3);
  constexpr std::int64_t kN = 100'000;
  Array<float, 2> x({1, kN});
  fill_gaussian(x.view(), 20.0, 2.0, random);
  for (std::int64_t t = 0; t < kN; t += 100) x(0, t) += 500.0F;
  const auto s = stats_of(x.cview(), all_good(kN, 1));
  // The plain mean would be 5 higher, the plain sigma 50. Two passes clip at a sigma that is still a bit too
  // large, which leaves less than a tenth of the 1 % of outliers' share.
  EXPECT_NEAR(s.mean(0), 20.0, 2.0 * 5.5 / std::sqrt(kN));
  EXPECT_NEAR(s.sigma(0), 2.0, 0.01 * 2.0);
}

TEST(ChannelStats, ScaleWithTheDataExactly) {
  Xoshiro256 random(4);
  Array<float, 2> x({3, 5000}), y({3, 5000});
  fill_gaussian(x.view(), 5.0, 1.0, random);
  for (std::int64_t i = 0; i < x.size(); ++i) y.data()[i] = 1024.0F * x.data()[i];
  const auto w = random_weights(5000, 3, random);
  const auto a = stats_of(x.cview(), w), b = stats_of(y.cview(), w);
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(1024.0F * a.mean(c), b.mean(c));
    EXPECT_EQ(1024.0F * a.sigma(c), b.sigma(c));
  }
}

TEST(ChannelStats, FlaggedSamplesDoNotCountWhateverTheyHold) {
  Xoshiro256 random(5);
  Array<float, 2> x({42, 3000});
  fill_gaussian(x.view(), 5.0, 1.0, random);
  const auto w = random_weights(3000, 42, random, 0.6);
  const auto before = stats_of(x.cview(), w);
  for (int s = 0; s < w.n_span(); ++s)
    for (int c = 0; c < 42; ++c)
      for (auto t = w.begin[static_cast<std::size_t>(s)]; t < w.begin[static_cast<std::size_t>(s) + 1]; ++t)
        if (w.row(s)[c] == 0) x(c, t) = t % 2 == 0 ? std::numeric_limits<float>::quiet_NaN() : 1e30F;
  const auto after = stats_of(x.cview(), w);
  EXPECT_EQ(values_of(before.mean.cview()), values_of(after.mean.cview()));
  EXPECT_EQ(values_of(before.sigma.cview()), values_of(after.sigma.cview()));
}

TEST(ChannelStats, MatchTheReferenceOverAwkwardSizes) {
  Xoshiro256 random(6);
  for (std::int64_t n_time : {1, 3, 7, 15, 16, 17, 63, 64, 65, 511, 512, 513, 4095, 4096, 4097, 20'000}) {
    const int n_all = 8, first = static_cast<int>(random.below(4));
    const auto w = random_weights(n_time, n_all, random);
    PaddedRows<float> x(4, n_time, random);
    fill_gaussian(x.view(), 100.0, 2.0, random);
    const auto fast = stats_of(x.cview(), w, first);
    Stats plain(4);
    channel_stats_reference(x.cview(), w, first, plain.mean.view(), plain.sigma.view(), plain.n_good.view());
    for (int i = 0; i < 4; ++i) {
      // Float sums: 1.5e-5 sigma and the rounding of the results, 2^-24 * 100. Samples within that of the
      // limit, of which there is at most one here, change the mean by 3 / n and sigma by (9 - 1) / (2 n).
      const double n = static_cast<double>(std::max<std::int64_t>(1, plain.n_good(i)));
      const double tolerance = plain.sigma(i) * (3e-5 + (n > 500.0 ? 4.0 / n : 0.0)) + 1.2e-5;
      EXPECT_EQ(fast.n_good(i), plain.n_good(i));
      EXPECT_NEAR(fast.mean(i), plain.mean(i), tolerance) << n_time << " samples, channel " << i;
      EXPECT_NEAR(fast.sigma(i), plain.sigma(i), tolerance) << n_time << " samples, channel " << i;
    }
  }
}

RowCalibration calibration_of(int n_chan, double scale, double offset) {
  return {std::vector<double>(static_cast<std::size_t>(n_chan), scale),
          std::vector<double>(static_cast<std::size_t>(n_chan), offset)};
}

template <class T>
void fill_levels(View<T, 2> x, double mean, double sigma, Xoshiro256& random) {
  for (std::int64_t i = 0; i < x.shape(0); ++i)
    for (std::int64_t t = 0; t < x.shape(1); ++t)
      x(i, t) = static_cast<T>(
          std::clamp(std::lround(mean + sigma * gaussian(random)), 0L, sizeof(T) == 1 ? 255L : 510L));
}

template <class T>
Stats integer_stats_of(View<const T, 2> x, const RowCalibration& calibration, const SpanWeights& w,
                       int chan_begin) {
  Stats s(x.shape(0));
  channel_stats(x, calibration, w, chan_begin, s.mean.view(), s.sigma.view(), s.n_good.view());
  return s;
}

TEST(IntegerStats, OfSixSamplesByHand) {
  const std::vector<std::uint8_t> x = {1, 2, 3, 4, 5, 6, 255, 99, 1, 3, 3, 0};
  SpanWeights w{{0, 2, 6}, {1, 0, 1, 1}, 2};
  const auto s =
      integer_stats_of(View<const std::uint8_t, 2>(x.data(), {2, 6}), {{-2.0, 1.0}, {10.0, 0.0}}, w, 0);
  EXPECT_FLOAT_EQ(s.mean(0), 10.0F - 2.0F * 3.5F);
  EXPECT_FLOAT_EQ(s.sigma(0), 2.0F * std::sqrt(35.0F / 12.0F));
  EXPECT_FLOAT_EQ(s.mean(1), 1.75F);
  EXPECT_FLOAT_EQ(s.sigma(1), std::sqrt(6.75F / 4.0F));
  EXPECT_EQ(s.n_good(1), 4);
}

template <class T>
void check_integer_stats(std::int64_t n_time, double mean, double sigma, Xoshiro256& random) {
  const auto w = random_weights(n_time, 7, random);
  const int first = static_cast<int>(random.below(4));
  const auto calibration = calibration_of(7, random.below(2) == 0 ? 1.0 : -0.37, 11.0 * gaussian(random));
  PaddedRows<T> x(4, n_time, random);
  fill_levels(x.view(), mean, sigma, random);
  Array<std::int16_t, 2> wide({4, n_time});
  for (int i = 0; i < 4; ++i)
    for (std::int64_t t = 0; t < n_time; ++t) wide(i, t) = x.cview()(i, t);
  const auto fast = integer_stats_of(x.cview(), calibration, w, first);
  Stats plain(4);
  channel_stats_reference(wide.cview(), calibration, w, first, plain.mean.view(), plain.sigma.view(),
                          plain.n_good.view());
  EXPECT_EQ(values_of(fast.mean.cview()), values_of(plain.mean.cview())) << n_time << " samples";
  EXPECT_EQ(values_of(fast.sigma.cview()), values_of(plain.sigma.cview())) << n_time << " samples";
  EXPECT_EQ(values_of(fast.n_good.cview()), values_of(plain.n_good.cview()));
}

TEST(IntegerStats, EqualTheReferenceOverAwkwardSizes) {
  Xoshiro256 random(8);
  for (std::int64_t n_time : {1, 3, 7, 15, 16, 17, 63, 64, 65, 511, 512, 513, 4097, 16384, 16385, 40'000})
    for (double sigma : {0.0, 0.4, 2.0, 30.0, 400.0}) {  // of the last most are at the ends of the range
      check_integer_stats<std::uint8_t>(n_time, 120.3, sigma, random);
      check_integer_stats<std::int16_t>(n_time, 256.4, sigma, random);
    }
}

// The extremes of every sum: all samples at the ends of the range.
TEST(IntegerStats, OfTheLargestValuesDoNotOverflow) {
  constexpr std::int64_t kN = 3 * 16384;
  Array<std::uint8_t, 2> bytes({1, kN});
  Array<std::int16_t, 2> sums({1, kN});
  for (std::int64_t t = 0; t < kN; ++t) {
    bytes(0, t) = t % 64 < 32 ? 255 : 0;
    sums(0, t) = t % 64 < 32 ? 511 : 0;
  }
  const auto w = all_good(kN, 1);
  const auto a = integer_stats_of(bytes.cview(), calibration_of(1, 1.0, 0.0), w, 0);
  const auto b = integer_stats_of(sums.cview(), calibration_of(1, 1.0, 0.0), w, 0);
  EXPECT_EQ(a.mean(0), 127.5F);
  EXPECT_EQ(a.sigma(0), 127.5F);
  EXPECT_EQ(b.mean(0), 255.5F);
  EXPECT_EQ(b.sigma(0), 255.5F);
}

TEST(IntegerStats, AreThoseOfTheSameFloats) {
  Xoshiro256 random(9);
  Array<std::uint8_t, 2> x({5, 16384});
  fill_levels(x.view(), 100.0, 12.0, random);
  Array<float, 2> floats({5, 16384});
  for (std::int64_t i = 0; i < x.size(); ++i) floats.data()[i] = x.data()[i];
  const auto w = random_weights(16384, 5, random);
  const auto a = integer_stats_of(x.cview(), calibration_of(5, 1.0, 0.0), w, 0);
  const auto b = stats_of(floats.cview(), w);
  for (int c = 0; c < 5; ++c) {  // 1.5e-5 sigma of the float sums and one rounding of the mean, 2^-18
    EXPECT_NEAR(a.mean(c), b.mean(c), 12.0 * 1.5e-5 + 4e-6);
    EXPECT_NEAR(a.sigma(c), b.sigma(c), 12.0 * 1.5e-5 + 4e-6);
  }
}

TEST(IntegerStats, OfNothingAreZeroWhateverTheCalibration) {
  Array<std::uint8_t, 2> x({1, 100});
  SpanWeights w = all_good(100, 1);
  w.good[0] = 0;
  const auto s = integer_stats_of(x.cview(), calibration_of(1, 2.0, 5.0), w, 0);
  EXPECT_EQ(s.mean(0), 0.0F);
  EXPECT_EQ(s.sigma(0), 0.0F);
  EXPECT_EQ(s.n_good(0), 0);
}

TEST(IntegerStats, RefuseShapesThatDiffer) {
  Array<std::uint8_t, 2> x({4, 100});
  const auto call = [&](const RowCalibration& calibration, int first) {
    integer_stats_of(x.cview(), calibration, all_good(100, 6), first);
  };
  EXPECT_NO_THROW(call(calibration_of(6, 1.0, 0.0), 2));
  EXPECT_THROW(call(calibration_of(6, 1.0, 0.0), 3), std::invalid_argument);
  EXPECT_THROW(call(calibration_of(5, 1.0, 0.0), 2), std::invalid_argument);
}

TEST(ChannelStats, OfNothingAreZeroAndOfNansAreNan) {
  Xoshiro256 random(7);
  Array<float, 2> x({4, 100});
  fill_gaussian(x.view(), 1.0, 1.0, random);
  x(1, 70) = std::numeric_limits<float>::quiet_NaN();
  x(2, 99) = -std::numeric_limits<float>::infinity();
  SpanWeights w = all_good(100, 4);
  w.good[0] = 0;
  const auto s = stats_of(x.cview(), w);
  EXPECT_EQ(s.n_good(0), 0);
  EXPECT_EQ(s.mean(0), 0.0F);
  EXPECT_EQ(s.sigma(0), 0.0F);
  EXPECT_TRUE(std::isnan(s.mean(1)) && std::isnan(s.sigma(1)));
  EXPECT_TRUE(std::isnan(s.mean(2)) && std::isnan(s.sigma(2)));
  EXPECT_TRUE(std::isfinite(s.mean(3)) && s.sigma(3) > 0.0F);
}

TEST(ChannelStats, RefuseShapesThatDiffer) {
  Array<float, 2> x({4, 100});
  Stats s(4), small(3);
  const auto w = all_good(100, 6);
  const auto call = [&](View<const float, 2> in, const SpanWeights& weights, int first, Stats& out) {
    channel_stats(in, weights, first, out.mean.view(), out.sigma.view(), out.n_good.view());
  };
  EXPECT_NO_THROW(call(x.cview(), w, 2, s));
  EXPECT_THROW(call(x.cview(), w, 3, s), std::invalid_argument);
  EXPECT_THROW(call(x.cview(), w, -1, s), std::invalid_argument);
  EXPECT_THROW(call(x.cview(), all_good(99, 6), 0, s), std::invalid_argument);
  EXPECT_THROW(call(x.cview(), SpanWeights{{0}, {}, 6}, 0, s), std::invalid_argument);
  EXPECT_THROW(call(x.cview(), w, 0, small), std::invalid_argument);
  EXPECT_THROW(call(View<const float, 2>(x.data(), {4, 100}, {1, 4}), w, 0, s), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
