// The running noise of boxcars: by hand, its plain version, white and red noise, pulses, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "kernels/noise_scale.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

constexpr double kStatedError = 1.66;  // over sqrt(m), of s^2

// A row and what its weights say, in bins of 8 samples; the track begins `lead` samples before the row.
struct Row {
  std::vector<std::int32_t> x;
  std::vector<float> variance, mean;
  std::int64_t lead = 0;

  Row(std::int64_t n, float variance_per_sample, std::int64_t before = 0)
      : x(static_cast<std::size_t>(n)),
        variance(static_cast<std::size_t>((before + n) / kVarianceBin), kVarianceBin * variance_per_sample),
        lead(before) {}
  std::int64_t n() const { return std::ssize(x); }

  /// Adds samples [begin, end) to the scale as one run.
  void add_to(NoiseScale& scale, std::int64_t begin, std::int64_t end, double variance_min = 0.0) const {
    VarianceTrack track;
    track.begin = -lead - begin;
    track.per_bin = View<const float, 1>(variance.data(), {std::ssize(variance)});
    track.mean_per_bin = View<const float, 1>(mean.data(), {std::ssize(mean)});
    BoxcarPlan plan;
    plan.variance_min = variance_min;
    update_noise_scale(plan, track, View<const std::int32_t, 1>(x.data() + begin, {end - begin}), scale);
  }
  /// In runs as the search makes them.
  void add_to(NoiseScale& scale) const {
    for (std::int64_t t = 0; t < n(); t += 1024) add_to(scale, t, std::min(n(), t + 1024));
  }
};

constexpr float kLevels = 100.0F;  // of one deviation: rounding adds 8e-6 to a variance

// White noise whose deviation is `sigma` times what its weights say.
Row white_row(std::int64_t n, float sigma, Xoshiro256& random) {
  static const NormalTable normal;
  std::vector<float> unit(static_cast<std::size_t>(n));
  normal.fill(random, unit.data(), n);
  Row row(n, kLevels * kLevels);
  for (std::size_t t = 0; t < unit.size(); ++t)
    row.x[t] = static_cast<std::int32_t>(std::lround(kLevels * sigma * unit[t]));
  return row;
}

// What a row began with is left by exp(-0.614 n / m) after n boxcars below the mean: the longest memory is 32
// of 1024, of which this is about 256.
constexpr std::int64_t kSettled = 512 * 1024;
constexpr int kRows = 16;

TEST(NoiseScale, OfTwoBoxcarsByHand) {
  // Of 8 samples of variance 4: sums -8 and -16, y^2 = 2 and 8; of 16: -24, y^2 = 9.
  Row row(16, 4.0F);
  std::fill(row.x.begin(), row.x.begin() + 8, -1);
  std::fill(row.x.begin() + 8, row.x.end(), -2);
  NoiseScale scale;
  row.add_to(scale);
  const double first = 1.0 + (2.0 / 0.7785 - 1.0) / 9.0;
  const double second = first + (2.25 * first / 0.7785 - first) / 10.0;  // 8 is clipped at 2.25 s^2
  EXPECT_DOUBLE_EQ(scale.square[0], second);
  EXPECT_EQ(scale.weight[0], 10.0);
  EXPECT_DOUBLE_EQ(scale.square[1], 1.0 + (2.25 / 0.7785 - 1.0) / 9.0);
  EXPECT_EQ(scale.weight[1], 9.0);
  EXPECT_EQ(scale.square[2], 1.0);
  EXPECT_EQ(scale.weight[2], 8.0);
}

TEST(NoiseScale, FactorsOfWidthsByHand) {
  NoiseScale scale;
  EXPECT_EQ(scale.factors(), kWhiteNoise);
  scale.square = {9, 0.5, 1.1, 1, 1, 1, 1, 4};
  scale.weight = {2048, 1024, 512, 256, 128, 64, 32, 32};
  const auto factors = scale.factors();
  const double narrow = std::sqrt(9.0 - 3.0 * 1.66 / std::sqrt(2048.0)),
               wide = std::sqrt(4.0 - 3.0 * 1.66 / std::sqrt(32.0));
  for (int width : {1, 2, 3, 7, 8})
    EXPECT_DOUBLE_EQ(factors[static_cast<std::size_t>(noise_octave(width))], narrow);
  EXPECT_EQ(factors[static_cast<std::size_t>(noise_octave(12))], 1.0);  // quieter than its weights say
  EXPECT_EQ(factors[static_cast<std::size_t>(noise_octave(32))], 1.0);  // 1.1, with an error of 0.07
  for (int width : {768, 1024, 1536, 2048})
    EXPECT_DOUBLE_EQ(factors[static_cast<std::size_t>(noise_octave(width))], wide);
}

// In closed form, with the density phi and the tail Q of a unit Gaussian and c = 1.5:
//
//   kappa = E[min(y^2, c^2)] = 1 - 2 Q - 2 c phi + 2 c^2 Q,   E[min(y^4, c^4)] = 3 (1 - 2 Q) - (2 c^3 + 6 c)
//   phi
//   + 2 c^4 Q
//
// A step pulls back by 1 - c^2 2 Q / kappa = 0.614 of an offset, so that m values at once have the error
// sd(min) / kappa / 0.614 / sqrt(m), a running mean of memory m that over sqrt(2 0.614 m), and a fraction e
// of strong ones adds e (c^2 - kappa) / kappa / 0.614.
TEST(NoiseScale, ConstantsAreThoseOfAGaussian) {
  constexpr double c = 1.5;
  const double phi = std::exp(-0.5 * c * c) / std::sqrt(2.0 * std::numbers::pi),
               tail = 0.5 * std::erfc(c / std::numbers::sqrt2);
  const double kappa = 1.0 - 2.0 * tail - 2.0 * c * phi + 2.0 * c * c * tail;
  const double fourth =
      3.0 * (1.0 - 2.0 * tail) - (2.0 * c * c * c + 6.0 * c) * phi + 2.0 * std::pow(c, 4) * tail;
  const double step = std::sqrt(fourth - kappa * kappa) / kappa, pull = 1.0 - c * c * 2.0 * tail / kappa;
  EXPECT_NEAR(kappa, 0.7785, 5e-5);
  EXPECT_NEAR(step / pull, kStatedError, 5e-3);
  EXPECT_NEAR(step / std::sqrt(2.0 * pull), 0.92, 5e-3);
  EXPECT_NEAR((c * c - kappa) / kappa / pull, 3.1, 0.05);
}

// The header, a boxcar at a time.
void update_plainly(const Row& row, std::int64_t begin, std::int64_t end, double variance_min,
                    NoiseScale& scale) {
  for (int k = 3; k <= 10; ++k) {
    const std::int64_t w = std::int64_t{1} << k;
    auto& s2 = scale.square[static_cast<std::size_t>(k - 3)];
    auto& m = scale.weight[static_cast<std::size_t>(k - 3)];
    for (auto t = begin; t + w <= end; t += w) {
      double sum = 0.0, v = 0.0, mean = 0.0;
      for (auto i = t; i < t + w; ++i) sum += row.x[static_cast<std::size_t>(i)];
      for (auto b = (row.lead + t) / 8; b < (row.lead + t + w) / 8; ++b) {
        v += double{row.variance[static_cast<std::size_t>(b)]};
        mean += row.mean.empty() ? 0.0 : double{row.mean[static_cast<std::size_t>(b)]};
      }
      if (v == 0.0 || v < variance_min * static_cast<double>(w)) continue;
      if (sum >= mean) continue;
      const double y2 = (sum - mean) * (sum - mean) / v;
      m = std::min(m + 1.0, std::max(32.0, 8192.0 / static_cast<double>(w)));
      s2 += (std::min(y2, 2.25 * s2) / 0.7785 - s2) / m;
    }
  }
}

TEST(NoiseScale, EqualsItsPlainVersionOverAwkwardRuns) {
  Xoshiro256 random(1);
  for (int round = 0; round < 20; ++round) {
    Row row(8 * random_between(random, 1, 1500), 100.0F, 8 * random_between(random, 0, 40));
    for (auto& x : row.x) x = static_cast<std::int32_t>(std::lround(15.0 * gaussian(random)));
    for (auto& v : row.variance)  // whole numbers: sums are the same in any order
      v = random.below(8) == 0 ? 0.0F : static_cast<float>(random_between(random, 100, 1600));
    if (round % 2 == 1) row.mean.resize(row.variance.size());
    for (auto& m : row.mean) m = static_cast<float>(random_between(random, -200, 200)) / 4.0F;
    const double variance_min = one_of(random, {0.0, 60.0, 100.0});
    NoiseScale fast, plain;
    for (std::int64_t t = 0, run = 0; t < row.n(); t += run) {
      run = std::min(row.n() - t, 8 * one_of<std::int64_t>(random, {1, 2, 3, 7, 127, 128, 129, 300}));
      row.add_to(fast, t, t + run, variance_min);
      update_plainly(row, t, t + run, variance_min, plain);
    }
    EXPECT_EQ(fast.square, plain.square) << "round " << round;
    EXPECT_EQ(fast.weight, plain.weight) << "round " << round;
  }
}

TEST(NoiseScale, RunsOf1024AreAsGoodAsOneOfManyTimesThat) {
  Xoshiro256 random(2);
  const auto row = white_row(8192, 1.3F, random);
  NoiseScale whole, runs, halves;
  row.add_to(whole, 0, 8192);
  row.add_to(runs);
  row.add_to(halves, 0, 2048);
  row.add_to(halves, 2048, 8192);
  EXPECT_EQ(whole.square, runs.square);
  EXPECT_EQ(whole.square, halves.square);
  EXPECT_EQ(whole.weight, runs.weight);
}

TEST(NoiseScale, BoxcarsOfTooLittleWeightDoNotCount) {
  Xoshiro256 random(3);
  auto row = white_row(4096, 1.0F, random);
  NoiseScale before, after;
  row.add_to(before, 0, 2048);
  row.add_to(after, 0, 2048);
  std::fill(row.variance.begin() + 256, row.variance.end(), 0.0F);
  for (std::size_t t = 2048; t < 4096; ++t) row.x[t] = -1'000'000;
  row.add_to(after, 2048, 4096);
  EXPECT_EQ(before.square, after.square);
  EXPECT_EQ(before.weight, after.weight);
  std::fill(row.variance.begin() + 256, row.variance.end(), 8.0F * 99.0F);
  row.add_to(after, 2048, 4096, 100.0);
  EXPECT_EQ(before.square, after.square);
  row.add_to(after, 2048, 4096, 99.0);
  EXPECT_LT(before.square[0], after.square[0]);
}

int factors_above_one(const NoiseScale& scale) {
  const auto factors = scale.factors();
  return static_cast<int>(std::count_if(factors.begin() + kNoiseFirst, factors.begin() + kNoiseLast + 1,
                                        [](double f) { return f != 1.0; }));
}

// The dead band is 3 1.66 / sqrt(m): 5.4 errors of 0.92 once the memory is full, which 1e-4 of simulated
// values or fewer exceed (they are skew), and at least 2.8 of up to 1.8 while it grows, which 0.28 % exceed.
// 16 rows of 8 scales: 0.01, and 0.4 in each look; scales of one row go together, so 4 are allowed.
TEST(NoiseScale, FactorsOfWhiteNoiseAreOneButForChance) {
  Xoshiro256 random(4);
  int n_above[8] = {}, n_settled = 0;
  for (int i = 0; i < kRows; ++i) {
    const auto row = white_row(kSettled, 1.0F, random);
    NoiseScale scale;
    std::int64_t done = 0;
    for (int look = 0; look < 7; ++look) {
      for (; done < (std::int64_t{1024} << look); done += 1024) row.add_to(scale, done, done + 1024);
      n_above[look] += factors_above_one(scale);
    }
    row.add_to(scale, done, kSettled);
    n_settled += factors_above_one(scale);
  }
  for (int look = 0; look < 7; ++look) EXPECT_LE(n_above[look], 4) << (1 << look) << " runs";
  EXPECT_EQ(n_settled, 0);
}

// Scales of rows of one kind, once they have settled.
template <class MakeRow>
std::vector<NoiseScale> settled_scales(const MakeRow& make_row) {
  std::vector<NoiseScale> scales(kRows);
  for (auto& scale : scales) make_row().add_to(scale);
  return scales;
}

double mean_square(const std::vector<NoiseScale>& scales, std::size_t at) {
  double sum = 0.0;
  for (const auto& scale : scales) sum += scale.square[at];
  return sum / static_cast<double>(scales.size());
}

TEST(NoiseScale, OfWhiteNoiseIsOneWithinItsError) {
  Xoshiro256 random(5);
  const auto scales = settled_scales([&] { return white_row(kSettled, 1.0F, random); });
  for (std::size_t at = 0; at < NoiseScale::kScales; ++at) {
    const double m = scales[0].weight[at];
    EXPECT_EQ(m, std::max(32.0, std::ldexp(1024.0, -static_cast<int>(at))));
    double squares = 0.0;
    for (const auto& scale : scales) squares += std::pow(scale.square[at] - 1.0, 2) * m / kRows;
    EXPECT_NEAR(mean_square(scales, at), 1.0, 5.0 * 0.92 / std::sqrt(m * kRows)) << at;
    EXPECT_NEAR(std::sqrt(squares), 0.92, 5.0 * 0.92 / std::sqrt(2.0 * kRows)) << at;
  }
}

TEST(NoiseScale, FactorOfNoiseThatIsLargerThanItsWeightsSayIsThatAtAllWidths) {
  Xoshiro256 random(6);
  for (float k : {2.0F, 3.0F}) {
    const auto scales = settled_scales([&] { return white_row(kSettled, k, random); });
    const double square = double{k} * k;
    for (std::size_t at = 0; at < NoiseScale::kScales; ++at) {
      const double m = scales[0].weight[at];
      EXPECT_NEAR(mean_square(scales, at) / square, 1.0, 5.0 * 0.92 / std::sqrt(m * kRows)) << at;
      for (const auto& scale : scales) {  // 3 errors of s^2, which are in proportion to k^2
        const double factor = scale.factors()[at + kNoiseFirst];
        EXPECT_NEAR(factor * factor, square, 3.0 * kStatedError * square / std::sqrt(m)) << at;
      }
    }
  }
}

// White noise and, of 0.005 of its variance, red noise r[t] = phi r[t - 1] + ...; sums of w are noisier by
//
//   1 + 0.005 ((1 + phi) / (1 - phi) - 2 phi (1 - phi^w) / (w (1 - phi)^2))
constexpr double kPhi = 1.0 - 1.0 / 256.0, kRedShare = 0.005;
double red_ratio(double w) {
  return 1.0 + kRedShare * ((1.0 + kPhi) / (1.0 - kPhi) -
                            2.0 * kPhi * (1.0 - std::pow(kPhi, w)) / (w * (1.0 - kPhi) * (1.0 - kPhi)));
}
Row red_row(Xoshiro256& random) {
  auto row = white_row(kSettled, 1.0F, random);
  const auto unit = white_row(kSettled, 1.0F, random);
  double r = kLevels * std::sqrt(kRedShare) * gaussian(random);
  for (std::size_t t = 0; t < row.x.size(); ++t) {
    row.x[t] += static_cast<std::int32_t>(std::lround(r));
    r = kPhi * r + std::sqrt(kRedShare * (1.0 - kPhi * kPhi)) * unit.x[t];
  }
  return row;
}

TEST(NoiseScale, GrowsWithWidthWhereNoiseIsRed) {
  Xoshiro256 random(7);
  const auto scales = settled_scales([&] { return red_row(random); });
  double narrow = 0.0, wide = 0.0;
  for (std::size_t at = 0; at < NoiseScale::kScales; ++at) {
    const double w = std::ldexp(8.0, static_cast<int>(at));  // neighbours are correlated: the larger error
    EXPECT_NEAR(mean_square(scales, at) / red_ratio(w), 1.0,
                5.0 * kStatedError / std::sqrt(scales[0].weight[at] * kRows))
        << w;
  }
  for (const auto& scale : scales) {
    const auto factors = scale.factors();
    narrow += factors[kNoiseFirst] / kRows;
    wide += factors[kNoiseLast] * factors[kNoiseLast] / kRows;
  }
  EXPECT_NEAR(red_ratio(8.0), 1.04, 2e-3);  // within the dead band of 0.16
  EXPECT_NEAR(narrow, 1.0, 1e-2);
  EXPECT_NEAR(wide, red_ratio(1024.0) - 3.0 * 1.66 / std::sqrt(32.0),  // 2.05, of rows of error 0.48
              5.0 * 0.48 / std::sqrt(kRows));
}

TEST(NoiseScale, AStrongPulseTakesNoMoreThanItsOwnBoxcarsOut) {
  Xoshiro256 random(8);
  for (int i = 0; i < 8; ++i) {
    auto row = white_row(kSettled, 1.0F, random);
    NoiseScale without, with;
    row.add_to(without);
    for (std::size_t t = kSettled - 500; t < kSettled - 496; ++t) row.x[t] += 100'000;  // S/N 2000
    row.add_to(with);
    for (std::size_t at = 0; at < NoiseScale::kScales; ++at)  // at most one value of m, 1.9 off at the most
      EXPECT_NEAR(with.square[at], without.square[at], 1.9 * without.square[at] / without.weight[at]) << at;
    EXPECT_EQ(factors_above_one(with), factors_above_one(without));
  }
}

TEST(NoiseScale, PulsesInEveryEighthBoxcarDoNotRaiseIt) {
  Xoshiro256 random(9);
  const auto scales = settled_scales([&] {
    auto row = white_row(kSettled, 1.0F, random);
    for (std::size_t t = 3; t < row.x.size(); t += 64) row.x[t] += 1'000'000;
    return row;
  });
  EXPECT_NEAR(mean_square(scales, 0), 1.0, 5.0 * 0.92 / std::sqrt(1024.0 * kRows));
}

TEST(NoiseScale, OfNoSamplesIsAsItWas) {
  NoiseScale scale;
  Row(16, 1.0F).add_to(scale, 8, 8);
  EXPECT_EQ(scale.weight, NoiseScale{}.weight);
  EXPECT_EQ(scale.square, NoiseScale{}.square);
}

TEST(NoiseScale, RefusesRunsThatAreNoWholeBinsOrThatNoTrackCovers) {
  NoiseScale scale;
  Row row(64, 1.0F, 8);
  EXPECT_NO_THROW(row.add_to(scale, 0, 64));
  EXPECT_THROW(row.add_to(scale, 0, 63), std::invalid_argument);
  row.variance.pop_back();
  EXPECT_NO_THROW(row.add_to(scale, 0, 56));
  EXPECT_THROW(row.add_to(scale, 0, 64), std::invalid_argument);
  row.lead = -8;  // the track begins after the row
  EXPECT_THROW(row.add_to(scale, 0, 48), std::invalid_argument);
  VarianceTrack track;
  track.per_bin = View<const float, 1>(row.variance.data(), {8});
  EXPECT_THROW(update_noise_scale({}, track, View<const std::int32_t, 1>(row.x.data(), {16}, {2}), scale),
               std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
