// An injected pulse as a stream records it: channel by channel, with the amplitude that its S/N means.
//
// In channel c, covered or not (0), sample t gets, in units of the channel's sigma (polarisations summed),
//
//   a[c][t] = fluence t_s h_c((t + 1/2) t_s - time - K DM (f_c^-2 - f_ref^-2))
//
// with h_c of kernels/pulse_profile.hpp, of unit area, and
//
//   sigma_c^2 = (width / 2.355)^2 + smear_c^2 / 12 + t_s^2 / 12,     tau_c = scattering (f_c / 1 GHz)^-4
//
// smear_c = K DM (f_c-^-2 - f_c+^-2) across the channel, DM counted from that of coherent dedispersion: the
// boxes of channel and sample enter by their variance. (pipeline/simulate.hpp leaves both out.) Summed along
// the sweep the pulse is P(u) = sum over covered c of h_c(u), noise has a variance of n_chan, and
//
//   snr^2 = fluence^2 t_s integral P^2 du / n_chan
#pragma once
#include <vector>

#include "kernels/base/sample_range.hpp"
#include "kernels/pulse_profile.hpp"
#include "pipeline/injection_spec.hpp"

namespace tianyan {

/// What all pulses of a stream share, by channel in canonical order.
struct InjectionBand {
  double sample_time_s = 0.0, coherent_dm_pc_cm3 = 0.0;
  std::vector<double> delay_s_per_dm;  ///< after the centre of the highest channel; falls with c
  std::vector<double> smear_s_per_dm;
  std::vector<double> scattering;  ///< (f / 1 GHz)^-4

  int n_chan() const { return static_cast<int>(delay_s_per_dm.size()); }
};
InjectionBand injection_band(const StreamInfo& info);

struct PulseModel {
  InjectedPulse pulse;
  int chan_begin = 0, chan_end = 0;   ///< covered
  double fluence = 0.0;               ///< of a covered channel: sigmas times samples
  double width_s = 0.0;               ///< FWHM of the Gaussian whose matched filter has the same S/N
  double boxcar_efficiency = 0.0;     ///< S/N of the best boxcar on P over that of the matched filter
  double begin_s = 0.0, end_s = 0.0;  ///< of the longest profile, since a channel's delay

  double delay_s(const InjectionBand& band, int c) const {
    return pulse.dm_pc_cm3 * band.delay_s_per_dm[static_cast<std::size_t>(c)];
  }
  PulseShape shape(const InjectionBand& band, int c) const;
  /// Samples of a stream of n_time that it is in.
  SampleRange samples(const InjectionBand& band, std::int64_t n_time) const;
};
PulseModel pulse_model(const InjectionBand& band, const InjectedPulse& pulse);

}  // namespace tianyan
