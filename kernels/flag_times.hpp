// Flagging over time: samples whose sum over all channels, without dedispersion, stands out in a large part
// of the band at once.
//
//   z[t] = sum_c q[c][t],   and of each band of channels b alone, zb[b][t]
//
// For each scale s of kZeroDmScales, aligned sums of s samples are candidates where they are further from
// their median than `threshold` deviations; the deviation is the larger of what the noise of the summed
// weights says, sqrt(s) sigma_z, and 1.4826 MAD of the sums.
//
// A bright pulse from the sky can rise in this sum as well, but at one instant it shines in few bands, and
// interference without dispersion in all or many. With y[b] the same cell of band b in units of its noise and
// T that of the whole sum, a candidate of T > 0 (else with signs turned) is flagged where
//
//   median_b(y[b]) sqrt(n_band) > kBandShare T   or   y[b] > kBandSigma in kBandFraction of the bands
//
// (the median of equal rises is T / sqrt(n_band)). With fewer than 8 bands all candidates are flagged. One
// more cell on either side goes too: the edges of an impulse. What is flagged at one scale no longer counts
// at the next.
//
// numpy: y = z.reshape(-1, s).sum(1); bad = abs(y - np.median(y)) > threshold * max(sqrt(s) * sigma_z, 1.4826
// * mad(y))
#pragma once
#include <cstdint>

#include "kernels/base/view.hpp"

namespace tianyan {

inline constexpr int kZeroDmScales[] = {1, 4, 16, 64};

inline constexpr double kBandShare = 0.7, kBandSigma = 3.0, kBandFraction = 1.0 / 3.0;
inline constexpr int kMinBands = 8;

/// z[t] += sum_c q[c][t]. q [channel][time], contiguous rows; the sums must fit int16: at most 256 channels
/// of |q| <= 127.
void add_zero_dm(View<const std::int8_t, 2> q, View<std::int16_t, 1> z);
/// z[t] -= q[t]: a channel leaves the sum.
void subtract_zero_dm(View<const std::int8_t, 1> q, View<std::int16_t, 1> z);
void add_zero_dm_reference(View<const std::int8_t, 2> q, View<std::int16_t, 1> z);

/// z[t] = sum_b zb[b][t]
void sum_bands(View<const std::int16_t, 2> zb, View<std::int32_t, 1> z);

/// The zero-DM series of bands of channels: z [band][time], and the standard deviation that the weights
/// predict for a sample of each, 0 for a band without weight.
struct ZeroDmBands {
  View<const std::int16_t, 2> z;
  View<const float, 1> sigma;
};

/// sigma_z[t] is the standard deviation that the weights predict for z[t]; samples with sigma_z = 0 are left
/// alone. good[t] is written 0 where flagged, and otherwise left. Returns how many samples were newly
/// flagged.
std::int64_t flag_times(View<const std::int32_t, 1> z, View<const float, 1> sigma_z, const ZeroDmBands& bands,
                        double threshold, View<std::uint8_t, 1> good);

}  // namespace tianyan
