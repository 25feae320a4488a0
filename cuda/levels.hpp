// What the rules of conditioning see of normalised levels, and take out of them, on a device: q
// [channel][time] with contiguous rows. The same integers as on the host.
#pragma once
#include "cuda/device.hpp"
#include "kernels/level_ops.hpp"

namespace tianyan {

/// sum[c][k] = sum(q[c][t]), squares[c][k] = sum(q[c][t]^2), t in [64 k, 64 k + 64); |q| <= 31
/// (kernels/level_ops.hpp). q has kCellSamples times in each cell.
void cell_moments(DeviceView<const std::int8_t, 2> q, DeviceView<std::int16_t, 2> sum,
                  DeviceView<std::uint16_t, 2> squares, const Stream& stream);

/// z[b][t] = sum of q[c][t] over band_channels channels c from b band_channels on, or as many as there are:
/// the zero-DM series of bands (kernels/flag_times.hpp). At most 256 channels, so that the sums fit.
void zero_dm_bands(DeviceView<const std::int8_t, 2> q, int band_channels, DeviceView<std::int16_t, 2> z,
                   const Stream& stream);

/// q[c][t] = 0 where good[c], or good[t], is 0, or rule[c][t / kCellSamples] is not.
void drop_channels(DeviceView<const std::uint8_t, 1> good, DeviceView<std::int8_t, 2> q,
                   const Stream& stream);
void drop_times(DeviceView<const std::uint8_t, 1> good, DeviceView<std::int8_t, 2> q, const Stream& stream);
void drop_cells(DeviceView<const std::uint8_t, 2> rule, DeviceView<std::int8_t, 2> q, const Stream& stream);

/// factor[c] of a wave in each channel (kernels/zero_dm_filter.hpp); the same bits as on the host.
void wave_factors(DeviceView<const std::int8_t, 2> q, DeviceView<const std::int16_t, 1> wave,
                  DeviceView<float, 1> factor, const Stream& stream);

}  // namespace tianyan
