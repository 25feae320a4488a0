// Matching by position and DM in units of their limits, and Rayleigh's test on phases.
#include "kernels/known_match.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "kernels/base/expect.hpp"
#include "kernels/rayleigh.hpp"

namespace tianyan {
namespace {

constexpr double kPositionErrors = 2.26;  // sqrt(ln(1 - 0.997) / ln(1 - 0.683)), both of a plane's Gaussian
constexpr double kDmErrors = 3.0;
constexpr double kDmFloor = 0.1, kRelativeDmFloor = 0.005;
constexpr double kPeriodError = 1e-6;
constexpr double kMaxPhaseError = 0.1;
constexpr double kMinTurns = 5.0;
constexpr std::size_t kMinPulses = 5;
constexpr double kInPhaseBelow = 1e-3, kOutOfPhaseFrom = 0.05;

double or_zero(double error) { return std::isnan(error) ? 0.0 : error; }

double position_limit_deg(const MatchQuery& query, const KnownSource& source) {
  const double error = std::hypot(or_zero(query.pos_err_deg), or_zero(source.pos_err_deg));
  return std::max(or_zero(query.search_radius_deg), kPositionErrors * error);
}

double dm_limit(const MatchQuery& query, const KnownSource& source) {
  const double catalogue = std::hypot(or_zero(source.dm_err_pc_cm3), kDmFloor);
  return kDmErrors * std::hypot(or_zero(query.dm_err_pc_cm3), catalogue, kRelativeDmFloor * source.dm_pc_cm3);
}

/// N = t / P - Pdot t^2 / (2 P^2).
double turns_in(double seconds, double period_s, double period_dot) {
  const double turns = seconds / period_s;
  return turns - 0.5 * or_zero(period_dot) * turns * turns;
}

double seconds_since_epoch(const Mjd& time, double epoch_mjd) {
  const double day = std::floor(epoch_mjd);
  return time.seconds_since({static_cast<std::int64_t>(day), (epoch_mjd - day) * kSecondsPerDay});
}

std::string match_reason(const KnownMatch& match, const KnownSource& source) {
  return fmt::format("{:.1f} arcmin from {}, DM {:.2f} pc/cm3 {} its {:.2f}",
                     match.separation_deg * kArcminPerDeg, source.name, std::abs(match.dm_difference_pc_cm3),
                     match.dm_difference_pc_cm3 < 0.0 ? "below" : "above", source.dm_pc_cm3);
}

double harmonic_p(const std::vector<double>& turns, int harmonic) {
  std::complex<double> sum;
  for (const double t : turns) sum += std::polar(1.0, 2.0 * std::numbers::pi * harmonic * t);
  return rayleigh_p(static_cast<double>(turns.size()), std::norm(sum));
}

/// Period at a time; the catalogue's where its change or epoch is not known.
double period_at(const Mjd& time, const KnownSource& source) {
  const double change = source.period_dot * seconds_since_epoch(time, source.epoch_mjd);
  return source.period_s + or_zero(change);
}

bool would_be_seen(double span_s, double time_err_s, const PhaseConsistency& phases,
                   const KnownSource& source) {
  const double phase_error = std::max(time_err_s, kPeriodError * span_s) / phases.period_s;
  return phases.n_pulse >= kMinPulses && !source.is_binary && span_s >= kMinTurns * phases.period_s &&
         phase_error < kMaxPhaseError;
}

}  // namespace

std::optional<KnownMatch> match_known(const MatchQuery& query, const std::vector<KnownSource>& sources) {
  std::optional<KnownMatch> best;
  if (!query.position.known()) return best;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const KnownSource& source = sources[s];
    const double dm_difference = query.dm_pc_cm3 - source.dm_pc_cm3, dm_most = dm_limit(query, source);
    if (!(std::abs(dm_difference) <= dm_most)) continue;  // most sources stop here, before the trigonometry
    const double most_deg = position_limit_deg(query, source);
    if (!(std::abs(query.position.dec_deg - source.position.dec_deg) <= most_deg)) continue;
    const double separation = separation_deg(query.position, source.position);
    if (!(separation <= most_deg)) continue;
    const double distance = std::hypot(most_deg > 0.0 ? separation / most_deg : 0.0, dm_difference / dm_most);
    if (distance >= least) continue;
    least = distance;
    best = KnownMatch{s, separation, dm_difference, ""};
  }
  if (best) best->reason = match_reason(*best, sources[best->source]);
  return best;
}

PhaseConsistency phase_consistency(const std::vector<Mjd>& times, double time_err_s,
                                   const KnownSource& source) {
  expect(time_err_s >= 0.0, "an error of arrival times of {} s; it is 0 or more", time_err_s);
  PhaseConsistency phases;
  phases.n_pulse = times.size();
  if (times.size() < 2 || !(source.period_s > 0.0)) return phases;
  const auto earlier = [](const Mjd& a, const Mjd& b) { return a.seconds_since(b) < 0.0; };
  const auto [first, last] = std::minmax_element(times.begin(), times.end(), earlier);
  phases.period_s = period_at(*first, source);
  std::vector<double> turns;
  for (const Mjd& time : times)
    turns.push_back(turns_in(time.seconds_since(*first), phases.period_s, source.period_dot));
  const double least = std::min(harmonic_p(turns, 1), harmonic_p(turns, 2));
  phases.probability = std::min(1.0, 2.0 * least);
  if (phases.probability < kInPhaseBelow)
    phases.verdict = PhaseVerdict::kInPhase;
  else if (phases.probability >= kOutOfPhaseFrom &&
           would_be_seen(last->seconds_since(*first), time_err_s, phases, source))
    phases.verdict = PhaseVerdict::kOutOfPhase;
  if (phases.verdict != PhaseVerdict::kUndecided)
    phases.reason = fmt::format("{} pulses {} phase at P = {:.6f} s: p = {:.1e}", phases.n_pulse,
                                phases.verdict == PhaseVerdict::kInPhase ? "in" : "not in", phases.period_s,
                                phases.probability);
  return phases;
}

}  // namespace tianyan
