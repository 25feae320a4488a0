// Normalisation and downsampling on a device; formulas and shapes are those of kernels/quantise.hpp.
#pragma once
#include "cuda/device.hpp"

namespace tianyan {

/// fine [channel][2 n] -> coarse [channel][n]; the same integers as on the host.
void downsample(DeviceView<const std::int8_t, 2> fine, int shift, DeviceView<std::int8_t, 2> coarse,
                const Stream& stream);

}  // namespace tianyan
