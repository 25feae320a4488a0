// Means of channels where nothing shines: by hand, in skew noise, beside a bright pulse, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/quiet_means.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kCells = 256;
constexpr double kVariance = 16.0 + 1.0 / 12.0;

struct Cells {
  explicit Cells(std::int64_t n_chan, std::int64_t n_cell = kCells)
      : sum({n_chan, n_cell}), count({n_chan, n_cell}), rule({n_chan, n_cell}), mean({n_chan}) {
    std::fill_n(count.data(), count.size(), std::uint8_t{64});
  }
  void measure() { quiet_means(sum.cview(), count.cview(), rule.cview(), kVariance, mean.view()); }
  Array<std::int16_t, 2> sum;
  Array<std::uint8_t, 2> count, rule;
  Array<float, 1> mean;
};

TEST(QuietMeans, ByHand) {
  // Cells of 64, 64, 32 and 64 samples; the fourth has a rule, so its sum does not count: 24 + 8 + 0 of 160.
  Cells cells(1, 4);
  const std::int16_t sums[] = {24, 8, 0, 500};
  for (std::int64_t k = 0; k < 4; ++k) cells.sum(0, k) = sums[k];
  cells.count(0, 2) = 32;
  cells.rule(0, 3) = 9;
  cells.measure();
  EXPECT_EQ(cells.mean(0), 32.0F / 160.0F);
}

TEST(QuietMeans, AChannelWithoutWeightHasNone) {
  Cells cells(9);
  for (std::int64_t k = 0; k < kCells; ++k) {
    cells.count(3, k) = 0;
    cells.sum(3, k) = 77;  // what is left of a flagged channel does not matter
    cells.sum(5, k) = 32;
  }
  cells.measure();
  for (int c = 0; c < 9; ++c) EXPECT_EQ(cells.mean(c), c == 5 ? 0.5F : 0.0F) << c;
}

// Cells of noise of this mean per sample.
void fill_noise_cells(Cells& cells, double mean, Xoshiro256& random) {
  const double sigma = std::sqrt(kVariance * 64.0);
  for (std::int64_t i = 0; i < cells.sum.size(); ++i)
    cells.sum.data()[i] = static_cast<std::int16_t>(std::lround(64.0 * mean + sigma * gaussian(random)));
}

double mean_of_means(const Cells& cells) {
  double sum = 0.0;
  for (std::int64_t c = 0; c < cells.mean.size(); ++c) sum += cells.mean(c);
  return sum / static_cast<double>(cells.mean.size());
}

TEST(QuietMeans, OfNoiseAreItsMeans) {
  Xoshiro256 random(1);
  Cells cells(512);
  fill_noise_cells(cells, 0.07, random);
  cells.measure();
  // sigma of the mean of all: 4 levels / sqrt(512 channels 16384 samples)
  EXPECT_NEAR(mean_of_means(cells), 0.07, 5.0 * 4.0 / std::sqrt(512.0 * 16384.0));
}

TEST(QuietMeans, DoNotTakeABrightPulseForTheNoisesOwn) {
  // 5 deviations of a cell in each channel, a Gaussian of sigma 1.2 cells: 15 in all. All samples together
  // would have it raise the mean by 15 32 / 16384 = 0.03 levels; beside it only what is below 4 of a group,
  // or 1.4 of a channel, and further than a cell from it may stay: 0.15 of the 15.
  Xoshiro256 random(2);
  Cells cells(512);
  fill_noise_cells(cells, 0.0, random);
  for (std::int64_t c = 0; c < 512; ++c)
    for (std::int64_t k = 0; k < kCells; ++k) {
      const double z = (static_cast<double>(k) - 40.0 - static_cast<double>(c) / 4.0) / 1.2;
      cells.sum(c, k) =
          static_cast<std::int16_t>(cells.sum(c, k) + std::lround(5.0 * 32.0 * std::exp(-0.5 * z * z)));
    }
  cells.measure();
  EXPECT_NEAR(mean_of_means(cells), 0.0, 0.03 * 0.15 + 5.0 * 4.0 / std::sqrt(512.0 * 16384.0));
}

TEST(QuietMeans, WhereAllStandsOutAreThoseOfAll) {
  Cells cells(8, 2);
  for (std::int64_t c = 0; c < 8; ++c) {
    cells.sum(c, 0) = 1900;
    cells.sum(c, 1) = -1900;
  }
  cells.measure();
  for (int c = 0; c < 8; ++c) EXPECT_EQ(cells.mean(c), 0.0F);
}

TEST(QuietMeans, RefuseShapesThatDiffer) {
  Cells cells(4, 3), other(4, 5), more(5, 3);
  EXPECT_THROW(
      quiet_means(cells.sum.cview(), other.count.cview(), cells.rule.cview(), 1.0, cells.mean.view()),
      std::invalid_argument);
  EXPECT_THROW(
      quiet_means(cells.sum.cview(), cells.count.cview(), other.rule.cview(), 1.0, cells.mean.view()),
      std::invalid_argument);
  EXPECT_THROW(quiet_means(cells.sum.cview(), cells.count.cview(), cells.rule.cview(), 1.0, more.mean.view()),
               std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
