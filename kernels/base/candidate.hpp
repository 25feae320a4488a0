// What a search finds: events on the (DM, time, width) grid, and candidates, one for each pulse.
#pragma once
#include <cmath>
#include <cstdint>

#include "kernels/base/units.hpp"

namespace tianyan {

/// A local maximum of S/N above the threshold on one DM trial. Times are at the centre of the highest
/// channel.
struct Event {
  double time_s = 0.0;  ///< centre of the boxcar, seconds since the middle of the scan's first sample
  double dm_pc_cm3 = 0.0;
  double width_s = 0.0;    ///< of the boxcar
  double snr = 0.0;        ///< by the weights and the running noise
  double snr_white = 0.0;  ///< by the weights alone
};

/// One pulse in one beam.
struct Candidate {
  int beam = 0;
  /// Arrival at the centre of the highest channel, seconds since the beginning of the scan's first sample.
  double time_s = 0.0;
  double dm_pc_cm3 = 0.0;
  double dm_err_pc_cm3 = 0.0;
  double snr = 0.0;        ///< by the weights and the running noise
  double snr_white = 0.0;  ///< by the weights alone
  double width_s = 0.0;
  double ref_freq_mhz = 0.0;
  std::int64_t n_members = 0;  ///< events that belong to it
};

/// Width of the best boxcar on a Gaussian pulse, in units of its sigma.
inline constexpr double kBestBoxcarSigmas = 2.8;

/// Standard deviation of the arrival time of a Gaussian pulse of sigma s = width_s / kBestBoxcarSigmas that a
/// matched filter detects with S/N: 2^1/2 s / (S/N).
inline double arrival_error_s(double width_s, double snr) {
  return std::sqrt(2.0) * width_s / kBestBoxcarSigmas / snr;
}

/// That of its DM, by a straight line in f^-2 through arrival times over a flat band whose f^-2 has the
/// standard deviation `rms_inverse_square`, 1/MHz^2.
inline double dm_fit_error_pc_cm3(double width_s, double snr, double rms_inverse_square) {
  return arrival_error_s(width_s, snr) / (kDispersionConstant * rms_inverse_square);
}

}  // namespace tianyan
