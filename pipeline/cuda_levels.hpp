// Levels of a window on a CUDA device. Spectra of 8 bits or fewer with one calibration over the window go
// there as they were recorded, and small results come back for the rules. Windows of other samples are
// normalised on the host, and their levels are sent when they are complete.
#pragma once
#include <algorithm>
#include <optional>

#include "cuda/levels.hpp"
#include "cuda/quantise.hpp"
#include "pipeline/cuda_upload.hpp"
#include "pipeline/host_levels.hpp"

namespace tianyan {

class CudaLevels final : public WindowLevels {
 public:
  /// All calls use this device, whatever their thread used before.
  CudaLevels(const StreamInfo& info, const SampleFormat& format, std::int64_t window_samples, int n_threads,
             int device);
  /// Where levels are written from the next window on, q [channel][window_samples] with contiguous rows; to
  /// be said before the first. Nobody else uses it from begin() to finish(), and when that returns it is
  /// complete.
  void write_to(DeviceView<std::int8_t, 2> q);

  std::int64_t footprint_bytes() const override;
  std::int64_t device_bytes() const override;
  void allocate() override;
  void begin(const RawBlock& window, const std::optional<RowCalibration>& calibration) override;
  void normalise(const SpanWeights& weights, bool measures, const ChannelStats& stats) override;
  void drop_channels(View<const std::uint8_t, 1> good) override;
  void drop_times(const std::vector<FlaggedTimes>& runs) override;
  void drop_cells(View<const std::uint8_t, 2> rule) override;
  void fit_wave(View<const std::int16_t, 1> wave) override;
  void finish() override;
  View<const std::int16_t, 2> bands() override;
  CellSums cells() override;

 private:
  // Of the device, but for what WeightsOnDevice and PinnedUpload hold.
  struct Memory {
    DeviceArray<std::uint8_t, 2> raw;           // [time][byte of the spectrum]
    DeviceArray<std::uint8_t, 1> slab;          // channels of small integers
    DeviceArray<double, 2> calibration;         // scale and offset, [2][channel]
    DeviceArray<float, 1> mean, sigma, factor;  // [channel]
    DeviceArray<std::int64_t, 1> n_good;        // [channel]
    DeviceArray<std::int16_t, 1> wave;          // [time]
    DeviceArray<std::uint8_t, 1> good_channel, good_time;
    DeviceArray<std::uint8_t, 2> rule;             // [channel][cell]
    DeviceArray<std::int16_t, 2> cell_sum, bands;  // [channel][cell], [band][time]
    DeviceArray<std::uint16_t, 2> cell_squares;    // [channel][cell]
  };
  const Stream& stream() const;
  int n_chan() const { return unpack_.n_chan; }
  std::int64_t longest_row_bytes() const { return std::max(spectrum_bytes_, window_samples_); }
  int sample_bytes() const { return unpack_.n_pol_summed > 1 ? 2 : 1; }
  template <class T>
  void normalise_slabs(const DeviceWeights& weights, bool measures);

  UnpackPlan unpack_;
  std::int64_t window_samples_, n_cell_, spectrum_bytes_;
  int n_threads_, device_;
  bool can_use_device_;  // for some window
  DeviceView<std::int8_t, 2> q_;

  HostLevels host_;  // of the windows that the device cannot make
  Array<std::int8_t, 2> host_q_;
  bool on_host_ = false;

  std::optional<Stream> stream_;
  Memory memory_;
  WeightsOnDevice weights_;
  PinnedUpload send_;
  PinnedArray<std::int16_t, 2> bands_, cell_sum_;
  PinnedArray<std::uint16_t, 2> cell_squares_;

  std::int64_t n_time_ = 0;  // of the window
  RowCalibration calibration_;
  bool has_wave_ = false, has_bands_ = false, has_cells_ = false;
};

}  // namespace tianyan
