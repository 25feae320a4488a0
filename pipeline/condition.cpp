// The conditioning stage: calls the kernels slab by slab of channels, in parallel.
#include "pipeline/condition.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/channel_stats.hpp"
#include "kernels/flag_channels.hpp"
#include "kernels/flag_times.hpp"
#include "kernels/quantise.hpp"
#include "kernels/row_variance.hpp"
#include "kernels/sample_ops.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr int kSlabChannels = 64;  // a line of the cache of bytes
constexpr int kGroupChannels = 8;  // whose rows the second cache holds from their statistics to their sum
// Rows do not begin at the same place of a page, and so not in the same place of the cache.
constexpr std::int64_t kRowPadBytes = 64;

std::vector<std::uint8_t> channels_outside_bands(const RfiConfig& config, const StreamInfo& info) {
  std::vector<std::uint8_t> keep(static_cast<std::size_t>(info.n_chan), 1);
  for (int c = 0; c < info.n_chan; ++c)
    if (config.bands.hold(info.freq_mhz(c))) keep[static_cast<std::size_t>(c)] = 0;
  return keep;
}

// Times [begin, end) of a span, once for each channel that `flagged` says.
template <class Flagged>
std::int64_t count_samples(const SpanWeights& w, const Flagged& flagged) {
  std::int64_t n = 0;
  for (int s = 0; s < w.n_span(); ++s) {
    const auto length = w.begin[static_cast<std::size_t>(s) + 1] - w.begin[static_cast<std::size_t>(s)];
    for (int c = 0; c < w.n_chan; ++c) n += flagged(s, c) ? length : 0;
  }
  return n;
}

// Runs [begin, end) of times that are not good.
std::vector<std::pair<std::int64_t, std::int64_t>> flagged_runs(View<const std::uint8_t, 1> good) {
  std::vector<std::pair<std::int64_t, std::int64_t>> runs;
  for (std::int64_t t = 0; t < good.shape(0); ++t) {
    if (good[t] != 0) continue;
    if (runs.empty() || runs.back().second != t) runs.emplace_back(t, t);
    runs.back().second = t + 1;
  }
  return runs;
}

}  // namespace

FlagCounts& FlagCounts::operator+=(const FlagCounts& o) {
  total += o.total;
  recorded += o.recorded;
  bands += o.bands;
  channels += o.channels;
  times += o.times;
  return *this;
}

double FlagCounts::fraction() const {
  return total > 0 ? static_cast<double>(recorded + bands + channels + times) / static_cast<double>(total)
                   : 0.0;
}

Conditioner::Conditioner(const RfiConfig& config, const StreamInfo& info, const SampleFormat& format,
                         std::int64_t window_samples, int n_threads)
    : config_(config),
      info_(info),
      unpack_(make_unpack_plan(info, format)),
      window_samples_(window_samples),
      n_threads_(n_threads),
      subbands_(variance_subbands(info.n_chan)),
      in_band_(channels_outside_bands(config, info)),
      flagged_windows_(static_cast<std::size_t>(info.n_chan), 0) {
  expect(window_samples > 0 && window_samples % 8 == 0,
         "statistics windows of {} samples; a multiple of 8 is needed", window_samples);
}

int Conditioner::n_slab() const { return (info_.n_chan + kSlabChannels - 1) / kSlabChannels; }
int Conditioner::slab_begin(int slab) const { return slab * kSlabChannels; }
int Conditioner::slab_channels(int slab) const {
  return std::min(kSlabChannels, info_.n_chan - slab_begin(slab));
}

std::int64_t Conditioner::slab_bytes() const {
  return std::min(kSlabChannels, info_.n_chan) *
         (window_samples_ * static_cast<std::int64_t>(sizeof(float)) + kRowPadBytes);
}

std::int64_t Conditioner::footprint_bytes() const {
  const std::int64_t per_thread = slab_bytes() + window_samples_ * 4, per_channel = 4 + 4 + 8 + 1 + 4 + 8;
  return n_threads_ * per_thread + info_.n_chan * per_channel + window_samples_ * 5;
}

void Conditioner::allocate() {
  slab_ = Array<std::uint8_t, 2>({n_threads_, slab_bytes()});
  zero_dm_ = Array<std::int32_t, 2>({n_threads_, window_samples_});
  mean_ = Array<float, 1>({info_.n_chan});
  sigma_ = Array<float, 1>({info_.n_chan});
  n_good_ = Array<std::int64_t, 1>({info_.n_chan});
  channel_good_ = Array<std::uint8_t, 1>({info_.n_chan});
  residual_mean_ = Array<float, 1>({info_.n_chan});
  q_sum_ = Array<std::int64_t, 1>({info_.n_chan});
  sigma_z_ = Array<float, 1>({window_samples_});
  time_good_ = Array<std::uint8_t, 1>({window_samples_});
}

// Rows of a slab in a thread's memory.
template <class T>
View<T, 2> Conditioner::slab_rows(int thread, int n_channel, std::int64_t n_time) {
  const std::int64_t pad = kRowPadBytes / static_cast<std::int64_t>(sizeof(T));
  return {reinterpret_cast<T*>(&slab_(thread, 0)), {n_channel, n_time}, {window_samples_ + pad, 1}};
}

// Channels of the static bands have no weight from the start.
void Conditioner::flag_bands(FlagCounts& now) {
  now.recorded = count_samples(weights_, [&](int s, int c) { return weights_.row(s)[c] == 0; });
  now.bands = count_samples(weights_, [&](int s, int c) {
    return weights_.row(s)[c] != 0 && in_band_[static_cast<std::size_t>(c)] == 0;
  });
  for (int s = 0; s < weights_.n_span(); ++s)
    for (int c = 0; c < info_.n_chan; ++c) weights_.row(s)[c] &= in_band_[static_cast<std::size_t>(c)];
}

// Calibration: nothing for floats, which are calibrated, or that of the integers' rows.
template <class T, class... Calibration>
void Conditioner::normalise_all(const RawBlock& window, bool measure, View<std::int8_t, 2> q,
                                const Calibration&... calibration) {
  std::fill(zero_dm_.data(), zero_dm_.data() + zero_dm_.size(), 0);
  parallel_for(n_threads_, n_slab(), [&](std::int64_t slab, int thread) {
    const int first = slab_begin(static_cast<int>(slab)), n = slab_channels(static_cast<int>(slab));
    const auto rows = slab_rows<T>(thread, n, window.n_time);
    unpack(unpack_, window, first, rows);
    for (int c = first; c < first + n; c += kGroupChannels) {
      const int end = std::min(c + kGroupChannels, first + n);
      const View<const T, 2> x = rows.slice(0, c - first, end - first);
      const auto out = q.slice(0, c, end).slice(1, 0, window.n_time);
      const auto mean = mean_.view().slice(0, c, end), sigma = sigma_.view().slice(0, c, end);
      if (measure)
        channel_stats(x, calibration..., weights_, c, mean, sigma, n_good_.view().slice(0, c, end));
      normalise(x, calibration..., mean, sigma, weights_, c, out, q_sum_.view().slice(0, c, end));
      add_zero_dm(out, zero_dm_.view()[thread].slice(0, 0, window.n_time));
    }
    for (int c = first; c < first + n; ++c)
      std::fill(&q(c, 0) + window.n_time, &q(c, 0) + window_samples_, std::int8_t{0});
  });
}

void Conditioner::flag_outlying_channels(FlagCounts& now) {
  std::copy(in_band_.begin(), in_band_.end(), channel_good_.data());
  flag_unusable_channels(mean_.cview(), sigma_.cview(), n_good_.cview(), channel_good_.view());
  if (config_.channels.enabled)
    flag_channels(mean_.cview(), sigma_.cview(), n_good_.cview(), config_.channels.threshold_sigma,
                  channel_good_.view());
  now.channels =
      count_samples(weights_, [&](int s, int c) { return weights_.row(s)[c] != 0 && channel_good_(c) == 0; });
  for (int s = 0; s < weights_.n_span(); ++s)
    for (int c = 0; c < info_.n_chan; ++c) weights_.row(s)[c] &= channel_good_(c);
}

// Flagged channels become zero and leave the zero-DM series.
void Conditioner::drop_flagged(View<std::int8_t, 2> q) {
  parallel_for(n_threads_, info_.n_chan, [&](std::int64_t c, int thread) {
    if (channel_good_(c) != 0 || !(sigma_(c) > 0.0F)) return;  // without a sigma it is zero already
    subtract_zero_dm(q[c], zero_dm_.view()[thread]);
    std::fill(&q(c, 0), &q(c, 0) + window_samples_, std::int8_t{0});
    q_sum_(c) = 0;
  });
  for (int thread = 1; thread < n_threads_; ++thread)
    for (std::int64_t t = 0; t < window_samples_; ++t) zero_dm_(0, t) += zero_dm_(thread, t);
}

void Conditioner::flag_times_of(View<std::int8_t, 2> q, FlagCounts& now) {
  const auto n_time = weights_.begin.back();
  std::fill(time_good_.data(), time_good_.data() + window_samples_, std::uint8_t{0});
  std::fill(time_good_.data(), time_good_.data() + n_time, std::uint8_t{1});
  if (!config_.zero_dm.enabled) return;
  std::vector<std::int64_t> n_channel(static_cast<std::size_t>(weights_.n_span()));
  for (int s = 0; s < weights_.n_span(); ++s) {
    const auto n = std::count(weights_.row(s), weights_.row(s) + info_.n_chan, std::uint8_t{1});
    n_channel[static_cast<std::size_t>(s)] = n;
    std::fill(sigma_z_.data() + weights_.begin[static_cast<std::size_t>(s)],
              sigma_z_.data() + weights_.begin[static_cast<std::size_t>(s) + 1],
              static_cast<float>(std::sqrt(QuantLevels{}.variance * static_cast<double>(n))));
  }
  const auto good = time_good_.view().slice(0, 0, n_time);
  if (flag_times(zero_dm_.cview()[0].slice(0, 0, n_time), sigma_z_.cview().slice(0, 0, n_time),
                 config_.zero_dm.threshold_sigma, good) == 0)
    return;
  for (int s = 0; s < weights_.n_span(); ++s)
    now.times +=
        n_channel[static_cast<std::size_t>(s)] *
        std::count(time_good_.data() + weights_.begin[static_cast<std::size_t>(s)],
                   time_good_.data() + weights_.begin[static_cast<std::size_t>(s) + 1], std::uint8_t{0});
  const auto runs = flagged_runs(good);
  parallel_for(n_threads_, info_.n_chan, [&](std::int64_t c, int) {
    for (const auto& [begin, end] : runs) {
      q_sum_(c) -= sum_of(&q(c, begin), end - begin);
      std::fill(&q(c, 0) + begin, &q(c, 0) + end, std::int8_t{0});
    }
  });
}

void Conditioner::count_channels(std::int64_t n_time) {
  if (n_time == 0 || !has_statistics_) return;
  ++n_windows_;
  for (int c = 0; c < info_.n_chan; ++c)
    flagged_windows_[static_cast<std::size_t>(c)] += channel_good_(c) == 0;
}

void Conditioner::process(const RawBlock& window, View<std::int8_t, 2> q, View<float, 2> subband_weight,
                          View<float, 2> subband_mean) {
  expect(q.shape(0) == info_.n_chan && q.shape(1) == window_samples_ && window.n_time <= window_samples_,
         "conditioning {} spectra into {} x {}", window.n_time, q.shape(0), q.shape(1));
  FlagCounts now;
  now.total = window.n_time * info_.n_chan;
  weights_ = unpack_weights(unpack_, window);
  flag_bands(now);
  // Floats may hold NaN, which only a measurement finds: their last window is always measured.
  const bool measure = !has_statistics_ || window.n_time >= window_samples_ / 4 || unpack_.format.is_float;
  const auto calibration = row_calibration(unpack_, window);
  if (!calibration)
    normalise_all<float>(window, measure, q);
  else if (unpack_.n_pol_summed == 1)
    normalise_all<std::uint8_t>(window, measure, q, *calibration);
  else
    normalise_all<std::int16_t>(window, measure, q, *calibration);
  has_statistics_ =
      std::any_of(n_good_.data(), n_good_.data() + info_.n_chan, [](std::int64_t n) { return n > 0; });
  flag_outlying_channels(now);
  count_channels(window.n_time);
  drop_flagged(q);
  flag_times_of(q, now);
  counts_ += now;
  if (window.n_time < window_samples_) {
    weights_.begin.push_back(window_samples_);
    weights_.good.resize(weights_.good.size() + static_cast<std::size_t>(info_.n_chan), 0);
  }
  channel_means(q_sum_.cview(), weights_, time_good_.cview(), 0, residual_mean_.view());
  subband_weights(weights_, time_good_.cview(), subbands_, subband_weight);
  subband_means(weights_, time_good_.cview(), subbands_, residual_mean_.cview(), subband_mean);
}

std::vector<double> Conditioner::flagged_fraction() const {
  std::vector<double> fraction;
  for (const auto n : flagged_windows_)
    fraction.push_back(n_windows_ > 0 ? static_cast<double>(n) / static_cast<double>(n_windows_) : 0.0);
  return fraction;
}

}  // namespace tianyan
