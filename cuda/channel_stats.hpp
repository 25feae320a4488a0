// Robust statistics of channels on a device; formulas are those of kernels/channel_stats.hpp.
#pragma once
#include "cuda/span_weights.hpp"
#include "kernels/channel_stats.hpp"

namespace tianyan {

/// Calibration of all channels on a device (kernels/unpack.hpp).
struct DeviceCalibration {
  DeviceView<const double, 1> scale, offset;
};

/// Of integers, as unpack() makes them: T is std::uint8_t, or std::int16_t with values in [0, 512). The same
/// bits as on the host.
template <class T>
void channel_stats(DeviceView<const T, 2> x, const DeviceCalibration& calibration,
                   const DeviceWeights& weights, int chan_begin, DeviceView<float, 1> mean,
                   DeviceView<float, 1> sigma, DeviceView<std::int64_t, 1> n_good, const Stream& stream);

}  // namespace tianyan
