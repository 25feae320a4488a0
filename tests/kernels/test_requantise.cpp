// Requantisation: by hand, what a round trip keeps, what is clipped, columns without noise, and what is
// refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/requantise.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

Array<std::uint8_t, 1> all_times(std::int64_t n) {
  return array_of(std::vector<std::uint8_t>(static_cast<std::size_t>(n), 1));
}

Array<float, 2> column_of(const std::vector<float>& values) {
  Array<float, 2> x({std::ssize(values), 1});
  std::copy(values.begin(), values.end(), x.data());
  return x;
}

TEST(MeasureLevels, ByHand) {
  // Mean 10 and deviation 4 over the good times; scale 4 / 16 = 0.25, offset 10 - 96 0.25 = -14.
  const auto x = column_of({6.0F, 14.0F, 1e6F, 6.0F, 14.0F, kNan, -kInf});
  const auto good = array_of<std::uint8_t>({1, 1, 0, 9, 1, 1, 1});
  const auto table = measure_levels(x.cview(), good.cview());
  EXPECT_EQ(table.scale, std::vector<float>{0.25F});
  EXPECT_EQ(table.offset, std::vector<float>{-14.0F});
  EXPECT_EQ(measure_levels(x.cview(), good.cview(), 8.0, 128.0).offset, std::vector<float>{-54.0F});
}

TEST(MeasureLevels, ColumnsThatDoNotVaryKeepTheirValue) {
  Array<float, 2> x({5, 4});
  auto good = all_times(5);
  good(1) = 0;
  for (std::int64_t t = 0; t < 5; ++t) {
    x(t, 0) = 3.3F;
    x(t, 1) = t == 1 ? 7.0F : -2e30F;  // varies at a flagged time only
    x(t, 2) = kNan;
    x(t, 3) = static_cast<float>(t) * std::numeric_limits<float>::denorm_min();
  }
  const auto table = measure_levels(x.cview(), good.cview());
  EXPECT_EQ(table.scale, (std::vector<float>{1.0F, 1.0F, 1.0F, 1.0F}));
  EXPECT_EQ(table.offset[0], 3.3F);
  EXPECT_EQ(table.offset[1], -2e30F);
  EXPECT_EQ(table.offset[2], 0.0F);
  Array<std::uint8_t, 2> raw({5, 4});
  EXPECT_EQ(requantise(x.cview().slice(1, 0, 1), {{1.0F}, {3.3F}}, raw.view().slice(1, 0, 1)), 0);
  EXPECT_EQ(raw(4, 0), 0);
  std::fill_n(good.data(), 5, std::uint8_t{0});
  const auto none = measure_levels(x.cview(), good.cview());
  EXPECT_EQ(none.scale, (std::vector<float>{1.0F, 1.0F, 1.0F, 1.0F}));
  EXPECT_EQ(none.offset, (std::vector<float>{0.0F, 0.0F, 0.0F, 0.0F}));
}

TEST(MeasureLevels, AreFiniteForAnyFiniteValues) {
  constexpr float kMost = std::numeric_limits<float>::max();
  const auto x = column_of({kMost, -kMost, -kMost, -kMost});
  const auto table = measure_levels(x.cview(), all_times(4).cview());
  EXPECT_TRUE(std::isfinite(table.scale[0]) && table.scale[0] > 0.0F);
  EXPECT_TRUE(std::isfinite(table.offset[0]));
}

TEST(MeasureLevels, KeepTheirDigitsOnALargeMean) {
  Xoshiro256 random(1);
  PaddedRows<float> x(1000, 600, random);  // three chunks of columns
  fill_gaussian(x.view(), 1e6, 50.0, random);
  const auto table = measure_levels(x.cview(), all_times(1000).cview());
  for (std::size_t i = 0; i < 600; ++i) {
    // sigma / (2 n)^1/2 = 2.2 % of 50, five of them; sums of squares in float would be wrong by 1e12 / 2^24.
    EXPECT_NEAR(table.scale[i], 50.0 / 16.0, 0.12 * 50.0 / 16.0);
    EXPECT_NEAR(table.offset[i], 1e6 - 96.0 * table.scale[i], 5.0 * 50.0 / std::sqrt(1000.0));
  }
}

TEST(Requantise, RoundsAndClipsByHand) {
  // (v - 10) / 2: ties go to the even level; -0.5 and 255.5 are ties, to 0 and to 256.
  const auto x =
      column_of({10.0F, 13.0F, 15.0F, 12.9F, 9.0F, 8.9F, 520.0F, 520.9F, 521.0F, kInf, -kInf, kNan});
  Array<std::uint8_t, 2> raw({12, 1});
  EXPECT_EQ(requantise(x.cview(), {{2.0F}, {10.0F}}, raw.view()), 5);
  const std::vector<std::uint8_t> expected{0, 2, 2, 1, 0, 0, 255, 255, 255, 255, 0, 0};
  EXPECT_EQ(std::vector<std::uint8_t>(raw.data(), raw.data() + 12), expected);
}

TEST(Requantise, EqualsTheReferenceAtAwkwardSizes) {
  Xoshiro256 random(2);
  for (const std::int64_t n : {1, 2, 3, 7, 15, 16, 17, 63, 64, 65, 130, 1000}) {
    PaddedRows<float> x(9, n, random);
    fill_gaussian(x.view(), 100.0, 90.0, random);
    x.view()(3, n / 2) = kNan;
    RequantTable table;
    for (std::int64_t i = 0; i < n; ++i) {
      table.scale.push_back(static_cast<float>(0.5 + random.uniform()));
      table.offset.push_back(static_cast<float>(10.0 * random.uniform()));
      x.view()(5, i) = table.offset.back() + table.scale.back() * (static_cast<float>(i % 257) - 0.5F);
    }
    PaddedRows<std::uint8_t> fast(9, n, random), plain(9, n, random);
    EXPECT_EQ(requantise(x.cview(), table, fast.view()),
              requantise_reference(x.cview(), table, plain.view()));
    ASSERT_TRUE(equal(fast.cview(), plain.cview(), "time", "column")) << n;
    ASSERT_TRUE(fast.gaps_untouched());
  }
}

TEST(Requantise, ARoundTripIsWithinHalfALevelAndLosesNoSignal) {
  // Intensities of few degrees of freedom, as 8 samples of one polarisation have: a gamma law of shape 8,
  // whose tail is longer than a Gaussian's.
  Xoshiro256 random(3);
  constexpr std::int64_t kTimes = 4000, kColumns = 20;
  Array<float, 2> x({kTimes, kColumns});
  for (std::int64_t i = 0; i < x.size(); ++i) {
    double sum = 0.0;
    for (int k = 0; k < 8; ++k) sum -= std::log(1.0 - random.uniform());
    x.data()[i] = static_cast<float>(sum * (1.0 + static_cast<double>(i % kColumns)));
  }
  const auto table = measure_levels(x.cview(), all_times(kTimes).cview());
  Array<std::uint8_t, 2> raw({kTimes, kColumns});
  const std::int64_t n_clipped = requantise(x.cview(), table, raw.view());
  std::int64_t n_outside = 0;
  double error = 0.0, variance = 0.0;
  for (std::int64_t t = 0; t < kTimes; ++t)
    for (std::int64_t i = 0; i < kColumns; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const float back = static_cast<float>(raw(t, i)) * table.scale[at] + table.offset[at];
      const double off = x(t, i) - back;
      error += off * off / (table.scale[at] * table.scale[at]);
      variance += 256.0;  // sigma is 16 levels
      if (raw(t, i) == 0 || raw(t, i) == 255)
        n_outside += std::abs(off) > 0.5001 * table.scale[at] ? 1 : 0;
      else  // levels of up to 255 rounded three times
        ASSERT_LE(std::abs(off), (0.5 + 3.0 * 256.0 * 0x1p-23) * table.scale[at]) << t << " " << i;
    }
  EXPECT_EQ(n_clipped, n_outside);
  EXPECT_LT(static_cast<double>(n_clipped), 1e-4 * kTimes * kColumns);
  EXPECT_LT(1.0 - 1.0 / std::sqrt(1.0 + error / variance), 0.005);
}

TEST(Requantise, RefusesShapesAndLevelsThatMakeNoSense) {
  Array<float, 2> x({4, 3});
  Array<std::uint8_t, 2> raw({4, 3}), other({3, 4});
  const RequantTable table{{1.0F, 1.0F, 1.0F}, {0.0F, 0.0F, 0.0F}};
  EXPECT_NO_THROW(requantise(x.cview(), table, raw.view()));
  EXPECT_THROW(requantise(x.cview(), table, other.view()), std::invalid_argument);
  EXPECT_THROW(requantise(x.cview(), {{1.0F}, {0.0F}}, raw.view()), std::invalid_argument);
  EXPECT_THROW(measure_levels(x.cview(), all_times(3).cview()), std::invalid_argument);
  for (const double levels : {0.0, -1.0, double{kNan}, double{kInf}})
    EXPECT_THROW(measure_levels(x.cview(), all_times(4).cview(), levels), std::invalid_argument);
  for (const double mean : {-1.0, 256.0, double{kNan}})
    EXPECT_THROW(measure_levels(x.cview(), all_times(4).cview(), 16.0, mean), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
