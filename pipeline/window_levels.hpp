// The samples of one statistics window while they are conditioned: recorded spectra in, levels out
// (kernels/quantise.hpp), and of both what the rules ask for. Where samples are is known to the
// implementations alone: on the host in pipeline/host_levels.hpp.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/base/flag_mask.hpp"
#include "kernels/base/raw_block.hpp"
#include "kernels/unpack.hpp"

namespace tianyan {

/// Of the channels' recorded samples, in recorded units, [channel] (kernels/channel_stats.hpp).
struct ChannelStats {
  View<float, 1> mean, sigma;
  View<std::int64_t, 1> n_good;
};

/// Sums of levels and of their squares, [channel][cell], of kCellSamples (kernels/level_ops.hpp).
struct CellSums {
  View<const std::int16_t, 2> sum;
  View<const std::uint16_t, 2> squares;
};

/// Calls of a window come in this order; those in brackets may be left out:
///   begin, normalise, drop_channels, [drop_times, fit_wave, normalise], [drop_times], [drop_cells], finish
class WindowLevels {
 public:
  virtual ~WindowLevels() = default;
  /// Of the host, and of the device where there is one.
  virtual std::int64_t footprint_bytes() const = 0;
  virtual std::int64_t device_bytes() const { return 0; }
  virtual void allocate() = 0;

  /// The window must stay until it has been normalised for the last time. Calibration as row_calibration()
  /// gives it.
  virtual void begin(const RawBlock& window, const std::optional<RowCalibration>& calibration) = 0;
  /// Writes the statistics where it `measures`, and otherwise goes by those that it is given. Levels are less
  /// the wave that was fitted since begin(), zero without weight and after the last recorded sample.
  virtual void normalise(const SpanWeights& weights, bool measures, const ChannelStats& stats) = 0;
  /// Channels with good [channel] 0 become zero.
  virtual void drop_channels(View<const std::uint8_t, 1> good) = 0;
  /// Runs of times become zero, relative to the window's first sample.
  virtual void drop_times(const std::vector<FlaggedTimes>& runs) = 0;
  /// Cells with a rule become zero, [channel][cell].
  virtual void drop_cells(View<const std::uint8_t, 2> rule) = 0;
  /// wave [window], what all channels share: its strength is fitted in each channel
  /// (kernels/zero_dm_filter.hpp). It must stay until the window is normalised.
  virtual void fit_wave(View<const std::int16_t, 1> wave) = 0;
  /// Levels are complete, where the next stage takes them from.
  virtual void finish() = 0;

  /// The zero-DM series of bands of zero_dm_band_channels() channels, [band][window], as normalise() and
  /// drop_channels() left it.
  virtual View<const std::int16_t, 2> bands() = 0;
  /// Of the levels before drop_cells(). What dropped channels have is not said.
  virtual CellSums cells() = 0;
};

inline constexpr int kMinBandChannels = 8, kMaxBandChannels = 64;  ///< powers of two
/// How many neighbouring channels share a zero-DM series: as many as leave 64 bands, within these.
constexpr int zero_dm_band_channels(int n_chan) {
  int n = kMinBandChannels;
  while (n < kMaxBandChannels && n * 64 < n_chan) n *= 2;
  return n;
}
constexpr int n_zero_dm_band(int n_chan) {
  return (n_chan + zero_dm_band_channels(n_chan) - 1) / zero_dm_band_channels(n_chan);
}

}  // namespace tianyan
