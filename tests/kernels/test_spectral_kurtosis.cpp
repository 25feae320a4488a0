// Spectral kurtosis: by hand, moments and limits against exact sums, tables and samples, and what flagging by
// it finds and keeps.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/spectral_kurtosis.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

const double kThreeSigma = std::erfc(3.0 / std::sqrt(2.0));  // both tails: 0.0027
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Gamma variable of shape >= 1 (Marsaglia & Tsang 2000); below, one of shape + 1 times u^(1 / shape).
double gamma_sample(double shape, Xoshiro256& random) {
  if (shape < 1.0) return gamma_sample(shape + 1.0, random) * std::pow(1.0 - random.uniform(), 1.0 / shape);
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = gaussian(random), v = std::pow(1.0 + c * x, 3.0);
    if (v <= 0.0) continue;
    if (std::log(1.0 - random.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

// Sums over the samples of each cell.
struct Cells {
  std::int64_t n_chan = 0, n_cell = 0;
  std::vector<double> sum, sum_squares;
  std::vector<std::int32_t> n;
  std::vector<std::uint8_t> good;

  Cells(std::int64_t channels, std::int64_t cells) : n_chan(channels), n_cell(cells) {
    const auto size = static_cast<std::size_t>(channels * cells);
    sum.assign(size, 0.0);
    sum_squares.assign(size, 0.0);
    n.assign(size, 0);
    good.assign(size, 1);
  }
  void add(std::size_t cell, double x) {
    sum[cell] += x;
    sum_squares[cell] += x * x;
    ++n[cell];
  }
  template <class T>
  View<T, 2> view(std::vector<T>& v) const {
    return View<T, 2>(v.data(), {n_chan, n_cell});
  }
  std::int64_t flag(const KurtosisParams& params) {
    return flag_kurtosis(params, view(sum), view(sum_squares), view(n), view(good));
  }
  double shape() { return kurtosis_shape(view(sum), view(sum_squares), view(n), view(good)); }
};

// n samples of noise in each cell.
Cells noisy_cells(std::int64_t n_chan, std::int64_t n_cell, int n, double shape, Xoshiro256& random) {
  Cells cells(n_chan, n_cell);
  for (std::size_t i = 0; i < cells.sum.size(); ++i)
    for (int t = 0; t < n; ++t) cells.add(i, gamma_sample(shape, random));
  return cells;
}

// Eight samples of 1 and eight of 3: S1 = 32, S2 = 80, variance (80 - 64) / 15.
Cells ones_and_threes() {
  Cells cells(1, 1);
  for (int t = 0; t < 16; ++t) cells.add(0, t % 2 == 0 ? 1.0 : 3.0);
  return cells;
}

TEST(SpectralKurtosis, OfSixteenByHand) {
  // 16 * 80 / 32^2 - 1 = 1/4, times (16 * 2 + 1) / 15.
  EXPECT_DOUBLE_EQ(spectral_kurtosis(16, 32.0, 80.0, 2.0), 0.55);
}

TEST(SpectralKurtosis, IsTheSameAtAnyLevel) {
  for (double gain : {1e-150, 0.25, 1e100})
    EXPECT_NEAR(spectral_kurtosis(16, 32.0 * gain, 80.0 * gain * gain, 2.0), 0.55, 1e-14) << gain;
}

TEST(SpectralKurtosis, RefusesWhatHasNoScatter) {
  EXPECT_THROW(spectral_kurtosis(1, 32.0, 80.0, 2.0), std::invalid_argument);
  EXPECT_THROW(spectral_kurtosis(16, 0.0, 80.0, 2.0), std::invalid_argument);
  EXPECT_THROW(spectral_kurtosis(16, 32.0, 80.0, 0.0), std::invalid_argument);
  EXPECT_THROW(spectral_kurtosis(16, kNan, 80.0, 2.0), std::invalid_argument);
}

TEST(KurtosisMoments, AreThoseOfTheExactSums) {
  // From E[(n S2 / S1^2)^j] in rational numbers: E[S2^j] is j! times the coefficient of t^j in (sum over r of
  // m[2r] t^r / r!)^n with the Gamma moments m[r] = shape (shape + 1) ... (shape + r - 1), and E[S1^2j] the
  // same product for n * shape. Rounded once; a hundred roundings at most on our side.
  struct {
    double n, shape, second, third, fourth;
  } const cases[] = {
      {16, 0.5, 0.23272727272727273, 0.2005034965034965, 0.4674595804195804},
      {16, 12, 0.14075601374570446, 0.04681660017261043, 0.08810527334261353},
      {17, 1.5, 0.1728468899521531, 0.10675060423482866, 0.22651138929537945},
      {64, 12, 0.03416873411314768, 0.0028445652637173646, 0.0039517627251356895},
      {1000, 1e5, 0.0020020219219209247, 8.016423313341925e-06, 1.2072426334280886e-05},
      {1e6, 0.5, 5.9999460004019975e-06, 2.1599395210778244e-10, 1.0801749494627885e-10},
      {1e6, 1e5, 2.000021999921999e-06, 8.000416002503943e-12, 1.2000312007380167e-11},
  };
  for (const auto& c : cases) {
    const auto m = kurtosis_moments(c.n, c.shape);
    EXPECT_NEAR(m.second / c.second, 1.0, 3e-14) << c.n << " " << c.shape;
    EXPECT_NEAR(m.third / c.third, 1.0, 3e-14) << c.n << " " << c.shape;
    EXPECT_NEAR(m.fourth / c.fourth, 1.0, 3e-14) << c.n << " " << c.shape;
  }
}

TEST(KurtosisLimits, AgreeWithAnotherIntegrationOfTheCurve) {
  // A numpy program: the closed form of the density (types IV and VI), 3 million trapezoids over [-40, 200]
  // standard deviations, and linear interpolation; good to 1e-6. Ours is good to 1e-5 of the tail's mass,
  // which is at most that part of a standard deviation.
  struct {
    double n, shape, false_alarm, low, high;
  } const cases[] = {
      {16, 0.5, 0.05, 0.43324031, 2.24040566},        {16, 0.5, 1e-6, 0.34930551, 8.80413074},
      {16, 0.5, 0.9, 0.83386166, 0.93524896},         {16, 2, kThreeSigma, 0.25449107, 3.12505846},
      {16, 2, 1e-6, 0.05341123, 7.63944657},          {64, 1, kThreeSigma, 0.49207765, 2.16600078},
      {64, 1, 0.9, 0.93828168, 0.99270492},           {64, 12, kThreeSigma, 0.54346690, 1.67597271},
      {64, 12, 0.05, 0.67665822, 1.39992353},         {64, 12, 1e-6, 0.34344848, 2.31621435},
      {64, 12, 0.9, 0.96398234, 1.00958056},          {63, 12, kThreeSigma, 0.54050598, 1.68237496},
      {256, 12, kThreeSigma, 0.74976523, 1.30560770}, {1024, 0.5, 1e-6, 0.70156054, 1.59108984},
      {4096, 1e5, 1e-6, 0.89560275, 1.11186184},      {1e6, 12, kThreeSigma, 0.99559122, 1.00442300},
      {1e6, 12, 0.9, 0.99981416, 1.00018409},
  };
  for (const auto& c : cases) {
    const auto limits = kurtosis_limits(c.n, c.shape, c.false_alarm);
    const double tolerance = 1e-5 * std::sqrt(kurtosis_moments(c.n, c.shape).second) + 1e-6;
    EXPECT_NEAR(limits.low, c.low, tolerance) << c.n << " " << c.shape << " " << c.false_alarm;
    EXPECT_NEAR(limits.high, c.high, tolerance) << c.n << " " << c.shape << " " << c.false_alarm;
  }
}

TEST(KurtosisLimits, AreThoseOfChiSquareForALargeShape) {
  // Power of a large shape is Gaussian, SK its variance over the expected one: chi-square over its n - 1
  // degrees of freedom, a curve of Pearson's type III. Quantiles as statistical tables print them, to 0.0005.
  struct {
    double n, false_alarm, low, high;
  } const cases[] = {{16, 0.05, 6.262, 27.488},   {16, 0.01, 4.601, 32.801},  {31, 0.05, 16.791, 46.979},
                     {31, 0.01, 13.787, 53.672},  {61, 0.05, 40.482, 83.298}, {101, 0.05, 74.222, 129.561},
                     {101, 0.01, 67.328, 140.169}};
  for (const auto& c : cases) {
    const auto limits = kurtosis_limits(c.n, 1e7, c.false_alarm);
    const double tolerance = 0.0005 / (c.n - 1.0) + 1e-5 * std::sqrt(2.0 / (c.n - 1.0));
    EXPECT_NEAR(limits.low, c.low / (c.n - 1.0), tolerance) << c.n << " " << c.false_alarm;
    EXPECT_NEAR(limits.high, c.high / (c.n - 1.0), tolerance) << c.n << " " << c.false_alarm;
  }
}

TEST(KurtosisLimits, AreGaussianForManySamples) {
  // At 3 sigma a skewness g moves both limits up by g (3^2 - 1) / 6 sigma (Cornish & Fisher 1938); g^2 is
  // next, with factors of about one.
  for (double shape : {0.5, 1.0, 12.0, 1e5}) {
    const auto m = kurtosis_moments(1e6, shape);
    const auto limits = kurtosis_limits(1e6, shape, kThreeSigma);
    const double sigma = std::sqrt(m.second), skew = m.third / (m.second * sigma);
    const double tolerance = 1e-5 + 3.0 * skew * skew;
    EXPECT_NEAR((limits.low - 1.0) / sigma, -3.0 + skew * 8.0 / 6.0, tolerance) << shape;
    EXPECT_NEAR((limits.high - 1.0) / sigma, 3.0 + skew * 8.0 / 6.0, tolerance) << shape;
    EXPECT_NEAR(sigma, std::sqrt(2.0 * (1.0 + 1.0 / shape)) / 1e3, 1e-5 * sigma) << shape;
  }
}

TEST(KurtosisLimits, AreFiniteAndNestedOverTheirWholeRange) {
  for (double n : {16.0, 17.0, 50.0, 1000.0, 1e6, 2147483648.0})
    for (double shape : {0.5, 0.7, 1.0, 6.0, 300.0, 1e5, 1e8}) {
      KurtosisLimits wider{-kInfinity, kInfinity};
      for (double false_alarm : {1e-300, 1e-30, 1e-9, 1e-3, 0.05, 0.5, 0.9, 0.999999}) {
        const auto limits = kurtosis_limits(n, shape, false_alarm);
        EXPECT_LT(wider.low, limits.low) << n << " " << shape << " " << false_alarm;
        EXPECT_LT(limits.low, limits.high) << n << " " << shape << " " << false_alarm;
        EXPECT_LT(limits.high, wider.high) << n << " " << shape << " " << false_alarm;
        wider = limits;
      }
    }
}

// How many of n_trial cells of noise are outside the limits. k trials beyond a tail of probability p have
// mean n_trial p and that variance; 5 deviations are allowed.
void expect_rate(int n, double shape, std::int64_t n_trial, Xoshiro256& random) {
  const auto cells = noisy_cells(1, n_trial, n, shape, random);
  for (double false_alarm : {kThreeSigma, 0.05, 0.5}) {
    const auto limits = kurtosis_limits(n, shape, false_alarm);
    double below = 0.0, above = 0.0;
    for (std::size_t i = 0; i < cells.sum.size(); ++i) {
      const double sk = spectral_kurtosis(n, cells.sum[i], cells.sum_squares[i], shape);
      below += sk < limits.low ? 1.0 : 0.0;
      above += sk > limits.high ? 1.0 : 0.0;
    }
    const double expected = 0.5 * false_alarm * static_cast<double>(n_trial);
    EXPECT_NEAR(below, expected, 5.0 * std::sqrt(expected)) << n << " " << shape << " " << false_alarm;
    EXPECT_NEAR(above, expected, 5.0 * std::sqrt(expected)) << n << " " << shape << " " << false_alarm;
  }
}

TEST(KurtosisLimits, HoldForSamplesOfNoise) {
  Xoshiro256 random(1);
  expect_rate(16, 2.0, 40000, random);
  expect_rate(64, 12.0, 40000, random);
  expect_rate(64, 1000.0, 20000, random);
  expect_rate(256, 1.0, 5000, random);
}

TEST(KurtosisLimits, RefuseWhatIsOutOfRange) {
  EXPECT_THROW(kurtosis_limits(15, 1.0, 0.01), std::invalid_argument);
  EXPECT_THROW(kurtosis_limits(kInfinity, 1.0, 0.01), std::invalid_argument);
  EXPECT_THROW(kurtosis_limits(64, 0.4, 0.01), std::invalid_argument);
  EXPECT_THROW(kurtosis_limits(64, 2e8, 0.01), std::invalid_argument);
  EXPECT_THROW(kurtosis_limits(64, kNan, 0.01), std::invalid_argument);
  EXPECT_THROW(kurtosis_limits(64, 1.0, 0.0), std::invalid_argument);
  EXPECT_THROW(kurtosis_limits(64, 1.0, 1.0), std::invalid_argument);
  EXPECT_THROW(kurtosis_limits(64, 1.0, kNan), std::invalid_argument);
  EXPECT_THROW(kurtosis_moments(15, 1.0), std::invalid_argument);
}

TEST(FlagKurtosis, KeepsNoiseAtTheStatedRateWhateverTheCount) {
  Xoshiro256 random(2);
  Cells cells(40, 500);
  for (std::size_t i = 0; i < cells.sum.size(); ++i)
    for (int t = 0; t < 40 + static_cast<int>(i % 3) * 15; ++t) cells.add(i, gamma_sample(12.0, random));
  const double expected = 20000 * kThreeSigma;
  const auto flagged = cells.flag({12.0, kThreeSigma});
  EXPECT_NEAR(static_cast<double>(flagged), expected, 5.0 * std::sqrt(expected));
  EXPECT_EQ(std::count(cells.good.begin(), cells.good.end(), 0), flagged);
  EXPECT_EQ(cells.flag({12.0, kThreeSigma}), 0);
}

// 64 samples of shape 12 in each of 200 cells. With the power times g for a part q of the time, SK is near 12
// ((13/12) (1 - q + q g^2) / (1 - q + q g)^2 - 1).
Cells with_burst(int begin, int end, double gain, Xoshiro256& random) {
  Cells cells(2, 100);
  for (std::size_t i = 0; i < cells.sum.size(); ++i)
    for (int t = 0; t < 64; ++t) {
      const bool on = begin <= t && t < end;
      cells.add(i, gamma_sample(12.0, random) * (on ? gain : 1.0));
    }
  return cells;
}

TEST(FlagKurtosis, FindsAShortBurst) {
  Xoshiro256 random(3);
  auto cells = with_burst(20, 26, 3.0, random);  // SK = 5.5, the limit 1.68
  EXPECT_EQ(cells.flag({12.0, kThreeSigma}), 200);
}

TEST(FlagKurtosis, AllowsTheExcessOfABrightPulse) {
  Xoshiro256 random(3);
  auto cells = with_burst(20, 26, 3.0, random);
  EXPECT_EQ(cells.flag({12.0, kThreeSigma, 20.0}), 0);
  EXPECT_EQ(cells.flag({12.0, kThreeSigma, kInfinity}), 0);
}

TEST(FlagKurtosis, FindsASteadyCarrier) {
  // 1.5 times the noise power, constant: the mean is 2.5 times what it was and the variance is not, SK =
  // 0.16.
  Xoshiro256 random(4);
  Cells cells(3, 50);
  for (std::size_t i = 0; i < cells.sum.size(); ++i)
    for (int t = 0; t < 64; ++t) cells.add(i, gamma_sample(12.0, random) + 18.0);
  EXPECT_EQ(cells.flag({12.0, kThreeSigma, 20.0}), 150);
}

TEST(FlagKurtosis, UsesTheLimitsOfEachCount) {
  // SK of 0.6 is noise for 64 samples of shape 12 (limit 0.543) and none for 256 (0.750).
  Cells cells(1, 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const double n = i % 2 == 0 ? 64.0 : 256.0;
    cells.n[i] = static_cast<std::int32_t>(n);
    cells.sum[i] = n;
    cells.sum_squares[i] = n * (1.0 + 0.6 * (n - 1.0) / (12.0 * n + 1.0));
  }
  EXPECT_EQ(cells.flag({12.0, kThreeSigma}), 2);
  EXPECT_EQ(cells.good, (std::vector<std::uint8_t>{1, 0, 1, 0}));
}

TEST(FlagKurtosis, LeavesAloneWhatItCannotJudge) {
  Cells cells(2, 3);  // every SK far from 1, and each cell but the last excused
  cells.n = {15, 64, 64, 64, 0, 64};
  cells.sum = {15.0, 0.0, -3.0, 64.0, 0.0, 64.0};
  cells.sum_squares = {1e3, 1e3, 1e3, 1e3, 0.0, 1e3};
  cells.good = {1, 1, 1, 0, 1, 1};
  EXPECT_EQ(cells.flag({12.0, kThreeSigma}), 1);
  EXPECT_EQ(cells.good, (std::vector<std::uint8_t>{1, 1, 1, 0, 1, 0}));
}

TEST(FlagKurtosis, FlagsSumsThatAreNotFinite) {
  Cells cells(1, 4);
  cells.n.assign(4, 64);
  cells.sum = {kNan, kInfinity, 64.0, 1e-320};
  cells.sum_squares = {70.0, kInfinity, kInfinity, 1e300};
  EXPECT_EQ(cells.flag({12.0, kThreeSigma}), 4);
}

TEST(FlagKurtosis, ReadsAndWritesThroughStrides) {
  Xoshiro256 random(5);
  auto cells = with_burst(20, 23, 3.0, random);
  auto expected = cells;
  PaddedRows<double> sum(2, 100, random), sum_squares(2, 100, random);
  PaddedRows<std::int32_t> n(2, 100, random);
  PaddedRows<std::uint8_t> good(2, 100, random);
  for (std::int64_t c = 0; c < 2; ++c)
    for (std::int64_t k = 0; k < 100; ++k) {
      sum.view()(c, k) = cells.view(cells.sum)(c, k);
      sum_squares.view()(c, k) = cells.view(cells.sum_squares)(c, k);
      n.view()(c, k) = 64;
      good.view()(c, k) = 1;
    }
  const KurtosisParams params{12.0, 0.3};
  EXPECT_EQ(kurtosis_shape(sum.cview(), sum_squares.cview(), n.cview(), good.cview()), cells.shape());
  EXPECT_EQ(flag_kurtosis(params, sum.cview(), sum_squares.cview(), n.cview(), good.view()),
            expected.flag(params));
  EXPECT_TRUE(equal(good.cview(), View<const std::uint8_t, 2>(expected.view(expected.good)), "c", "k"));
  EXPECT_TRUE(good.gaps_untouched());
}

TEST(FlagKurtosis, OfNothingIsNothing) {
  Cells none(0, 0), no_cells(5, 0);
  EXPECT_EQ(none.flag({12.0, kThreeSigma}), 0);
  EXPECT_EQ(no_cells.flag({12.0, kThreeSigma}), 0);
  EXPECT_EQ(none.shape(), 0.0);
}

TEST(FlagKurtosis, RefusesParamsOutOfRangeAndShapesThatDiffer) {
  auto cells = ones_and_threes();
  EXPECT_THROW(cells.flag({0.0, 0.01}), std::invalid_argument);
  EXPECT_THROW(cells.flag({12.0, 0.0}), std::invalid_argument);
  EXPECT_THROW(cells.flag({12.0, 1.0}), std::invalid_argument);
  EXPECT_THROW(cells.flag({12.0, 0.01, -0.1}), std::invalid_argument);
  EXPECT_THROW(cells.flag({12.0, 0.01, kNan}), std::invalid_argument);
  Cells other(1, 2);
  const auto sum = cells.view(cells.sum), more = other.view(other.sum);
  const auto n = cells.view(cells.n);
  const auto good = cells.view(cells.good);
  EXPECT_THROW(flag_kurtosis({12.0, 0.01}, sum, more, n, good), std::invalid_argument);
  EXPECT_THROW(flag_kurtosis({12.0, 0.01}, sum, sum, other.view(other.n), good), std::invalid_argument);
  EXPECT_THROW(flag_kurtosis({12.0, 0.01}, sum, sum, n, other.view(other.good)), std::invalid_argument);
  EXPECT_THROW(kurtosis_shape(sum, more, n, good), std::invalid_argument);
  EXPECT_THROW(kurtosis_shape(sum, sum, other.view(other.n), good), std::invalid_argument);
  EXPECT_THROW(kurtosis_shape(sum, sum, n, other.view(other.good)), std::invalid_argument);
}

TEST(KurtosisShape, OfSixteenByHandMakesTheirKurtosisOne) {
  auto cells = ones_and_threes();
  EXPECT_DOUBLE_EQ(cells.shape(), 4.0 * 15.0 / 16.0 - 1.0 / 16.0);
  EXPECT_DOUBLE_EQ(spectral_kurtosis(16, 32.0, 80.0, cells.shape()), 1.0);
}

TEST(KurtosisShape, IsThatOfTheNoiseButForItsSkewness) {
  // One cell's SK has a deviation of 0.185 for n = 64 and shape 12, the median of 4000 that times 1.2533 /
  // 4000^1/2 = 0.37 %: 5 of them. The third-order shift of the median is known to its own square or so.
  Xoshiro256 random(6);
  auto cells = noisy_cells(4, 1000, 64, 12.0, random);
  for (std::size_t i = 0; i < cells.sum.size(); i += 5) cells.good[i] = 0, cells.sum_squares[i] *= 3.0;
  const auto m = kurtosis_moments(64, 12.0);
  const double shift = m.third / (6.0 * m.second);
  EXPECT_NEAR(shift, 0.0139, 0.0001);
  EXPECT_NEAR(cells.shape() / 12.0, 1.0 + shift, 5.0 * 0.0042 + 2.0 * shift * shift);
}

TEST(KurtosisShape, IsTheMedianOverCellsAndMakesTheMedianKurtosisOne) {
  Xoshiro256 random(7);
  Cells cells(3, 5);
  for (std::size_t i = 0; i < 15; ++i)
    for (std::size_t t = 0; t < 16 + 3 * i; ++t) cells.add(i, gamma_sample(4.0, random));
  const double shape = cells.shape();
  int above = 0;
  for (std::size_t i = 0; i < 15; ++i)
    above += spectral_kurtosis(cells.n[i], cells.sum[i], cells.sum_squares[i], shape) > 1.0 + 1e-12 ? 1 : 0;
  EXPECT_EQ(above, 7);
}

TEST(KurtosisShape, IsZeroWhereNoCellCanTell) {
  Cells cells(1, 6);
  cells.n = {15, 64, 64, 64, 640, 64};
  cells.sum = {15.0, 0.0, 64.0, 64.0, 0.0, kNan};
  cells.sum_squares = {20.0, 3.0, 64.0, 70.0, 0.0, 70.0};  // the third has no variance
  cells.good = {1, 1, 1, 0, 1, 1};
  for (int t = 0; t < 640; ++t) {  // 0.1 is no binary fraction: only rounding is left of its variance
    cells.sum[4] += 0.1;
    cells.sum_squares[4] += 0.1 * 0.1;
  }
  EXPECT_EQ(cells.shape(), 0.0);
}

}  // namespace
}  // namespace tianyan
