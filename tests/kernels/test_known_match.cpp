// Matching detections with known sources: cases by hand, the edges of the sphere, and pulses in and out of
// phase.
#include "kernels/known_match.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/base/random.hpp"

namespace tianyan {
namespace {

KnownSource source_at(const std::string& name, double ra_deg, double dec_deg, double dm_pc_cm3) {
  KnownSource source;
  source.name = name;
  source.position = {ra_deg, dec_deg};
  source.dm_pc_cm3 = dm_pc_cm3;
  return source;
}

MatchQuery query_at(double ra_deg, double dec_deg, double dm_pc_cm3) {
  MatchQuery query;
  query.position = {ra_deg, dec_deg};
  query.pos_err_deg = 0.02;
  query.dm_pc_cm3 = dm_pc_cm3;
  query.dm_err_pc_cm3 = 0.3;
  return query;
}

TEST(KnownMatch, FindsTheCrabAndSaysHowFarItIs) {
  const auto match =
      match_known(query_at(83.633, 22.0345, 56.9), {source_at("B0531+21", 83.633, 22.0145, 56.77)});
  ASSERT_TRUE(match.has_value());
  EXPECT_EQ(match->source, 0U);
  EXPECT_NEAR(match->separation_deg, 0.02, 1e-9);
  EXPECT_NEAR(match->dm_difference_pc_cm3, 0.13, 1e-9);
  EXPECT_EQ(match->reason, "1.2 arcmin from B0531+21, DM 0.13 pc/cm3 above its 56.77");
}

/// Limits by hand: 2.26 * 0.02 = 0.0452 deg; 3 hypot(0.3, 0.1, 0.005 * 100) = 3 * 0.5916 = 1.775 pc/cm3.
TEST(KnownMatch, KeepsToItsLimits) {
  const std::vector<KnownSource> sources = {source_at("A", 10.0, 0.0, 100.0)};
  EXPECT_TRUE(match_known(query_at(10.0, 0.0451, 100.0), sources).has_value());
  EXPECT_FALSE(match_known(query_at(10.0, 0.0453, 100.0), sources).has_value());
  EXPECT_TRUE(match_known(query_at(10.0, 0.0, 101.77), sources).has_value());
  EXPECT_FALSE(match_known(query_at(10.0, 0.0, 101.78), sources).has_value());
  EXPECT_FALSE(match_known(query_at(10.0, 0.0, 98.22), sources).has_value());
}

TEST(KnownMatch, SearchesTheBeamAndTheSourcesOwnError) {
  KnownSource source = source_at("A", 10.0, 0.0, 100.0);
  MatchQuery query = query_at(10.0, 0.3, 100.0);
  EXPECT_FALSE(match_known(query, {source}).has_value());
  query.search_radius_deg = 0.31;
  EXPECT_TRUE(match_known(query, {source}).has_value());
  query.search_radius_deg = 0.0;
  source.pos_err_deg = 0.2;
  EXPECT_TRUE(match_known(query, {source}).has_value());
  source.dm_err_pc_cm3 = 5.0;
  query.dm_pc_cm3 = 114.0;
  EXPECT_TRUE(match_known(query, {source}).has_value());
}

TEST(KnownMatch, CrossesRightAscensionZeroAndThePole) {
  EXPECT_TRUE(match_known(query_at(359.99, 5.0, 20.0), {source_at("A", 0.01, 5.0, 20.0)}).has_value());
  EXPECT_TRUE(match_known(query_at(10.0, 89.99, 20.0), {source_at("A", 190.0, 89.98, 20.0)}).has_value());
  EXPECT_FALSE(match_known(query_at(10.0, 89.9, 20.0), {source_at("A", 190.0, 89.9, 20.0)}).has_value());
}

TEST(KnownMatch, TakesTheNearestInUnitsOfTheErrors) {
  // A is nearer on the sky, B in DM: hypot(0.2, 0.9) > hypot(0.5, 0).
  const std::vector<KnownSource> sources = {source_at("A", 10.0, 0.2 * 0.0452, 100.0 - 0.9 * 1.775),
                                            source_at("B", 10.0, 0.5 * 0.0452, 100.0),
                                            source_at("C", 10.0, 0.0, 150.0)};
  EXPECT_EQ(match_known(query_at(10.0, 0.0, 100.0), sources)->source, 1U);
}

TEST(KnownMatch, MatchesNothingWithoutPositionOrDm) {
  const std::vector<KnownSource> sources = {source_at("A", 10.0, 0.0, 100.0)};
  EXPECT_FALSE(match_known(query_at(std::nan(""), 0.0, 100.0), sources).has_value());
  EXPECT_FALSE(match_known(query_at(10.0, 0.0, std::nan("")), sources).has_value());
  EXPECT_FALSE(
      match_known(query_at(10.0, 0.0, 100.0), {source_at("A", 10.0, 0.0, std::nan(""))}).has_value());
  EXPECT_FALSE(match_known(query_at(10.0, 0.0, 100.0), {}).has_value());
}

KnownSource pulsar(double period_s) {
  KnownSource source = source_at("B0329+54", 53.25, 54.58, 26.76);
  source.period_s = period_s;
  source.period_dot = 2e-15;
  source.epoch_mjd = 50000.25;
  return source;
}

/// Pulses at `n` random turns of 1000, `jitter` of a turn around each.
std::vector<Mjd> pulses(int n, double period_s, double jitter, std::uint64_t seed) {
  std::vector<Mjd> times;
  Xoshiro256 random(seed);
  for (int i = 0; i < n; ++i) {
    const double turn = static_cast<double>(random.below(1000)) + jitter * (random.uniform() - 0.5);
    times.push_back(Mjd{58999, 86300.0}.plus_seconds(turn * period_s));
  }
  return times;
}

TEST(KnownMatch, SeesPulsesInPhase) {
  const PhaseConsistency phases = phase_consistency(pulses(12, 0.714519, 0.1, 1), 0.001, pulsar(0.714519));
  EXPECT_EQ(phases.verdict, PhaseVerdict::kInPhase);
  EXPECT_EQ(phases.n_pulse, 12U);
  // The period has grown by 2e-15 * 9000 d = 1.6e-6 s.
  EXPECT_NEAR(phases.period_s, 0.7145206, 2e-7);
  EXPECT_LT(phases.probability, 1e-5);
  EXPECT_EQ(phases.reason.substr(0, 40), "12 pulses in phase at P = 0.714521 s: p ");
}

TEST(KnownMatch, SeesAnInterpulseHalfATurnAway) {
  auto times = pulses(10, 0.25, 0.05, 2);
  for (std::size_t i = 0; i < times.size(); i += 2) times[i] = times[i].plus_seconds(0.125);
  EXPECT_EQ(phase_consistency(times, 0.001, pulsar(0.25)).verdict, PhaseVerdict::kInPhase);
}

TEST(KnownMatch, SaysWhenPhasesDoNotFit) {
  std::vector<Mjd> times;  // evenly over the turn: R_1 = R_2 = 0
  for (int i = 0; i < 8; ++i) times.push_back(Mjd{58999, 100.0}.plus_seconds((10.0 * i + i / 8.0) * 0.7));
  KnownSource source = pulsar(0.7);
  source.period_dot = 0.0;
  const PhaseConsistency phases = phase_consistency(times, 0.001, source);
  EXPECT_EQ(phases.verdict, PhaseVerdict::kOutOfPhase);
  EXPECT_EQ(phases.reason, "8 pulses not in phase at P = 0.700000 s: p = 1.0e+00");
  source.is_binary = true;
  EXPECT_EQ(phase_consistency(times, 0.001, source).verdict, PhaseVerdict::kUndecided);
  source.is_binary = false;
  EXPECT_EQ(phase_consistency(times, 0.08, source).verdict, PhaseVerdict::kUndecided);
  times.resize(4);
  EXPECT_EQ(phase_consistency(times, 0.001, source).verdict, PhaseVerdict::kUndecided);
}

TEST(KnownMatch, SaysNothingOfPhasesThatCannotBeTold) {
  KnownSource source = pulsar(std::nan(""));
  EXPECT_EQ(phase_consistency(pulses(9, 0.7, 0.0, 3), 0.001, source).verdict, PhaseVerdict::kUndecided);
  EXPECT_EQ(phase_consistency({}, 0.001, pulsar(0.7)).reason, "");
  EXPECT_EQ(phase_consistency({Mjd{58999, 1.0}}, 0.001, pulsar(0.7)).reason, "");
  EXPECT_THROW(phase_consistency({}, -1.0, pulsar(0.7)), std::invalid_argument);
  // 1e-6 of 1000 s is 0.6 turns of a millisecond pulsar: nothing against it.
  EXPECT_NE(phase_consistency(pulses(9, 0.7, 1.0, 4), 1e-5, pulsar(0.0015)).verdict,
            PhaseVerdict::kOutOfPhase);
}

}  // namespace
}  // namespace tianyan
