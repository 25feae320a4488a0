// Spectral kurtosis of power sums: tells Gaussian noise from carriers and bursts by the scatter of the power
// alone, whatever its level (Nita & Gary 2010, MNRAS 406, L60: the generalised estimator, equation 8).
//
// Of n samples x[t] of one channel, each with the Gamma distribution of this shape (N d in the paper: powers
// summed in one sample, times 1 for a complex voltage and 1/2 for a real one),
//
//   SK = (n shape + 1) / (n - 1) (n S2 / S1^2 - 1),   S1 = sum x,  S2 = sum x^2
//
// is 1 on average. A carrier makes it smaller; a burst that lasts for less than about half of the samples
// makes it larger. One that is on for half of the time can hide.
//
// numpy: sk = (n * shape + 1) / (n - 1) * (n * (x**2).sum() / x.sum()**2 - 1)
#pragma once
#include <cstdint>

#include "kernels/base/view.hpp"

namespace tianyan {

inline constexpr int kMinKurtosisSamples = 16;  ///< below, SK says nothing that a limit could hold
/// Range of shapes that limits are known for. At 0.5 a sample is one real voltage squared.
inline constexpr double kMinKurtosisShape = 0.5, kMaxKurtosisShape = 1e8;

/// SK as above. Throws std::invalid_argument unless n > 1, sum > 0 and shape > 0. S1 and S2 must have been
/// summed in double: SK - 1 is shape times as sensitive to their rounding.
double spectral_kurtosis(double n, double sum, double sum_squares, double shape);

/// Central moments of SK for noise. S1 and S2 / S1^2 of Gamma variables are independent, so that
/// E[(S2 / S1^2)^j] = E[S2^j] / E[S1^2j], which are ratios of polynomials. With K = n shape:
///
///   second = 2 shape (shape+1) n^2 / ((n-1) (K+2) (K+3))
///   third  = 8 shape (shape+1) n^3 ((shape+4) K - 5 shape - 2) / ((n-1)^2 (K+2) ... (K+5))
///   fourth = 12 shape (shape+1) n^4 P / ((n-1)^3 (K+2) ... (K+7)),
///   P = (shape+1) K^3 + (3 shape^2 + 68 shape + 125) K^2 - (93 shape^2 + 245 shape + 32) K
///       + 84 shape^2 + 48 shape + 24
struct KurtosisMoments {
  double second = 0.0, third = 0.0, fourth = 0.0;
};
/// n in [kMinKurtosisSamples, 2^31], shape in [kMinKurtosisShape, kMaxKurtosisShape], or
/// std::invalid_argument.
KurtosisMoments kurtosis_moments(double n, double shape);

/// SK of noise is below `low` with probability false_alarm / 2, and above `high` with the same.
struct KurtosisLimits {
  double low = 0.0, high = 0.0;
};
/// Quantiles of the Pearson curve that has the four moments of SK. n and shape as for kurtosis_moments(),
/// false_alarm in (0, 1), or std::invalid_argument. Takes 20 to 50 us.
///
/// Four moments are not the distribution. Of up to two million trials at a false alarm of 0.0027, the upper
/// tail had 0.95 to 1.15 of the stated probability for n from 16 to 256 and shapes from 0.5 up. The lower one
/// had 0.6 to 1.1 of it where shape >= 2 and 0.8 to 1.1 where also n >= 128 or shape >= 12 and n >= 64; but
/// 13 times (n = 16, shape 0.5), 3.5 times (n = 16, shape 1) or 4 times (n = 32, shape 0.5) of it for few
/// samples of a small shape.
KurtosisLimits kurtosis_limits(double n, double shape, double false_alarm);

struct KurtosisParams {
  double shape = 0.0;
  double false_alarm = 0.0;     ///< of both tails together
  double excess_allowed = 0.0;  ///< added to the upper limit: what a bright pulse may add
};

/// Flags cells whose SK is outside the limits of their own n.
/// sum, sum_squares: [channel][cell], of the samples with weight; n: [channel][cell], how many they were.
/// good: [channel][cell], 0 where flagged. Left alone are cells flagged before, cells with n <
/// kMinKurtosisSamples and cells with sum <= 0. A cell whose sums are not finite is outside. Returns how many
/// cells were newly flagged. Throws std::invalid_argument for shapes of views that differ, params outside the
/// range of kurtosis_limits(), or a negative excess.
std::int64_t flag_kurtosis(const KurtosisParams& params, View<const double, 2> sum,
                           View<const double, 2> sum_squares, View<const std::int32_t, 2> n,
                           View<std::uint8_t, 2> good);

/// The shape for which the median of SK over the good cells is 1: SK = 1 where
///
///   shape = mean^2 / variance - 1 / n,   mean = S1 / n,  variance = (S2 - S1^2 / n) / (n - 1)
///
/// and SK grows with the shape, so that it is the (upper) median of these over cells with good != 0, n >=
/// kMinKurtosisSamples, sum > 0, and a variance above the rounding of the sums. 0 if there is none.
///
/// The median of a skew distribution is not its mean: from noise the result is too large by about the
/// fraction third / (6 second) of KurtosisMoments, 1.4 % for n = 64 and shape 12, 3.5 % for n = 64 and
/// shape 1.
double kurtosis_shape(View<const double, 2> sum, View<const double, 2> sum_squares,
                      View<const std::int32_t, 2> n, View<const std::uint8_t, 2> good);

}  // namespace tianyan
