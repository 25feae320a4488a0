// Levels of a window on the host: unpacked and normalised slab by slab of channels, in parallel, so that
// samples stay in the caches from their statistics to their sums. Samples of 8 bits or fewer with one
// calibration over the window stay small integers until they are normalised; others are floats.
#pragma once
#include "kernels/base/array.hpp"
#include "pipeline/window_levels.hpp"

namespace tianyan {

class HostLevels final : public WindowLevels {
 public:
  HostLevels(const StreamInfo& info, const SampleFormat& format, std::int64_t window_samples, int n_threads);
  /// Where levels are written from the next window on, q [channel][window_samples]; to be said before the
  /// first.
  void write_to(View<std::int8_t, 2> q);

  std::int64_t footprint_bytes() const override;
  void allocate() override;
  void begin(const RawBlock& window, const std::optional<RowCalibration>& calibration) override;
  void normalise(const SpanWeights& weights, bool measures, const ChannelStats& stats) override;
  void drop_channels(View<const std::uint8_t, 1> good) override;
  void drop_times(const std::vector<FlaggedTimes>& runs) override;
  void drop_cells(View<const std::uint8_t, 2> rule) override;
  void fit_wave(View<const std::int16_t, 1> wave) override;
  void finish() override {}
  View<const std::int16_t, 2> bands() override { return bands_.cview(); }
  CellSums cells() override { return {cell_sum_.cview(), cell_squares_.cview()}; }

 private:
  struct Normal;
  int n_chan() const { return unpack_.n_chan; }
  std::int64_t slab_bytes() const;
  template <class T>
  View<T, 2> slab_rows(int thread, int n_channel);
  template <class T, class... RowsCalibration>
  void normalise_all(const Normal& how, const RowsCalibration&... calibration);
  template <class T, class... RowsCalibration>
  void normalise_group(const Normal& how, View<const T, 2> x, int first,
                       const RowsCalibration&... calibration);

  UnpackPlan unpack_;
  std::int64_t window_samples_, n_cell_;
  int n_threads_;
  int band_channels_;
  View<std::int8_t, 2> q_;

  Array<std::uint8_t, 2> slab_;           // [thread], rows of floats or of small integers
  Array<std::int16_t, 2> bands_;          // [band][time]
  Array<std::int16_t, 2> cell_sum_;       // [channel][cell]
  Array<std::uint16_t, 2> cell_squares_;  // [channel][cell]
  Array<float, 1> wave_factor_;

  const RawBlock* window_ = nullptr;
  std::optional<RowCalibration> calibration_;
  View<const float, 1> sigma_;
  View<const std::int16_t, 1> wave_;  // empty where none was fitted
};

}  // namespace tianyan
