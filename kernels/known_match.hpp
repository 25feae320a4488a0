// Whether a detection is of a known source, by position and DM, and whether its pulses keep that source's
// time.
#pragma once
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/known_source.hpp"
#include "kernels/base/sky.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {

struct MatchQuery {
  SkyPosition position;
  double pos_err_deg = 0.0;        ///< radius of the 68 % region
  double search_radius_deg = 0.0;  ///< of the beam: strong sources are seen off their position
  double dm_pc_cm3 = 0.0;
  double dm_err_pc_cm3 = 0.0;
};

struct KnownMatch {
  std::size_t source = 0;  ///< index into the sources
  double separation_deg = 0.0;
  double dm_difference_pc_cm3 = 0.0;  ///< of the query minus the source
  std::string reason;                 ///< "0.8 arcmin from B0531+21, DM 0.03 pc/cm3 above it"
};

/// A source matches where both hold (NaN errors count as 0):
///   separation <= max(search_radius, 2.26 hypot(pos_err, pos_err_source))
///     (99.7 % of a Gaussian on a plane lies within 2.26 times the radius that holds 68 % of it);
///   |DM - DM_source| <= 3 hypot(dm_err, dm_err_source, 0.1, 0.005 DM_source)
///     (DMs of the catalogues are old, and those of repeating bursts drift by some per cent).
/// Of several the one with the least hypot of the two differences, each over its limit. None without a
/// position or a DM.
std::optional<KnownMatch> match_known(const MatchQuery& query, const std::vector<KnownSource>& sources);

enum class PhaseVerdict { kInPhase, kOutOfPhase, kUndecided };

struct PhaseConsistency {
  PhaseVerdict verdict = PhaseVerdict::kUndecided;
  std::size_t n_pulse = 0;
  double period_s = std::numeric_limits<double>::quiet_NaN();  ///< at the first pulse
  double probability = 1.0;  ///< that phases at random agree at least as well
  std::string reason;        ///< "12 pulses in phase at P = 0.714520 s: p = 1.0e-09"; empty: nothing to say
};

/// Whether pulses that match a source by position and DM come at one phase of its rotation:
///   phase_i = (t_i - t_0) / P,  P = period + period_dot (t_0 - epoch),
///   R_h = |sum_i exp(2 pi j h phase_i)|,  h = 1, 2 (pulsars with interpulses agree in the second),
///   probability = min(1, 2 min_h p(n, R_h)),  p that of Rayleigh's test (kernels/rayleigh.hpp).
/// Only phases relative to the first pulse count, so errors of the extrapolated phase do not matter; the
/// period is taken to be good to 1e-6, which glitches and old ephemerides stay below.
///   kInPhase     probability < 1e-3.
///   kOutOfPhase  probability >= 0.05, and it could have been seen: at least 5 pulses over at least 5 turns,
///                no binary, time_err_s and 1e-6 (t_last - t_first) both below P / 10.
///   kUndecided   all else; pulses of a source without a period too.
/// A pulse out of phase is no reason to call a detection unknown: position and DM agree, so callers keep the
/// class and add the reason, which says that the phases do not fit.
/// `times` are barycentric TDB at infinite frequency, in any order; time_err_s >= 0 is their error, else
/// std::invalid_argument.
PhaseConsistency phase_consistency(const std::vector<Mjd>& times, double time_err_s,
                                   const KnownSource& source);

}  // namespace tianyan
