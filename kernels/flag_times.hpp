// First flagging, over time: samples whose sum over all channels, without dedispersion, stands out.
//
//   z[t] = sum_c q[c][t]
//
// A pulse from the sky is spread over many samples before it is dedispersed: at one instant it is in few
// channels. Interference without dispersion is in all. For each scale s of kZeroDmScales, aligned sums of s
// samples are flagged where they are further from their median than `threshold` deviations; the deviation is
// the larger of what the noise of the summed weights says, sqrt(s) sigma_z, and 1.4826 MAD of the sums. One
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

/// z[t] += sum_c q[c][t]. q [channel][time], contiguous rows.
void add_zero_dm(View<const std::int8_t, 2> q, View<std::int32_t, 1> z);
/// z[t] -= q[t]: a channel leaves the sum.
void subtract_zero_dm(View<const std::int8_t, 1> q, View<std::int32_t, 1> z);
void add_zero_dm_reference(View<const std::int8_t, 2> q, View<std::int32_t, 1> z);

/// sigma_z[t] is the standard deviation that the weights predict for z[t]; samples with sigma_z = 0 are left
/// alone. good[t] is written 0 where flagged, and otherwise left. Returns how many samples were newly
/// flagged.
std::int64_t flag_times(View<const std::int32_t, 1> z, View<const float, 1> sigma_z, double threshold,
                        View<std::uint8_t, 1> good);

}  // namespace tianyan
