// Conditioning: recorded spectra of one statistics window to normalised int8 with weights.
//
// Windows are fixed in the scan's absolute time, so what a sample becomes depends on its window alone. The
// order is: static bands, unpack, statistics, normalise, outlying channels, zero-DM outlying times, weights
// of subbands. Samples of 8 bits or fewer with one calibration over the window stay small integers until they
// are normalised; others are floats. A last window shorter than a quarter of the others is normalised by the
// statistics of the one before it.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/raw_block.hpp"
#include "kernels/unpack.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

/// What was flagged and why, in (channel, sample) pairs; each sample is counted once, by the first rule that
/// took it.
struct FlagCounts {
  std::int64_t total = 0;
  std::int64_t recorded = 0;  ///< zero weight in the file, gaps included
  std::int64_t bands = 0;     ///< static bands of the config
  std::int64_t channels = 0;  ///< outlying, dead or not finite
  std::int64_t times = 0;     ///< outlying in the zero-DM series
  FlagCounts& operator+=(const FlagCounts& other);
  double fraction() const;
};

class Conditioner {
 public:
  Conditioner(const RfiConfig& config, const StreamInfo& info, const SampleFormat& format,
              std::int64_t window_samples, int n_threads);
  std::int64_t footprint_bytes() const;
  void allocate();
  /// q [channel][window_samples] and subband_weight [subband][window_samples / 8] are written whole: after
  /// the last recorded sample they are zero.
  /// subband_mean is what is left of the channels' means, summed as the weights are.
  void process(const RawBlock& window, View<std::int8_t, 2> q, View<float, 2> subband_weight,
               View<float, 2> subband_mean);

  /// Of the last window: weights of channels over spans of time, and times that were not flagged.
  const SpanWeights& weights() const { return weights_; }
  View<const std::uint8_t, 1> time_good() const { return time_good_.view(); }

  const FlagCounts& counts() const { return counts_; }
  /// Fraction of the processed windows in which each channel was flagged, [channel].
  std::vector<double> flagged_fraction() const;
  const std::vector<int>& subbands() const { return subbands_; }

 private:
  void flag_bands(FlagCounts& now);
  template <class T, class... Calibration>
  void normalise_all(const RawBlock& window, bool measure, View<std::int8_t, 2> q,
                     const Calibration&... calibration);
  void flag_outlying_channels(FlagCounts& now);
  void drop_flagged(View<std::int8_t, 2> q);
  void flag_times_of(View<std::int8_t, 2> q, FlagCounts& now);
  void count_channels(std::int64_t n_time);
  int n_slab() const;
  int slab_begin(int slab) const;
  int slab_channels(int slab) const;
  std::int64_t slab_bytes() const;
  template <class T>
  View<T, 2> slab_rows(int thread, int n_channel, std::int64_t n_time);

  RfiConfig config_;
  StreamInfo info_;
  UnpackPlan unpack_;
  std::int64_t window_samples_;
  int n_threads_;
  std::vector<int> subbands_;
  std::vector<std::uint8_t> in_band_;  // 0 where the config flags the channel

  Array<std::uint8_t, 2> slab_;     // [thread], rows of floats or of small integers
  Array<std::int32_t, 2> zero_dm_;  // [thread][time]
  Array<float, 1> mean_, sigma_, sigma_z_, residual_mean_;
  Array<std::int64_t, 1> n_good_, q_sum_;
  Array<std::uint8_t, 1> channel_good_, time_good_;
  bool has_statistics_ = false;
  SpanWeights weights_;

  FlagCounts counts_;
  std::vector<std::int64_t> flagged_windows_;  // by channel
  std::int64_t n_windows_ = 0;
};

}  // namespace tianyan
