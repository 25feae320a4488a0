// Normalisation and downsampling on a device; formulas and shapes are those of kernels/quantise.hpp.
#pragma once
#include "cuda/channel_stats.hpp"
#include "kernels/quantise.hpp"

namespace tianyan {

/// As SharedWave, on a device.
struct DeviceWave {
  DeviceView<const std::int16_t, 1> wave;
  DeviceView<const float, 1> factor;
  __host__ __device__ bool any() const { return wave.shape(0) > 0; }
};

/// Of integers, as unpack() makes them; the same levels as on the host.
template <class T>
void normalise(DeviceView<const T, 2> x, const DeviceCalibration& calibration,
               DeviceView<const float, 1> mean, DeviceView<const float, 1> sigma,
               const DeviceWeights& weights, int chan_begin, const DeviceWave& shared,
               DeviceView<std::int8_t, 2> q, const Stream& stream);

/// fine [channel][2 n] -> coarse [channel][n]; the same integers as on the host.
void downsample(DeviceView<const std::int8_t, 2> fine, int shift, DeviceView<std::int8_t, 2> coarse,
                const Stream& stream);

}  // namespace tianyan
