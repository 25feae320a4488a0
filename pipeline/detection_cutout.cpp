// Cut-outs: reading, measuring, plotting and exporting them.
#include "pipeline/detection_cutout.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "io/cutout_file.hpp"
#include "io/detection_plot.hpp"
#include "kernels/base/units.hpp"
#include "kernels/quantise.hpp"
#include "kernels/row_variance.hpp"
#include "kernels/spectrum_peak.hpp"
#include "pipeline/condition.hpp"
#include "pipeline/given_mask.hpp"
#include "pipeline/host_levels.hpp"
#include "pipeline/plan.hpp"

namespace tianyan {
namespace {

constexpr int kBands = 128;
constexpr std::int64_t kBins = 256;
constexpr double kBinsPerWidth = 8.0;
constexpr double kFinePerBin = 2.0;    // of a search at full resolution
constexpr std::int64_t kDmRows = 257;  // half a bin of delay across the band each
constexpr double kDmReachBins = 64.0;  // of delay across the band, either way
constexpr double kWidthMaxBins = 64.0;
constexpr double kReachWidths = 1.5;  // of the pulse's middle, either way
constexpr std::int64_t kMaxWideBins = 32768;
constexpr std::int64_t kMovedBins = 16;  // by which a refined arrival may be away, in bins of the images

// Geometry of one detection, in samples.
struct Extent {
  double arrival, sweep, width;
  double margin() const { return std::max(0.1 * sweep, 10.0 * width); }
  double before_begin() const { return arrival - margin(); }
  double before_step() const { return std::max(1.0, (sweep + 2.0 * margin()) / static_cast<double>(kBins)); }
  double after_step() const { return std::max(1.0, width / kBinsPerWidth); }
  double after_begin() const { return arrival - 0.5 * static_cast<double>(kBins) * after_step(); }
  double fine_step() const { return std::max(1.0, after_step() / kFinePerBin); }
  std::int64_t n_fine() const {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(kBins) * after_step() / fine_step()));
  }
  double wide_step() const { return std::max(1.0, std::floor(0.5 * width)); }
  // Bins beyond the image on either side: the delay that the whole DM makes.
  std::int64_t wide_margin_bins() const {
    return std::min((kMaxWideBins - kCutoutSize) / 2,
                    static_cast<std::int64_t>(sweep / wide_step()) + 1 + kMovedBins);
  }
  double wide_begin() const {
    return arrival - static_cast<double>(kCutoutSize / 2 + wide_margin_bins()) * wide_step();
  }
  // Samples that are looked at.
  double begin(bool with_wide) const {
    const double least = std::min(before_begin(), after_begin());
    return with_wide ? std::min(least, arrival - 0.5 * static_cast<double>(kCutoutSize) * wide_step())
                     : least;
  }
  double end(bool with_wide) const {
    const double plots = std::max(before_begin() + static_cast<double>(kBins) * before_step(),
                                  after_begin() + static_cast<double>(kBins) * after_step() + sweep);
    const double images = arrival + 0.5 * static_cast<double>(kCutoutSize) * wide_step() + 2.0 * sweep;
    return with_wide ? std::max(plots, images) : plots;
  }
};

Extent extent_of(const StreamInfo& info, const Candidate& c) {
  return {c.time_s / info.sample_time_s - 0.5,  // as Cutout::sample_of()
          dispersion_delay_s(c.dm_pc_cm3, info.freq_low_mhz, info.ref_freq_mhz()) / info.sample_time_s,
          c.width_s / info.sample_time_s};
}

// Runs the conditioning again over the windows that hold samples [begin, end).
void fill(const RfiConfig& config, Source& source, const std::string& mask_file, double begin, double end,
          int n_threads, Cutout& cutout) {
  const StreamInfo& info = source.info();
  const std::int64_t window = statistics_window_samples(config, info);
  HostLevels levels(info, source.format(), window, n_threads);
  Conditioner conditioner(config, info, source.format(), window, n_threads, levels);
  conditioner.allocate();
  Array<double, 1> none({info.n_chan}), delay({info.n_chan});
  for (int c = 0; c < info.n_chan; ++c)
    delay(c) = dispersion_delay_s(cutout.candidate.dm_pc_cm3, info.freq_mhz(c), info.ref_freq_mhz()) /
               info.sample_time_s;
  Array<std::int8_t, 2> q({info.n_chan, window});
  levels.write_to(q.view());
  const std::int64_t n_subband = std::ssize(conditioner.subbands()) - 1, n_bin = window / kVarianceBin;
  Array<float, 2> weight({n_subband, n_bin}), mean({n_subband, n_bin});
  RawBlock block;
  std::optional<GivenMask> mask;
  if (!mask_file.empty()) mask.emplace(mask_file, info);
  // One window more at the front: a short last window is normalised by the one before it.
  const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(begin) / window - 1);
  for (auto t = first * window; t < info.n_time && static_cast<double>(t) < end; t += window) {
    source.read(t, std::min(window, info.n_time - t), block);
    MaskWindow flagged;
    if (mask) flagged = mask->window(t, block.n_time);
    conditioner.measure(block, mask ? &flagged : nullptr);
    conditioner.finish(nullptr, weight.view(), mean.view());
    const auto add = [&](View<const double, 1> delays, SpectrumBins& bins) {
      add_spectrum(q.cview(), conditioner.weights(), conditioner.time_good(), t, conditioner.residual_mean(),
                   delays, bins);
    };
    add(none.cview(), cutout.before);
    add(delay.cview(), cutout.after);
    add(delay.cview(), cutout.fine);
    if (cutout.wide) add(delay.cview(), *cutout.wide);
  }
}

// The bands' delays at a DM that is `dm_offset` from that of the dedispersion.
Array<double, 1> shifts_of(const Cutout& cutout, const SpectrumBins& bins, double dm_offset) {
  Array<double, 1> shift({bins.n_band()});
  for (std::int64_t b = 0; b < bins.n_band(); ++b) shift(b) = dm_offset * cutout.delay_bins_per_dm(bins, b);
  return shift;
}

double mean_of(double sum, double count) {
  return count > 0.0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

double dm_offset_of(const Cutout& cutout, const Detection& detection) {
  return detection.best.dm_pc_cm3 - cutout.candidate.dm_pc_cm3;
}

// snr [band][bin] as dedispersed at a DM that is `dm_offset` from that of `bins`.
void dedispersed_snr(const Cutout& cutout, const SpectrumBins& bins, double dm_offset, View<float, 2> snr) {
  spectrum_snr(bins, QuantLevels{}.variance, snr);
  const auto shift = shifts_of(cutout, bins, dm_offset);
  std::vector<float> row(static_cast<std::size_t>(bins.n_bin()));
  for (std::int64_t b = 0; b < bins.n_band(); ++b) {
    for (std::int64_t i = 0; i < bins.n_bin(); ++i) {
      const auto at = i + std::lround(shift(b));
      row[static_cast<std::size_t>(i)] =
          at >= 0 && at < bins.n_bin() ? snr(b, at) : std::numeric_limits<float>::quiet_NaN();
    }
    std::copy(row.begin(), row.end(), snr[b].data());
  }
}

// The first bin of the images, so that the detection's arrival is at the beginning of their cell 128.
std::int64_t first_wide_bin(const Cutout& cutout, const Detection& detection) {
  const auto& wide = *cutout.wide;
  const double arrival = (cutout.sample_of(detection.best.time_s) - wide.begin_sample) / wide.step_samples;
  return std::llround(arrival) - kCutoutSize / 2;
}

// [time][frequency], frequency 0 the highest.
void freq_time_image(const Cutout& cutout, const Detection& detection, View<float, 2> image) {
  const auto& wide = *cutout.wide;
  const auto first = first_wide_bin(cutout, detection);
  const auto shift = shifts_of(cutout, wide, dm_offset_of(cutout, detection));
  for (std::int64_t f = 0; f < kCutoutSize; ++f) {
    const auto b = (kCutoutSize - 1 - f) * wide.n_band() / kCutoutSize;
    for (std::int64_t i = 0; i < kCutoutSize; ++i) {
      const auto at = first + i + std::lround(shift(b));
      const bool is_inside = at >= 0 && at < wide.n_bin();
      image(i, f) = static_cast<float>(is_inside ? mean_of(wide.sum(b, at), wide.count(b, at))
                                                 : std::numeric_limits<double>::quiet_NaN());
    }
  }
}

void dm_time_image(const Cutout& cutout, const Detection& detection, View<float, 2> image) {
  const auto first = first_wide_bin(cutout, detection);
  Array<double, 1> sum({kCutoutSize}), count({kCutoutSize});
  for (std::int64_t d = 0; d < kCutoutSize; ++d) {
    const double offset = cutout_dm_pc_cm3(detection, d) - cutout.candidate.dm_pc_cm3;
    shifted_sums(*cutout.wide, shifts_of(cutout, *cutout.wide, offset).cview(), first, sum.view(),
                 count.view());
    for (std::int64_t i = 0; i < kCutoutSize; ++i)
      image(d, i) = static_cast<float>(mean_of(sum(i), count(i)));
  }
}

PeakSearch search_of(const Cutout& cutout) {
  const auto& bins = cutout.fine;
  PeakSearch search;
  const double reach = cutout.dm_of_bins(cutout.after, kDmReachBins);
  for (std::int64_t d = 0; d < kDmRows; ++d)
    search.dm_offset_pc_cm3.push_back(reach * (2.0 * static_cast<double>(d) / (kDmRows - 1) - 1.0));
  for (std::int64_t b = 0; b < bins.n_band(); ++b)
    search.delay_bins_per_dm.push_back(cutout.delay_bins_per_dm(bins, b));
  const StreamInfo& info = cutout.info;
  search.mid_delay_bins_per_dm = dispersion_delay_s(1.0, mid_freq_mhz(info), info.ref_freq_mhz()) /
                                 info.sample_time_s / bins.step_samples;
  search.centre_bin = (cutout.sample_of(cutout.candidate.time_s) - bins.begin_sample) / bins.step_samples;
  search.reach_bins = kReachWidths * cutout.candidate.width_s / info.sample_time_s / bins.step_samples;
  search.width_max_bins = std::llround(kWidthMaxBins * cutout.after.step_samples / bins.step_samples);
  return search;
}

}  // namespace

double mid_freq_mhz(const StreamInfo& info) {
  return std::sqrt((info.freq_low_mhz - 0.5 * info.channel_width_mhz) *
                   (info.ref_freq_mhz() + 0.5 * info.channel_width_mhz));
}

double Cutout::delay_bins_per_dm(const SpectrumBins& bins, std::int64_t b) const {
  const auto at = static_cast<std::size_t>(b);
  const double f = info.freq_low_mhz + 0.5 * (bins.band[at] + bins.band[at + 1] - 1) * info.channel_width_mhz;
  return dispersion_delay_s(1.0, f, info.ref_freq_mhz()) / info.sample_time_s / bins.step_samples;
}

double Cutout::dm_of_bins(const SpectrumBins& bins, double n_bin) const {
  return n_bin * bins.step_samples * info.sample_time_s / info.band_delay_s_per_dm();
}

Cutout read_cutout(const Config& config, Source& source, const std::string& mask_file,
                   const Candidate& candidate, bool with_wide, int n_threads) {
  const StreamInfo& info = source.info();
  const Extent e = extent_of(info, candidate);
  const auto bands = equal_bands(info.n_chan, kBands);
  Cutout cutout{info,
                candidate,
                {e.before_begin(), e.before_step(), kBins, bands},
                {e.after_begin(), e.after_step(), kBins, bands},
                {e.after_begin(), e.fine_step(), e.n_fine(), bands},
                std::nullopt};
  if (with_wide)
    cutout.wide.emplace(e.wide_begin(), e.wide_step(), kCutoutSize + 2 * e.wide_margin_bins(),
                        equal_bands(info.n_chan, kCutoutSize));
  fill(config.rfi, source, mask_file, e.begin(with_wide), e.end(with_wide), n_threads, cutout);
  return cutout;
}

Refined refine(const Cutout& cutout) {
  const auto search = search_of(cutout);
  const auto peaks = spectrum_peaks(cutout.fine, search, QuantLevels{}.variance);
  const auto& x = search.dm_offset_pc_cm3;
  const Candidate& was = cutout.candidate;
  const auto zero = static_cast<std::size_t>(std::lower_bound(x.begin(), x.end(), -was.dm_pc_cm3) -
                                             x.begin());  // first DM that is not negative
  Refined refined{was};
  refined.tried_dm_zero = was.dm_pc_cm3 + x.front() <= 0.0;
  const auto best = highest_peak(peaks, std::min(zero, peaks.size() - 1), peaks.size());
  const auto& peak = peaks[best];
  refined.peak_snr = peak.snr;
  if (zero > 0) {
    const auto negative = highest_peak(peaks, 0, zero);
    refined.wrong_way_snr = peaks[negative].snr;
    refined.wrong_way_dm_pc_cm3 = was.dm_pc_cm3 + x[negative];
  }
  refined.found = peak.snr >= 0.5 * was.snr_white;
  if (!refined.found) return refined;
  Candidate& now = refined.candidate;
  const auto fit = fit_dm(peaks, x, best);
  const double centre_bin =  // at the same instant in the middle of the band
      peak.centre_bin - (fit.offset_pc_cm3 - x[best]) * search.mid_delay_bins_per_dm;
  const double step = cutout.fine.step_samples;
  now.time_s = cutout.time_s_of(cutout.fine.begin_sample + centre_bin * step);
  now.dm_pc_cm3 = was.dm_pc_cm3 + fit.offset_pc_cm3;
  now.dm_err_pc_cm3 = fit.error_pc_cm3.value_or(std::max(was.dm_err_pc_cm3, std::abs(fit.offset_pc_cm3)));
  now.width_s = static_cast<double>(peak.width_bins) * step * cutout.info.sample_time_s;
  now.snr_white = peak.snr;
  now.snr = was.snr_white > 0.0 ? peak.snr * was.snr / was.snr_white : peak.snr;
  return refined;
}

void plot_cutout(const std::string& path, const Cutout& cutout, const Detection& detection) {
  const StreamInfo& info = cutout.info;
  const auto &before = cutout.before, &after = cutout.after;
  const double variance = QuantLevels{}.variance;
  Array<float, 2> before_snr({before.n_band(), kBins}), after_snr({after.n_band(), kBins});
  Array<float, 2> map({kDmRows, kBins});
  Array<float, 1> profile({kBins});
  spectrum_snr(before, variance, before_snr.view());
  const double refined_by = dm_offset_of(cutout, detection);
  dedispersed_snr(cutout, after, refined_by, after_snr.view());
  shifted_profile(after, shifts_of(cutout, after, refined_by).cview(), variance, profile.view());
  const double reach_dm = cutout.dm_of_bins(after, kDmReachBins);
  for (std::int64_t d = 0; d < kDmRows; ++d) {
    const double offset = reach_dm * (2.0 * static_cast<double>(d) / (kDmRows - 1) - 1.0);
    shifted_profile(after, shifts_of(cutout, after, offset).cview(), variance, map.view()[d]);
  }

  const auto seconds_of = [&](const SpectrumBins& bins, std::int64_t i) {
    return cutout.time_s_of(bins.begin_sample + static_cast<double>(i) * bins.step_samples) -
           detection.best.time_s;
  };
  DetectionPlot plot;
  plot.candidate = detection.best;
  plot.arrival = detection.arrival;
  plot.id = detection.id;
  plot.source = info.source_name;
  plot.file = detection.file;
  plot.dynamic_before = before_snr.cview();
  plot.before_time_s = {seconds_of(before, 0), seconds_of(before, kBins)};
  plot.dynamic_after = after_snr.cview();
  plot.profile = profile.cview();
  plot.after_time_ms = {seconds_of(after, 0) * 1e3, seconds_of(after, kBins) * 1e3};
  plot.freq_mhz = {info.freq_low_mhz - info.channel_width_mhz / 2,
                   info.ref_freq_mhz() + info.channel_width_mhz / 2};
  plot.dm_time = map.cview();
  plot.dm_time_ms = plot.after_time_ms;
  const double dm = cutout.candidate.dm_pc_cm3;
  plot.dm_pc_cm3 = {dm - reach_dm, dm + reach_dm};
  write_detection_png(path, plot);
}

void export_cutout(const std::string& path, const Cutout& cutout, const Detection& detection,
                   const Observation& observation) {
  expect(cutout.wide.has_value(), "{}: a cut-out that was read without its images", path);
  Array<float, 2> freq_time({kCutoutSize, kCutoutSize}), dm_time({kCutoutSize, kCutoutSize});
  freq_time_image(cutout, detection, freq_time.view());
  dm_time_image(cutout, detection, dm_time.view());
  write_cutout(
      path, detection, observation,
      {freq_time.cview(), dm_time.cview(), std::llround(cutout.wide->step_samples), cutout.info.n_time});
}

}  // namespace tianyan
