// Conditioning: recorded spectra of one statistics window to normalised int8 with weights, interference
// flagged.
//
// Windows are fixed in the scan's absolute time, so what a sample becomes depends on its window alone. The
// order is: static bands and a given mask; unpack, statistics, normalise; channels (dead, saturated, outlying
// from their neighbours', IQRM, bumps of the bandpass); what channels share is taken out of them (periodic
// lines, the zero-DM series); times; cells of kCellSamples (kurtosis, SumThreshold). What other beams say of
// cells comes between measure() and finish(). A last window shorter than a quarter of the others is
// normalised by the statistics of the one before it. The stage decides; samples, wherever they are, are
// pipeline/window_levels.hpp's.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/periodic.hpp"
#include "pipeline/config.hpp"
#include "pipeline/window_flags.hpp"
#include "pipeline/window_levels.hpp"

namespace tianyan {

class Conditioner {
 public:
  /// `levels` are of the same stream and windows, and must outlive the stage. Throws std::invalid_argument
  /// for rules that cannot work with this stream.
  Conditioner(const RfiConfig& config, const StreamInfo& info, const SampleFormat& format,
              std::int64_t window_samples, int n_threads, WindowLevels& levels);
  /// Of memory of the host, the levels' included.
  std::int64_t footprint_bytes() const;
  /// The levels' memory, too.
  void allocate();

  /// Levels are written whole: after the last recorded sample they are zero, and where channels and times
  /// are flagged; cells follow in finish(). `mask` may be null.
  void measure(const RawBlock& window, const MaskWindow* mask);
  /// After measure(): sums of a cell of subbands() in units of their standard deviation, [subband][cell]; has
  /// is 0 where nothing has weight.
  void subband_cells(View<float, 2> sum, View<std::uint8_t, 2> has) const;
  /// Applies what other beams say, good [subband][cell] (may be null), and writes subband_weight and
  /// subband_mean [subband][window_samples / 8]; the mean is what is left of the channels' means, summed as
  /// the weights are.
  void finish(const View<const std::uint8_t, 2>* beams_good, View<float, 2> subband_weight,
              View<float, 2> subband_mean);
  /// Both, for a beam by itself.
  void process(const RawBlock& window, View<float, 2> subband_weight, View<float, 2> subband_mean);

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
  std::int64_t run_scratch_ints() const;
  ChannelStats stats();
  void flag_channels_of(const Calibration& calibration);
  void flag_saturated(const Calibration& calibration);
  void flag_iqrm_channels();
  double typical_sigma();
  void flag_bandpass();
  void sum_zero_dm();
  std::int64_t flag_outlying_times(View<std::uint8_t, 1> good) const;
  bool make_shared_wave();
  void count_lines(const std::vector<PeriodicLine>& found);
  bool find_lines(View<const std::uint8_t, 1> good);
  void flag_times_of();
  void flag_kurtosis_cells();
  void flag_plane();
  void make_plane();
  double channel_mean_level(std::int64_t c) const;

  RfiConfig config_;
  StreamInfo info_;
  UnpackPlan unpack_;
  std::int64_t window_samples_;
  int n_threads_;
  std::vector<int> subbands_;
  std::vector<std::uint8_t> in_band_;  // 0 where the config flags the channel
  PeriodicPlan periodic_;

  WindowLevels& levels_;
  View<const std::int16_t, 2> bands_;  // of the levels, [band][time]
  CellSums cells_;                     // of the levels

  Array<std::int32_t, 1> zero_dm_;  // [time]
  Array<float, 1> mean_, sigma_, sigma_z_, band_sigma_, residual_mean_;
  Array<std::int64_t, 1> n_good_;
  Array<float, 2> plane_;               // [channel][cell]
  Array<std::int32_t, 2> run_scratch_;  // [thread], of SumThreshold
  Array<float, 1> wave_series_;
  Array<std::int16_t, 1> wave_;  // what all channels share
  bool has_statistics_ = false;
  bool is_counted_ = true;
  WindowFlags flags_;

  std::int64_t first_sample_ = 0;
  std::vector<FlagShare> windows_;
  std::vector<PeriodicCount> lines_;  // as periodic_ lists them
};

}  // namespace tianyan
