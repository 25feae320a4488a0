// What a search finds: events on the (DM, time, width) grid, and candidates, one for each pulse.
#pragma once
#include <cstdint>

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

}  // namespace tianyan
