// The variance of rows from weights: by hand, against plain counting, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/boxcar.hpp"
#include "kernels/row_variance.hpp"
#include "tests/kernels/fdmt_test.hpp"

namespace tianyan {
namespace {

Array<float, 2> weights_of(const SpanWeights& w, View<const std::uint8_t, 1> time_good,
                           const std::vector<int>& bound) {
  Array<float, 2> weight({std::ssize(bound) - 1, time_good.shape(0) / kVarianceBin});
  subband_weights(w, time_good, bound, weight.view());
  return weight;
}

Array<std::uint8_t, 1> random_times(std::int64_t n, double chance, Xoshiro256& random) {
  Array<std::uint8_t, 1> good({n});
  for (std::int64_t t = 0; t < n; ++t) good(t) = random.uniform() < chance;
  return good;
}

TEST(VarianceSubbands, CoverTheBandEvenly) {
  for (int n_chan : kAwkwardChannels) {
    const auto bound = variance_subbands(n_chan);
    EXPECT_EQ(std::ssize(bound) - 1, std::min(n_chan, 64));
    EXPECT_EQ(bound.front(), 0);
    EXPECT_EQ(bound.back(), n_chan);
    for (std::size_t b = 1; b < bound.size(); ++b) {
      EXPECT_GE(bound[b] - bound[b - 1], n_chan / std::min(n_chan, 64));
      EXPECT_LE(bound[b] - bound[b - 1], n_chan / std::min(n_chan, 64) + 1);
    }
  }
  EXPECT_THROW(variance_subbands(0), std::invalid_argument);
}

TEST(SubbandWeights, OfThreeChannelsByHand) {
  const SpanWeights w{{0, 10, 16}, {1, 1, 1, 0, 1, 1}, 3};
  auto time_good = array_of<std::uint8_t>({1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0});
  // Bin 0: 7 good times of 1 and of 2 channels; bin 1: two times of the first span, four of the second.
  const auto weight = weights_of(w, time_good.cview(), {0, 1, 3});
  EXPECT_EQ(weight(0, 0), 7.0F);
  EXPECT_EQ(weight(0, 1), 2.0F);
  EXPECT_EQ(weight(1, 0), 14.0F);
  EXPECT_EQ(weight(1, 1), 12.0F);
}

TEST(SubbandWeights, CountTheSamplesOfEachSubbandAndBin) {
  Xoshiro256 random(1);
  for (int n_chan : kAwkwardChannels)
    for (std::int64_t n_bin : {1, 3, 7, 8, 9}) {
      const auto n_time = n_bin * kVarianceBin;
      const auto w = random_weights(n_time, n_chan, random);
      const auto good = random_times(n_time, 0.7, random);
      const auto bound = variance_subbands(n_chan);
      Array<float, 2> plain({std::ssize(bound) - 1, n_bin});
      for (int s = 0; s < w.n_span(); ++s)
        for (auto t = w.begin[static_cast<std::size_t>(s)]; t < w.begin[static_cast<std::size_t>(s) + 1]; ++t)
          for (std::int64_t b = 0; b < plain.shape(0); ++b)
            for (int c = bound[static_cast<std::size_t>(b)]; c < bound[static_cast<std::size_t>(b) + 1]; ++c)
              plain(b, t / kVarianceBin) += static_cast<float>(w.row(s)[c] * good(t));
      EXPECT_TRUE(equal(weights_of(w, good.cview(), bound).cview(), plain.cview(), "b", "i")) << n_chan;
    }
}

TEST(SubbandMeans, CountEachChannelsMeanAsOftenAsItsSamples) {
  Xoshiro256 random(6);
  const auto w = random_weights(400, 130, random);
  const auto good = random_times(400, 0.7, random);
  const auto bound = variance_subbands(130);
  Array<float, 1> channel({130});
  for (int c = 0; c < 130; ++c) channel(c) = static_cast<float>(random_between(random, -64, 64)) / 64.0F;
  Array<float, 2> mean({64, 50}), plain({64, 50});
  for (int s = 0; s < w.n_span(); ++s)  // multiples of 1/64: exact in any order
    for (auto t = w.begin[static_cast<std::size_t>(s)]; t < w.begin[static_cast<std::size_t>(s) + 1]; ++t)
      for (std::int64_t b = 0; b < 64; ++b)
        for (int c = bound[static_cast<std::size_t>(b)]; c < bound[static_cast<std::size_t>(b) + 1]; ++c)
          plain(b, t / kVarianceBin) += w.row(s)[c] * good(t) != 0 ? channel(c) : 0.0F;
  subband_means(w, good.cview(), bound, channel.cview(), mean.view());
  EXPECT_TRUE(equal(mean.cview(), plain.cview(), "b", "i"));
}

TEST(SubbandShifts, AreTheMiddlesDelaysInBins) {
  const auto p = fdmt_params(130, 1000.0, 1500.0, 0, 500);
  const auto bound = variance_subbands(130);
  Array<std::int32_t, 1> shift({64});
  for (int d : {0, 1, 77, 499}) {
    subband_shifts(p, bound, d, shift.view());
    for (std::size_t b = 0; b < 64; ++b) {
      const double exact = exact_channel_delay(p, d, 0.5 * (bound[b] + bound[b + 1] - 1)) / kVarianceBin;
      EXPECT_NEAR(shift(b), exact, 0.5 + 1e-9);
      EXPECT_TRUE(b == 0 || shift(b) <= shift(b - 1)) << b;
    }
  }
  EXPECT_THROW(subband_shifts(p, bound, 5, shift.view().slice(0, 0, 63)), std::invalid_argument);
}

TEST(RowVariance, AddsSubbandsAtTheirShifts) {
  const float weight[8] = {1, 2, 3, 4, 10, 20, 30, 40};
  auto shift = array_of<std::int32_t>({2, 0});
  Array<float, 1> v({4});
  row_variance(View<const float, 2>(weight, {2, 4}), shift.cview(), 1, 2.0, v.view());
  // Bins 1.. of the second and 3.. of the first: (20 + 4) 2, 30 2, 40 2, 0.
  EXPECT_EQ(values_of(v.cview()), (std::vector<float>{48, 60, 80, 0}));
  row_variance(View<const float, 2>(weight, {2, 4}), shift.cview(), -2, 0.5, v.view());
  EXPECT_EQ(values_of(v.cview()), (std::vector<float>{0.5, 1, 6.5, 12}));
}

TEST(RowVariance, MatchesPlainSumsWhereverItBegins) {
  Xoshiro256 random(2);
  for (std::int64_t n_bin : {1, 3, 7, 63, 64, 65, 200})
    for (std::int64_t n : {1, 3, 7, 31, 32, 33, 150}) {
      PaddedRows<float> weight(42, n_bin, random);
      fill_uniform(weight.view(), 512, random);
      Array<std::int32_t, 1> shift({42});
      for (int b = 0; b < 42; ++b) shift(b) = static_cast<std::int32_t>(random_between(random, 0, 90));
      const auto first = random_between(random, -100, n_bin + 10);
      Array<float, 1> v({n});
      row_variance(weight.cview(), shift.cview(), first, 16.0, v.view());
      for (std::int64_t i = 0; i < n; ++i) {
        float sum = 0.0F;  // whole numbers below 2^24: exact in any order
        for (int b = 0; b < 42; ++b)
          if (const auto at = first + shift(b) + i; at >= 0 && at < n_bin) sum += weight.cview()(b, at);
        ASSERT_EQ(v(i), 16.0F * sum) << "i=" << i << " of " << n << " from " << first;
      }
    }
}

TEST(RowVariance, OfAMaskThatDoesNotChangeIsTheNumberOfGoodChannels) {
  Xoshiro256 random(3);
  for (int n_chan : {3, 65, 336}) {
    auto w = random_weights(800, n_chan, random, 0.6);
    w.begin = {0, 800};
    const auto good = random_times(800, 1.0, random);
    const auto bound = variance_subbands(n_chan);
    const auto weight = weights_of(w, good.cview(), bound);
    Array<std::int32_t, 1> shift({std::ssize(bound) - 1});
    subband_shifts(fdmt_params(n_chan, 400.0, 800.0, 0, 300), bound, 233, shift.view());
    Array<float, 1> v({60});
    row_variance(weight.cview(), shift.cview(), 5, 1.0, v.view());
    float n = 0.0F;
    for (int c = 0; c < n_chan; ++c) n += w.good[static_cast<std::size_t>(c)];
    EXPECT_EQ(values_of(v.cview()), std::vector<float>(60, kVarianceBin * n)) << n_chan;
  }
}

// Two channels of one subband, one flagged; times 3 and 9 flagged.
TEST(SubbandMeans, ByHand) {
  auto w = all_good(16, 2);
  w.good[1] = 0;
  Array<std::uint8_t, 1> good({16});
  for (std::int64_t t = 0; t < 16; ++t) good(t) = t != 3 && t != 9;
  Array<float, 1> channel({2}), three({3});
  channel(0) = 1.25F;
  channel(1) = 7.0F;
  Array<float, 2> mean({1, 2});
  subband_means(w, good.cview(), {0, 2}, channel.cview(), mean.view());
  EXPECT_EQ(mean(0, 0), 7.0F * 1.25F);
  EXPECT_EQ(mean(0, 1), 7.0F * 1.25F);
  EXPECT_THROW(subband_means(w, good.cview(), {0, 2}, three.cview(), mean.view()), std::invalid_argument);
}

TEST(SampleShares, AreOfTheirBinByHand) {
  Array<float, 1> times({24}), share({24});
  for (std::int64_t t = 0; t < 8; ++t) times(t) = 1.0F;
  for (std::int64_t t : {9, 10, 15}) times(t) = t == 15 ? 0.5F : 1.0F;
  sample_shares(times.cview(), share.view());
  for (std::int64_t t = 0; t < 24; ++t) {
    const float expected = t < 8 ? 0.125F : t == 9 || t == 10 ? 0.4F : t == 15 ? 0.2F : 0.0F;
    EXPECT_FLOAT_EQ(share(t), expected) << t;
  }
  EXPECT_FALSE(has_mixed_bins(times.cview().slice(0, 0, 8)));
  EXPECT_FALSE(has_mixed_bins(times.cview().slice(0, 16, 24)));
  EXPECT_TRUE(has_mixed_bins(times.cview()));
  EXPECT_THROW(sample_shares(times.cview().slice(0, 0, 12), share.view().slice(0, 0, 12)),
               std::invalid_argument);
}

// Weights of random times in two subbands, summed sample by sample at their delays.
TEST(RowVarianceSamples, IsThatOfTheSamplesThatAreSummed) {
  Xoshiro256 random(12);
  const std::int64_t n = 160;
  Array<float, 1> times({n}), share({n}), v({40});
  for (std::int64_t t = 0; t < n; ++t) times(t) = random.uniform() < 0.7 ? 1.0F : 0.0F;
  sample_shares(times.cview(), share.view());
  const float channels[] = {5.0F, 11.0F};
  Array<float, 2> weight({2, n / 8});
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t t = 0; t < n; ++t) weight(b, t / 8) += channels[b] * times(t);
  Array<std::int32_t, 1> delay({2});
  delay(0) = 3;
  delay(1) = 0;
  for (std::int64_t first : {0, 50, 130, -7}) {
    row_variance_samples(weight.cview(), share.cview(), delay.cview(), first, 2.0, v.view());
    for (std::int64_t i = 0; i < v.size(); ++i) {
      double expected = 0.0;
      for (std::int64_t b = 0; b < 2; ++b) {
        const auto t = first + delay(b) + i;
        expected += t >= 0 && t < n ? 2.0 * channels[b] * times(t) : 0.0;
      }
      EXPECT_NEAR(v(i), expected, 1e-5 * (1.0 + expected)) << first << " " << i;
    }
  }
  EXPECT_THROW(
      row_variance_samples(weight.cview(), share.cview().slice(0, 0, 152), delay.cview(), 0, 1.0, v.view()),
      std::invalid_argument);
}

TEST(RowVariance, RefusesShapesThatDiffer) {
  Array<float, 2> weight({4, 10}), three({3, 10});
  Array<std::int32_t, 1> shift({3});
  Array<float, 1> v({5});
  EXPECT_THROW(row_variance(weight.cview(), shift.cview(), 0, 1.0, v.view()), std::invalid_argument);
  const auto w = all_good(80, 8);
  Xoshiro256 random(4);
  const auto good = random_times(80, 0.5, random), longer = random_times(88, 0.5, random);
  EXPECT_NO_THROW(subband_weights(w, good.cview(), {0, 2, 4, 6, 8}, weight.view()));
  EXPECT_THROW(subband_weights(w, good.cview(), {0, 2, 4, 6, 8}, three.view()), std::invalid_argument);
  EXPECT_THROW(subband_weights(w, longer.cview(), {0, 2, 4, 6, 8}, weight.view()), std::invalid_argument);
  EXPECT_THROW(subband_weights(w, good.cview(), {0, 2, 4, 6, 9}, weight.view()), std::invalid_argument);
  EXPECT_THROW(subband_weights(all_good(72, 8), good.cview(), {0, 2, 4, 6, 8}, weight.view()),
               std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
