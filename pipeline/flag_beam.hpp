// One beam that is flagged, window by window: its mask, cleaned file and plot.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "io/flag_plot.hpp"
#include "io/mask_file.hpp"
#include "io/rfifind_mask.hpp"
#include "io/sink.hpp"
#include "kernels/power_spectrum.hpp"
#include "pipeline/block_converter.hpp"
#include "pipeline/host_levels.hpp"
#include "pipeline/in_step.hpp"
#include "pipeline/read_ahead.hpp"

namespace tianyan {

/// Where a beam's files go.
struct FlagFiles {
  std::string mask, rfifind, plot;  ///< paths; no plot where empty
  std::string clean;                ///< empty: none
  bool overwrite = false;
};

class FlagBeam final : public BeamStream {
 public:
  /// Throws as Conditioner does, and where a file cannot be made. Nothing is written under its own name
  /// before finish().
  FlagBeam(const Config& config, Source& source, int beam, int n_threads, FlagFiles files);
  std::int64_t footprint_bytes() const;

  int beam() const override { return beam_; }
  bool measure() override;
  const Conditioner& conditioner() const override { return conditioner_; }
  void take(const View<const std::uint8_t, 2>* beams_good) override;
  double done_s() const { return done_s_; }
  /// After the last window: files are put in their places, but for the plot.
  FlagReport finish();
  /// From one thread at a time.
  void draw(const std::string& title) const;

 private:
  void start();
  void add_to_rfifind();
  void add_to_plot();
  void write_clean();

  Config config_;
  Source& source_;
  int beam_;
  StreamInfo info_;
  std::int64_t window_samples_;
  HostLevels levels_;
  Conditioner conditioner_;
  FlagFiles files_;
  std::unique_ptr<ReadAhead> reader_;
  std::optional<RawBlock> window_;
  Array<std::int8_t, 2> q_;
  Array<float, 2> weight_, mean_;
  Array<std::uint8_t, 2> rules_;  // [cell][channel] of the window
  std::unique_ptr<MaskWriter> mask_;
  RfifindMaskBuilder rfifind_;
  std::unique_ptr<BlockConverter> converter_;
  std::unique_ptr<Sink> sink_;
  double done_s_ = 0.0;

  // Of the plot: sums over cells, [channel bin][time bin], and of windows, [channel].
  std::int64_t channels_per_bin_, cells_per_bin_;
  Array<float, 2> occupancy_;
  Array<double, 1> level_, noise_;
  std::int64_t n_window_ = 0;
  std::vector<float> zero_dm_;
  PowerSpectrum spectrum_;
};

}  // namespace tianyan
