// The shared wave: by hand, its factors as least squares, what is left after it is taken away, and what a
// pulse loses.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/base/units.hpp"
#include "kernels/flag_times.hpp"
#include "kernels/quantise.hpp"
#include "kernels/zero_dm_filter.hpp"
#include "tests/kernels/kernel_test.hpp"
#include "tests/kernels/target_test.hpp"

namespace tianyan {
namespace {

std::vector<std::int16_t> wave_of(const std::vector<float>& z, const std::vector<std::uint8_t>& good,
                                  double sigma) {
  std::vector<std::int16_t> wave(z.size());
  make_wave(View<const float, 1>(z.data(), {std::ssize(z)}),
            View<const std::uint8_t, 1>(good.data(), {std::ssize(good)}), sigma,
            View<std::int16_t, 1>(wave.data(), {std::ssize(wave)}));
  return wave;
}

TEST(MakeWave, Is64LevelsASigmaWithinInt16AndZeroWhereFlagged) {
  const std::vector<float> z{1, -2, 0.5F / 64, 1.5F / 64, 511, 512, -1e30F, 9};
  EXPECT_EQ(wave_of(z, {1, 1, 1, 1, 1, 1, 1, 0}, 1.0),
            (std::vector<std::int16_t>{64, -128, 0, 2, 32'704, 32'767, -32'767, 0}));
  EXPECT_EQ(wave_of({3, -6}, {1, 1}, 12.0), (std::vector<std::int16_t>{16, -32}));
  EXPECT_TRUE(wave_of({}, {}, 1.0).empty());
}

TEST(MakeWave, RefusesShapesThatDifferAndSigmasThatAreNotPositive) {
  EXPECT_THROW(wave_of({1, 2}, {1}, 1.0), std::invalid_argument);
  EXPECT_THROW(wave_of({1, 2}, {1, 1}, 0.0), std::invalid_argument);
  EXPECT_THROW(wave_of({1, 2}, {1, 1}, -1.0), std::invalid_argument);
  EXPECT_THROW(wave_of({1, 2}, {1, 1}, std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
}

TEST(WaveFactors, ByHand) {
  const std::int8_t q[6] = {1, 2, 3, -4, 9, 0};
  const std::int16_t wave[3] = {1, 0, 1}, nothing[3] = {0, 0, 0};
  float factor[2] = {7, 7};
  const View<const std::int8_t, 2> rows(q, {2, 3});
  wave_factors(rows, View<const std::int16_t, 1>(wave, {3}), View<float, 1>(factor, {2}));
  EXPECT_EQ(factor[0], 2.0F);
  EXPECT_EQ(factor[1], -2.0F);
  wave_factors(rows, View<const std::int16_t, 1>(nothing, {3}), View<float, 1>(factor, {2}));
  EXPECT_EQ(factor[0], 0.0F);
  EXPECT_EQ(factor[1], 0.0F);
}

TEST(WaveFactors, EqualTheReferenceOverAwkwardSizes) {
  for_each_target([] {
    Xoshiro256 random(1);
    for (int n_chan : {0, 1, 3, 42, 65})
      for (std::int64_t n_time : {0, 1, 3, 7, 63, 64, 65, 1000}) {
        PaddedRows<std::int8_t> q(n_chan, n_time, random);
        PaddedRows<std::int16_t> wave(1, n_time, random);
        fill_uniform(q.view(), 31, random);
        fill_uniform(wave.view(), one_of(random, {0, 200, 32'767}), random);
        Array<float, 1> fast({n_chan}), plain({n_chan});
        wave_factors(q.cview(), wave.cview()[0], fast.view());
        wave_factors_reference(q.cview(), wave.cview()[0], plain.view());
        EXPECT_EQ(values_of(fast.cview()), values_of(plain.cview())) << n_chan << " x " << n_time;
      }
  });
}

TEST(WaveFactors, AreLeastSquares) {
  Xoshiro256 random(2);
  PaddedRows<std::int8_t> q(4, 500, random);
  PaddedRows<std::int16_t> wave(1, 500, random);
  fill_uniform(q.view(), 31, random);
  fill_uniform(wave.view(), 100, random);
  Array<float, 1> factor({4});
  wave_factors(q.cview(), wave.cview()[0], factor.view());
  for (int c = 0; c < 4; ++c) {
    const auto residue = [&](double f) {
      double sum = 0.0;
      for (std::int64_t t = 0; t < 500; ++t) {
        const double off = q.cview()(c, t) - f * wave.cview()(0, t);
        sum += off * off;
      }
      return sum;
    };
    const double f = double{factor(c)};
    EXPECT_LT(residue(f), residue(f + 1e-3)) << c;
    EXPECT_LT(residue(f), residue(f - 1e-3)) << c;
  }
}

TEST(WaveFactors, RefuseShapesThatDoNotFit) {
  Array<std::int8_t, 2> q({3, 16});
  Array<std::int16_t, 1> wave({32});
  Array<float, 1> factor({3}), two({2});
  const auto call = [&](View<const std::int8_t, 2> rows, View<const std::int16_t, 1> v, View<float, 1> f) {
    wave_factors(rows, v, f);
    wave_factors_reference(rows, v, f);
  };
  const auto v = wave.cview().slice(0, 0, 16);
  EXPECT_NO_THROW(call(q.cview(), v, factor.view()));
  EXPECT_THROW(call(q.cview(), v.slice(0, 0, 15), factor.view()), std::invalid_argument);
  EXPECT_THROW(call(q.cview(), v, two.view()), std::invalid_argument);
  EXPECT_THROW(call(q.cview(), View<const std::int16_t, 1>(wave.data(), {16}, {2}), factor.view()),
               std::invalid_argument);
  EXPECT_THROW(call(View<const std::int8_t, 2>(q.data(), {3, 16}, {1, 3}), v, factor.view()),
               std::invalid_argument);
}

double variance_of(View<const std::int8_t, 1> q) {
  double sum = 0.0, squares = 0.0;
  for (std::int64_t t = 0; t < q.shape(0); ++t) sum += q[t], squares += q[t] * q[t];
  const auto n = static_cast<double>(q.shape(0));
  return squares / n - sum / n * (sum / n);
}

// Unit noise in 64 channels, and a sine of which channel c has the strength a[c]. With S = sum a, the
// zero-DM series is S v + sum of noise, and what a fit by it leaves of channel c is
//
//   1 + a^2 - (1 + a S)^2 / (64 + S^2)
class SharedSeries {
 public:
  static constexpr int kChannels = 64, kTime = 8192;
  Array<float, 2> x{{kChannels, kTime}};
  Array<std::int8_t, 2> q{{kChannels, kTime}};

  explicit SharedSeries(Xoshiro256& random) {
    fill_gaussian(x.view(), 10.0, 1.0, random);
    for (int c = 0; c < kChannels; ++c)
      for (std::int64_t t = 0; t < kTime; ++t)
        x(c, t) +=
            static_cast<float>(strength(c) * std::numbers::sqrt2 *
                               std::sin(2.0 * std::numbers::pi * 16.0 * static_cast<double>(t) / kTime));
  }
  static double strength(int c) { return c % 4 == 0 ? 0.0 : 2.0 * c / kChannels; }
  static double left(int c) {
    double sum = 0.0;
    for (int i = 0; i < kChannels; ++i) sum += strength(i);
    const double shared = 1.0 + strength(c) * sum;
    return 1.0 + strength(c) * strength(c) - shared * shared / (kChannels + sum * sum);
  }
  void normalise_less(const SharedWave& shared) {
    Array<float, 1> mean({kChannels}), sigma({kChannels});
    for (int c = 0; c < kChannels; ++c) mean(c) = 10.0F, sigma(c) = 1.0F;
    normalise(x.cview(), mean.cview(), sigma.cview(), all_good(kTime, kChannels), 0, shared, q.view());
  }
};

TEST(ZeroDmFilter, TakesAwayWhatChannelsShareWhateverItsStrengthInEach) {
  Xoshiro256 random(3);
  SharedSeries s(random);
  s.normalise_less({});
  const double error = 5.0 * std::sqrt(2.0 / SharedSeries::kTime);  // 5 standard errors of a variance
  Array<std::int16_t, 1> z({SharedSeries::kTime}), wave({SharedSeries::kTime});
  add_zero_dm(s.q.cview(), z.view());
  for (int c : {1, 31, 63})
    EXPECT_NEAR(variance_of(s.q.cview()[c]) / 16.0, 1.0 + std::pow(SharedSeries::strength(c), 2), 0.4) << c;
  std::vector<float> series(z.data(), z.data() + z.size());
  const std::vector<std::uint8_t> good(SharedSeries::kTime, 1);
  make_wave(View<const float, 1>(series.data(), {SharedSeries::kTime}),
            View<const std::uint8_t, 1>(good.data(), {SharedSeries::kTime}), 4.0 * 8.0, wave.view());
  Array<float, 1> factor({SharedSeries::kChannels});
  wave_factors(s.q.cview(), wave.cview(), factor.view());
  s.normalise_less({wave.cview(), factor.cview()});
  for (int c = 0; c < SharedSeries::kChannels; ++c)
    EXPECT_NEAR(variance_of(s.q.cview()[c]) / (16.0 * SharedSeries::left(c) + 1.0 / 12.0), 1.0, error) << c;
}

constexpr double kFreqLow = 1000.0 + 250.0 / 4096, kWidthMhz = 500.0 / 4096;
double loss(double dm, double width_s) { return zero_dm_filter_loss(kFreqLow, kWidthMhz, 4096, dm, width_s); }

TEST(ZeroDmFilterLoss, OfAPulseThatShinesInAllChannelsAtOnceIsAll) {
  EXPECT_EQ(loss(0.0, 1e-3), 1.0);
  EXPECT_NEAR(loss(1.0, 10.0), 1.0, 1e-6);  // a sweep of 2.3 ms: at most (2.3e-3 / 4.25)^2 / 4 = 7e-8 is lost
  EXPECT_EQ(zero_dm_filter_loss(1000.0, 1.0, 1, 500.0, 1e-3), 1.0);
}

// With delays D of density rho(D) and s much shorter than the sweep the mean over pairs of channels is
// 2 sqrt(pi) s times the integral of rho^2 dD; rho = f^3 / (2 K DM B) of a band of width B from f0 to f1:
//
//   2 sqrt(pi) s (f1^4 - f0^4) / (8 K DM B^2)
//
// At both ends of the band half of the Gaussian is missing: less by about s / sweep = 2 %.
TEST(ZeroDmFilterLoss, OfAPulseThatSweepsFarIsItsWidthOverTheSweep) {
  constexpr double kDm = 200.0, kWidthS = 20e-3;
  const double sweep_s = dispersion_delay_s(kDm, 1000.0, 1500.0), s = kWidthS / kFwhmPerSigma;
  EXPECT_GT(sweep_s, 50.0 * s);
  const double analytic = 2.0 * std::sqrt(std::numbers::pi) * s *
                          (std::pow(1500.0, 4) - std::pow(1000.0, 4)) /
                          (8.0 * kDispersionConstant * kDm * 500.0 * 500.0);
  EXPECT_NEAR(loss(kDm, kWidthS) / analytic, 0.98, 0.02);
  EXPECT_NEAR(analytic / (2.0 * std::sqrt(std::numbers::pi) * s / sweep_s), 1.13, 0.01);  // of even delays: 1
}

// numpy, over all channels: f = f_low + w arange(n); D = DM / 2.41e-4 (f^-2 - f_low^-2);
// s = width / (2 sqrt(2 log 2)); mean(exp(-(D[:, None] - D)^2 / (4 s^2)))
TEST(ZeroDmFilterLoss, EqualsAnIndependentSum) {
  EXPECT_NEAR(zero_dm_filter_loss(1050.0, 4.0, 100, 30.0, 3e-3), 0.08707355620659067, 1e-13);
  EXPECT_NEAR(loss(10.0, 5e-3), 0.3123228521885245, 1e-12);
  EXPECT_NEAR(loss(100.0, 5e-3), 0.03620841546679523, 1e-12);
  EXPECT_NEAR(loss(200.0, 20e-3), 0.07118109341662256, 1e-12);
}

TEST(ZeroDmFilterLoss, IsEvenInDmAndOneOfDmOverWidth) {
  double last = 1.0;
  for (double dm : {1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0}) {
    const double here = loss(dm, 5e-3);
    EXPECT_EQ(loss(-dm, 5e-3), here);
    EXPECT_NEAR(loss(2.0 * dm, 10e-3), here, 1e-12);
    EXPECT_LT(here, last);
    EXPECT_GT(here, 1.0 / 4097.0);  // a channel is always its own
    last = here;
  }
}

TEST(ZeroDmFilterLoss, RefusesNoChannelsNoWidthAndNoFrequency) {
  EXPECT_THROW(zero_dm_filter_loss(1000.0, 0.1, 0, 10.0, 1e-3), std::invalid_argument);
  EXPECT_THROW(zero_dm_filter_loss(1000.0, 0.1, 10, 10.0, 0.0), std::invalid_argument);
  EXPECT_THROW(zero_dm_filter_loss(1000.0, 0.1, 10, 10.0, -1.0), std::invalid_argument);
  EXPECT_THROW(zero_dm_filter_loss(0.0, 0.1, 10, 10.0, 1e-3), std::invalid_argument);
  EXPECT_THROW(zero_dm_filter_loss(1000.0, -0.1, 10, 10.0, 1e-3), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
