// Detection and integration on a device, of many channels at once. Products are those of kernels/detect.hpp;
// sums are added in the order that the host adds them in, and have the same bits.
#pragma once
#include <complex>

#include "cuda/device.hpp"
#include "kernels/detect.hpp"

namespace tianyan {

struct Integration {
  PolProducts products = PolProducts::kIntensity;
  FeedBasis basis = FeedBasis::kLinear;
  std::int64_t n_sum = 1;  ///< samples, or frames, of a sum
};

/// out[c][p][i] = scale v[p][i],   v being what integrate_products() of kernels/detect.hpp makes of channel c
///
/// x, y [channel][time], good [time], time = n_sum out.shape(2); out [channel][product][i], with any strides;
/// n_good [i]. Rows of x, y and good are contiguous; y is empty for one polarisation. Throws
/// std::invalid_argument for shapes that do not fit.
void integrate_products(const Integration& how, DeviceView<const std::complex<float>, 2> x,
                        DeviceView<const std::complex<float>, 2> y, DeviceView<const std::uint8_t, 1> good,
                        float scale, DeviceView<float, 3> out, DeviceView<std::int32_t, 1> n_good,
                        const Stream& stream);

/// out[c][p][i] = s sum_j product p of x[m][c] and y[m][c],   m = i n_sum + j, 0 <= j < n_sum, good[m] != 0
///
/// of frames of a filterbank, x and y [frame][channel], in float32: the good ones added by add_products() in
/// their order, times s = 1 / n_good[i], or 0. All else as above, time being frames.
void integrate_frames(const Integration& how, DeviceView<const std::complex<float>, 2> x,
                      DeviceView<const std::complex<float>, 2> y, DeviceView<const std::uint8_t, 1> good,
                      DeviceView<float, 3> out, DeviceView<std::int32_t, 1> n_good, const Stream& stream);

}  // namespace tianyan
