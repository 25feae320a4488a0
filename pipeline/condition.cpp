// The conditioning stage: the order of rules. The rules' own calls are in condition_rules.cpp.
#include "pipeline/condition.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/flag_times.hpp"
#include "kernels/quantise.hpp"
#include "kernels/quiet_means.hpp"
#include "kernels/row_variance.hpp"
#include "kernels/spectral_kurtosis.hpp"
#include "kernels/sum_threshold.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

std::vector<std::uint8_t> channels_outside_bands(const RfiConfig& config, const StreamInfo& info) {
  std::vector<std::uint8_t> keep(static_cast<std::size_t>(info.n_chan), 1);
  for (int c = 0; c < info.n_chan; ++c)
    if (config.bands.hold(info.freq_mhz(c))) keep[static_cast<std::size_t>(c)] = 0;
  return keep;
}

// Each band of the config flags some channel, or its frequencies are those of another receiver.
void check_bands(const RfiConfig& config, const StreamInfo& info) {
  for (const auto& [low, high] : config.bands.mhz) {
    const double half = 0.5 * info.channel_width_mhz, first = info.freq_low_mhz - half,
                 last = info.ref_freq_mhz() + half;
    expect(high >= first && low <= last,
           "rfi.bands.mhz: [{}, {}] MHz is outside the band of {:.3f}-{:.3f} MHz", low, high, first, last);
  }
}

// What the ranges of the config's keys let through and the rules do not.
void check_rules(const RfiConfig& config) {
  expect(!config.sum_threshold.enabled || config.sum_threshold.longest <= kSumThresholdLongest,
         "rfi.sum_threshold.longest = {}: runs of at most {} cells are possible",
         config.sum_threshold.longest, kSumThresholdLongest);
  const double shape = config.kurtosis.shape;
  const bool known = shape == 0.0 || (shape >= kMinKurtosisShape && shape <= kMaxKurtosisShape);
  expect(!config.kurtosis.enabled || known, "rfi.kurtosis.shape = {}: 0, or {} to {:.0f}, are possible",
         shape, kMinKurtosisShape, kMaxKurtosisShape);
}

PeriodicPlan periodic_plan_of(const RfiConfig& config, const StreamInfo& info, std::int64_t window_samples) {
  if (!config.periodic.enabled) return {};
  return make_periodic_plan(config.periodic.fundamentals_hz, config.periodic.max_hz, info.sample_time_s,
                            window_samples);
}

}  // namespace

Conditioner::Conditioner(const RfiConfig& config, const StreamInfo& info, const SampleFormat& format,
                         std::int64_t window_samples, int n_threads, WindowLevels& levels)
    : config_(config),
      info_(info),
      unpack_(make_unpack_plan(info, format)),
      window_samples_(window_samples),
      n_threads_(n_threads),
      subbands_(variance_subbands(info.n_chan)),
      in_band_(channels_outside_bands(config, info)),
      periodic_(periodic_plan_of(config, info, window_samples)),
      levels_(levels),
      flags_(info.n_chan, window_samples, n_threads) {
  check_bands(config, info);
  check_rules(config);
  for (const auto& line : periodic_.lines)
    lines_.push_back({line.frequency_hz,
                      config.periodic.fundamentals_hz[static_cast<std::size_t>(line.fundamental)],
                      line.harmonic, 0, 0.0});
}

ChannelStats Conditioner::stats() { return {mean_.view(), sigma_.view(), n_good_.view()}; }

std::int64_t Conditioner::run_scratch_ints() const {
  return std::max(sum_threshold_scratch_ints(RunAxis::kTime, flags_.n_cell()),
                  sum_threshold_scratch_ints(RunAxis::kChannel, info_.n_chan));
}

std::int64_t Conditioner::footprint_bytes() const {
  constexpr std::int64_t kPerChannel = 3 * 4 + 8, kPerSample = 3 * 4 + 2;
  return levels_.footprint_bytes() + n_threads_ * 4 * run_scratch_ints() + info_.n_chan * kPerChannel +
         window_samples_ * kPerSample + n_zero_dm_band(info_.n_chan) * std::int64_t{4} +
         info_.n_chan * flags_.n_cell() * std::int64_t{4} +
         WindowFlags::footprint_bytes(info_.n_chan, window_samples_);
}

void Conditioner::allocate() {
  levels_.allocate();
  zero_dm_ = Array<std::int32_t, 1>({window_samples_});
  for (auto* by_channel : {&mean_, &sigma_, &residual_mean_}) *by_channel = Array<float, 1>({info_.n_chan});
  band_sigma_ = Array<float, 1>({n_zero_dm_band(info_.n_chan)});
  n_good_ = Array<std::int64_t, 1>({info_.n_chan});
  sigma_z_ = Array<float, 1>({window_samples_});
  wave_series_ = Array<float, 1>({window_samples_});
  wave_ = Array<std::int16_t, 1>({window_samples_});
  plane_ = Array<float, 2>({info_.n_chan, flags_.n_cell()});
  run_scratch_ = Array<std::int32_t, 2>({n_threads_, run_scratch_ints()});
  flags_.allocate();
}

// The whole series, and what the weights say of its noise and of the bands'.
void Conditioner::sum_zero_dm() {
  bands_ = levels_.bands();
  sum_bands(bands_, zero_dm_.view());
  const auto& w = flags_.weights();
  const double variance = QuantLevels{}.variance;
  for (int s = 0; s < w.n_span(); ++s) {
    const auto n = std::count(w.row(s), w.row(s) + info_.n_chan, std::uint8_t{1});
    std::fill(sigma_z_.data() + w.begin[static_cast<std::size_t>(s)],
              sigma_z_.data() + w.begin[static_cast<std::size_t>(s) + 1],
              static_cast<float>(std::sqrt(variance * static_cast<double>(n))));
  }
  std::fill(sigma_z_.data() + flags_.n_time(), sigma_z_.data() + window_samples_, 0.0F);
  const auto good = flags_.channel_good();
  const int band_channels = zero_dm_band_channels(info_.n_chan);
  for (std::int64_t b = 0; b < n_zero_dm_band(info_.n_chan); ++b) {
    const auto end = std::min<std::int64_t>(info_.n_chan, (b + 1) * band_channels);
    const auto n = std::count(good.data() + b * band_channels, good.data() + end, std::uint8_t{1});
    band_sigma_(b) = static_cast<float>(std::sqrt(variance * static_cast<double>(n)));
  }
}

void Conditioner::measure(const RawBlock& window, const MaskWindow* mask) {
  expect(window.n_time <= window_samples_, "conditioning {} spectra in windows of {}", window.n_time,
         window_samples_);
  first_sample_ = window.first_sample;
  const auto calibration = row_calibration(unpack_, window);
  levels_.begin(window, calibration);
  flags_.begin(unpack_weights(unpack_, window), in_band_, mask);
  // Floats may hold NaN, which only a measurement finds: their last window is always measured.
  const bool measures = !has_statistics_ || window.n_time >= window_samples_ / 4 || unpack_.format.is_float;
  levels_.normalise(flags_.weights(), measures, stats());
  has_statistics_ =
      std::any_of(n_good_.data(), n_good_.data() + info_.n_chan, [](std::int64_t n) { return n > 0; });
  flag_channels_of(calibration);
  levels_.drop_channels(flags_.channel_good());
  sum_zero_dm();
  if (make_shared_wave()) {
    if (config_.zero_dm_filter.enabled) {  // afterwards nothing is left to see
      flag_times_of();
      for (const auto& run : flags_.flagged_times())
        std::fill(wave_.data() + run.begin, wave_.data() + run.end, std::int16_t{0});
    }
    levels_.fit_wave(wave_.cview());
    levels_.normalise(flags_.weights(), false, stats());
    sum_zero_dm();
  }
  flag_times_of();
  cells_ = levels_.cells();
  flags_.begin_cells();
  if (config_.kurtosis.enabled) flag_kurtosis_cells();
  if (config_.sum_threshold.enabled) flag_plane();
}

void Conditioner::subband_cells(View<float, 2> sum, View<std::uint8_t, 2> has) const {
  const auto n_cell = flags_.n_cell();
  parallel_for(n_threads_, sum.shape(0), [&](std::int64_t b, int) {
    std::vector<std::int32_t> total(static_cast<std::size_t>(n_cell), 0),
        n(static_cast<std::size_t>(n_cell), 0);
    for (int c = subbands_[static_cast<std::size_t>(b)]; c < subbands_[static_cast<std::size_t>(b) + 1]; ++c)
      for (std::int64_t k = 0; k < n_cell; ++k) {
        const bool good = flags_.cell_count()(c, k) != 0 && !flags_.cell_is_flagged(c, k);
        total[static_cast<std::size_t>(k)] += good ? cells_.sum(c, k) : 0;
        n[static_cast<std::size_t>(k)] += good ? flags_.cell_count()(c, k) : 0;
      }
    for (std::int64_t k = 0; k < n_cell; ++k) {
      const auto at = static_cast<std::size_t>(k);
      has(b, k) = n[at] > 0 ? 1 : 0;
      sum(b, k) =
          n[at] > 0 ? static_cast<float>(total[at] / std::sqrt(QuantLevels{}.variance * n[at])) : 0.0F;
    }
  });
}

void Conditioner::finish(const View<const std::uint8_t, 2>* beams_good, View<float, 2> subband_weight,
                         View<float, 2> subband_mean) {
  if (beams_good != nullptr) {
    const auto good = flags_.cell_good();
    for (std::int64_t b = 0; b < beams_good->shape(0); ++b)
      for (int c = subbands_[static_cast<std::size_t>(b)]; c < subbands_[static_cast<std::size_t>(b) + 1];
           ++c)
        for (std::int64_t k = 0; k < flags_.n_cell(); ++k) good(c, k) &= (*beams_good)(b, k);
    flags_.take_cells(FlagRule::kBeams);
  }
  if (flags_.any_cell()) levels_.drop_cells(flags_.cell_rule());
  levels_.finish();
  flags_.finish(is_counted_);
  const auto& w = flags_.weights();
  const auto time_good = flags_.window_time_good();
  for_slabs(n_threads_, info_.n_chan, [&](int first, int end, int) {
    quiet_means(cells_.sum.slice(0, first, end), flags_.cell_count().slice(0, first, end),
                flags_.cell_rule().slice(0, first, end), QuantLevels{}.variance,
                residual_mean_.view().slice(0, first, end));
  });
  subband_weights(w, time_good, subbands_, subband_weight);
  subband_means(w, time_good, subbands_, residual_mean_.cview(), subband_mean);
  if (!is_counted_) return;
  const double t = info_.sample_time_s;
  windows_.push_back({static_cast<double>(first_sample_) * t,
                      static_cast<double>(first_sample_ + flags_.n_time()) * t, flags_.counts()});
}

void Conditioner::process(const RawBlock& window, View<float, 2> subband_weight,
                          View<float, 2> subband_mean) {
  measure(window, nullptr);
  finish(nullptr, subband_weight, subband_mean);
}

void Conditioner::sample_weights(View<float, 1> weight) const {
  const auto& w = flags_.weights();
  const auto good = flags_.window_time_good();
  for (int s = 0; s < w.n_span(); ++s) {
    const bool any = std::any_of(w.row(s), w.row(s) + info_.n_chan, [](std::uint8_t g) { return g != 0; });
    for (auto t = w.begin[static_cast<std::size_t>(s)]; t < w.begin[static_cast<std::size_t>(s) + 1]; ++t)
      weight[t] = any && good[t] != 0 ? 1.0F : 0.0F;
  }
}

void Conditioner::zero_dm(View<float, 1> z) const {
  for (std::int64_t t = 0; t < z.shape(0); ++t)
    z[t] = sigma_z_(t) > 0.0F ? static_cast<float>(zero_dm_(t)) / sigma_z_(t) : 0.0F;
}

FlagReport Conditioner::report() const {
  FlagReport report;
  report.windows = windows_;
  for (const auto& w : windows_) report.counts += w.counts;
  for (const auto& line : lines_)
    if (line.n_window > 0) report.lines.push_back(line);
  const auto counts = flags_.channel_counts();
  const auto per_share = std::max<std::int64_t>(1, std::llround(kShareMhz / info_.channel_width_mhz));
  const double half = 0.5 * info_.channel_width_mhz;
  for (std::int64_t c = 0; c < info_.n_chan; ++c) {
    if (c % per_share == 0) report.bands.push_back({info_.freq_mhz(c) - half, 0.0, {}});
    FlagCounts one;
    one.total = flags_.n_time_total();
    for (std::int64_t r = 0; r < kNumFlagRules; ++r) one.by_rule[static_cast<std::size_t>(r)] = counts(r, c);
    report.bands.back().counts += one;
    report.bands.back().end = info_.freq_mhz(c) + half;
    report.channel.push_back(one.fraction());
  }
  return report;
}

}  // namespace tianyan
