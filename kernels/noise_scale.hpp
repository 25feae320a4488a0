// A running estimate of how much noisier the boxcar sums of a row are than their weights say: red noise,
// unseen interference.
//
// A run of n row samples is cut into boxcars of w = 2^k samples side by side, k = 3 ... 10. Those below the
// row's mean, y < 0, count:
//
//   y = (sum - M) / V^1/2,   m <- min(m + 1, m_k)
//   s_k^2 <- s_k^2 + (min(y^2, c^2 s_k^2) / kappa - s_k^2) / m
//
// from s_k^2 = 1 and m = 8 on, with c = 1.5, kappa = E[min(y^2, c^2)] = 0.7785 of a unit Gaussian, and m_k =
// max(32, 8192 / w): a running mean over the last 16384 samples at least, in Huber's way (1981, Robust
// Statistics, section 5.2). Noise is as far below its mean as above it; a pulse from the sky is above it, at
// its own DM for its width and at others for its sweep, and does not count: a bright one must not hide itself
// or the next. In white noise s_k^2 is 1 with an error of 0.92 / sqrt(m), and up to 1.8 / sqrt(m) as long as
// m grows; Huber's error of m values, 1.66 / sqrt(m), stands for both. The factor by which S/N of widths in
// (w / 2, w] is divided is
//
//   noise_k^2 = 1 + max(0, s_k^2 - 1 - 3 1.66 / sqrt(m))
//
// exactly 1 in white noise but for chance, and 3 errors below s_k^2 where noise is red. Widths below 8 take
// that of 8, widths above 1024 that of 1024.
//
// numpy: for v in y[y < 0]: m = min(m + 1, m_k); s2 += (min(v**2, 2.25 * s2) / 0.7785 - s2) / m
#pragma once
#include <array>

#include "kernels/boxcar.hpp"

namespace tianyan {

inline constexpr int kNoiseFirst = 3, kNoiseLast = 10;  ///< powers of two of the boxcars

/// Of one row, or of the rows near it.
struct NoiseScale {
  static constexpr int kScales = kNoiseLast - kNoiseFirst + 1;
  std::array<double, kScales> square{1, 1, 1, 1, 1, 1, 1, 1}, weight{8, 8, 8, 8, 8, 8, 8, 8};  ///< s^2, m
  NoiseFactors factors() const;
};

/// Adds the run [0, n) of `track`, whose samples are `row` [n]; n is a multiple of 8. Boxcars that were made
/// of less than plan.variance_min a sample do not count.
void update_noise_scale(const BoxcarPlan& plan, const VarianceTrack& track, View<const std::int32_t, 1> row,
                        NoiseScale& scale);

}  // namespace tianyan
