// Periodic interference: lists of lines, sines that come back, the statistics of noise, the diode's square
// wave, missing samples, red noise, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/periodic.hpp"
#include "tests/kernels/kernel_test.hpp"
#include "tests/kernels/target_test.hpp"

namespace tianyan {
namespace {

constexpr double kSample = 49.152e-6, kDiode = 1.0 / 0.201326592;  // s, Hz; its period is 4096 samples
constexpr std::int64_t kWindow = 16384;                            // four periods

struct Series {
  std::vector<double> exact;
  std::vector<std::uint8_t> good;

  explicit Series(std::int64_t n) : exact(static_cast<std::size_t>(n)), good(exact.size(), 1) {}
  void add_noise(double sigma, Xoshiro256& random) {
    for (auto& v : exact) v += sigma * gaussian(random);
  }
  void add_random_walk(double step, Xoshiro256& random) {
    double level = 0.0;
    for (auto& v : exact) v += level += step * gaussian(random);
  }
  void add_line(double frequency_hz, double a, double b, double sample_s = kSample) {
    for (std::size_t k = 0; k < exact.size(); ++k) {
      const double phase = 2.0 * std::numbers::pi * frequency_hz * sample_s * static_cast<double>(k);
      exact[k] += a * std::cos(phase) + b * std::sin(phase);
    }
  }
  void lose(std::size_t begin, std::size_t end) {
    for (auto k = begin; k < end; ++k) good[k] = 0;
  }
  std::vector<std::int32_t> rounded() const {
    std::vector<std::int32_t> z;
    for (std::size_t k = 0; k < exact.size(); ++k)
      z.push_back(good[k] != 0 ? static_cast<std::int32_t>(std::lround(exact[k])) : 1'000'000'007);
    return z;
  }
  std::vector<PeriodicLine> find(const PeriodicPlan& plan, double threshold) const {
    const auto z = rounded();
    return find_periodic(plan, View<const std::int32_t, 1>(z.data(), {std::ssize(z)}),
                         View<const std::uint8_t, 1>(good.data(), {std::ssize(good)}), threshold);
  }
};

PeriodicPlan fast_plan() { return make_periodic_plan({kDiode, 50.0}, 500.0, kSample, kWindow); }

PeriodicPlan without_levels(PeriodicPlan plan) {
  plan.level_hz.clear();
  plan.at_levels = PhaseTable{};
  return plan;
}

std::vector<double> frequencies_of(const PeriodicPlan& plan) {
  std::vector<double> f;
  for (const auto& line : plan.lines) f.push_back(line.frequency_hz);
  return f;
}

// The header's formulas, one frequency, in double.
PeriodicLine fitted_plainly(const Series& s, double frequency_hz, double sample_s) {
  const auto z = s.rounded();
  double n = 0.0, mean = 0.0, cc = 0.0, ss = 0.0, cs = 0.0, a = 0.0, b = 0.0;
  for (std::size_t k = 0; k < z.size(); ++k)
    if (s.good[k] != 0) mean += z[k], n += 1.0;
  mean /= n;
  for (std::size_t k = 0; k < z.size(); ++k) {
    if (s.good[k] == 0) continue;
    const double phase = 2.0 * std::numbers::pi * frequency_hz * sample_s * static_cast<double>(k);
    const double c = std::cos(phase), d = std::sin(phase);
    cc += c * c, ss += d * d, cs += c * d, a += (z[k] - mean) * c, b += (z[k] - mean) * d;
  }
  const double determinant = cc * ss - cs * cs;
  PeriodicLine line{frequency_hz, 0, 1, (ss * a - cs * b) / determinant, (cc * b - cs * a) / determinant,
                    0.0};
  line.power = 0.5 * (line.cosine * a + line.sine * b);  // times sigma^2
  return line;
}

double variance_of(const std::vector<double>& x) {
  double sum = 0.0, squares = 0.0;
  for (double v : x) sum += v, squares += v * v;
  const auto n = static_cast<double>(x.size());
  return squares / n - sum / n * (sum / n);
}

TEST(PeriodicPlan, ListsLinesByHand) {
  // A window of 1 s: resolution 1 Hz, Nyquist 500 Hz. 0.9 Hz has less than two cycles below its third
  // harmonic.
  const auto plan = make_periodic_plan({10.0, 0.9}, 31.0, 1e-3, 1000);
  ASSERT_GE(plan.lines.size(), 3u);
  EXPECT_DOUBLE_EQ(plan.lines[0].frequency_hz, 2.7);
  EXPECT_EQ(plan.lines[0].fundamental, 1);
  EXPECT_EQ(plan.lines[0].harmonic, 3);
  const auto alone = make_periodic_plan({10.0}, 31.0, 1e-3, 1000);
  EXPECT_EQ(frequencies_of(alone), (std::vector<double>{10.0, 20.0, 30.0}));
  EXPECT_EQ(alone.level_hz, (std::vector<double>{8, 9, 11, 12, 18, 19, 21, 22, 28, 29, 31, 32}));
  for (int h = 1; h <= 3; ++h) EXPECT_EQ(alone.lines[static_cast<std::size_t>(h - 1)].harmonic, h);
}

// 64 Hz at 256 samples a second, z = 7 + 3 cos(pi k / 2) = 10, 7, 4, 7 ...: A = 3 * 128, B = 0, a = 3, b = 0.
// The differences of pairs are -3 and 3 in turn, whose MAD about their upper median is 6: sigma^2 = (1.4826 *
// 6)^2 / 2 = 39.57 and P = 3 * 384 / (2 * 39.57) = 14.56. Without the line nothing is left but rounding,
// 1/12: P = 3 * 384 / (2 / 12).
TEST(FindPeriodic, OfAQuarterOfTheRateByHand) {
  Series s(256);
  for (std::size_t k = 0; k < 256; ++k) s.exact[k] = 7.0 + (k % 4 == 0 ? 3.0 : k % 4 == 2 ? -3.0 : 0.0);
  const auto plan = make_periodic_plan({64.0}, 64.0, 1.0 / 256.0, 256);
  const auto lines = s.find(plan, 14.5);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].frequency_hz, 64.0);
  EXPECT_EQ(lines[0].harmonic, 1);
  EXPECT_NEAR(lines[0].cosine, 3.0, 3e-6);
  EXPECT_NEAR(lines[0].sine, 0.0, 3e-6);
  EXPECT_NEAR(lines[0].power, 6912.0, 6912.0 * 4e-6);
  EXPECT_TRUE(s.find(plan, 14.6).empty());
}

TEST(PeriodicPlan, OfTwoLinesThatCannotBeToldApartTheLowerHarmonicStays) {
  const auto plan = fast_plan();  // 50 Hz is 40.27 resolution elements, the diode's tenth harmonic 40
  int n_near = 0;
  for (const auto& line : plan.lines) {
    if (std::abs(line.frequency_hz - 50.0) > 0.6) continue;
    ++n_near;
    EXPECT_EQ(line.frequency_hz, 50.0);
    EXPECT_EQ(line.fundamental, 1);
  }
  EXPECT_EQ(n_near, 1);
  const double half = 0.5 / (kSample * kWindow);
  for (std::size_t i = 1; i < plan.lines.size(); ++i)
    EXPECT_GE(plan.lines[i].frequency_hz - plan.lines[i - 1].frequency_hz, half);
  // Equal harmonics: the earlier fundamental, and nothing twice.
  const auto twice = make_periodic_plan({50.0, 50.0}, 120.0, kSample, kWindow);
  ASSERT_EQ(twice.lines.size(), 2u);
  EXPECT_EQ(twice.lines[0].fundamental + twice.lines[1].fundamental, 0);
}

TEST(PeriodicPlan, TriesNothingBelowTwoCyclesAboveTheLimitOrNyquist) {
  const double nyquist = 0.5 / kSample, resolution = 1.0 / (kSample * kWindow);
  for (double max_hz : {1.0, 100.0, 500.0, 1e5}) {
    const auto plan = make_periodic_plan({1.7, kDiode, 50.0}, max_hz, kSample, kWindow);
    for (double f : frequencies_of(plan)) {
      EXPECT_GE(f, 2.0 * resolution * (1.0 - 1e-9));
      EXPECT_LE(f, max_hz * (1.0 + 1e-9));
      EXPECT_LT(f, nyquist);
    }
    for (double f : plan.level_hz) EXPECT_TRUE(f > 0.99 * resolution && f < nyquist) << f;
  }
  EXPECT_TRUE(make_periodic_plan({50.0}, 49.0, kSample, kWindow).lines.empty());
  EXPECT_TRUE(make_periodic_plan({50.0}, 500.0, kSample, 1).lines.empty());
  EXPECT_TRUE(make_periodic_plan({}, 500.0, kSample, kWindow).lines.empty());
}

// 1000 cos + 500 sin under noise of 3000: each amplitude scatters by 3000 sqrt(2 / 16384) = 33.
TEST(FindPeriodic, ASineComesBackWithItsAmplitudeAndPhase) {
  Xoshiro256 random(1);
  for (double f : {50.0, 61.7, 12.0 * kDiode}) {
    Series s(kWindow);
    s.add_noise(3000.0, random);
    s.add_line(f, 1000.0, 500.0);
    const auto lines = s.find(make_periodic_plan({f}, 1.5 * f, kSample, kWindow), 14.0);
    ASSERT_EQ(lines.size(), 1u) << f;
    EXPECT_EQ(lines[0].frequency_hz, f);
    EXPECT_NEAR(lines[0].cosine, 1000.0, 5.0 * 33.2);
    EXPECT_NEAR(lines[0].sine, 500.0, 5.0 * 33.2);
    // (a^2 + b^2) n / (4 sigma^2) = 569; it scatters by sqrt(2 * 569), sigma^2 by 3 %, the level is 1..3.
    EXPECT_LT(lines[0].power, 569.0 + 5.0 * 38.0);
    EXPECT_GT(lines[0].power, (569.0 - 5.0 * 38.0) / 3.0);
  }
}

// Against the formulas in double: float sums of 64 terms and rounded carriers are good to 1e-6 of the rms of
// z, each; it is divided by n / 2 at least 1 - 0.9 times.
TEST(FindPeriodic, IsThePlainFitOverTheGoodSamples) {
  Xoshiro256 random(2);
  for (std::int64_t n : {129, 255, 256, 257, 1000, 4099, 16384}) {
    for (double chance : {1.0, 0.9, 0.7}) {
      const double sample_s = 0.8 / static_cast<double>(n), f = 9.3;
      Series s(n);
      s.add_noise(2000.0, random);
      s.add_line(f, -4000.0, 9000.0, sample_s);
      for (auto& g : s.good) g = random.uniform() < chance ? 1 : 0;
      const auto lines = s.find(without_levels(make_periodic_plan({f}, 12.0, sample_s, n)), 1.0);
      if (n < 2 * 130) {
        EXPECT_LE(lines.size(), 1u);  // pairs may be too few
        if (lines.empty()) continue;
      }
      ASSERT_EQ(lines.size(), 1u) << n;
      const auto plain = fitted_plainly(s, f, sample_s);
      EXPECT_NEAR(lines[0].cosine, plain.cosine, 1e-6 * 2e4) << n << " " << chance;
      EXPECT_NEAR(lines[0].sine, plain.sine, 1e-6 * 2e4) << n << " " << chance;
    }
  }
}

// P is exponential with mean 1: of 3900 P the mean scatters by 1/62, and by 0.52 % for sigma^2 of 100 * 2048
// pairs, whose inverse is 0.2 % high; counts are binomial, and that error of sigma^2 moves exp(-p) by p
// exp(-p) times it.
TEST(FindPeriodic, PowersOfWhiteNoiseAreExponential) {
  Xoshiro256 random(3);
  const auto plan =
      without_levels(make_periodic_plan({kDiode}, 200.0, 4.0 * kSample, 4096));  // orthogonal lines
  double n = 0.0, sum = 0.0, above_2 = 0.0, above_4 = 0.0;
  for (int window = 0; window < 100; ++window) {
    Series s(4096);
    s.add_noise(5000.0, random);
    n += static_cast<double>(plan.lines.size());
    for (const auto& line : s.find(plan, 1e-9)) {
      sum += line.power;
      above_2 += line.power > 2.0 ? 1.0 : 0.0;
      above_4 += line.power > 4.0 ? 1.0 : 0.0;
    }
  }
  EXPECT_GT(n, 3800.0);
  EXPECT_NEAR(sum / n, 1.002, 5.0 * std::hypot(1.0 / std::sqrt(n), 0.0052));
  EXPECT_NEAR(above_2 / n, std::exp(-2.0),
              5.0 * (std::sqrt(std::exp(-2.0) / n) + 2.0 * std::exp(-2.0) * 0.0072));
  EXPECT_NEAR(above_4 / n, std::exp(-4.0),
              5.0 * (std::sqrt(std::exp(-4.0) / n) + 4.0 * std::exp(-4.0) * 0.0072));
}

TEST(FindPeriodic, WhiteNoiseHasNoMoreLinesThanTheThresholdSays) {
  Xoshiro256 random(4);
  const auto plan = make_periodic_plan({kDiode, 50.0}, 500.0, 4.0 * kSample, 4096);
  std::size_t found = 0;
  for (int window = 0; window < 60; ++window) {
    Series s(4096);
    s.add_noise(3000.0, random);
    if (window % 2 == 1)
      for (auto& g : s.good) g = random.uniform() < 0.8 ? 1 : 0;
    found += s.find(plan, 7.0).size();
  }
  // exp(-7) of 60 * 106 lines are 5.8; sigma^2 is off by 5 % and so the expectation by up to a half.
  EXPECT_LE(found, 8u + 5u * 3u);
}

// Odd harmonics k of a square wave of +-A have amplitude 4 A / (pi k), even ones none. Each scatters by 1000
// sqrt(2 / 16384) = 11; sampling it changes them by (pi k / 4096)^2 / 6, 1.5e-4 at most.
TEST(FindPeriodic, TheDiodeIsItsOddHarmonics) {
  Xoshiro256 random(5);
  const double height = 2000.0, sigma = 1000.0;
  const auto plan = fast_plan();
  for (std::int64_t phase : {0, 777, 3001}) {
    Series s(kWindow), diode(kWindow);
    s.add_noise(sigma, random);
    for (std::size_t k = 0; k < diode.exact.size(); ++k) {
      diode.exact[k] = (static_cast<std::int64_t>(k) + phase) % 4096 < 2048 ? height : -height;
      s.exact[k] += diode.exact[k];
    }
    const auto lines = s.find(plan, 13.0);
    std::vector<float> wave(kWindow);
    periodic_waveform(plan, lines, View<float, 1>(wave.data(), {kWindow}));
    for (const auto& line : lines) {
      EXPECT_EQ(line.fundamental, 0) << line.frequency_hz;
      EXPECT_EQ(line.harmonic % 2, 1) << line.harmonic;
      EXPECT_NEAR(std::hypot(line.cosine, line.sine), 4.0 * height / (std::numbers::pi * line.harmonic),
                  5.0 * 11.05 + 0.4)
          << line.harmonic;
    }
    // Those to k = 25 have P above 13 * 3 (a level of 3), 2546 / 25 = 102: P = 42.
    EXPECT_GE(lines.size(), 13u);
    // What is left is 4 / (pi^2 25) of it, 1.6 %, and the noise in 2 * 25 amplitudes, 0.1 % of sigma^2 each
    // way.
    for (std::size_t k = 0; k < wave.size(); ++k) diode.exact[k] -= wave[k];
    EXPECT_LT(variance_of(diode.exact), 0.05 * height * height);
  }
}

TEST(FindPeriodic, MissingSamplesDoNotHideALine) {
  Xoshiro256 random(6);
  const auto plan = fast_plan();
  for (const bool gap : {true, false}) {
    Series s(kWindow);
    s.add_noise(1000.0, random);
    s.add_line(50.0, 3000.0, -4000.0);
    s.add_line(3.0 * kDiode, 0.0, 600.0);
    if (gap)
      s.lose(5000, 5000 + kWindow / 3);
    else
      for (auto& g : s.good) g = random.uniform() < 0.7 ? 1 : 0;
    const auto lines = s.find(plan, 13.0);
    ASSERT_EQ(lines.size(), 2u) << gap;
    EXPECT_EQ(lines[0].harmonic, 3);
    // 1000 sqrt(2 / 10900) = 13.5; a gap of a third correlates cosine and sine by 0.1 at most.
    EXPECT_NEAR(lines[0].cosine, 0.0, 5.0 * 15.0);
    EXPECT_NEAR(lines[0].sine, 600.0, 5.0 * 15.0);
    EXPECT_NEAR(lines[1].cosine, 3000.0, 5.0 * 15.0);
    EXPECT_NEAR(lines[1].sine, -4000.0, 5.0 * 15.0);
  }
}

// 50 Hz is 40.27 cycles of the window: it leaks amplitude 0.73 / (pi d) to lines d elements away, so that P
// there is far above the threshold for tens of lines. 0.27 away the tenth harmonic is not tried.
TEST(FindPeriodic, AStrongLineLeaksNoFalseOnes) {
  Xoshiro256 random(7);
  const auto plan = fast_plan();
  Series s(kWindow);
  s.add_noise(1000.0, random);
  s.add_line(50.0, 20000.0, 20000.0);
  s.add_line(9.0 * kDiode, 300.0, 0.0);
  const auto lines = s.find(plan, 13.0);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].harmonic, 9);
  EXPECT_NEAR(lines[0].cosine, 300.0, 5.0 * 11.05);
  // The mean that is taken first: 2 / (pi 40)^2 of the amplitude.
  EXPECT_NEAR(lines[1].cosine, 20000.0, 5.0 * 11.05 + 28300.0 * 1.3e-4);
  EXPECT_NEAR(lines[1].sine, 20000.0, 5.0 * 11.05 + 28300.0 * 1.3e-4);
}

// Steps of 300 and noise of 1000: the walk's power is (0.3 / (2 sin(pi f dt)))^2 of the noise's, 2400 at 5
// Hz, 13 at 67 Hz, 1 at 244 Hz. Of 18 lines or so a window that are above the threshold without levels, those
// of four exponential powers alone would leave 0.0048 each (the third smallest is below P / (13 * 1.083) with
// the chance 4 3 2 / ((4 + x) (3 + x) (2 + x)), x = 14.1): 5 in 60 windows.
TEST(FindPeriodic, RedNoiseIsNoFloodOfLines) {
  Xoshiro256 random(8);
  const auto plan = make_periodic_plan({kDiode, 50.0}, 500.0, 4.0 * kSample, 4096);
  const auto bare = without_levels(plan);
  std::size_t found = 0, found_without = 0;
  for (int window = 0; window < 60; ++window) {
    Series s(4096);
    s.add_noise(1000.0, random);
    s.add_random_walk(300.0, random);
    found += s.find(plan, 13.0).size();
    found_without += s.find(bare, 13.0).size();
  }
  EXPECT_GT(found_without, 60u * 9u);
  EXPECT_LE(found, 5u + 5u * 3u);
}

TEST(FindPeriodic, NothingComesOfNothing) {
  const auto plan = fast_plan();
  Xoshiro256 random(9);
  Series s(kWindow);
  s.add_noise(1000.0, random);
  s.add_line(50.0, 1e4, 0.0);
  auto none = s;
  none.lose(0, kWindow);
  EXPECT_TRUE(none.find(plan, 13.0).empty());
  auto few = s;
  few.lose(126, kWindow);  // 63 pairs
  EXPECT_TRUE(few.find(plan, 13.0).empty());
  EXPECT_TRUE(s.find(make_periodic_plan({}, 500.0, kSample, kWindow), 13.0).empty());
  EXPECT_TRUE(s.find(plan, std::numeric_limits<double>::infinity()).empty());
  Series constant(kWindow);
  for (auto& v : constant.exact) v = -123456.0;
  EXPECT_TRUE(constant.find(plan, 1e-3).empty());
}

TEST(FindPeriodic, GoodSamplesThatShowOnlyPartOfACycleGiveFiniteNumbers) {
  Xoshiro256 random(10);
  const auto plan = fast_plan();
  for (std::size_t kept : {130u, 300u, 1000u, 2000u}) {
    Series s(kWindow);
    s.add_noise(1000.0, random);
    s.add_line(kDiode, 1e5, 1e5);
    s.lose(kept, kWindow);
    for (const auto& line : s.find(plan, 1.0))
      EXPECT_TRUE(std::isfinite(line.cosine) && std::isfinite(line.sine) && std::isfinite(line.power))
          << kept;
  }
}

TEST(FindPeriodic, LevelAndScaleOfZDoNotMatter) {
  Xoshiro256 random(11);
  const auto plan = fast_plan();
  Series s(kWindow);
  s.add_noise(1000.0, random);
  s.add_line(50.0, 300.0, 100.0);
  for (auto& v : s.exact) v = std::round(v);
  auto t = s;
  for (auto& v : t.exact) v = 4.0 * v + 40960.0;
  const auto a = s.find(plan, 13.0), b = t.find(plan, 13.0);
  ASSERT_EQ(a.size(), 1u);
  ASSERT_EQ(b.size(), 1u);
  EXPECT_NEAR(b[0].cosine, 4.0 * a[0].cosine, 1e-6 * 4e3);
  EXPECT_NEAR(b[0].sine, 4.0 * a[0].sine, 1e-6 * 4e3);
  EXPECT_NEAR(b[0].power, a[0].power, 1e-4 * a[0].power);
}

TEST(FindPeriodic, IsTheSameWithEveryInstructionSet) {
  Xoshiro256 random(13);
  const auto plan = make_periodic_plan({kDiode, 50.0}, 500.0, 4.0 * kSample, 4001);
  Series s(4001);
  s.add_noise(1000.0, random);
  s.add_line(kDiode, 900.0, 100.0, 4.0 * kSample);
  for (auto& g : s.good) g = random.uniform() < 0.9 ? 1 : 0;
  const auto expected = s.find(plan, 2.0);
  ASSERT_GE(expected.size(), 1u);
  for_each_target([&] {
    const auto lines = s.find(plan, 2.0);
    ASSERT_EQ(lines.size(), expected.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_EQ(lines[i].cosine, expected[i].cosine);
      EXPECT_EQ(lines[i].sine, expected[i].sine);
      EXPECT_EQ(lines[i].power, expected[i].power);
    }
  });
}

TEST(FindPeriodic, TakesAnyStride) {
  Xoshiro256 random(12);
  const auto plan = make_periodic_plan({50.0}, 500.0, kSample, 3000);
  Series s(3000);
  s.add_noise(1000.0, random);
  s.add_line(50.0, 600.0, 100.0);
  for (auto& g : s.good) g = random.uniform() < 0.9 ? 1 : 0;
  const auto z = s.rounded();
  std::vector<std::int32_t> z_apart(6000);
  std::vector<std::uint8_t> good_apart(9000);
  for (std::size_t k = 0; k < 3000; ++k) z_apart[2 * k] = z[k], good_apart[3 * k] = s.good[k];
  const auto a = s.find(plan, 10.0);
  const auto b = find_periodic(plan, View<const std::int32_t, 1>(z_apart.data(), {3000}, {2}),
                               View<const std::uint8_t, 1>(good_apart.data(), {3000}, {3}), 10.0);
  ASSERT_EQ(a.size(), 1u);
  ASSERT_EQ(b.size(), 1u);
  EXPECT_EQ(a[0].cosine, b[0].cosine);
  EXPECT_EQ(a[0].power, b[0].power);
}

TEST(PeriodicWaveform, IsTheSumOfItsLines) {
  for (std::int64_t n : {1, 127, 128, 129, 5000}) {
    const auto plan = make_periodic_plan({50.0}, 500.0, kSample, n);
    const std::vector<PeriodicLine> lines = {{50.0, 0, 1, 3.0, -4.0, 0.0}, {450.0, 0, 9, 0.0, 12.0, 0.0}};
    std::vector<float> wave(static_cast<std::size_t>(2 * n), 99.0F);
    periodic_waveform(plan, lines, View<float, 1>(wave.data(), {n}, {2}));
    Series plain(n);
    for (const auto& line : lines) plain.add_line(line.frequency_hz, line.cosine, line.sine);
    for (std::int64_t k = 0; k < n; ++k) {
      const auto at = static_cast<std::size_t>(k);
      ASSERT_NEAR(wave[2 * at], plain.exact[at], 1e-6 * 17.0) << n << " " << k;
      EXPECT_EQ(wave[2 * at + 1], 99.0F);
    }
    periodic_waveform(plan, {}, View<float, 1>(wave.data(), {n}));
    EXPECT_EQ(wave[0], 0.0F);
  }
}

TEST(FindPeriodic, RefusesWhatDoesNotFit) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (double bad : {0.0, -1.0, nan, inf}) {
    EXPECT_THROW(make_periodic_plan({50.0, bad}, 500.0, kSample, kWindow), std::invalid_argument) << bad;
    EXPECT_THROW(make_periodic_plan({50.0}, bad, kSample, kWindow), std::invalid_argument) << bad;
    EXPECT_THROW(make_periodic_plan({50.0}, 500.0, bad, kWindow), std::invalid_argument) << bad;
  }
  EXPECT_THROW(make_periodic_plan({50.0}, 500.0, kSample, 0), std::invalid_argument);
  EXPECT_THROW(make_periodic_plan({1e-6}, 500.0, kSample, kWindow), std::invalid_argument);
  const auto plan = make_periodic_plan({50.0}, 500.0, kSample, 1000);
  EXPECT_THROW(Series(999).find(plan, 13.0), std::invalid_argument);
  Series uneven(1000);
  uneven.good.pop_back();
  const auto z = Series(1000).rounded();
  EXPECT_THROW(find_periodic(plan, View<const std::int32_t, 1>(z.data(), {1000}),
                             View<const std::uint8_t, 1>(uneven.good.data(), {999}), 13.0),
               std::invalid_argument);
  for (double threshold : {0.0, -1.0, nan})
    EXPECT_THROW(Series(1000).find(plan, threshold), std::invalid_argument) << threshold;
  std::vector<float> wave(999);
  EXPECT_THROW(periodic_waveform(plan, {}, View<float, 1>(wave.data(), {999})), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
