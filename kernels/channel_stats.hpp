// Robust location and scale of each channel over a window of time.
//
//   mean[c], sigma[c] = mean and standard deviation of x[c][t] over the good samples with |x - mean| < 3
//   sigma,
//
// from those of the pass before: kSparsePasses over the first 64 of every 512 samples of a span, the first of
// them not clipped, then kFullPasses over all. In sparse clipped passes, and in full ones where anything was
// clipped, sigma is divided by 0.98658, the standard deviation of a unit Gaussian cut at 3: Gaussian noise is
// unbiased, and so is one-bit data, from which nothing is clipped.
//
// Of floats, sums run in 16 float lanes over at most 4096 samples about the last mean, then in double: the
// same on every machine, and off by at most 4096/16 * 2^-24 = 1.5e-5 of a sigma. Of integers they are
// integers, and exact; bounds, mean and sigma are taken from them in double, and then calibrated:
//
//   mean[c] = scale[c] mean(x) + offset[c],   sigma[c] = |scale[c]| sigma(x)
//
// numpy: for _ in range(passes): keep = abs(x - m) < 3 * s; m, s = x[keep].mean(), x[keep].std() / 0.98658
#pragma once
#include <cstdint>

#include "kernels/base/view.hpp"
#include "kernels/clipped_stats.hpp"
#include "kernels/unpack.hpp"

namespace tianyan {

/// x [channel][time], contiguous rows; channel i of x is channel chan_begin + i of `weights`. mean, sigma
/// [channel]; n_good [channel] counts the samples with weight. A channel without good samples gets 0, 0; a
/// channel with a NaN or infinity gets NaNs. Throws std::invalid_argument for shapes that differ.
void channel_stats(View<const float, 2> x, const SpanWeights& weights, int chan_begin, View<float, 1> mean,
                   View<float, 1> sigma, View<std::int64_t, 1> n_good);

/// T is std::uint8_t, or std::int16_t with values in [0, 512), as unpack() makes them.
template <class T>
void channel_stats(View<const T, 2> x, const RowCalibration& calibration, const SpanWeights& weights,
                   int chan_begin, View<float, 1> mean, View<float, 1> sigma, View<std::int64_t, 1> n_good);

/// The same with sums in double, sample by sample.
void channel_stats_reference(View<const float, 2> x, const SpanWeights& weights, int chan_begin,
                             View<float, 1> mean, View<float, 1> sigma, View<std::int64_t, 1> n_good);
void channel_stats_reference(View<const std::int16_t, 2> x, const RowCalibration& calibration,
                             const SpanWeights& weights, int chan_begin, View<float, 1> mean,
                             View<float, 1> sigma, View<std::int64_t, 1> n_good);

}  // namespace tianyan
