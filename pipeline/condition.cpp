// The conditioning stage: calls the kernels slab by slab of channels, in parallel.
#include "pipeline/condition.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>

#include "kernels/channel_stats.hpp"
#include "kernels/flag_channels.hpp"
#include "kernels/flag_times.hpp"
#include "kernels/quantise.hpp"
#include "kernels/row_variance.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr int kSlabChannels = 64;

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

std::int64_t Conditioner::footprint_bytes() const {
  const std::int64_t slab = std::min(kSlabChannels, info_.n_chan);
  const std::int64_t per_thread =
      slab * window_samples_ * 4 + unpack_scratch_floats(slab) * 4 + window_samples_ * 4;
  return n_threads_ * per_thread + info_.n_chan * std::int64_t{21} + window_samples_ * 5;
}

void Conditioner::allocate() {
  const std::int64_t slab = std::min(kSlabChannels, info_.n_chan);
  slab_ = Array<float, 3>({n_threads_, slab, window_samples_});
  scratch_ = Array<float, 2>({n_threads_, unpack_scratch_floats(slab)});
  zero_dm_ = Array<std::int32_t, 2>({n_threads_, window_samples_});
  mean_ = Array<float, 1>({info_.n_chan});
  sigma_ = Array<float, 1>({info_.n_chan});
  n_good_ = Array<std::int64_t, 1>({info_.n_chan});
  channel_good_ = Array<std::uint8_t, 1>({info_.n_chan});
  residual_mean_ = Array<float, 1>({info_.n_chan});
  sigma_z_ = Array<float, 1>({window_samples_});
  time_good_ = Array<std::uint8_t, 1>({window_samples_});
}

void Conditioner::normalise_all(const RawBlock& window, bool measure, View<std::int8_t, 2> q) {
  parallel_for(n_threads_, n_slab(), [&](std::int64_t slab, int thread) {
    const int c = slab_begin(static_cast<int>(slab)), n = slab_channels(static_cast<int>(slab));
    const auto x = slab_.view()[thread].slice(0, 0, n).slice(1, 0, window.n_time);
    const auto mean = mean_.view().slice(0, c, c + n), sigma = sigma_.view().slice(0, c, c + n);
    const auto out = q.slice(0, c, c + n);
    unpack(unpack_, window, c, x, scratch_.view()[thread]);
    if (measure) channel_stats(x, weights_, c, mean, sigma, n_good_.view().slice(0, c, c + n));
    normalise(x, mean, sigma, weights_, c, out.slice(1, 0, window.n_time));
    for (int i = 0; i < n; ++i)
      std::fill(&out(i, 0) + window.n_time, &out(i, 0) + window_samples_, std::int8_t{0});
  });
}

void Conditioner::flag(std::int64_t n_time) {
  FlagCounts now;
  now.total = n_time * info_.n_chan;
  now.recorded = count_samples(weights_, [&](int s, int c) { return weights_.row(s)[c] == 0; });
  now.bands = count_samples(weights_, [&](int s, int c) {
    return weights_.row(s)[c] != 0 && in_band_[static_cast<std::size_t>(c)] == 0;
  });
  std::copy(in_band_.begin(), in_band_.end(), channel_good_.data());
  flag_unusable_channels(mean_.cview(), sigma_.cview(), n_good_.cview(), channel_good_.view());
  if (config_.channels.enabled)
    flag_channels(mean_.cview(), sigma_.cview(), n_good_.cview(), config_.channels.threshold_sigma,
                  channel_good_.view());
  now.channels = count_samples(weights_, [&](int s, int c) {
    return weights_.row(s)[c] != 0 && in_band_[static_cast<std::size_t>(c)] != 0 && channel_good_(c) == 0;
  });
  for (int s = 0; s < weights_.n_span(); ++s)
    for (int c = 0; c < info_.n_chan; ++c) weights_.row(s)[c] &= channel_good_(c);
  counts_ += now;
}

// Flagged channels become zero; the others add up to the zero-DM series.
void Conditioner::drop_flagged(View<std::int8_t, 2> q) {
  std::fill(zero_dm_.data(), zero_dm_.data() + zero_dm_.size(), 0);
  parallel_for(n_threads_, n_slab(), [&](std::int64_t slab, int thread) {
    const int c = slab_begin(static_cast<int>(slab)), n = slab_channels(static_cast<int>(slab));
    for (int i = c; i < c + n; ++i)
      if (channel_good_(i) == 0) std::fill(&q(i, 0), &q(i, 0) + window_samples_, std::int8_t{0});
    add_zero_dm(q.slice(0, c, c + n), zero_dm_.view()[thread]);
  });
  for (int thread = 1; thread < n_threads_; ++thread)
    for (std::int64_t t = 0; t < window_samples_; ++t) zero_dm_(0, t) += zero_dm_(thread, t);
}

void Conditioner::flag_times_of(View<std::int8_t, 2> q) {
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
  const auto z = zero_dm_.cview()[0].slice(0, 0, n_time);
  if (flag_times(z, sigma_z_.cview().slice(0, 0, n_time), config_.zero_dm.threshold_sigma,
                 time_good_.view().slice(0, 0, n_time)) == 0)
    return;
  for (int s = 0; s < weights_.n_span(); ++s)
    for (auto t = weights_.begin[static_cast<std::size_t>(s)];
         t < weights_.begin[static_cast<std::size_t>(s) + 1]; ++t)
      counts_.times += time_good_(t) == 0 ? n_channel[static_cast<std::size_t>(s)] : 0;
  parallel_for(n_threads_, info_.n_chan, [&](std::int64_t c, int) {
    std::int8_t* row = &q(c, 0);
    for (std::int64_t t = 0; t < n_time; ++t) row[t] = time_good_(t) == 0 ? std::int8_t{0} : row[t];
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
  weights_ = unpack_weights(unpack_, window);
  // Floats may hold NaN, which only a measurement finds: their last window is always measured.
  const bool measure = !has_statistics_ || window.n_time >= window_samples_ / 4 || unpack_.format.is_float;
  normalise_all(window, measure, q);
  has_statistics_ =
      std::any_of(n_good_.data(), n_good_.data() + info_.n_chan, [](std::int64_t n) { return n > 0; });
  flag(window.n_time);
  count_channels(window.n_time);
  drop_flagged(q);
  flag_times_of(q);
  if (window.n_time < window_samples_) {
    weights_.begin.push_back(window_samples_);
    weights_.good.resize(weights_.good.size() + static_cast<std::size_t>(info_.n_chan), 0);
  }
  parallel_for(n_threads_, n_slab(), [&](std::int64_t slab, int) {
    const int c = slab_begin(static_cast<int>(slab)), n = slab_channels(static_cast<int>(slab));
    channel_means(q.slice(0, c, c + n), weights_, time_good_.cview(), c,
                  residual_mean_.view().slice(0, c, c + n));
  });
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
