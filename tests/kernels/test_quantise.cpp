// Normalisation and downsampling: by hand, the references, and the model of variance against simulated noise.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/quantise.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

std::vector<int> quantised(std::vector<float> x, float mean, float sigma) {
  const auto n = std::ssize(x);
  Array<std::int8_t, 2> q({1, n});
  normalise(View<const float, 2>(x.data(), {1, n}), View<const float, 1>(&mean, {1}),
            View<const float, 1>(&sigma, {1}), all_good(n, 1), 0, {}, q.view());
  return {q.data(), q.data() + n};
}

TEST(Normalise, IsFourLevelsASigmaClippedAtThirtyOne) {
  EXPECT_EQ(quantised({10, 12, 8, 11, 26, -100, 1e30F}, 10, 2), (std::vector<int>{0, 4, -4, 2, 31, -31, 31}));
}

TEST(Normalise, RoundsTiesToEven) {
  EXPECT_EQ(quantised({0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 30.5, -30.5}, 0, 4),
            (std::vector<int>{0, 2, 2, 0, -2, -2, 30, -30}));
}

TEST(Normalise, WhatCannotBeUsedIsZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::vector<int> zeros(2, 0);
  EXPECT_EQ(quantised({1, 9}, nan, 1), zeros);
  EXPECT_EQ(quantised({1, 9}, inf, 1), zeros);
  EXPECT_EQ(quantised({1, 9}, 0, nan), zeros);
  EXPECT_EQ(quantised({1, 9}, 0, 0), zeros);
  EXPECT_EQ(quantised({1, 9}, 0, -1), zeros);
  EXPECT_EQ(quantised({nan, inf}, nan, nan), zeros);
}

// A wave of any size and its factors in channels, or nothing.
struct RandomWave {
  Array<std::int16_t, 1> wave;
  Array<float, 1> factor;

  RandomWave(bool any, std::int64_t n_chan, std::int64_t n_time, Xoshiro256& random)
      : wave({any ? n_time : 0}), factor({any ? n_chan : 0}) {
    for (std::int64_t t = 0; t < wave.size(); ++t)
      wave(t) = static_cast<std::int16_t>(random.below(20) == 0 ? one_of(random, {-32'767, 32'767})
                                                                : random_between(random, -300, 300));
    for (std::int64_t c = 0; c < factor.size(); ++c)
      factor(c) = static_cast<float>(random.below(5) == 0 ? 0.0 : 0.05 * gaussian(random));
  }
  SharedWave shared() const { return {wave.cview(), factor.cview()}; }
};

TEST(NormaliseLessAWave, TakesAwayFactorTimesWaveWhereThereIsWeight) {
  // (x - 10) 2 of row 0 is 0, 4, -4, 2, 2, of which wave / 32 = 2, -2, 0, 4, 100 is taken; of row 1 -64 wave.
  const float x[10] = {10, 12, 8, 11, 11, 9, 9, 9, 9, 9}, mean[2] = {10, 9}, sigma[2] = {2, 1};
  const std::int16_t wave[5] = {64, -64, 0, 128, 3200};
  const float factor[2] = {1.0F / 32.0F, -1.0F / 64.0F};
  const SpanWeights w{{0, 2, 5}, {1, 1, 1, 0}, 2};
  Array<std::int8_t, 2> q({2, 5});
  normalise(View<const float, 2>(x, {2, 5}), View<const float, 1>(mean, {2}),
            View<const float, 1>(sigma, {2}), w, 0,
            {View<const std::int16_t, 1>(wave, {5}), View<const float, 1>(factor, {2})}, q.view());
  EXPECT_EQ(values_of(q.cview()[0]), (std::vector<std::int8_t>{-2, 6, -4, -2, -31}));
  EXPECT_EQ(values_of(q.cview()[1]), (std::vector<std::int8_t>{1, -1, 0, 0, 0}));
}

TEST(NormaliseLessAWave, WhoseFactorsAreZeroIsPlain) {
  Xoshiro256 random(7);
  Array<float, 2> x({3, 200});
  fill_gaussian(x.view(), 5.0, 2.0, random);
  RandomWave wave(true, 3, 200, random);
  const float mean[3] = {5, 4, 6}, sigma[3] = {2, 1, 3};
  for (int c = 0; c < 3; ++c) wave.factor(c) = 0.0F;
  Array<std::int8_t, 2> q[2] = {Array<std::int8_t, 2>({3, 200}), Array<std::int8_t, 2>({3, 200})};
  for (int i : {0, 1})
    normalise(x.cview(), View<const float, 1>(mean, {3}), View<const float, 1>(sigma, {3}), all_good(200, 3),
              0, i == 0 ? SharedWave{} : wave.shared(), q[i].view());
  EXPECT_TRUE(equal(q[0].cview(), q[1].cview(), "c", "t"));
}

TEST(NormaliseLessAWave, RefusesWavesAndFactorsThatDoNotFit) {
  Array<float, 2> x({3, 16});
  Array<float, 1> mean({3}), factor({3}), four({4});
  Array<std::int8_t, 2> q({3, 16});
  Array<std::int16_t, 1> wave({32});
  const auto call = [&](View<const std::int16_t, 1> v, View<const float, 1> f) {
    normalise(x.cview(), mean.cview(), mean.cview(), all_good(16, 3), 0, {v, f}, q.view());
  };
  EXPECT_NO_THROW(call(wave.cview().slice(0, 0, 16), factor.cview()));
  EXPECT_THROW(call(wave.cview().slice(0, 0, 15), factor.cview()), std::invalid_argument);
  EXPECT_THROW(call(wave.cview().slice(0, 0, 17), factor.cview()), std::invalid_argument);
  EXPECT_THROW(call(wave.cview().slice(0, 0, 16), four.cview()), std::invalid_argument);
  EXPECT_THROW(call(View<const std::int16_t, 1>(wave.data(), {16}, {2}), factor.cview()),
               std::invalid_argument);
}

TEST(Normalise, MatchesTheReferenceOverAwkwardSizes) {
  Xoshiro256 random(1);
  for (int n_chan : {1, 2, 3, 5, 42, 63, 64, 65, 130})
    for (std::int64_t n_time : {1, 3, 7, 15, 16, 17, 31, 32, 33, 255, 256, 257}) {
      const int first = static_cast<int>(random.below(5));
      const auto w = random_weights(n_time, n_chan + 5, random);
      const RandomWave wave(random.below(2) == 0, n_chan, n_time, random);
      PaddedRows<float> x(n_chan, n_time, random);
      fill_gaussian(x.view(), 100.0, 3.0, random);
      Array<float, 1> mean({n_chan}), sigma({n_chan});
      for (int c = 0; c < n_chan; ++c) {
        mean(c) = static_cast<float>(100.0 + gaussian(random));
        sigma(c) = static_cast<float>(random.uniform() < 0.1 ? 0.0 : 0.3 + 4.0 * random.uniform());
      }
      PaddedRows<std::int8_t> fast(n_chan, n_time, random), plain(n_chan, n_time, random);
      normalise(x.cview(), mean.cview(), sigma.cview(), w, first, wave.shared(), fast.view());
      normalise_reference(x.cview(), mean.cview(), sigma.cview(), w, first, wave.shared(), plain.view());
      EXPECT_TRUE(equal(fast.cview(), plain.cview(), "c", "t")) << n_chan << " x " << n_time;
      EXPECT_TRUE(fast.gaps_untouched());
    }
}

TEST(Normalise, TheReceiversGainDoesNotMatter) {
  Xoshiro256 random(2);
  Array<float, 2> x({1, 1000});
  fill_gaussian(x.view(), 7.0, 1.5, random);
  const std::vector<float> a(x.data(), x.data() + 1000);
  auto b = a;
  for (auto& v : b) v *= 512.0F;
  EXPECT_EQ(quantised(a, 7.0F, 1.5F), quantised(b, 512.0F * 7.0F, 512.0F * 1.5F));
}

RowCalibration calibration_of(int n_chan, double scale, double offset) {
  return {std::vector<double>(static_cast<std::size_t>(n_chan), scale),
          std::vector<double>(static_cast<std::size_t>(n_chan), offset)};
}

// Levels of the integers [0, n) of a row that stand for scale r + offset.
template <class T>
std::vector<int> levels(std::int64_t n, double scale, double offset, float mean, float sigma) {
  Array<T, 2> x({1, n});
  for (std::int64_t t = 0; t < n; ++t) x(0, t) = static_cast<T>(t);
  Array<std::int8_t, 2> q({1, n});
  normalise(View<const T, 2>(x.cview()), calibration_of(1, scale, offset), View<const float, 1>(&mean, {1}),
            View<const float, 1>(&sigma, {1}), all_good(n, 1), 0, {}, q.view());
  return {q.data(), q.data() + n};
}

TEST(NormaliseIntegers, ByHand) {
  EXPECT_EQ(levels<std::uint8_t>(5, 1.0, 0.0, 2.0F, 2.0F), (std::vector<int>{-4, -2, 0, 2, 4}));
  EXPECT_EQ(levels<std::uint8_t>(5, 0.5, 10.0, 11.0F, 1.0F), (std::vector<int>{-4, -2, 0, 2, 4}));
  EXPECT_EQ(levels<std::uint8_t>(5, -1.0, 4.0, 2.0F, 2.0F), (std::vector<int>{4, 2, 0, -2, -4}));
  EXPECT_EQ(levels<std::int16_t>(5, 0.0, 4.0, 4.0F, 0.0F), std::vector<int>(5, 0));
  EXPECT_EQ(levels<std::int16_t>(5, 0.0, 4.0, 2.0F, 1.0F), std::vector<int>(5, 0));
}

TEST(NormaliseIntegers, AreTheLevelsOfTheSameFloats) {
  Xoshiro256 random(5);
  for (int round = 0; round < 300; ++round) {
    const auto mean = static_cast<float>(500.0 * random.uniform());
    const auto sigma = static_cast<float>(std::pow(10.0, -3.0 + 6.0 * random.uniform()));
    std::vector<float> floats(511);
    for (std::size_t i = 0; i < floats.size(); ++i) floats[i] = static_cast<float>(i);
    const auto expected = quantised(floats, mean, sigma);
    EXPECT_EQ(levels<std::int16_t>(511, 1.0, 0.0, mean, sigma), expected);
    EXPECT_EQ(levels<std::uint8_t>(256, 1.0, 0.0, mean, sigma),
              std::vector<int>(expected.begin(), expected.begin() + 256));
  }
}

template <class T>
void check_integers(int n_chan, std::int64_t n_time, bool with_wave, Xoshiro256& random) {
  const int first = static_cast<int>(random.below(5));
  const RandomWave wave(with_wave, n_chan, n_time, random);
  const auto w = random_weights(n_time, n_chan + 5, random);
  auto calibration = calibration_of(n_chan + 5, 1.0, 0.0);
  for (auto& v : calibration.scale) v = random.below(9) == 0 ? 0.0 : gaussian(random);
  PaddedRows<T> x(n_chan, n_time, random);
  Array<std::int16_t, 2> wide({n_chan, n_time});
  for (int c = 0; c < n_chan; ++c)
    for (std::int64_t t = 0; t < n_time; ++t)
      x.view()(c, t) = static_cast<T>(wide(c, t) = static_cast<std::int16_t>(random_between(random, 0, 255)));
  Array<float, 1> mean({n_chan}), sigma({n_chan});
  for (int c = 0; c < n_chan; ++c) {
    mean(c) = static_cast<float>(127.0 * calibration.scale[static_cast<std::size_t>(first + c)]);
    sigma(c) = static_cast<float>(random.uniform() < 0.1 ? 0.0 : 0.3 + 40.0 * random.uniform());
  }
  PaddedRows<std::int8_t> fast(n_chan, n_time, random), plain(n_chan, n_time, random);
  normalise(x.cview(), calibration, mean.cview(), sigma.cview(), w, first, wave.shared(), fast.view());
  normalise_reference(wide.cview(), calibration, mean.cview(), sigma.cview(), w, first, wave.shared(),
                      plain.view());
  EXPECT_TRUE(equal(fast.cview(), plain.cview(), "c", "t")) << n_chan << " x " << n_time;
  EXPECT_TRUE(fast.gaps_untouched());
}

TEST(NormaliseIntegers, MatchTheReferenceOverAwkwardSizes) {
  Xoshiro256 random(6);
  for (int n_chan : {1, 3, 64, 65, 100})
    for (std::int64_t n_time : {1, 3, 7, 31, 32, 33, 63, 64, 65, 4097})
      for (bool with_wave : {false, true}) {
        check_integers<std::uint8_t>(n_chan, n_time, with_wave, random);
        check_integers<std::int16_t>(n_chan, n_time, with_wave, random);
      }
}

TEST(NormaliseIntegers, RefuseShapesThatDiffer) {
  Array<std::uint8_t, 2> x({3, 16});
  Array<float, 1> mean({3}), sigma({3});
  Array<std::int8_t, 2> q({3, 16});
  const auto call = [&](const RowCalibration& calibration, int first) {
    normalise(x.cview(), calibration, mean.cview(), sigma.cview(), all_good(16, 4), first, {}, q.view());
  };
  EXPECT_NO_THROW(call(calibration_of(4, 1.0, 0.0), 1));
  EXPECT_THROW(call(calibration_of(4, 1.0, 0.0), 2), std::invalid_argument);
  EXPECT_THROW(call(calibration_of(3, 1.0, 0.0), 1), std::invalid_argument);
}

TEST(Normalise, RefusesShapesThatDiffer) {
  Array<float, 2> x({3, 16});
  Array<float, 1> mean({3}), sigma({3}), two({2});
  Array<std::int8_t, 2> q({3, 16}), narrow({3, 15});
  const auto w = all_good(16, 4);
  const auto call = [&](auto in, auto m, auto s, const SpanWeights& weights, int first, auto out) {
    normalise(in, m, s, weights, first, {}, out);
  };
  EXPECT_NO_THROW(call(x.cview(), mean.cview(), sigma.cview(), w, 1, q.view()));
  EXPECT_THROW(call(x.cview(), mean.cview(), sigma.cview(), w, 2, q.view()), std::invalid_argument);
  EXPECT_THROW(call(x.cview(), mean.cview(), sigma.cview(), w, -1, q.view()), std::invalid_argument);
  EXPECT_THROW(call(x.cview(), two.cview(), sigma.cview(), w, 0, q.view()), std::invalid_argument);
  EXPECT_THROW(call(x.cview(), mean.cview(), two.cview(), w, 0, q.view()), std::invalid_argument);
  EXPECT_THROW(call(x.cview(), mean.cview(), sigma.cview(), w, 0, narrow.view()), std::invalid_argument);
  EXPECT_THROW(call(x.cview(), mean.cview(), sigma.cview(), all_good(15, 4), 0, q.view()),
               std::invalid_argument);
  EXPECT_THROW(call(x.cview(), mean.cview(), sigma.cview(), SpanWeights{{}, {}, 4}, 0, q.view()),
               std::invalid_argument);
  const View<const float, 2> turned(x.data(), {3, 16}, {1, 3});
  EXPECT_THROW(call(turned, mean.cview(), sigma.cview(), w, 0, q.view()), std::invalid_argument);
}

std::vector<int> halved(std::vector<std::int8_t> fine, int shift) {
  const auto n = std::ssize(fine) / 2;
  std::vector<std::int8_t> coarse(static_cast<std::size_t>(n));
  downsample(View<const std::int8_t, 2>(fine.data(), {1, 2 * n}), shift,
             View<std::int8_t, 2>(coarse.data(), {1, n}));
  return {coarse.begin(), coarse.end()};
}

TEST(Downsample, AddsPairsOrHalvesThemWithTiesToEven) {
  EXPECT_EQ(halved({1, 2, -3, 5, 31, 31, -31, -31}, 0), (std::vector<int>{3, 2, 62, -62}));
  EXPECT_EQ(halved({1, 2, 0, 1, 2, 3, -1, 0, -1, -2, 62, 63}, 1), (std::vector<int>{2, 0, 2, 0, -2, 62}));
}

TEST(Downsample, MatchesTheReferenceForEveryPairOfBytes) {
  Array<std::int8_t, 2> fine({256, 512}), fast({256, 256}), plain({256, 256});
  for (int a = -128; a < 128; ++a)
    for (int b = -128; b < 128; ++b) {
      fine(a + 128, 2 * (b + 128)) = static_cast<std::int8_t>(a);
      fine(a + 128, 2 * (b + 128) + 1) = static_cast<std::int8_t>(b);
    }
  for (int shift : {0, 1}) {
    downsample(fine.cview(), shift, fast.view());
    downsample_reference(fine.cview(), shift, plain.view());
    EXPECT_TRUE(equal(fast.cview(), plain.cview(), "a", "b")) << shift;
  }
}

TEST(Downsample, MatchesTheReferenceOverAwkwardSizes) {
  Xoshiro256 random(3);
  for (int n_chan : {1, 3, 42, 65})
    for (std::int64_t n : {1, 3, 7, 15, 16, 17, 31, 32, 33, 1000}) {
      PaddedRows<std::int8_t> fine(n_chan, 2 * n, random), fast(n_chan, n, random), plain(n_chan, n, random);
      fill_uniform(fine.view(), 127, random);
      const int shift = static_cast<int>(random.below(2));
      downsample(fine.cview(), shift, fast.view());
      downsample_reference(fine.cview(), shift, plain.view());
      EXPECT_TRUE(equal(fast.cview(), plain.cview(), "c", "t")) << n;
      EXPECT_TRUE(fast.gaps_untouched());
    }
}

TEST(Downsample, RefusesShapesAndShiftsThatDoNotFit) {
  Array<std::int8_t, 2> fine({2, 8}), coarse({2, 4}), short_one({2, 3}), three({3, 4});
  EXPECT_NO_THROW(downsample(fine.cview(), 1, coarse.view()));
  EXPECT_THROW(downsample(fine.cview(), 2, coarse.view()), std::invalid_argument);
  EXPECT_THROW(downsample(fine.cview(), -1, coarse.view()), std::invalid_argument);
  EXPECT_THROW(downsample(fine.cview(), 0, short_one.view()), std::invalid_argument);
  EXPECT_THROW(downsample(fine.cview(), 0, three.view()), std::invalid_argument);
  EXPECT_THROW(downsample(View<const std::int8_t, 2>(fine.data(), {2, 8}, {1, 2}), 0, coarse.view()),
               std::invalid_argument);
}

TEST(QuantLevels, OfTheFirstOctavesByHand) {
  QuantLevels levels;  // 16 + 1/12
  EXPECT_DOUBLE_EQ(levels.variance, 16.0 + 1.0 / 12.0);
  EXPECT_NEAR(1.0 - 1.0 / std::sqrt(1.0 + levels.noise_added), 0.0026, 1e-5);  // the loss of S/N
  const double variance[] = {32.0 + 1.0 / 6.0, 64.0 + 1.0 / 3.0, (128.0 + 2.0 / 3.0) / 4.0 + 0.125};
  const int max_abs[] = {62, 124, 124}, shift[] = {0, 0, 1};
  for (int j = 0; j < 3; ++j) {
    levels = next_octave(levels);
    EXPECT_DOUBLE_EQ(levels.variance, variance[j]);
    EXPECT_EQ(levels.max_abs, max_abs[j]);
    EXPECT_EQ(levels.shift, shift[j]);
  }
}

TEST(QuantLevels, BoundHoldsWhereEverySampleIsClipped) {
  QuantLevels levels;
  std::vector<std::int8_t> q(1 << 10, static_cast<std::int8_t>(levels.max_abs));
  for (std::size_t i = 512; i < 1024; ++i) q[i] = static_cast<std::int8_t>(-levels.max_abs);
  while (q.size() > 2) {
    levels = next_octave(levels);
    const auto coarse = halved(q, levels.shift);
    q.assign(coarse.begin(), coarse.end());
    for (int v : q) ASSERT_LE(std::abs(v), levels.max_abs);
    EXPECT_EQ(q.front(), levels.max_abs);
  }
}

// What variance the octaves of unit Gaussian noise really have, and how much of it came from rounding.
struct Measured {
  double variance, noise_added;
};
std::vector<Measured> measure_octaves(std::int64_t n, int n_octave, Xoshiro256& random) {
  std::vector<double> ideal(static_cast<std::size_t>(n));
  std::vector<std::int8_t> q;
  for (auto& v : ideal) {
    v = kQuantSigma * gaussian(random);
    q.push_back(static_cast<std::int8_t>(quantised({static_cast<float>(v)}, 0, kQuantSigma)[0]));
  }
  std::vector<Measured> measured;
  QuantLevels levels;
  for (int j = 0; j < n_octave; ++j, levels = next_octave(levels)) {
    if (j > 0) {
      const auto coarse = halved(q, levels.shift);
      q.assign(coarse.begin(), coarse.end());
      for (std::size_t i = 0; i < q.size(); ++i)
        ideal[i] = (ideal[2 * i] + ideal[2 * i + 1]) / (1 << levels.shift);
      ideal.resize(q.size());
    }
    double square = 0.0, off = 0.0, wanted = 0.0;
    for (std::size_t i = 0; i < q.size(); ++i) {
      const double level = q[i];
      square += level * level;
      off += (level - ideal[i]) * (level - ideal[i]);
      wanted += ideal[i] * ideal[i];
    }
    measured.push_back({square / static_cast<double>(q.size()), off / wanted});
  }
  return measured;
}

TEST(QuantLevels, AreTheVarianceOfSimulatedNoise) {
  Xoshiro256 random(4);
  constexpr std::int64_t kN = 1 << 19;
  const auto measured = measure_octaves(kN, 8, random);
  QuantLevels levels;
  for (int j = 0; j < 8; ++j, levels = next_octave(levels)) {
    // A variance of n samples is good to (2 / n)^1/2; 5 of these. noise_added is first order in itself: 2 %.
    const double error = 5.0 * std::sqrt(2.0 / static_cast<double>(kN >> j));
    const auto& m = measured[static_cast<std::size_t>(j)];
    EXPECT_NEAR(m.variance, levels.variance, error * levels.variance) << "octave " << j;
    EXPECT_NEAR(m.noise_added, levels.noise_added, (1.5 * error + 0.02) * levels.noise_added)
        << "octave " << j;
  }
}

}  // namespace
}  // namespace tianyan
