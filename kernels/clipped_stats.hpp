// The passes of clipped means and deviations, the same on the host and on devices
// (kernels/channel_stats.hpp).
#pragma once
#include <cmath>
#include <cstdint>

namespace tianyan {

inline constexpr int kSparsePasses = 3, kFullPasses = 2;
inline constexpr std::int64_t kSparseRun = 64, kSparseStep = 512;
inline constexpr float kClipSigma = 3.0F;
inline constexpr double kSigmaOfClippedGaussian = 0.98658;

/// Sums about `pivot`.
struct ClippedMoments {
  double pivot = 0.0, n = 0.0, sum = 0.0, sum_squares = 0.0;

  constexpr double mean() const { return n > 0.0 ? pivot + sum / n : pivot; }
  /// Of integers the difference is exact up to 2^17 samples.
  constexpr double sigma() const {
    const double scatter = n * sum_squares - sum * sum;
    return n > 0.0 && scatter > 0.0 ? std::sqrt(scatter) / n : 0.0;
  }
  constexpr void add(double v) {
    n += 1.0;
    sum += v;
    sum_squares += v * v;
  }
};

/// The sums of integers; where there are none, their mean is `location`.
constexpr ClippedMoments integer_moments(std::int64_t n, std::int64_t sum, std::int64_t squares,
                                         double location) {
  return {n > 0 ? 0.0 : location, static_cast<double>(n), static_cast<double>(sum),
          static_cast<double>(squares)};
}

/// Integers [low, high], none where low > high.
struct IntegerBounds {
  int low = 0, high = 0;
};
/// Those of [0, most] that are nearer to `location` than `half`; all where half is 0.
constexpr IntegerBounds bounds_within(double location, double half, int most) {
  if (!(half > 0.0)) return {0, most};
  const double above = location - half, below = location + half;
  const int low = above < 0.0 ? 0 : above >= most ? most : static_cast<int>(above) + 1;
  const int high = below <= 0.0 ? 0 : below > most ? most : static_cast<int>(below);
  return {low, high > 0 && high == below ? high - 1 : high};
}

struct Gaussian {
  double mean = 0.0, sigma = 0.0;
};

/// What a pass makes of the moments of the samples that are nearer to the last one's mean than kClipSigma
/// sigma, of n_good in all.
constexpr Gaussian next_pass(const Gaussian& last, const ClippedMoments& m, bool sparse,
                             std::int64_t n_good) {
  const bool clipped = last.sigma > 0.0 && (sparse || m.n < static_cast<double>(n_good));
  return {m.mean(), m.sigma() / (clipped ? kSigmaOfClippedGaussian : 1.0)};
}

/// Of intensities, from that of the integers that stand for them.
constexpr Gaussian calibrated(const Gaussian& g, double scale, double offset) {
  return {scale * g.mean + offset, (scale < 0.0 ? -scale : scale) * g.sigma};
}

}  // namespace tianyan
