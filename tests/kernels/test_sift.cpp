// The sift: tolerances by hand, the cases that it is for, the reference in any order, crowds, preconditions.
#include "kernels/sift.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Candidates = std::vector<SiftCandidate>;

constexpr double kDelay = 2.305e-3;  // s per pc/cm3 over 1000 to 1500 MHz
constexpr SiftParams kFast{4.0, kDelay};

// Errors as a fit gives them: in time half a width over the S/N, in DM 1.2 of what a width is across the
// band.
SiftCandidate measured(int beam, double time_s, double dm, double width_s, double snr) {
  return {beam, time_s, 0.5 * width_s / snr, dm, 1.2 * width_s / snr / kDelay, width_s, snr};
}

SiftCandidate scattered(const SiftCandidate& c, Xoshiro256& random) {
  auto s = c;
  s.time_s += c.time_err_s * gaussian(random);
  s.dm_pc_cm3 += c.dm_err_pc_cm3 * gaussian(random);
  return s;
}

std::size_t n_groups(const Candidates& candidates, const SiftParams& params = kFast) {
  const auto group = sift_groups(candidates, params);
  EXPECT_EQ(group, sift_groups_reference(candidates, params));
  return std::set<std::int32_t>(group.begin(), group.end()).size();
}

// Clumps and loners within `span_s` and 40 pc/cm3; S/N and times often tie, errors and widths are of all
// sizes.
Candidates random_candidates(std::int64_t n, double span_s, Xoshiro256& random) {
  Candidates all;
  while (std::ssize(all) < n) {
    const double time_s = std::round(1e3 * span_s * random.uniform()) * 1e-3, dm = 40.0 * random.uniform();
    const double width_s = 1e-4 * std::exp2(12.0 * random.uniform());
    for (auto left = random_between(random, 1, 6); left > 0; --left) {
      auto c = measured(static_cast<int>(random_between(random, 1, 19)), time_s, dm,
                        width_s * std::exp2(random_between(random, -2, 2)),
                        static_cast<double>(random_between(random, 6, 12)));
      c.time_err_s *= std::exp(gaussian(random)) * static_cast<double>(random.below(3));
      c.dm_err_pc_cm3 *= std::exp(2.0 * gaussian(random));
      all.push_back(scattered(c, random));
    }
  }
  all.resize(static_cast<std::size_t>(n));
  return all;
}

TEST(SiftMatch, TimesByHand) {
  // Half widths 1 and 2 s, errors 0.3 and 0.4 s at 2 sigma: 3 + 2 * 0.5 = 4 s. One DM unit is 1 s.
  const SiftParams p{2.0, 1.0};
  const SiftCandidate a{1, 10.0, 0.3, 50.0, 0.0, 2.0, 100.0};
  SiftCandidate b{2, 13.99, 0.4, 50.0, 0.0, 4.0, 100.0};
  EXPECT_TRUE(sift_match(a, b, p));
  EXPECT_TRUE(sift_match(b, a, p));
  b.time_s = 14.01;
  EXPECT_FALSE(sift_match(a, b, p));
  b.time_s = 5.99;
  EXPECT_FALSE(sift_match(b, a, p));
}

TEST(SiftMatch, DmsByHand) {
  // 2 s of delay a unit: (2 + 4) / (2 * 2) + 2 * 0.5 = 2.5 units.
  const SiftParams p{2.0, 2.0};
  const SiftCandidate a{1, 10.0, 0.0, 50.0, 0.3, 2.0, 100.0};
  SiftCandidate b{2, 10.0, 0.0, 52.49, 0.4, 4.0, 100.0};
  EXPECT_TRUE(sift_match(a, b, p));
  b.dm_pc_cm3 = 52.51;
  EXPECT_FALSE(sift_match(a, b, p));
  b.dm_pc_cm3 = 47.49;
  EXPECT_FALSE(sift_match(b, a, p));
}

TEST(SiftMatch, WidthsByHand) {
  // At 2 sigma and S/N 4 half of it may be lost, which is a factor of 4 in width, and 2 on top; with both so
  // weak a factor of 2 exp(sqrt(2) ln 4) = 14.2; S/N 2.8 < sqrt(2) 2 bounds nothing, 16 does.
  const SiftParams p{2.0, 1.0};
  const auto last_ratio = [&](double snr_a, double snr_b) {
    double ratio = 1.0;
    while (sift_match({1, 0.0, 0.0, 0.0, 0.0, 1.0, snr_a}, {1, 0.0, 0.0, 0.0, 0.0, ratio, snr_b}, p))
      ratio += 0.01;
    return ratio;
  };
  EXPECT_NEAR(last_ratio(1e9, 1e9), 2.0, 0.011);
  EXPECT_NEAR(last_ratio(4.0, 1e9), 8.0, 0.011);
  EXPECT_NEAR(last_ratio(1e9, 4.0), 8.0, 0.011);
  EXPECT_NEAR(last_ratio(4.0, 4.0), 2.0 * std::exp(std::sqrt(2.0) * std::log(4.0)), 0.011);
  EXPECT_NEAR(last_ratio(2.8, 2.8), 16.0, 0.011);
}

TEST(Sift, NumbersGroupsBySignificanceAndDoesNotChain) {
  // Units of one second: 0 and 2 match 1 but not each other. 1 as the strongest takes both; as the weakest it
  // goes to the stronger of them.
  const SiftParams p{0.0, 1.0};
  const auto at = [](double time_s, double snr) { return SiftCandidate{1, time_s, 0, 0, 0, 1.0, snr}; };
  EXPECT_EQ(sift_groups({at(0, 8), at(0.8, 9), at(1.6, 7)}, p), (std::vector<std::int32_t>{0, 0, 0}));
  EXPECT_EQ(sift_groups({at(0, 8), at(0.8, 6), at(1.6, 7)}, p), (std::vector<std::int32_t>{0, 0, 1}));
  EXPECT_EQ(sift_groups({at(0, 7), at(0.8, 6), at(1.6, 8)}, p), (std::vector<std::int32_t>{1, 0, 0}));
  EXPECT_EQ(sift_groups({}, p), std::vector<std::int32_t>{});
  EXPECT_EQ(sift_groups({at(3, 7)}, p), std::vector<std::int32_t>{0});
}

TEST(Sift, OnePulseInNeighbouringBeamsIsOneGroup) {
  // Weak ones with widths that are off by a factor of 4 either way, as noise makes them at S/N 7.
  Xoshiro256 random(1);
  for (int round = 0; round < 20; ++round) {
    Candidates pulse = {measured(1, 100.0, 565.0, 5e-3, 40.0)};
    pulse.push_back(scattered(measured(2, 100.0, 565.0, 5e-3, 15.0), random));
    pulse.push_back(scattered(measured(7, 100.0, 565.0, 20e-3, 7.0), random));
    pulse.push_back(scattered(measured(3, 100.0, 565.0, 1.25e-3, 7.2), random));
    EXPECT_EQ(n_groups(pulse), 1u);
  }
}

TEST(Sift, TwoPulsesTwentyMillisecondsApartAreTwo) {
  Xoshiro256 random(2);
  Candidates pulses;
  for (int beam = 1; beam <= 4; ++beam)
    for (const double time_s : {50.0, 50.02})
      pulses.push_back(scattered(measured(beam, time_s, 300.0, 5e-3, 30.0 / beam), random));
  EXPECT_EQ(n_groups(pulses), 2u);
  // The same instant at DMs that differ by more than smearing and errors.
  EXPECT_EQ(n_groups({measured(1, 50.0, 300.0, 5e-3, 20.0), measured(1, 50.0, 310.0, 5e-3, 15.0)}), 2u);
}

TEST(Sift, InterferenceInAllBeamsIsOneGroupAndLeavesAPulseAlone) {
  Xoshiro256 random(3);
  Candidates all;
  for (int beam = 1; beam <= 19; ++beam)
    all.push_back(scattered(measured(beam, 7.0, 0.0, 20e-3, 7.0 + 3.0 * beam), random));
  EXPECT_EQ(n_groups(all), 1u);
  all.push_back(measured(5, 7.0, 60.0, 2e-3, 12.0));
  EXPECT_EQ(n_groups(all), 2u);
  // Interference of a second lies over it in time and DM, but is of another width.
  for (int beam = 1; beam <= 19; ++beam) all.push_back(measured(beam, 7.1, 0.0, 1.0, 500.0));
  EXPECT_EQ(n_groups(all), 3u);
}

TEST(Sift, MatchesTheReferenceInAnyOrder) {
  Xoshiro256 random(4);
  for (const std::int64_t n : {1, 2, 3, 7, 63, 64, 65, 600, 1500})
    for (const double span_s : {0.05, 3.0, 3000.0}) {
      auto all = random_candidates(n, span_s, random);
      const SiftParams p{4.0 * random.uniform(), kDelay * std::exp(gaussian(random))};
      const auto group = sift_groups(all, p);
      EXPECT_EQ(group, sift_groups_reference(all, p)) << n << " within " << span_s << " s";
      const auto last = *std::max_element(group.begin(), group.end());
      EXPECT_TRUE(n < 600 || (last > 10 && last < n * 9 / 10)) << last << " of " << n;
      std::vector<std::size_t> from(all.size());
      for (std::size_t i = 0; i < from.size(); ++i) from[i] = i;
      for (std::size_t i = from.size(); i > 1; --i) std::swap(from[i - 1], from[random.below(i)]);
      Candidates shuffled;
      std::vector<std::int32_t> expected;
      for (const auto i : from) {
        shuffled.push_back(all[i]);
        expected.push_back(group[i]);
      }
      EXPECT_EQ(sift_groups(shuffled, p), expected) << n << " within " << span_s << " s, shuffled";
    }
}

TEST(Sift, MatchesTheReferenceAtTheEdgesOfTolerances) {
  // Times, DMs and widths on grids whose steps are those of the tolerances: equality is a match in both.
  Xoshiro256 random(5);
  for (const double offset_s : {0.0, -3.0, 5e9}) {
    Candidates all;
    for (int i = 0; i < 500; ++i)
      all.push_back({1, offset_s + 0.25 * static_cast<double>(random.below(64)),
                     0.25 * static_cast<double>(random.below(2)), static_cast<double>(random.below(16)), 0.0,
                     std::exp2(random_between(random, -3, 3)), static_cast<double>(6 + random.below(3))});
    for (const double n_sigma : {0.0, 1.0, 4.0})
      EXPECT_EQ(sift_groups(all, {n_sigma, 1.0}), sift_groups_reference(all, {n_sigma, 1.0}))
          << offset_s << " s, " << n_sigma << " sigma";
  }
}

TEST(Sift, CrowdsAndGiantsMatchTheReference) {
  Xoshiro256 random(6);
  // All beams at one instant, at all DMs; some very wide, some whose errors are.
  Candidates all;
  for (int i = 0; i < 1500; ++i) {
    all.push_back(measured(1 + i % 19, 10.0 + 1e-3 * random.uniform(), 30.0 * random.uniform(), 1e-3,
                           7.0 + 20.0 * random.uniform()));
    if (i % 50 == 0) all.push_back(measured(1, 10.0, 0.0, 3.0 * random.uniform(), 300.0));
    if (i % 70 == 0) all.back().dm_err_pc_cm3 = 1e3;
    if (i % 80 == 0) all.back().time_err_s = 1e3;
  }
  const auto n = n_groups(all);
  EXPECT_GT(n, 2u);
  EXPECT_LT(n, all.size() / 2);
}

TEST(Sift, RejectsWhatItCannotUse) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const auto good = measured(1, 0.0, 100.0, 1e-3, 8.0);
  const auto expect_throw = [&](double SiftCandidate::*field, double value) {
    Candidates all = {good, good};
    all[1].*field = value;
    EXPECT_THROW(sift_groups(all, kFast), std::invalid_argument) << value;
    EXPECT_THROW(sift_groups_reference(all, kFast), std::invalid_argument) << value;
  };
  for (const double bad : {nan, inf, -inf}) {
    expect_throw(&SiftCandidate::time_s, bad);
    expect_throw(&SiftCandidate::dm_pc_cm3, bad);
  }
  for (const double bad : {nan, inf, -1e-3}) {
    expect_throw(&SiftCandidate::time_err_s, bad);
    expect_throw(&SiftCandidate::dm_err_pc_cm3, bad);
    EXPECT_THROW(sift_groups({good}, {bad, kDelay}), std::invalid_argument) << bad;
  }
  for (const double bad : {nan, inf, -1.0, 0.0}) {
    expect_throw(&SiftCandidate::width_s, bad);
    expect_throw(&SiftCandidate::snr, bad);
    EXPECT_THROW(sift_groups({good}, {4.0, bad}), std::invalid_argument) << bad;
  }
  EXPECT_THROW(sift_groups({}, {4.0, 0.0}), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
