// What flagging a beam leaves behind.
#include "pipeline/flag_beam.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/clean.hpp"
#include "pipeline/plan.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kPlotBins = 512;
constexpr double kBadShare = 0.5;  // of an interval, for programs that know whole ones only
constexpr std::int64_t kReadBlock = 4096;

FlagMaskInfo mask_info(const StreamInfo& info, int beam, const Config& config) {
  FlagMaskInfo mask;
  mask.beam = beam;
  mask.n_chan = info.n_chan;
  mask.freq_low_mhz = info.freq_low_mhz;
  mask.channel_width_mhz = info.channel_width_mhz;
  mask.sample_time_s = info.sample_time_s;
  mask.n_time = info.n_time;
  mask.start = info.start;
  mask.cell_samples = kCellSamples;
  mask.source_name = info.source_name;
  mask.config_hash = config_hash(config);
  return mask;
}

RfifindMask rfifind_stream(const StreamInfo& info, std::int64_t window_samples) {
  RfifindMask mask;
  mask.mjd = info.start.value();
  mask.interval_s = static_cast<double>(window_samples) * info.sample_time_s;
  mask.freq_low_mhz = info.freq_low_mhz;
  mask.channel_width_mhz = info.channel_width_mhz;
  mask.n_chan = info.n_chan;
  mask.samples_per_interval = static_cast<int>(window_samples);
  return mask;
}

// Below 8 bits there is no room for a mean: cleaned samples have 8.
SampleFormat roomy_format(SampleFormat format) {
  if (format.n_bits < 8) {
    format.n_bits = 8;
    format.high_bits_first = false;
  }
  return format;
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

}  // namespace

FlagBeam::FlagBeam(const Config& config, Source& source, int beam, int n_threads, FlagFiles files)
    : config_(config),
      source_(source),
      beam_(beam),
      info_(source.info()),
      window_samples_(statistics_window_samples(config.rfi, info_)),
      levels_(info_, source.format(), window_samples_, n_threads),
      conditioner_(config.rfi, info_, source.format(), window_samples_, n_threads, levels_),
      files_(std::move(files)),
      rfifind_(rfifind_stream(info_, window_samples_)),
      channels_per_bin_((info_.n_chan + kPlotBins - 1) / kPlotBins),
      cells_per_bin_(((info_.n_time + kCellSamples - 1) / kCellSamples + kPlotBins - 1) / kPlotBins),
      spectrum_(window_samples_) {
  source.use_threads(n_threads);
}

std::int64_t FlagBeam::footprint_bytes() const {
  const auto n_subband = std::ssize(conditioner_.subbands()) - 1;
  const auto raw = window_samples_ * spectrum_bytes(info_, source_.format());
  return source_.memory_bytes() + conditioner_.footprint_bytes() +
         ReadAhead::footprint_bytes(window_samples_, raw / window_samples_) +
         info_.n_chan * (window_samples_ + window_samples_ / kCellSamples) + n_subband * window_samples_ +
         (files_.clean.empty() ? 0 : 10 * raw);
}

void FlagBeam::start() {
  mask_ = std::make_unique<MaskWriter>(files_.mask, mask_info(info_, beam_, config_), files_.overwrite);
  if (!files_.clean.empty()) {
    const bool keeps = sink_format_for(files_.clean).keeps_calibration;
    const bool as_values = !keeps && has_calibration(source_, 0, info_.n_time, kReadBlock);
    const auto from = roomy_format(source_.format());
    sink_ = create_sink(files_.clean, info_, as_values ? float_format(from) : from, files_.overwrite);
    converter_ = std::make_unique<BlockConverter>(info_, from, sink_->format(), as_values, keeps);
  }
  reader_ = std::make_unique<ReadAhead>(source_, SampleRange{0, source_.info().n_time}, window_samples_);
  conditioner_.allocate();
  const auto n_subband = std::ssize(conditioner_.subbands()) - 1;
  q_ = Array<std::int8_t, 2>({info_.n_chan, window_samples_});
  levels_.write_to(q_.view());
  weight_ = Array<float, 2>({n_subband, window_samples_ / kVarianceBin});
  mean_ = Array<float, 2>({n_subband, window_samples_ / kVarianceBin});
  const auto n_cell = (info_.n_time + kCellSamples - 1) / kCellSamples;
  occupancy_ = Array<float, 2>({(info_.n_chan + channels_per_bin_ - 1) / channels_per_bin_,
                                (n_cell + cells_per_bin_ - 1) / cells_per_bin_});
  zero_dm_.assign(static_cast<std::size_t>(occupancy_.shape(1)), 0.0F);
  level_ = Array<double, 1>({info_.n_chan});
  noise_ = Array<double, 1>({info_.n_chan});
}

bool FlagBeam::measure() {
  if (!reader_) start();
  window_ = reader_->next();
  if (!window_) return false;
  conditioner_.measure(*window_, nullptr);
  done_s_ = static_cast<double>(window_->first_sample + window_->n_time) * info_.sample_time_s;
  return true;
}

void FlagBeam::take(const View<const std::uint8_t, 2>* beams_good) {
  conditioner_.finish(beams_good, weight_.view(), mean_.view());
  const auto n_cell = (window_->n_time + kCellSamples - 1) / kCellSamples;
  if (rules_.shape(0) != n_cell) rules_ = Array<std::uint8_t, 2>({n_cell, info_.n_chan});
  conditioner_.flags().rules(rules_.view());
  mask_->append(rules_.cview());
  auto times = conditioner_.flags().flagged_times();
  for (auto& run : times) {
    run.begin += window_->first_sample;
    run.end += window_->first_sample;
  }
  mask_->add_times(times);
  add_to_rfifind();
  add_to_plot();
  if (sink_) write_clean();
  reader_->give_back(std::move(*window_));
  window_.reset();
}

// An interval is a window; a channel is bad in it where more than half of it is flagged.
void FlagBeam::add_to_rfifind() {
  std::vector<std::uint8_t> bad(static_cast<std::size_t>(info_.n_chan), 0);
  const auto& w = conditioner_.weights();
  const auto good = conditioner_.time_good();
  Array<std::int32_t, 1> n({1});
  for (int c = 0; c < info_.n_chan; ++c) {
    count_good(w, good, c, window_samples_, n.view());
    bad[static_cast<std::size_t>(c)] =
        n(0) < (1.0 - kBadShare) * static_cast<double>(window_->n_time) ? 1 : 0;
  }
  rfifind_.add_interval(bad);
}

void FlagBeam::add_to_plot() {
  const auto first_cell = window_->first_sample / kCellSamples, n_cell = rules_.shape(0);
  std::vector<float> times(static_cast<std::size_t>(n_cell),
                           0.0F);  // fraction of a cell's times that is flagged
  for (const auto& run : conditioner_.flags().flagged_times())
    for (auto t = run.begin; t < run.end; ++t)
      times[static_cast<std::size_t>(t / kCellSamples)] += 1.0F / kCellSamples;
  for (std::int64_t k = 0; k < n_cell; ++k)
    for (std::int64_t c = 0; c < info_.n_chan; ++c)
      occupancy_(c / channels_per_bin_, (first_cell + k) / cells_per_bin_) +=
          rules_(k, c) != 0 ? 1.0F : times[static_cast<std::size_t>(k)];
  Array<float, 1> z({window_samples_});
  conditioner_.zero_dm(z.view());
  for (std::int64_t t = 0; t < window_->n_time; ++t) {
    auto& most = zero_dm_[static_cast<std::size_t>((first_cell + t / kCellSamples) / cells_per_bin_)];
    most = std::max(most, std::abs(z(t)));
  }
  for (std::int64_t t = 0; t < window_samples_; ++t)
    if (conditioner_.time_good()[t] == 0) z(t) = 0.0F;  // impulses would hide the lines
  if (window_->n_time == window_samples_) spectrum_.add(z.cview());
  for (std::int64_t c = 0; c < info_.n_chan; ++c) {
    level_(c) += conditioner_.mean()[c];
    noise_(c) += conditioner_.sigma()[c];
  }
  ++n_window_;
}

void FlagBeam::write_clean() {
  RawBlock& block = *window_;
  const auto& recorded = source_.format();
  const auto roomy = roomy_format(recorded);
  if (roomy.n_bits != recorded.n_bits) {
    RawBlock wide;
    wide.reserve(block.n_time, spectrum_bytes(info_, roomy));
    repack(recorded, roomy, info_.n_pol, info_.n_chan, block.samples.cview().slice(0, 0, block.n_time),
           wide.samples.view().slice(0, 0, block.n_time));
    wide.first_sample = block.first_sample;
    wide.n_time = block.n_time;
    wide.spans = block.spans;
    replace_flagged(roomy, info_.n_pol, info_.n_chan, conditioner_.weights(), conditioner_.time_good(), wide);
    return sink_->write((*converter_)(wide));
  }
  replace_flagged(roomy, info_.n_pol, info_.n_chan, conditioner_.weights(), conditioner_.time_good(), block);
  sink_->write((*converter_)(block));
}

FlagReport FlagBeam::finish() {
  mask_->finish();
  write_rfifind_mask(files_.rfifind, rfifind_.finish());
  if (sink_) sink_->finish();
  reader_.reset();
  source_.release();
  return conditioner_.report();
}

void FlagBeam::draw(const std::string& title) const {
  const auto report = conditioner_.report();
  const auto n_band = occupancy_.shape(0), n_bin = occupancy_.shape(1);
  const auto n_cell = (info_.n_time + kCellSamples - 1) / kCellSamples;
  Array<float, 2> share({n_band, n_bin});
  Array<float, 1> by_channel({n_band}), by_time({n_bin}), bandpass({n_band}), noise({n_band}), kept({n_band});
  for (std::int64_t b = 0; b < n_band; ++b) {
    const auto first = b * channels_per_bin_,
               end = std::min<std::int64_t>(info_.n_chan, first + channels_per_bin_);
    double level = 0.0, deviation = 0.0;
    for (auto c = first; c < end; ++c) {
      level += level_(c) / static_cast<double>(n_window_ * (end - first));
      deviation += noise_(c) / static_cast<double>(n_window_ * (end - first));
    }
    for (std::int64_t i = 0; i < n_bin; ++i) {
      const auto cells = std::min(n_cell, (i + 1) * cells_per_bin_) - i * cells_per_bin_;
      share(b, i) = occupancy_(b, i) / static_cast<float>(cells * (end - first));
      by_channel(b) += share(b, i) / static_cast<float>(n_bin);
      by_time(i) += share(b, i) / static_cast<float>(n_band);
    }
    bandpass(b) = std::isfinite(level) ? static_cast<float>(level) : kNan;
    noise(b) = std::isfinite(deviation) ? static_cast<float>(deviation) : kNan;
    kept(b) = by_channel(b) > kBadShare ? kNan : bandpass(b);
  }
  FlagPlot plot;
  plot.title = title;
  plot.subtitle =
      fmt::format("{:.1f} s, {} channels, {} windows of {:.2f} s", info_.duration_s(), info_.n_chan,
                  n_window_, static_cast<double>(window_samples_) * info_.sample_time_s);
  const double half = 0.5 * info_.channel_width_mhz;
  plot.freq_mhz = {info_.freq_low_mhz - half, info_.ref_freq_mhz() + half};
  plot.time_s = {0.0, info_.duration_s()};
  plot.occupancy = share.cview();
  plot.channel_occupancy = by_channel.cview();
  plot.time_occupancy = by_time.cview();
  plot.bandpass = bandpass.cview();
  plot.noise = noise.cview();
  plot.bandpass_kept = kept.cview();
  plot.zero_dm = View<const float, 1>(zero_dm_.data(), {std::ssize(zero_dm_)});
  plot.line_power = spectrum_.power();
  for (std::size_t k = 1; k <= plot.line_power.size(); ++k)
    plot.line_hz.push_back(static_cast<double>(k) /
                           (static_cast<double>(window_samples_) * info_.sample_time_s));
  for (std::size_t r = 0; r < plot.rule_fraction.size(); ++r)
    plot.rule_fraction[r] = static_cast<double>(report.counts.by_rule[r]) /
                            static_cast<double>(std::max<std::int64_t>(1, report.counts.total));
  write_flag_png(files_.plot, plot);
}

}  // namespace tianyan
