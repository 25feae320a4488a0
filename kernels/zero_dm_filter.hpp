// The zero-DM matched filter: what a series that all channels share has in each of them is measured, and can
// be taken away before samples are rounded.
//
//   factor[c] = sum_t q[c][t] v[t] / sum_t v[t]^2        the least squares fit of q[c] by v
//
// With v the zero-DM series itself this is the filter of Men et al. 2019 (MNRAS 488, 3957, section 2.4),
// which follows interference whose strength changes over the band, where Eatough et al. 2009 take away the
// same mean of all channels. With v a fitted periodic waveform it removes that alone.
//
// numpy: factor = q @ v / (v @ v)
#pragma once
#include <cstdint>

#include "kernels/base/view.hpp"

namespace tianyan {

/// Levels of a wave for one standard deviation of its series.
inline constexpr double kWaveLevels = 64.0;

/// wave[t] = round(kWaveLevels z[t] / sigma), within int16, and 0 where good[t] is 0. sigma > 0.
void make_wave(View<const float, 1> z, View<const std::uint8_t, 1> good, double sigma,
               View<std::int16_t, 1> wave);

/// factor of each channel of q [channel][time]; 0 where the wave is zero everywhere. q is 0 where it has no
/// weight.
void wave_factors(View<const std::int8_t, 2> q, View<const std::int16_t, 1> wave, View<float, 1> factor);
void wave_factors_reference(View<const std::int8_t, 2> q, View<const std::int16_t, 1> wave,
                            View<float, 1> factor);

/// Fraction of a pulse that the filter takes away with the zero-DM series of its own: the mean over the
/// channels of the fraction of the band in which a Gaussian pulse of this width (FWHM) shines at the same
/// instant,
///
///   1/N^2 sum_c sum_c' exp(-(D_c - D_c')^2 / (4 s^2)),    D_c = K DM (f_c^-2 - f_ref^-2), s = width / 2.355
///
/// taken over at most 4096 channels of the band. Frequencies, channel width and width are positive.
double zero_dm_filter_loss(double freq_low_mhz, double channel_width_mhz, int n_chan, double dm_pc_cm3,
                           double width_s);

}  // namespace tianyan
