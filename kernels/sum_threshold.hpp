// Interference in runs of successive values, each too weak to be seen alone: SumThreshold (Offringa, de
// Bruyn, Biehl et al. 2010, MNRAS 405, 155).
//
// Values x[c][t] are in units of their own standard deviation. For each run length N, in ascending order, and
// each run R of N successive values along one axis, all of R is flagged where
//
//   |sum_{i in R, good} q(x[i])| > q(limit_N(n)),   n = sum_{i in R} good[i],
//   limit_N(n) = max(chi_N sqrt(N n), keep n + margin sqrt(n)),   limit_N(N) = max(chi_N N, ...)
//
// Flags of one length are set after all runs of that length were judged; values flagged at shorter lengths,
// or before, are left out of both sums, and a run without good values says nothing. q(x) = round(256 x), |x|
// clipped at kSumThresholdMax: sums are of integers, and so the same on every processor and in any order.
//
// The paper compares means with chi_N, which is the same for runs that are wholly good; but one good value
// left among flagged ones would then be held against chi_64, 0.6 deviations, and half-flagged planes would
// flag themselves away. Here a run of fewer values is as significant as a whole one when it is flagged.
//
// numpy, one row and one length N: s, c = np.convolve(q * good, np.ones(N), "valid"), np.convolve(good,
// np.ones(N), "valid"); bad = np.convolve(abs(s) > limit(c), np.ones(N)) > 0
//
// Two kinds of runs, and what they must leave alone. A pulse from the sky of S/N S over n_chan equal channels
// has at most k = S / sqrt(n_chan) in one channel, in however many cells it lasts: the mean of a run of N
// cells along time is at most k / sqrt(N), and no sum of n good ones above k sqrt(n). At one time, though, it
// may fill many channels side by side with k each: the sum of n of them may be k n. The noise of either sum
// is sqrt(n).
#pragma once
#include <bit>
#include <cstdint>
#include <vector>

#include "kernels/base/view.hpp"

namespace tianyan {

enum class RunAxis { kTime, kChannel };

/// What a run of `length` values must exceed, in standard deviations of one value.
struct RunThreshold {
  int length = 1;
  double mean = 0.0;                ///< chi_N
  double keep = 0.0, margin = 0.0;  ///< of a pulse that may fill the run
  /// For n good values.
  double limit(int n) const;
};

struct RunThresholdParams {
  double first_sigma = 6.0;   ///< of single values
  double base = 1.5;          ///< rho of the paper: a run twice as long has a threshold base times lower
  int longest = 64;           ///< the last length is the largest power of two up to it
  double keep_sigma = 0.0;    ///< S/N of a pulse to keep, in one channel
  double margin_sigma = 5.0;  ///< noise that may come on top of it, in standard deviations of a run's mean
};

inline constexpr int kSumThresholdLongest = 512;     ///< 512 values at the clip fit in 32 bits
inline constexpr float kSumThresholdMax = 1e4F;      ///< |x| and thresholds are clipped here
inline constexpr float kSumThresholdScale = 256.0F;  ///< steps of a standard deviation

/// Thresholds of N = 1, 2, 4, ... <= longest, with chi_N = first_sigma / base^log2(N):
///   along time      limit_N(n) = max(chi_N sqrt(N n), (keep_sigma + margin_sigma) sqrt(n))
///   along channels  limit_N(n) = max(chi_N sqrt(N n), keep_sigma n + margin_sigma sqrt(n))
/// Throws std::invalid_argument unless first_sigma > 0, base >= 1, 1 <= longest <= kSumThresholdLongest and
/// keep_sigma, margin_sigma >= 0.
std::vector<RunThreshold> sum_thresholds(RunAxis axis, const RunThresholdParams& params);

/// q(x): the nearest step, to even between two. What is not a number counts as the largest.
constexpr std::int32_t sum_threshold_steps(float x) {
  constexpr float kToInteger = 12582912.0F;  // 1.5 * 2^23: floats from here on are whole numbers
  const float low = x < kSumThresholdMax ? x : kSumThresholdMax;
  const float clipped = low > -kSumThresholdMax ? low : -kSumThresholdMax;
  return std::bit_cast<std::int32_t>(clipped * kSumThresholdScale + kToInteger) -
         std::bit_cast<std::int32_t>(kToInteger);
}

/// Elements of scratch for runs along an axis of n values.
std::int64_t sum_threshold_scratch_ints(RunAxis axis, std::int64_t n);

/// Flags runs along time. x, good: [channel][cell], rows contiguous, with any stride; good is 0 or 1, and is
/// written 0 where newly flagged. Returns how many are. Each row is judged alone: planes may be cut between
/// rows. Throws std::invalid_argument for shapes that differ, rows with gaps, scratch that is too short, run
/// lengths that are not ascending powers of two up to kSumThresholdLongest or thresholds that are not
/// positive. Lengths above the row's are left out.
std::int64_t sum_threshold_times(const std::vector<RunThreshold>& runs, View<const float, 2> x,
                                 View<std::uint8_t, 2> good, View<std::int32_t, 1> scratch);

/// Flags runs along channels: as above with columns for rows, so planes may be cut between columns.
std::int64_t sum_threshold_channels(const std::vector<RunThreshold>& runs, View<const float, 2> x,
                                    View<std::uint8_t, 2> good, View<std::int32_t, 1> scratch);

/// The same, value by value.
std::int64_t sum_threshold_times_reference(const std::vector<RunThreshold>& runs, View<const float, 2> x,
                                           View<std::uint8_t, 2> good);
std::int64_t sum_threshold_channels_reference(const std::vector<RunThreshold>& runs, View<const float, 2> x,
                                              View<std::uint8_t, 2> good);

}  // namespace tianyan
