// Rows and columns exchanged on a device.
#pragma once
#include <complex>

#include "cuda/device.hpp"

namespace tianyan {

/// out[j][i] = in[i][j]; rows of both contiguous, not overlapping. Throws std::invalid_argument for shapes
/// that do not fit.
void transpose(DeviceView<const std::complex<float>, 2> in, DeviceView<std::complex<float>, 2> out,
               const Stream& stream);

}  // namespace tianyan
