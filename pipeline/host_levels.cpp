// Unpacking, normalising and summing on the host.
#include "pipeline/host_levels.hpp"

#include <algorithm>

#include "kernels/channel_stats.hpp"
#include "kernels/flag_times.hpp"
#include "kernels/level_ops.hpp"
#include "kernels/quantise.hpp"
#include "kernels/zero_dm_filter.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr int kGroupChannels = 8;  // whose rows the second cache holds from their statistics to their sum
// Rows do not begin at the same place of a page, and so not in the same place of the cache.
constexpr std::int64_t kRowPadBytes = 64;
// Nobody else adds to the zero-DM series that a slab adds to, and a group adds to one.
static_assert(kSlabChannels % kMaxBandChannels == 0 && kMinBandChannels % kGroupChannels == 0);

}  // namespace

struct HostLevels::Normal {
  const SpanWeights& weights;
  bool measures;
  const ChannelStats& stats;
};

HostLevels::HostLevels(const StreamInfo& info, const SampleFormat& format, std::int64_t window_samples,
                       int n_threads)
    : unpack_(make_unpack_plan(info, format)),
      window_samples_(window_samples),
      n_cell_(window_samples / kCellSamples),
      n_threads_(n_threads),
      band_channels_(zero_dm_band_channels(info.n_chan)) {}

void HostLevels::write_to(View<std::int8_t, 2> q) {
  expect(q.shape(0) == n_chan() && q.shape(1) == window_samples_ && q.rows_contiguous(),
         "conditioning {} channels of {} samples into {} x {}", n_chan(), window_samples_, q.shape(0),
         q.shape(1));
  q_ = q;
}

std::int64_t HostLevels::slab_bytes() const {
  return std::min(kSlabChannels, n_chan()) *
         (window_samples_ * static_cast<std::int64_t>(sizeof(float)) + kRowPadBytes);
}

std::int64_t HostLevels::footprint_bytes() const {
  return n_threads_ * slab_bytes() + n_zero_dm_band(n_chan()) * window_samples_ * std::int64_t{2} +
         n_chan() * (n_cell_ * std::int64_t{2 + 2} + std::int64_t{4});
}

void HostLevels::allocate() {
  slab_ = Array<std::uint8_t, 2>({n_threads_, slab_bytes()});
  bands_ = Array<std::int16_t, 2>({n_zero_dm_band(n_chan()), window_samples_});
  cell_sum_ = Array<std::int16_t, 2>({n_chan(), n_cell_});
  cell_squares_ = Array<std::uint16_t, 2>({n_chan(), n_cell_});
  wave_factor_ = Array<float, 1>({n_chan()});
}

// Rows of a slab in a thread's memory.
template <class T>
View<T, 2> HostLevels::slab_rows(int thread, int n_channel) {
  const std::int64_t pad = kRowPadBytes / static_cast<std::int64_t>(sizeof(T));
  return {reinterpret_cast<T*>(&slab_(thread, 0)), {n_channel, window_->n_time}, {window_samples_ + pad, 1}};
}

void HostLevels::begin(const RawBlock& window, const std::optional<RowCalibration>& calibration) {
  expect(q_.shape(0) == n_chan() && window.n_time <= window_samples_,
         "conditioning {} spectra into {} channels of {}", window.n_time, q_.shape(0), window_samples_);
  window_ = &window;
  calibration_ = calibration;
  wave_ = {};
}

void HostLevels::normalise(const SpanWeights& weights, bool measures, const ChannelStats& stats) {
  const Normal how{weights, measures, stats};
  sigma_ = stats.sigma;
  if (!calibration_)
    normalise_all<float>(how);
  else if (unpack_.n_pol_summed == 1)
    normalise_all<std::uint8_t>(how, *calibration_);
  else
    normalise_all<std::int16_t>(how, *calibration_);
}

// Calibration: nothing for floats, which are calibrated, or that of the integers' rows.
template <class T, class... RowsCalibration>
void HostLevels::normalise_all(const Normal& how, const RowsCalibration&... calibration) {
  for_slabs(n_threads_, n_chan(), [&](int first, int last, int thread) {
    const auto rows = slab_rows<T>(thread, last - first);
    unpack(unpack_, *window_, first, rows);
    for (int c = first; c < last; c += kGroupChannels)
      normalise_group<T>(how, rows.slice(0, c - first, std::min(c + kGroupChannels, last) - first), c,
                         calibration...);
  });
}

// Channels [first, first + x.shape(0)): their statistics, levels, and sums over channels and over cells.
template <class T, class... RowsCalibration>
void HostLevels::normalise_group(const Normal& how, View<const T, 2> x, int first,
                                 const RowsCalibration&... calibration) {
  const auto n_time = x.shape(1), end = first + x.shape(0);
  const auto q = q_.slice(0, first, end);
  const auto mean = how.stats.mean.slice(0, first, end), sigma = how.stats.sigma.slice(0, first, end);
  if (how.measures)
    channel_stats(x, calibration..., how.weights, first, mean, sigma, how.stats.n_good.slice(0, first, end));
  SharedWave shared;
  if (wave_.shape(0) > 0) shared = {wave_.slice(0, 0, n_time), wave_factor_.cview().slice(0, first, end)};
  tianyan::normalise(x, calibration..., mean, sigma, how.weights, first, shared, q.slice(1, 0, n_time));
  std::int16_t* band = &bands_(first / band_channels_, 0);
  if (first % band_channels_ == 0) std::fill(band, band + window_samples_, std::int16_t{0});
  add_zero_dm(q.slice(1, 0, n_time), View<std::int16_t, 1>(band, {n_time}));
  for (std::int64_t i = 0; i < q.shape(0); ++i) {
    std::fill(&q(i, 0) + n_time, &q(i, 0) + window_samples_, std::int8_t{0});
    cell_moments(&q(i, 0), n_cell_, &cell_sum_(first + i, 0), &cell_squares_(first + i, 0));
  }
}

// They leave the zero-DM series, too.
void HostLevels::drop_channels(View<const std::uint8_t, 1> good) {
  parallel_for(n_threads_, n_zero_dm_band(n_chan()), [&](std::int64_t b, int) {
    const auto end = std::min<std::int64_t>(n_chan(), (b + 1) * band_channels_);
    for (auto c = b * band_channels_; c < end; ++c) {
      if (good[c] != 0 || !(sigma_[c] > 0.0F)) continue;  // without a sigma it is zero already
      subtract_zero_dm(q_[c], bands_.view()[b]);
      std::fill(&q_(c, 0), &q_(c, 0) + window_samples_, std::int8_t{0});
    }
  });
}

// They leave the sums of their cells, too.
void HostLevels::drop_times(const std::vector<FlaggedTimes>& runs) {
  parallel_for(n_threads_, n_chan(), [&](std::int64_t c, int) {
    for (const auto& [begin, end] : runs) {
      std::fill(&q_(c, 0) + begin, &q_(c, 0) + end, std::int8_t{0});
      const auto first = begin / kCellSamples, last = (end - 1) / kCellSamples;
      cell_moments(&q_(c, first * kCellSamples), last - first + 1, &cell_sum_(c, first),
                   &cell_squares_(c, first));
    }
  });
}

void HostLevels::drop_cells(View<const std::uint8_t, 2> rule) {
  for_slabs(n_threads_, n_chan(), [&](int first, int end, int) {
    for (int c = first; c < end; ++c)
      for (std::int64_t k = 0; k < n_cell_; ++k)
        if (rule(c, k) != 0) std::fill_n(&q_(c, k * kCellSamples), kCellSamples, std::int8_t{0});
  });
}

void HostLevels::fit_wave(View<const std::int16_t, 1> wave) {
  const auto n_time = window_->n_time;
  for_slabs(n_threads_, n_chan(), [&](int first, int end, int) {
    wave_factors(q_.slice(0, first, end).slice(1, 0, n_time), wave.slice(0, 0, n_time),
                 wave_factor_.view().slice(0, first, end));
  });
  wave_ = wave;
}

}  // namespace tianyan
