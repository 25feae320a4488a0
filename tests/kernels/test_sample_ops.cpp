// Operations on samples: turned tiles, moments of float lanes, levels less a wave.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/sample_ops.hpp"
#include "tests/kernels/kernel_test.hpp"
#include "tests/kernels/target_test.hpp"

namespace tianyan {
namespace {

TEST(TurnTile, PutsEachSampleInItsRow) {
  alignas(64) std::uint8_t tile[kTile * kTile];
  const auto value = [](std::int64_t c, std::int64_t t) { return static_cast<std::uint8_t>(37 * c + 3 * t); };
  for (std::int64_t c = 0; c < kTile; ++c)
    for (std::int64_t t = 0; t < kTile; ++t) tile[tile_index(c, t)] = value(c, t);
  std::vector<std::uint8_t> up(kTile * 67), down(kTile * 67);
  turn_tile(tile, up.data() + 1, 67);
  turn_tile(tile, down.data() + 1 + 63 * 67, -67);
  for (std::int64_t c = 0; c < kTile; ++c)
    for (std::int64_t t = 0; t < kTile; ++t) {
      ASSERT_EQ(up[static_cast<std::size_t>(1 + c * 67 + t)], value(c, t)) << c << " " << t;
      ASSERT_EQ(down[static_cast<std::size_t>(1 + (63 - c) * 67 + t)], value(c, t)) << c << " " << t;
    }
}

// The sixteen float lanes that the header promises, one sample at a time.
struct Lanes {
  double count = 0.0, sum = 0.0, squares = 0.0;
  Lanes(const float* x, std::int64_t n, float pivot, float low, float high) {
    float c[16] = {}, s[16] = {}, q[16] = {};
    for (std::int64_t i = 0; i < n; ++i) {
      const float v = x[i] - pivot;
      if (!(v > low && v < high)) continue;
      c[i % 16] += 1.0F;
      s[i % 16] += v;
      q[i % 16] += v * v;
    }
    for (int lane = 0; lane < 16; ++lane) count += c[lane], sum += s[lane], squares += q[lane];
  }
};

TEST(FloatMoments, AreTheSameBitsAsSixteenPlainLanes) {
  Xoshiro256 random(5);
  for (std::int64_t n : {0, 1, 3, 7, 15, 16, 17, 63, 64, 65, 1000, 4095, 4096}) {
    std::vector<float> x(static_cast<std::size_t>(n + 3));
    for (auto& v : x) v = static_cast<float>(10.0 + 2.0 * gaussian(random));
    for (const auto& [low, high] : {std::pair{-3.0F, 3.0F}, {-1.5F, 4.0F}, {-1e30F, 1e30F}}) {
      double count = 1.0, sum = 2.0, squares = 3.0;  // what was there is added to
      add_moments(x.data() + 3, n, 10.0F, low, high, &count, &sum, &squares);
      const Lanes plain(x.data() + 3, n, 10.0F, low, high);
      EXPECT_EQ(count, 1.0 + plain.count) << n;
      EXPECT_NEAR(sum, 2.0 + plain.sum, 1e-12) << n;  // order of the last double sum: 16 2^-53 4096
      EXPECT_NEAR(squares, 3.0 + plain.squares, 1e-10) << n;
    }
  }
}

TEST(FloatMoments, BoundsAreOpen) {
  const float x[] = {1.0F, 2.0F, 3.0F, 4.0F, 5.0F};
  double count = 0.0, sum = 0.0, squares = 0.0;
  add_moments(x, 5, 3.0F, -2.0F, 2.0F, &count, &sum, &squares);
  EXPECT_EQ(count, 3.0);
  EXPECT_EQ(sum, 0.0);
  EXPECT_EQ(squares, 2.0);
}

// One sample at a time, in the order of the header's formula.
template <class T>
std::int8_t level_less_wave(T x, float mean, float gain, float clip, std::int16_t wave, float factor) {
  const float v = (static_cast<float>(x) - mean) * gain - factor * static_cast<float>(wave);
  return static_cast<std::int8_t>(std::nearbyint(std::clamp(v, -clip, clip)));
}

template <class T>
void check_quantise_less(std::int64_t n, float factor, Xoshiro256& random) {
  PaddedRows<T> x(1, n, random);
  PaddedRows<std::int16_t> wave(1, n, random);
  PaddedRows<std::int8_t> out(1, n, random);
  for (std::int64_t i = 0; i < n; ++i) x.view()(0, i) = static_cast<T>(random_between(random, 0, 255));
  fill_uniform(wave.view(), one_of(random, {300, 32'767}), random);
  if (n > 1) wave.view()(0, 0) = 32'767, wave.view()(0, n - 1) = -32'767;
  const auto mean = static_cast<float>(100.0 + 20.0 * gaussian(random)),
             gain = static_cast<float>(0.01 + random.uniform());
  const float clip = one_of(random, {31.0F, 127.0F});
  quantise(x.cview()[0].data(), n, mean, gain, clip, wave.cview()[0].data(), factor, out.view()[0].data());
  for (std::int64_t i = 0; i < n; ++i)
    ASSERT_EQ(out.cview()(0, i),
              level_less_wave(x.cview()(0, i), mean, gain, clip, wave.cview()(0, i), factor))
        << n << " samples, " << i;
  EXPECT_TRUE(out.gaps_untouched());
}

TEST(QuantiseLessAWave, IsTheFormulaOfEachSample) {
  for_each_target([] {
    Xoshiro256 random(6);
    for (std::int64_t n : {0, 1, 3, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 257, 1000})
      for (float factor : {0.0F, 0.0173F, -0.5F, 1e-4F, 1e6F}) {
        check_quantise_less<std::uint8_t>(n, factor, random);
        check_quantise_less<std::int16_t>(n, factor, random);
        check_quantise_less<float>(n, factor, random);
      }
  });
}

TEST(QuantiseLessAWave, RoundsAndClipsByHand) {
  // (x - 10) 2 = 0, 4, -4, 2, 245 2; less wave / 4 = 1, -1, 0.5, -0.5, 8191.75
  const std::uint8_t x[] = {10, 12, 8, 11, 255};
  const std::int16_t wave[] = {4, -4, 2, -2, 32'767};
  std::int8_t out[5];
  quantise(x, 5, 10.0F, 2.0F, 31.0F, wave, 0.25F, out);
  EXPECT_EQ(std::vector<int>(out, out + 5), (std::vector<int>{-1, 5, -4, 2, -31}));  // ties to even
}

}  // namespace
}  // namespace tianyan
