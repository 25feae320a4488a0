// Operations on samples: turned tiles, moments of float lanes, sums of levels.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "kernels/level_ops.hpp"
#include "kernels/sample_ops.hpp"
#include "tests/kernels/kernel_test.hpp"

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

TEST(SumOf, AddsLevelsOfEitherSign) {
  Xoshiro256 random(4);
  for (std::int64_t n : {0, 1, 3, 7, 63, 64, 65, 4097}) {
    PaddedRows<std::int8_t> q(1, n, random);
    fill_uniform(q.view(), 127, random);
    std::int64_t sum = 0;
    for (std::int64_t t = 0; t < n; ++t) sum += q.cview()(0, t);
    EXPECT_EQ(sum_of(q.cview()[0].data(), n), sum) << n;
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

}  // namespace
}  // namespace tianyan
