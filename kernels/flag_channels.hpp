// First flagging, over frequency: channels whose mean or scale stands out from their neighbours'.
//
// With local medians over the good channels within kFlagHalfWindow of the eight that c is one of,
//
//   a[c] = (mean[c] - med(mean)) / med(sigma),   b[c] = sigma[c] / med(sigma) - 1
//
// channel c is flagged where |a| or |b| exceeds `threshold` robust deviations (1.4826 MAD over the band) of a
// or b. The deviation is never taken below the statistical error of the estimate itself, n^-1/2 and (2
// n)^-1/2. Repeated kFlagPasses times without what was flagged, so that wide bands of interference do not
// hide in their own median. Channels without samples, without variance, or not finite are flagged first.
//
// numpy: a = (mean - med(mean)) / med(sigma); bad = abs(a) > threshold * 1.4826 * np.median(abs(a -
// np.median(a)))
#pragma once
#include <cstdint>

#include "kernels/base/view.hpp"

namespace tianyan {

inline constexpr int kFlagHalfWindow = 88;
inline constexpr int kFlagPasses = 3;

/// Flags channels without samples or variance, or whose mean or sigma is not finite: they cannot be
/// normalised. Shapes and result as flag_channels().
int flag_unusable_channels(View<const float, 1> mean, View<const float, 1> sigma,
                           View<const std::int64_t, 1> n_good, View<std::uint8_t, 1> good);

/// Flags channels whose digitiser runs at its end: top[c] - mean[c] < margin sigma[c], with top[c] the
/// intensity of the highest code. At a margin of 2 a fortieth of Gaussian noise is cut. Returns how many were
/// newly flagged.
int flag_saturated_channels(View<const float, 1> mean, View<const float, 1> sigma, View<const double, 1> top,
                            double margin_sigma, View<std::uint8_t, 1> good);

/// mean, sigma, n_good, good: [channel]. `good` is read (0 = already flagged) and written. Returns how many
/// channels were newly flagged. Throws std::invalid_argument for shapes that differ or a threshold that is
/// not positive.
int flag_channels(View<const float, 1> mean, View<const float, 1> sigma, View<const std::int64_t, 1> n_good,
                  double threshold, View<std::uint8_t, 1> good);

}  // namespace tianyan
