// Operations on levels: each against one sample at a time, with every instruction set, and at the ends of
// their ranges.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/level_ops.hpp"
#include "tests/kernels/kernel_test.hpp"
#include "tests/kernels/target_test.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kLengths[] = {0,  1,  3,  7,  8,  15,  16,  17,  31,   32,  33,
                                     63, 64, 65, 96, 97, 127, 128, 129, 1000, 4097};

TEST(ProductOf, IsTheSumOfProducts) {
  for_each_target([] {
    Xoshiro256 random(5);
    for (std::int64_t n : kLengths) {
      PaddedRows<std::int8_t> q(1, n, random);
      PaddedRows<std::int16_t> wave(1, n, random);
      fill_uniform(q.view(), 127, random);
      fill_uniform(wave.view(), 32'767, random);
      std::int64_t sum = 0;
      for (std::int64_t t = 0; t < n; ++t) sum += std::int64_t{q.cview()(0, t)} * wave.cview()(0, t);
      EXPECT_EQ(product_of(q.cview()[0].data(), wave.cview()[0].data(), n), sum) << n;
    }
  });
}

TEST(ProductOf, DoesNotOverflowWhereEveryProductIsTheLargest) {
  for_each_target([] {
    constexpr std::size_t kMost = 70'000;  // longer than any block of 200 vectors
    std::vector<std::int8_t> q(kMost + 1, 127);
    std::vector<std::int16_t> wave(kMost + 3, 32'767);
    for (std::int64_t n : {6399, 6400, 6401, 65'536, 70'000})
      for (int sign : {1, -1}) {
        std::fill(q.begin(), q.end(), static_cast<std::int8_t>(127 * sign));
        const auto expected = sign * n * 127 * 32'767;
        EXPECT_EQ(product_of(q.data() + 1, wave.data() + 3, n), expected) << n;
        for (auto& w : wave) w = static_cast<std::int16_t>(-w);
        EXPECT_EQ(product_of(q.data() + 1, wave.data() + 3, n), -expected) << n;
        for (auto& w : wave) w = static_cast<std::int16_t>(-w);
      }
  });
}

void check_columns(std::int64_t n_row, std::int64_t n, Xoshiro256& random) {
  PaddedRows<std::int8_t> q(n_row, n, random);
  fill_uniform(q.view(), 127, random);
  PaddedRows<std::int16_t> fast(1, n, random), plain(1, n, random);
  for (std::int64_t t = 0; t < n; ++t) {
    fast.view()(0, t) = plain.view()(0, t) = static_cast<std::int16_t>(random_between(random, -255, 255));
    for (std::int64_t r = 0; r < n_row; ++r)
      plain.view()(0, t) = static_cast<std::int16_t>(plain.view()(0, t) + q.cview()(r, t));
  }
  add_columns(q.cview().data(), n_row, q.cview().stride(0), fast.view()[0].data(), n);
  EXPECT_TRUE(equal(fast.cview(), plain.cview(), "", "t")) << n_row << " x " << n;
  EXPECT_TRUE(fast.gaps_untouched());
}

TEST(AddColumns, AddsToWhatIsThereAndTouchesNothingElse) {
  for_each_target([] {
    Xoshiro256 random(6);
    for (std::int64_t n_row : {0, 1, 2, 3, 5, 64, 256})
      for (std::int64_t n : kLengths)
        if (n < 200) check_columns(n_row, n, random);
    check_columns(3, 4097, random);
  });
}

TEST(AddColumns, HoldsTheLargestSumsOf256Rows) {
  for_each_target([] {
    for (int level : {127, -128}) {  // 256 of them are 32512 and -32768, the end of int16
      const std::vector<std::int8_t> q(256 * 65, static_cast<std::int8_t>(level));
      std::vector<std::int16_t> z(65, 0);
      add_columns(q.data(), 256, 65, z.data(), 65);
      EXPECT_EQ(z, std::vector<std::int16_t>(65, static_cast<std::int16_t>(256 * level)));
    }
  });
}

void expect_moments(const std::int8_t* q, std::int64_t n_cell) {
  std::vector<std::int16_t> sum(static_cast<std::size_t>(n_cell + 1), 99);
  std::vector<std::uint16_t> squares(static_cast<std::size_t>(n_cell + 1), 98);
  cell_moments(q, n_cell, sum.data(), squares.data());
  for (std::int64_t k = 0; k < n_cell; ++k) {
    const auto* cell = q + k * kCellSamples;
    ASSERT_EQ(sum[static_cast<std::size_t>(k)], std::accumulate(cell, cell + kCellSamples, 0)) << k;
    ASSERT_EQ(squares[static_cast<std::size_t>(k)], std::inner_product(cell, cell + kCellSamples, cell, 0))
        << k;
  }
  EXPECT_EQ(sum.back(), 99);  // one more than was asked for
  EXPECT_EQ(squares.back(), 98);
}

TEST(CellMoments, AreThoseOfCellsOf64) {
  for_each_target([] {
    Xoshiro256 random(7);
    for (std::int64_t n_cell : {0, 1, 2, 3, 7, 64, 65}) {
      PaddedRows<std::int8_t> q(1, n_cell * kCellSamples, random);
      fill_uniform(q.view(), 31, random);
      expect_moments(q.cview()[0].data(), n_cell);
    }
  });
}

TEST(CellMoments, HoldCellsThatAreClippedThroughout) {
  for_each_target([] {
    for (int level : {31, -31}) {  // squares of 61504, which no int16 holds
      const std::vector<std::int8_t> q(3 * 64 + 1, static_cast<std::int8_t>(level));
      expect_moments(q.data() + 1, 3);
    }
  });
}

TEST(HalveRow, AddsPairsAndRoundsHalvesToEven) {
  for_each_target([] {
    Xoshiro256 random(8);
    for (std::int64_t n : kLengths)
      for (int shift : {0, 1}) {
        PaddedRows<std::int8_t> fine(1, 2 * n, random), coarse(1, n, random);
        fill_uniform(fine.view(), 127, random);
        halve_row(fine.cview()[0].data(), n, shift, coarse.view()[0].data());
        for (std::int64_t i = 0; i < n; ++i) {
          const double half = std::ldexp(fine.cview()(0, 2 * i) + fine.cview()(0, 2 * i + 1), -shift);
          ASSERT_EQ(coarse.cview()(0, i), std::clamp(std::nearbyint(half), -127.0, 127.0)) << n << " " << i;
        }
        EXPECT_TRUE(coarse.gaps_untouched());
      }
  });
}

}  // namespace
}  // namespace tianyan
