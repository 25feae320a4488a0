// Dynamic spectra: bins by hand, plain counting, blocks and shifts, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/dynamic_spectrum.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

// Normalised samples: zero where they have no weight.
struct Block {
  Array<std::int8_t, 2> q;
  SpanWeights weights;
  Array<std::uint8_t, 1> time_good;

  Block(int n_chan, std::int64_t n_time, Xoshiro256& random)
      : q({n_chan, n_time}), weights(random_weights(n_time, n_chan, random)), time_good({n_time}) {
    fill_uniform(q.view(), 31, random);
    for (std::int64_t t = 0; t < n_time; ++t) time_good(t) = random.uniform() < 0.8;
    for (std::int64_t t = 0; t < n_time; ++t)
      for (int c = 0; c < n_chan; ++c)
        if (!good(c, t)) q(c, t) = 0;
  }
  bool good(int c, std::int64_t t) const {
    int s = 0;
    while (weights.begin[static_cast<std::size_t>(s) + 1] <= t) ++s;
    return weights.row(s)[c] != 0 && time_good(t) != 0;
  }
};

// The header's formula, a sample at a time.
void add_plainly(const Block& block, std::int64_t first, const Array<float, 1>& mean,
                 const Array<double, 1>& delay, SpectrumBins& bins) {
  for (std::int64_t b = 0; b < bins.n_band(); ++b)
    for (int c = bins.band[static_cast<std::size_t>(b)]; c < bins.band[static_cast<std::size_t>(b) + 1]; ++c)
      for (std::int64_t t = 0; t < block.q.shape(1); ++t) {
        const double at = static_cast<double>(first + t) - delay(c) - bins.begin_sample;
        const auto i = static_cast<std::int64_t>(std::floor(at / bins.step_samples));
        if (i < 0 || i >= bins.n_bin() || !block.good(c, t)) continue;
        bins.sum(b, i) += block.q(c, t) - mean(c);
        bins.count(b, i) += 1.0;
      }
}

// Multiples of 1/8: every difference and every edge is exact.
Array<double, 1> random_delays(int n_chan, Xoshiro256& random) {
  Array<double, 1> delay({n_chan});
  for (int c = 0; c < n_chan; ++c) delay(c) = static_cast<double>(random_between(random, 0, 800)) / 8.0;
  return delay;
}

// Multiples of 1/8 as well: sums of thousands of samples are exact.
Array<float, 1> random_means(int n_chan, Xoshiro256& random) {
  Array<float, 1> mean({n_chan});
  for (int c = 0; c < n_chan; ++c) mean(c) = static_cast<float>(random_between(random, -16, 16)) / 8.0F;
  return mean;
}

TEST(EqualBands, CoverTheBand) {
  EXPECT_EQ(equal_bands(10, 4), (std::vector<int>{0, 2, 5, 7, 10}));
  EXPECT_EQ(equal_bands(3, 8), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(equal_bands(4096, 1), (std::vector<int>{0, 4096}));
  EXPECT_THROW(equal_bands(10, 0), std::invalid_argument);
  EXPECT_THROW(equal_bands(0, 4), std::invalid_argument);
}

TEST(DynamicSpectrum, OfTwoChannelsByHand) {
  const std::int8_t q[8] = {1, 2, 3, 4, 10, 20, 30, 0};
  const SpanWeights w{{0, 3, 4}, {1, 1, 1, 0}, 2};  // the last sample of channel 1 is flagged
  auto time_good = array_of<std::uint8_t>({1, 1, 1, 1});
  auto delay = array_of<double>({2.0, 0.0});
  auto mean = array_of<float>({0.5F, 1.0F});
  SpectrumBins bins(99.0, 2.0, 2, {0, 1, 2});
  add_spectrum(View<const std::int8_t, 2>(q, {2, 4}), w, time_good.cview(), 100, mean.cview(), delay.cview(),
               bins);
  // Samples 100..103. Channel 0, 2 earlier, at 98..101: bins -1, 0, 0, 1. Channel 1: bins 0, 1, 1, flagged.
  EXPECT_EQ(bins.sum(0, 0), 2.0 + 3.0 - 2 * 0.5);
  EXPECT_EQ(bins.sum(0, 1), 4.0 - 0.5);
  EXPECT_EQ(bins.sum(1, 0), 10.0 - 1.0);
  EXPECT_EQ(bins.sum(1, 1), 20.0 + 30.0 - 2 * 1.0);
  EXPECT_EQ(bins.count(0, 0), 2.0);
  EXPECT_EQ(bins.count(0, 1), 1.0);
  EXPECT_EQ(bins.count(1, 0), 1.0);
  EXPECT_EQ(bins.count(1, 1), 2.0);
}

TEST(DynamicSpectrum, MatchesPlainBinningOverAwkwardSizes) {
  Xoshiro256 random(1);
  for (int n_chan : {1, 2, 3, 5, 42, 65, 130})
    for (std::int64_t n_time : {1, 3, 7, 63, 64, 65, 300}) {
      const Block block(n_chan, n_time, random);
      const auto delay = random_delays(n_chan, random);
      const auto mean = random_means(n_chan, random);
      const auto bands = equal_bands(n_chan, static_cast<int>(random_between(random, 1, 16)));
      const auto first = random_between(random, 0, 1000);
      const double begin =
          static_cast<double>(first) + static_cast<double>(random_between(random, -1200, 400)) / 8.0;
      const double step = one_of(random, {0.25, 1.0, 2.75, 8.0, 37.5});
      SpectrumBins fast(begin, step, random_between(random, 1, 60), bands),
          plain(begin, step, fast.n_bin(), bands);
      add_spectrum(block.q.cview(), block.weights, block.time_good.cview(), first, mean.cview(),
                   delay.cview(), fast);
      add_plainly(block, first, mean, delay, plain);
      EXPECT_TRUE(equal(fast.sum.cview(), plain.sum.cview(), "b", "i")) << n_chan << " x " << n_time;
      EXPECT_TRUE(equal(fast.count.cview(), plain.count.cview(), "b", "i")) << n_chan << " x " << n_time;
    }
}

TEST(DynamicSpectrum, BlocksDoNotMatter) {
  Xoshiro256 random(2);
  const Block block(65, 200, random);
  const auto delay = random_delays(65, random);
  const auto mean = random_means(65, random);
  SpectrumBins whole(30.0, 3.5, 40, equal_bands(65, 7)), parts(30.0, 3.5, 40, equal_bands(65, 7));
  add_spectrum(block.q.cview(), block.weights, block.time_good.cview(), 50, mean.cview(), delay.cview(),
               whole);
  for (std::int64_t t = 0, end; t < 200; t = end) {
    end = std::min<std::int64_t>(200, t + random_between(random, 1, 60));
    SpanWeights w;  // one span a sample
    w.n_chan = 65;
    for (auto i = t; i <= end; ++i) w.begin.push_back(i - t);
    for (auto i = t; i < end; ++i)
      for (int c = 0; c < 65; ++c) w.good.push_back(block.good(c, i));
    add_spectrum(block.q.cview().slice(1, t, end), w, block.time_good.cview().slice(0, t, end), 50 + t,
                 mean.cview(), delay.cview(), parts);
  }
  EXPECT_TRUE(equal(parts.sum.cview(), whole.sum.cview(), "b", "i"));
  EXPECT_TRUE(equal(parts.count.cview(), whole.count.cview(), "b", "i"));
}

TEST(DynamicSpectrum, SignificanceIsOfWhatWasCounted) {
  SpectrumBins bins(0.0, 1.0, 2, {0, 1, 2});
  bins.sum(0, 0) = 60.0, bins.count(0, 0) = 9.0;
  bins.sum(1, 1) = -8.0, bins.count(1, 1) = 1.0;
  Array<float, 2> snr({2, 2}), wrong({2, 3});
  spectrum_snr(bins, 16.0, snr.view());
  EXPECT_EQ(snr(0, 0), 5.0F);
  EXPECT_EQ(snr(1, 1), -2.0F);
  EXPECT_TRUE(std::isnan(snr(0, 1)) && std::isnan(snr(1, 0)));
  EXPECT_THROW(spectrum_snr(bins, 16.0, wrong.view()), std::invalid_argument);
}

TEST(DynamicSpectrum, AProfileShiftsItsBands) {
  SpectrumBins bins(0.0, 1.0, 4, {0, 1, 2});
  for (int i = 0; i < 4; ++i) {
    bins.sum(0, i) = i + 1, bins.count(0, i) = 2.0;
    bins.sum(1, i) = 10 * (i + 1), bins.count(1, i) = 2.0;
  }
  auto shift = array_of<double>({0.4, 1.6});
  Array<float, 1> snr({4});
  shifted_profile(bins, shift.cview(), 1.0, snr.view());
  const double expected[] = {31.0 / 2.0, 42.0 / 2.0, 3.0 / std::sqrt(2.0), 4.0 / std::sqrt(2.0)};
  for (int i = 0; i < 4; ++i) EXPECT_FLOAT_EQ(snr(i), static_cast<float>(expected[i]));
  shift(0) = shift(1) = -9.0;
  shifted_profile(bins, shift.cview(), 1.0, snr.view());
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(std::isnan(snr(i)));
}

TEST(DynamicSpectrum, APulseIsOneColumnOnceItsDelaysAreTakenOut) {
  Xoshiro256 random(3);
  Block block(42, 300, random);
  const auto delay = random_delays(42, random);
  for (std::int64_t i = 0; i < block.q.size(); ++i) block.q.data()[i] = 0;
  double expected = 0.0;
  for (int c = 0; c < 42; ++c) {
    const auto t = 100 + static_cast<std::int64_t>(std::ceil(delay(c)));
    if (block.good(c, t)) block.q(c, t) = 25, expected += 25.0;
  }
  const Array<float, 1> mean({42});
  SpectrumBins bins(90.0, 1.0, 20, {0, 42});
  add_spectrum(block.q.cview(), block.weights, block.time_good.cview(), 0, mean.cview(), delay.cview(), bins);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(bins.sum(0, i), i == 10 ? expected : 0.0) << i;
}

TEST(DynamicSpectrum, RefusesShapesThatDiffer) {
  EXPECT_THROW(SpectrumBins(0.0, 0.0, 4, {0, 2}), std::invalid_argument);
  EXPECT_THROW(SpectrumBins(0.0, 1.0, 0, {0, 2}), std::invalid_argument);
  EXPECT_THROW(SpectrumBins(0.0, 1.0, 4, {0}), std::invalid_argument);
  Xoshiro256 random(4);
  const Block block(5, 20, random);
  const auto delay = random_delays(5, random);
  const auto mean = random_means(5, random);
  SpectrumBins bins(0.0, 1.0, 4, {0, 5}), four(0.0, 1.0, 4, {0, 4});
  const auto add = [&](auto q, auto times, auto d, SpectrumBins& out) {
    add_spectrum(q, block.weights, times, 0, mean.cview(), d, out);
  };
  const auto q = block.q.cview();
  EXPECT_NO_THROW(add(q, block.time_good.cview(), delay.cview(), bins));
  EXPECT_THROW(add(q, block.time_good.cview(), delay.cview(), four), std::invalid_argument);
  EXPECT_THROW(add(q, block.time_good.cview(), delay.cview().slice(0, 0, 4), bins), std::invalid_argument);
  EXPECT_THROW(add(q, block.time_good.cview().slice(0, 0, 19), delay.cview(), bins), std::invalid_argument);
  EXPECT_THROW(add(q.slice(1, 0, 19), block.time_good.cview(), delay.cview(), bins), std::invalid_argument);
  EXPECT_THROW(add_spectrum(q, block.weights, block.time_good.cview(), 0, mean.cview().slice(0, 0, 4),
                            delay.cview(), bins),
               std::invalid_argument);
  Array<double, 1> shift({2});
  Array<float, 1> snr({4});
  EXPECT_THROW(shifted_profile(bins, shift.cview(), 1.0, snr.view()), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
