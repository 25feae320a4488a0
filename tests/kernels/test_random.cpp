// Random streams: known values, independence of streams, and the moments of the Gaussian table.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "kernels/base/random.hpp"

namespace tianyan {
namespace {

TEST(Random, Splitmix64GivesThePublishedSequence) {
  std::uint64_t state = 1234567;  // values of Vigna's reference implementation
  EXPECT_EQ(splitmix64(state), 6457827717110365317u);
  EXPECT_EQ(splitmix64(state), 3203168211198807973u);
}

TEST(Random, StreamsOfDifferentSeedStreamOrBlockDiffer) {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed : {0, 1, 2})
    for (std::uint64_t stream : {0, 1, 2})
      for (std::uint64_t block : {0, 1, 2}) first.insert(Xoshiro256(seed, stream, block)());
  EXPECT_EQ(first.size(), 27u);
  EXPECT_EQ(Xoshiro256(5, 6, 7)(), Xoshiro256(5, 6, 7)());
}

TEST(Random, NormalTableHasTheMomentsOfAGaussian) {
  const NormalTable normal;
  Xoshiro256 random(7);
  constexpr int kN = 2'000'001;  // odd: the last sample takes another way
  std::vector<float> x(kN);
  normal.fill(random, x.data(), kN);
  double mean = 0.0, square = 0.0, fourth = 0.0, lag = 0.0;
  for (int i = 0; i < kN; ++i) {
    mean += x[i] / kN;
    square += x[i] * x[i] / kN;
    fourth += std::pow(x[i], 4) / kN;
    lag += i > 0 ? x[i] * x[i - 1] / kN : 0.0;
  }
  const double error = 1.0 / std::sqrt(kN);  // 5 standard errors: 1, sqrt 2, sqrt 96, 1 of these
  EXPECT_NEAR(mean, 0.0, 5.0 * error);
  EXPECT_NEAR(square, 1.0, 5.0 * std::sqrt(2.0) * error);
  EXPECT_NEAR(fourth, 3.0, 5.0 * std::sqrt(96.0) * error + 0.02);  // the table's own kurtosis is 0.01 low
  EXPECT_NEAR(lag, 0.0, 5.0 * error);
}

TEST(Random, NormalTableReachesFourSigmaAsOftenAsAGaussian) {
  const NormalTable normal;
  Xoshiro256 random(8);
  std::vector<float> x(4'000'000);
  normal.fill(random, x.data(), static_cast<std::int64_t>(x.size()));
  const auto n = static_cast<double>(std::count_if(x.begin(), x.end(), [](float v) { return v > 4.0F; }));
  EXPECT_NEAR(n, 3.167e-5 * 4e6, 5.0 * std::sqrt(3.167e-5 * 4e6) + 0.1 * 3.167e-5 * 4e6);
}

TEST(Random, BelowCoversItsRangeEvenly) {
  Xoshiro256 random(9);
  std::vector<int> count(7);
  for (int i = 0; i < 70'000; ++i) ++count[random.below(7)];
  for (int n : count) EXPECT_NEAR(n, 10'000, 5.0 * std::sqrt(10'000.0));
}

}  // namespace
}  // namespace tianyan
