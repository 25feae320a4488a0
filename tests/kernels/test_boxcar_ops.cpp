// The boxcar search's inner loops: every length, misalignment and instruction set against plain loops.
#include "kernels/boxcar_ops.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/boxcar.hpp"
#include "tests/kernels/kernel_test.hpp"
#include "tests/kernels/target_test.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kLengths[] = {8, 16, 24, 32, 40, 64, 72, 128, 256, 1000, 1024};

// Largest sum of `width` samples over the starts [0, n).
std::int32_t largest_sum(const std::int32_t* x, std::int64_t n, std::int64_t width) {
  auto most = std::numeric_limits<std::int32_t>::min();
  for (std::int64_t i = 0; i < n; ++i) most = std::max(most, std::accumulate(x + i, x + i + width, 0));
  return most;
}

TEST(BoxcarBounds, OfADozenSamplesByHand) {
  std::vector<std::int32_t> x(40, -1);
  x[2] = 5, x[3] = 9, x[9] = 7;
  std::int32_t bound[kNumNarrowWidths], eighths[5];
  boxcar_bounds(x.data(), 8, bound, eighths);
  const std::vector<std::int32_t> expected{9, 14, 14 + 9, 12, 12 + 14, 16, 16 + 12, 8, 8 + 16, 8 + 8};
  EXPECT_EQ(std::vector<std::int32_t>(bound, bound + kNumNarrowWidths), expected);
  EXPECT_EQ(std::vector<std::int32_t>(eighths, eighths + 5), (std::vector<std::int32_t>{8, 0, -8, -8, -8}));
}

TEST(BoxcarBounds, AreNotExceededAndAddEights) {
  for_each_target([] {
    Xoshiro256 random(1);
    for (std::int64_t n : kLengths)
      for (int lead : {0, 1, 3}) {
        std::vector<std::int32_t> row(static_cast<std::size_t>(lead + n + 32));
        const auto middle = random_between(random, -(1 << 20), 1 << 20);
        for (auto& v : row)
          v = static_cast<std::int32_t>(middle + random_between(random, -1'000'000, 1'000'000));
        const std::int32_t* x = row.data() + lead;
        std::int32_t bound[kNumNarrowWidths];
        std::vector<std::int32_t> eighths(static_cast<std::size_t>(n / 8 + 5), 99);
        boxcar_bounds(x, n, bound, eighths.data());
        for (int j = 0; j < kNumNarrowWidths; ++j) {
          const int w = kNarrowWidths[j];
          ASSERT_GE(bound[j], largest_sum(x, n, w)) << "width " << w << ", n=" << n;
          const bool is_a_sum = w == 1 || w == 2 || w == 4 || w == 8 || w == 16;
          ASSERT_TRUE(!is_a_sum || bound[j] <= largest_sum(x, n + 33 - w, w)) << "width " << w << ", n=" << n;
        }
        for (std::int64_t i = 0; i < n / 8 + 4; ++i)
          ASSERT_EQ(eighths[static_cast<std::size_t>(i)], std::accumulate(x + 8 * i, x + 8 * i + 8, 0)) << i;
        EXPECT_EQ(eighths.back(), 99);
      }
  });
}

TEST(LeastOf, IsTheSmallestWhereverItStands) {
  for_each_target([] {
    EXPECT_EQ(least_of(nullptr, 0), std::numeric_limits<float>::infinity());
    for (std::int64_t n : {1, 3, 7, 8, 9, 15, 16, 17, 33, 100})
      for (std::int64_t at = 0; at < n; ++at) {
        std::vector<float> x(static_cast<std::size_t>(n + 1), 5.0F);
        x[static_cast<std::size_t>(at)] = -2.0F;
        x.back() = -9.0F;
        ASSERT_EQ(least_of(x.data(), n), -2.0F) << at << " of " << n;
      }
  });
}

}  // namespace
}  // namespace tianyan
