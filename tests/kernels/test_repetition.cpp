// Repetition: p worked by hand, uniform in noise, small for the diode and the mains, not for bursts or
// pulsars.
#include "kernels/repetition.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

constexpr PeriodSpec kDiode{0.201326592, 0.0};
constexpr PeriodSpec kMains{0.02, 2e-3}, kMainsTwice{0.01, 2e-3};

std::vector<double> uniform_times(int n, double span_s, Xoshiro256& random) {
  std::vector<double> times;
  for (int i = 0; i < n; ++i) times.push_back(span_s * random.uniform());
  std::sort(times.begin(), times.end());
  return times;
}

std::vector<double> with(std::vector<double> a, const std::vector<double>& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::sort(a.begin(), a.end());
  return a;
}

// One in `one_in` cycles of mains whose frequency wanders by 2e-3 within minutes, to 0.3 ms.
std::vector<double> mains_times(double span_s, double one_in, Xoshiro256& random) {
  std::vector<double> times;
  for (double t = 0.3; t < span_s;) {
    t += 0.02 * (1.0 + 2e-3 * std::sin(2.0 * std::numbers::pi * t / 300.0));
    if (random.uniform() * one_in < 1.0) times.push_back(t + 3e-4 * gaussian(random));
  }
  return times;
}

// Largest distance between the distribution of p and a uniform one (Kolmogorov).
double distance_from_uniform(std::vector<double> p) {
  std::sort(p.begin(), p.end());
  double distance = 0.0;
  const auto n = static_cast<double>(p.size());
  for (std::size_t i = 0; i < p.size(); ++i)
    distance = std::max({distance, static_cast<double>(i + 1) / n - p[i], p[i] - static_cast<double>(i) / n});
  return distance;
}

TEST(Repetition, RayleighByHand) {
  // Period 1 s, one event a cycle, all at phase 1/4: R = n = 5, p = exp(sqrt(21) - 11).
  EXPECT_NEAR(repetition_p_value({0.25, 1.25, 2.25, 3.25, 4.25}, {1.0, 0.0}),
              std::exp(std::sqrt(21.0) - 11.0), 1e-12);
  // Phases 0, 1/4, 1/2, 3/4 and 0: R = 1, p = exp(sqrt(1 + 20 + 96) - 11).
  EXPECT_NEAR(repetition_p_value({0.0, 1.25, 2.5, 3.75, 5.0}, {1.0, 0.0}), std::exp(std::sqrt(117.0) - 11.0),
              1e-12);
  // Opposite phases in a cycle have no direction, but count: R = 5 of n = 6.
  EXPECT_NEAR(repetition_p_value({0.25, 1.25, 2.25, 3.25, 4.25, 5.0, 5.5}, {1.0, 0.0}),
              std::exp(std::sqrt(1.0 + 24.0 + 4.0 * 11.0) - 13.0), 1e-12);
  EXPECT_EQ(repetition_p_value({0.25, 1.25, 2.25, 3.25}, {1.0, 0.0}), 1.0);
  EXPECT_EQ(repetition_p_value({}, {1.0, 0.0}), 1.0);
}

TEST(Repetition, DifferencesByHand) {
  // Period 1 s, to 0.1 / 0.01 = 10 cycles. Differences 1, 1.25, 2, 6, 7.5 are counted, with cosines 1, 0, 1,
  // 1 and -1; 0.25 and 11 are not.
  const std::vector<double> times = {0.0, 1.0, 2.25, 4.25, 10.25, 17.75, 18.0, 29.0};
  const double u = std::sqrt(2.0 / 5.0) * 2.0;
  EXPECT_NEAR(repetition_p_value(times, {1.0, 0.01}), 0.5 * std::erfc(u / std::sqrt(2.0)), 1e-12);
  // Another of 6 cycles, a quarter late, turns that of 6 to an eighth; another of 2 is one more.
  auto more = times;
  for (const double d : {11.0, 6.25, 2.0}) more.push_back(more.back() + d);
  const double v = std::sqrt(2.0 / 6.0) * (2.0 + std::sqrt(0.5));
  EXPECT_NEAR(repetition_p_value(more, {1.0, 0.01}), 0.5 * std::erfc(v / std::sqrt(2.0)), 1e-12);
  EXPECT_EQ(repetition_p_value({0.0, 1.0, 2.0, 3.0, 4.0}, {1.0, 0.01}), 1.0);  // four differences
}

TEST(Repetition, PhasesOfASteadyPeriodByHand) {
  // Cycles 0, 1, 2 at phase 1/4, 3 at 0.3, 4 at 3/4 and, twice, 5 at 1/4: of event 3 the others are at 1/4,
  // of event 4 at 0.26, of each of the rest nearer to 1/4 than 3/4.
  const std::vector<double> times = {0.25, 1.25, 2.25, 3.3, 4.75, 5.25, 5.26};
  const std::vector<bool> expected = {true, true, true, true, false, true, true};
  EXPECT_EQ(repetition_in_phase(times, {1.0, 0.0}), expected);
  // Ten events in one cycle count as one: they do not move the others' phase.
  std::vector<double> crowd = {0.25, 1.25, 2.25};
  for (int i = 0; i < 10; ++i) crowd.push_back(3.75 + 1e-3 * i);
  const auto in_phase = repetition_in_phase(crowd, {1.0, 0.0});
  EXPECT_EQ(std::vector<bool>(in_phase.begin(), in_phase.begin() + 3), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(std::count(in_phase.begin(), in_phase.end(), true), 3);
  // Within a tenth of the period of what the others have, and not within.
  EXPECT_TRUE(repetition_in_phase({0.0, 1.0, 2.09}, {1.0, 0.0})[2]);
  EXPECT_FALSE(repetition_in_phase({0.0, 1.0, 2.11}, {1.0, 0.0})[2]);
}

TEST(Repetition, PhasesOfAWanderingPeriodHoldForItsCoherentCyclesAlone) {
  // Coherent for fewer than 10 cycles. 30 and 45 have no neighbour; 60 and 61.5 are half a cycle apart.
  const std::vector<double> times = {0.0, 1.0, 3.0, 30.0, 45.0, 60.0, 61.5};
  const std::vector<bool> expected = {true, true, true, false, false, false, false};
  EXPECT_EQ(repetition_in_phase(times, {1.0, 0.01}), expected);
  EXPECT_EQ(repetition_in_phase({0.0, 9.99}, {1.0, 0.01}), (std::vector<bool>{true, true}));
  EXPECT_EQ(repetition_in_phase({0.0, 10.0}, {1.0, 0.01}), (std::vector<bool>{false, false}));
  EXPECT_EQ(repetition_in_phase({0.0, 0.4}, {1.0, 0.01}), (std::vector<bool>{false, false}));  // one cycle
  EXPECT_TRUE(repetition_in_phase({}, {1.0, 0.01}).empty());
  EXPECT_THROW(repetition_in_phase({2.0, 1.0}, {1.0, 0.01}), std::invalid_argument);
}

TEST(Repetition, IsUniformInNoise) {
  // Kolmogorov's distance over 1500 trials is below 1.95 / sqrt(1500) = 0.050 with a chance of 0.999, and the
  // approximations of p are off by less than 0.01.
  Xoshiro256 random(1);
  for (const auto& spec : {kDiode, kMains, kMainsTwice})
    for (const int n : {12, 60}) {
      // An event in 15 periods and more; for differences, most are within their coherence.
      const double span_s = n * (spec.instability > 0.0 ? 15.0 : 100.0) * spec.period_s;
      std::vector<double> p;
      for (int i = 0; i < 1500; ++i) p.push_back(repetition_p_value(uniform_times(n, span_s, random), spec));
      EXPECT_LT(distance_from_uniform(p), 0.06) << spec.period_s << " s, " << n << " events";
    }
}

TEST(Repetition, CrowdedNoiseIsNotMadeSignificant) {
  // Several events a cycle: p may be too large, but not too small. 1000 p, of which 1 below 1e-3 is expected
  // and 8 have a chance of 1e-5.
  Xoshiro256 random(2);
  for (const auto& spec : {kDiode, kMains}) {
    int n_small = 0;
    for (int i = 0; i < 1000; ++i)
      n_small += repetition_p_value(uniform_times(200, 60.0 * spec.period_s, random), spec) < 1e-3;
    EXPECT_LT(n_small, 8) << spec.period_s;
  }
}

TEST(Repetition, FindsTheDiodeAmongNoise) {
  Xoshiro256 random(3);
  std::vector<double> diode;
  for (int i = 0; i < 30; ++i)
    diode.push_back((0.37 + static_cast<double>(random.below(3000))) * kDiode.period_s +
                    2e-3 * gaussian(random));
  std::sort(diode.begin(), diode.end());
  // 30 aligned and 60 random phases: R^2 / n is about (30^2 + 60) / 90, and exp(-10) the p.
  EXPECT_LT(repetition_p_value(with(diode, uniform_times(60, 600.0, random)), kDiode), 1e-3);
  EXPECT_LT(repetition_p_value(diode, kDiode), 1e-10);
  // Times counted from another instant change the phases, not what they have in common.
  const double p = repetition_p_value(diode, kDiode);
  for (auto& t : diode) t += 1234.5678;
  EXPECT_NEAR(std::log(repetition_p_value(diode, kDiode)) / std::log(p), 1.0, 0.1);
}

TEST(Repetition, FindsMainsOfWanderingFrequency) {
  Xoshiro256 random(4);
  for (const double one_in : {1.0, 2.0, 15.0}) {
    const auto mains = mains_times(60.0, one_in, random);
    EXPECT_LT(repetition_p_value(mains, kMains), 1e-6) << one_in;
    EXPECT_LT(repetition_p_value(mains, kMainsTwice), 1e-3) << one_in;  // whole multiples of 10 ms as well
    EXPECT_LT(repetition_p_value(with(mains, uniform_times(60, 60.0, random)), kMains), 1e-3) << one_in;
  }
  // Sixty minutes undo a phase that is taken as steady: 2e-3 of 1.8e5 cycles is hundreds of them.
  const auto mains = mains_times(3600.0, 500.0, random);
  EXPECT_GT(repetition_p_value(mains, {0.02, 0.0}), 1e-4);
}

TEST(Repetition, ABurstIsNoRepetition) {
  std::vector<double> burst;
  for (int i = 0; i < 10; ++i) burst.push_back(100.0 + 5e-4 * i);
  for (const auto& spec : {kDiode, kMains, kMainsTwice}) EXPECT_EQ(repetition_p_value(burst, spec), 1.0);
  // The same event reported ten times over, in noise that is none.
  Xoshiro256 random(5);
  const auto times = with(burst, uniform_times(20, 30.0, random));
  for (const auto& spec : {kDiode, kMains}) EXPECT_GT(repetition_p_value(times, spec), 1e-2);
}

TEST(Repetition, APulsarIsNotTheMains) {
  // Periods of whole cycles of the mains, nearly: one difference over and over.
  Xoshiro256 random(6);
  for (const double period_s : {0.2401, 0.7199, 0.9001}) {
    std::vector<double> pulses;
    for (int i = 0; i < 400; ++i)
      if (random.uniform() < 0.7) pulses.push_back(1.0 + period_s * i + 1e-3 * gaussian(random));
    EXPECT_GT(repetition_p_value(pulses, kMains), 1e-3) << period_s;
    EXPECT_GT(repetition_p_value(pulses, kDiode), 1e-3) << period_s;
  }
}

TEST(Repetition, RejectsWhatItCannotUse) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(repetition_p_value({2.0, 1.0}, kDiode), std::invalid_argument);
  EXPECT_THROW(repetition_p_value({1.0, nan}, kDiode), std::invalid_argument);
  EXPECT_THROW(repetition_p_value({1.0}, {0.0, 0.0}), std::invalid_argument);
  EXPECT_THROW(repetition_p_value({1.0}, {nan, 0.0}), std::invalid_argument);
  EXPECT_THROW(repetition_p_value({1.0}, {1.0, -1e-3}), std::invalid_argument);
  EXPECT_THROW(repetition_p_value({1.0}, {1.0, nan}), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
