// Boxcar search of dedispersed rows: the best (start, width) of each cell of time, with its true
// significance.
//
//   snr(t, w) = (sum_{i < w} row[t + i] - M(t, w)) / (noise(w) sqrt(V(t, w)))
//
// V(t, w) is the variance of the samples that were really summed, M(t, w) their mean, and noise(w) >= 1 how
// much noisier than their weights sums of this width have been of late (kernels/noise_scale.hpp).
//
// Widths form a ladder, in samples of the octave: kNarrowWidths on the row itself; from the fifth on also on
// sums of 8 samples and again on sums of 64, so that a wide boxcar costs no more than a narrow one and its
// start is never coarser than 1/6 of its width. Sums are exact integers; S/N is one division and one square
// root in double. Of each cell (32 samples on the first two levels, 256 on the third) at most one event is
// kept: the highest S/N, then the narrower, then the earlier.
//
// numpy: snr = (np.convolve(row, np.ones(w), "valid") - M) / (noise * np.sqrt(V))
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/view.hpp"

namespace tianyan {

inline constexpr int kNarrowWidths[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};
inline constexpr int kNumNarrowWidths = 10;
inline constexpr int kFirstWideWidth = 4;  ///< index into kNarrowWidths from which the decimated levels go on
inline constexpr int kBoxcarLevels = 3;
inline constexpr int kBoxcarTail = 32;  ///< samples of a level kept from one run to the next
inline constexpr int kVarianceBin = 8;  ///< samples that share one variance

/// Which widths are searched. Built once for an octave.
struct BoxcarPlan {
  int n_level = 1;
  int first_width[kBoxcarLevels] = {0, 0, 0};  ///< indices into kNarrowWidths
  int end_width[kBoxcarLevels] = {0, 0, 0};
  double snr_min = 6.0;       ///< events below it are not made
  double variance_min = 0.0;  ///< per sample: where less was summed (ends of the scan, gaps) nothing is found
  std::int64_t lag() const { return kBoxcarTail * decimation(n_level - 1); }
  static constexpr std::int64_t decimation(int level) { return std::int64_t{1} << (3 * level); }
  static constexpr std::int64_t cell(int level) { return level == 0 ? 32 : 4 * decimation(level); }
  std::vector<int> widths_samples() const;
};
/// Widths from the first rung at or above min_samples (or 1) to the last at or below max_samples; at least
/// one. Throws std::invalid_argument when max_samples exceeds 2048 or sums of |row| <= max_row could overflow
/// int32.
BoxcarPlan make_boxcar_plan(double min_samples, double max_samples, std::int64_t max_row, double snr_min,
                            double variance_min);

/// One event of one row; times in samples of the octave, relative to the first new sample of the run.
struct BoxcarEvent {
  std::int64_t start = 0;
  int width = 0;
  double snr = 0.0;
};

/// Factors by which sums of boxcars are noisier than their weights say: [k] for widths (2^(k - 1), 2^k].
inline constexpr int kNoiseOctaves = 12;
using NoiseFactors = std::array<double, kNoiseOctaves>;
inline constexpr NoiseFactors kWhiteNoise = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
constexpr int noise_octave(int width) {
  return std::min(kNoiseOctaves - 1, static_cast<int>(std::bit_width(static_cast<unsigned>(width - 1))));
}

/// Variance of row samples over time: `per_bin[i]` is that of the sum of samples [n i, n i + n) after
/// `begin`, n = bin_samples, which is relative to the first new sample of the run (negative: earlier ones).
struct VarianceTrack {
  std::int64_t begin = 0;
  int bin_samples = kVarianceBin;  ///< or 1, where every sample has its own
  View<const float, 1> per_bin;
  View<double, 1> prefix;  ///< prefix[i] = sum(per_bin[:i]) once a boxcar needs it; one longer than per_bin
  /// Of each level: the smallest variance per sample that a start may see, or infinity where nothing can be
  ///< found
  double least[kBoxcarLevels] = {};

  View<const float, 1> mean_per_bin;  ///< of the row's mean, in bins of kVarianceBin; empty where it is zero
  View<double, 1> mean_prefix;
  double least_mean = 0.0;  ///< per sample

  NoiseFactors noise = kWhiteNoise;
  double noise_of(int width) const { return noise[static_cast<std::size_t>(noise_octave(width))]; }

  /// M(t, w), proportional to time within bins.
  double mean_of(std::int64_t start, int width) const;
  /// V(t, w). Within bins it is proportional to time, but a boxcar shorter than a bin gets the largest it
  /// touches.
  double of(std::int64_t start, int width) const;
};

/// S/N of a boxcar whose samples sum to `sum`; zero where too little was summed.
double boxcar_snr(const BoxcarPlan& plan, const VarianceTrack& track, std::int64_t sum, std::int64_t start,
                  int width);

/// The track of runs of n new samples, from plan.lag() before the first: fills `least`; `prefix` is filled
/// when it is first needed, which few tracks are, so a track belongs to one thread. Rows that share a track
/// share this work. `per_bin` is contiguous and covers [-lag, n): bins of kVarianceBin samples, or single
/// ones.
VarianceTrack make_variance_track(const BoxcarPlan& plan, View<const float, 1> per_bin, std::int64_t n,
                                  View<double, 1> prefix);

/// Gives a track its row's mean, whose sums are made in `prefix`. `per_bin` covers what the track's own
/// covers, in bins of kVarianceBin.
void set_row_mean(View<const float, 1> per_bin, View<double, 1> prefix, VarianceTrack& track);

/// What a row keeps from run to run: the last kBoxcarTail samples of each level.
using BoxcarTail = std::int32_t[kBoxcarLevels][kBoxcarTail];

/// Searches a run of n new samples, n a multiple of 256. `row` holds kBoxcarTail samples of room, which are
/// filled from the tail, then the n new samples. Starts [-32 * 8^level, n - 32 * 8^level) of each level are
/// searched, so that every start is searched once whatever the runs' lengths are. Events are appended.
/// Scratch: boxcar_scratch_ints(n).
void boxcar_search(const BoxcarPlan& plan, const VarianceTrack& variance, View<std::int32_t, 1> row,
                   BoxcarTail& tail, View<std::int32_t, 1> scratch, std::vector<BoxcarEvent>& events);
std::int64_t boxcar_scratch_ints(std::int64_t n);

/// The smallest sums of each level and width that may be events of a run: one below them is none, whatever
/// its start. INT32_MAX of widths that are not searched, and where nothing can be found.
struct BoxcarLeastSums {
  std::int32_t of[kBoxcarLevels][kNumNarrowWidths];
};
BoxcarLeastSums least_boxcar_sums(const BoxcarPlan& plan, const VarianceTrack& track);

/// Samples of a level from a cell's first start on that its boxcars, and bounds of them, are made of.
inline constexpr int kBoxcarCellSamples = 64;

/// The event of a cell whose starts are [first, first + cell(level) / decimation(level)) in samples of the
/// level; x [kBoxcarCellSamples] holds its samples from `first` on, zero beyond the end of the run. Its width
/// is 0 where there is none.
BoxcarEvent best_of_cell(const BoxcarPlan& plan, const VarianceTrack& track, const BoxcarLeastSums& least,
                         int level, std::int64_t first, View<const std::int32_t, 1> x);

/// The definition over one whole row [n], with V from the same track: every cell's best, in order of level
/// and time. The track reaches beyond the row as far as the longest boxcar of its last cell.
std::vector<BoxcarEvent> boxcar_search_reference(const BoxcarPlan& plan, const VarianceTrack& variance,
                                                 View<const std::int32_t, 1> row);

}  // namespace tianyan
