// Cut-outs for plots.
#include "pipeline/detection_cutout.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "io/detection_plot.hpp"
#include "kernels/base/units.hpp"
#include "kernels/dynamic_spectrum.hpp"
#include "kernels/quantise.hpp"
#include "kernels/row_variance.hpp"
#include "pipeline/condition.hpp"
#include "pipeline/given_mask.hpp"
#include "pipeline/plan.hpp"

namespace tianyan {
namespace {

constexpr int kBands = 128;
constexpr std::int64_t kBeforeBins = 256;
constexpr std::int64_t kAfterBins = 240;  // 40 widths of the pulse, six bins each
constexpr double kBinsPerWidth = 6.0;
constexpr std::int64_t kDmRows = 129;

// Geometry of one detection, in samples of the scan: k is the middle of sample k.
struct Extent {
  double arrival, sweep, width;
  double margin() const { return std::max(0.1 * sweep, 10.0 * width); }
  double after_step() const { return std::max(1.0, width / kBinsPerWidth); }
  double after_begin() const { return arrival - 0.5 * static_cast<double>(kAfterBins) * after_step(); }
  double after_end() const { return after_begin() + static_cast<double>(kAfterBins) * after_step(); }
  double before_begin() const { return arrival - margin(); }
  double before_end() const { return arrival + sweep + margin(); }
};

Extent extent_of(const StreamInfo& info, const Candidate& c) {
  return {c.time_s / info.sample_time_s - 0.5,
          dispersion_delay_s(c.dm_pc_cm3, info.freq_low_mhz, info.ref_freq_mhz()) / info.sample_time_s,
          c.width_s / info.sample_time_s};
}

// Runs the conditioning again over the windows that hold the detection.
void fill(const RfiConfig& config, Source& source, const std::string& mask_file, const Extent& e,
          double dm_pc_cm3, int n_threads, SpectrumBins& before, SpectrumBins& after) {
  const StreamInfo& info = source.info();
  const std::int64_t window = statistics_window_samples(config, info);
  Conditioner conditioner(config, info, source.format(), window, n_threads);
  conditioner.allocate();
  Array<double, 1> none({info.n_chan}), delay({info.n_chan});
  for (int c = 0; c < info.n_chan; ++c)
    delay(c) = dispersion_delay_s(dm_pc_cm3, info.freq_mhz(c), info.ref_freq_mhz()) / info.sample_time_s;
  Array<std::int8_t, 2> q({info.n_chan, window});
  const std::int64_t n_subband = std::ssize(conditioner.subbands()) - 1, n_bin = window / kVarianceBin;
  Array<float, 2> weight({n_subband, n_bin}), mean({n_subband, n_bin});
  RawBlock block;
  std::optional<GivenMask> mask;
  if (!mask_file.empty()) mask.emplace(mask_file, info);
  const double begin = std::min(e.before_begin(), e.after_begin()),
               end = std::max(e.before_end(), e.after_end() + e.sweep);
  // One window more at the front: a short last window is normalised by the one before it.
  const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(begin) / window - 1);
  for (auto t = first * window; t < info.n_time && static_cast<double>(t) < end; t += window) {
    source.read(t, std::min(window, info.n_time - t), block);
    MaskWindow flagged;
    if (mask) flagged = mask->window(t, block.n_time);
    conditioner.measure(block, mask ? &flagged : nullptr, q.view());
    conditioner.finish(nullptr, q.view(), weight.view(), mean.view());
    add_spectrum(q.cview(), conditioner.weights(), conditioner.time_good(), t, none.cview(), before);
    add_spectrum(q.cview(), conditioner.weights(), conditioner.time_good(), t, delay.cview(), after);
  }
}

// S/N against DM and time about the detection: bands of the dedispersed spectrum shifted by what is left of
// the delay.
void dm_time_map(const StreamInfo& info, const SpectrumBins& after, double dm_half_range, double variance,
                 View<float, 2> map) {
  Array<double, 1> shift({after.n_band()});
  for (std::int64_t d = 0; d < map.shape(0); ++d) {
    const double dm =
        dm_half_range * (2.0 * static_cast<double>(d) / static_cast<double>(map.shape(0) - 1) - 1.0);
    for (std::int64_t b = 0; b < after.n_band(); ++b) {
      const auto at = static_cast<std::size_t>(b);
      const double f =
          info.freq_low_mhz + 0.5 * (after.band[at] + after.band[at + 1] - 1) * info.channel_width_mhz;
      shift(b) = dispersion_delay_s(dm, f, info.ref_freq_mhz()) / info.sample_time_s / after.step_samples;
    }
    shifted_profile(after, shift.cview(), variance, map[d]);
  }
}

}  // namespace

void plot_detection(const std::string& path, const Config& config, Source& source,
                    const std::string& mask_file, const Candidate& candidate, const std::string& id,
                    int n_threads) {
  const StreamInfo& info = source.info();
  const Extent e = extent_of(info, candidate);
  const auto bands = equal_bands(info.n_chan, kBands);
  const double before_step =
      std::max(1.0, (e.before_end() - e.before_begin()) / static_cast<double>(kBeforeBins));
  SpectrumBins before(e.before_begin(), before_step, kBeforeBins, bands);
  SpectrumBins after(e.after_begin(), e.after_step(), kAfterBins, bands);
  fill(config.rfi, source, mask_file, e, candidate.dm_pc_cm3, n_threads, before, after);

  const double variance = QuantLevels{}.variance;
  Array<float, 2> before_snr({before.n_band(), kBeforeBins}), after_snr({after.n_band(), kAfterBins});
  Array<float, 2> map({kDmRows, kAfterBins});
  Array<float, 1> profile({kAfterBins});
  Array<double, 1> no_shift({after.n_band()});
  spectrum_snr(before, variance, before_snr.view());
  spectrum_snr(after, variance, after_snr.view());
  shifted_profile(after, no_shift.cview(), variance, profile.view());
  const double band_delay_s_per_dm = dispersion_delay_s(1.0, info.freq_low_mhz, info.ref_freq_mhz());
  const double half_range_dm = 8.0 * candidate.width_s / band_delay_s_per_dm + 2.0 * candidate.dm_err_pc_cm3;
  dm_time_map(info, after, half_range_dm, variance, map.view());

  DetectionPlot plot;
  plot.candidate = candidate;
  plot.arrival = info.start.plus_seconds(candidate.time_s);
  plot.id = id;
  plot.source = info.source_name;
  plot.file = std::filesystem::path(source.files().front().path).filename().string();
  plot.dynamic_before = before_snr.cview();
  const double ts = info.sample_time_s;
  plot.before_time_s = {
      (before.begin_sample - e.arrival) * ts,
      (before.begin_sample - e.arrival + static_cast<double>(kBeforeBins) * before_step) * ts};
  plot.dynamic_after = after_snr.cview();
  plot.profile = profile.cview();
  plot.after_time_ms = {(e.after_begin() - e.arrival) * ts * 1e3, (e.after_end() - e.arrival) * ts * 1e3};
  plot.freq_mhz = {info.freq_low_mhz - info.channel_width_mhz / 2,
                   info.ref_freq_mhz() + info.channel_width_mhz / 2};
  plot.dm_time = map.cview();
  plot.dm_time_ms = plot.after_time_ms;
  plot.dm_pc_cm3 = {candidate.dm_pc_cm3 - half_range_dm, candidate.dm_pc_cm3 + half_range_dm};
  write_detection_png(path, plot);
}

}  // namespace tianyan
