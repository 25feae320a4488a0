// Conditioning: recorded spectra of one statistics window to normalised int8 with weights, interference
// flagged.
//
// Windows are fixed in the scan's absolute time, so what a sample becomes depends on its window alone. The
// order is: static bands and a given mask; unpack, statistics, normalise; channels (dead, saturated, outlying
// from their neighbours', IQRM, bumps of the bandpass); what channels share is taken out of them (periodic
// lines, the zero-DM series); times; cells of kCellSamples (kurtosis, SumThreshold). What other beams say of
// cells comes between measure() and finish(). Samples of 8 bits or fewer with one calibration over the window
// stay small integers until they are normalised; others are floats. A last window shorter than a quarter of
// the others is normalised by the statistics of the one before it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/raw_block.hpp"
#include "kernels/periodic.hpp"
#include "kernels/quantise.hpp"
#include "kernels/unpack.hpp"
#include "pipeline/config.hpp"
#include "pipeline/parallel.hpp"
#include "pipeline/window_flags.hpp"

namespace tianyan {

class Conditioner {
 public:
  /// Throws std::invalid_argument for rules that cannot work with this stream.
  Conditioner(const RfiConfig& config, const StreamInfo& info, const SampleFormat& format,
              std::int64_t window_samples, int n_threads);
  std::int64_t footprint_bytes() const;
  void allocate();

  /// q [channel][window_samples] is written whole: after the last recorded sample it is zero, and where
  /// channels and times are flagged; cells follow in finish(). `mask` may be null.
  void measure(const RawBlock& window, const MaskWindow* mask, View<std::int8_t, 2> q);
  /// After measure(): sums of a cell of subbands() in units of their standard deviation, [subband][cell]; has
  /// is 0 where nothing has weight.
  void subband_cells(View<float, 2> sum, View<std::uint8_t, 2> has) const;
  /// Applies what other beams say, good [subband][cell] (may be null), and writes subband_weight and
  /// subband_mean [subband][window_samples / 8]; the mean is what is left of the channels' means, summed as
  /// the weights are.
  void finish(const View<const std::uint8_t, 2>* beams_good, View<std::int8_t, 2> q,
              View<float, 2> subband_weight, View<float, 2> subband_mean);
  /// Both, for a beam by itself.
  void process(const RawBlock& window, View<std::int8_t, 2> q, View<float, 2> subband_weight,
               View<float, 2> subband_mean);

  /// Of the last window: weights of channels over spans of time, and times that were not flagged.
  const SpanWeights& weights() const { return flags_.weights(); }
  View<const std::uint8_t, 1> time_good() const { return flags_.window_time_good(); }
  /// 1 where a sample has weight in some channel, else 0: [window_samples].
  void sample_weights(View<float, 1> weight) const;
  const WindowFlags& flags() const { return flags_; }
  View<const float, 1> mean() const { return mean_.cview(); }    ///< recorded units, [channel]
  View<const float, 1> sigma() const { return sigma_.cview(); }  ///< recorded units, [channel]
  /// After finish(): what is left of the channels' means (kernels/quiet_means.hpp), levels of q, [channel].
  View<const float, 1> residual_mean() const { return residual_mean_.cview(); }
  /// The zero-DM series after rules of channels, in units of its standard deviation, [time].
  void zero_dm(View<float, 1> z) const;

  /// Whether report() counts the windows that are measured from here on; it does unless told otherwise.
  void count_windows(bool is_counted) { is_counted_ = is_counted; }
  /// Of all counted windows so far.
  FlagReport report() const;
  const std::vector<int>& subbands() const { return subbands_; }

 private:
  using Calibration = std::optional<RowCalibration>;
  int n_slab() const;
  template <class Body>
  void for_slabs(const Body& body) const;
  std::int64_t slab_bytes() const;
  std::int64_t run_scratch_ints() const;
  int n_band() const;
  template <class T>
  View<T, 2> slab_rows(int thread, int n_channel, std::int64_t n_time);
  void normalise_window(const RawBlock& window, const Calibration& calibration, bool measure,
                        View<std::int8_t, 2> q);
  template <class T, class... RowsCalibration>
  void normalise_all(const RawBlock& window, bool measure, View<std::int8_t, 2> q,
                     const RowsCalibration&... calibration);
  template <class T, class... RowsCalibration>
  void normalise_group(View<const T, 2> x, int first, bool measure, View<std::int8_t, 2> q,
                       const RowsCalibration&... calibration);
  void flag_channels_of(const Calibration& calibration);
  void flag_saturated(const Calibration& calibration);
  void flag_iqrm_channels();
  double typical_sigma();
  void flag_bandpass();
  void drop_channels(View<std::int8_t, 2> q);
  void sum_zero_dm();
  std::int64_t flag_outlying_times(View<std::uint8_t, 1> good) const;
  bool make_shared_wave();
  void count_lines(const std::vector<PeriodicLine>& found);
  bool find_lines(View<const std::uint8_t, 1> good);
  void flag_times_of(View<std::int8_t, 2> q);
  void flag_kurtosis_cells();
  void flag_plane();
  void make_plane();
  void drop_cells(View<std::int8_t, 2> q);
  double channel_mean_level(std::int64_t c) const;

  RfiConfig config_;
  StreamInfo info_;
  UnpackPlan unpack_;
  std::int64_t window_samples_;
  int n_threads_;
  int band_channels_;  // of a row of band_z_
  std::vector<int> subbands_;
  std::vector<std::uint8_t> in_band_;  // 0 where the config flags the channel
  PeriodicPlan periodic_;

  Array<std::uint8_t, 2> slab_;     // [thread], rows of floats or of small integers
  Array<std::int16_t, 2> band_z_;   // [band][time]
  Array<std::int32_t, 1> zero_dm_;  // [time]
  Array<float, 1> mean_, sigma_, sigma_z_, band_sigma_, residual_mean_;
  Array<std::int64_t, 1> n_good_;
  Array<std::int16_t, 2> cell_sum_;       // [channel][cell]
  Array<std::uint16_t, 2> cell_squares_;  // [channel][cell]
  Array<float, 2> plane_;                 // [channel][cell]
  Array<std::int32_t, 2> run_scratch_;    // [thread], of SumThreshold
  Array<float, 1> wave_factor_, wave_series_;
  Array<std::int16_t, 1> wave_;  // what all channels share; of this window only where has_wave_
  bool has_wave_ = false;
  bool has_statistics_ = false;
  bool is_counted_ = true;
  WindowFlags flags_;

  std::int64_t first_sample_ = 0;
  std::vector<FlagShare> windows_;
  std::vector<PeriodicCount> lines_;  // as periodic_ lists them

  static constexpr int kSlabChannels = 64;  // a line of the cache of bytes
};

// body(first, end, thread) for slabs of channels [first, end), in parallel.
template <class Body>
void Conditioner::for_slabs(const Body& body) const {
  parallel_for(n_threads_, n_slab(), [&](std::int64_t slab, int thread) {
    const int first = static_cast<int>(slab) * kSlabChannels;
    body(first, std::min(first + kSlabChannels, info_.n_chan), thread);
  });
}

}  // namespace tianyan
