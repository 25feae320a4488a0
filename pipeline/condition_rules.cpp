// The rules of conditioning: what each kernel is given, and what becomes of its flags.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/arpls.hpp"
#include "kernels/flag_channels.hpp"
#include "kernels/flag_times.hpp"
#include "kernels/iqrm.hpp"
#include "kernels/quantise.hpp"
#include "kernels/robust.hpp"
#include "kernels/spectral_kurtosis.hpp"
#include "kernels/sum_threshold.hpp"
#include "kernels/zero_dm_filter.hpp"
#include "pipeline/condition.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr int kBandpassPoints = 1024;    // of the baseline
constexpr int kBandpassLongest = 16;     // run of them
constexpr double kBandpassFloor = 0.25;  // of the noise: ripples of the receiver are smooth, but not noise
constexpr double kMarginSigma = 4.0;     // of noise on top of a pulse that is kept
constexpr double kTopCode = 255.0;
constexpr std::int64_t kColumnCells = 32;

}  // namespace

void Conditioner::flag_channels_of(const Calibration& calibration) {
  const auto good = flags_.channel_good();
  flag_unusable_channels(mean_.cview(), sigma_.cview(), n_good_.cview(), good);
  flags_.take_channels(FlagRule::kDead);
  if (config_.saturated.enabled) flag_saturated(calibration);
  if (config_.channels.enabled) {
    flag_channels(mean_.cview(), sigma_.cview(), n_good_.cview(), config_.channels.threshold_sigma, good);
    flags_.take_channels(FlagRule::kChannels);
  }
  if (config_.iqrm.enabled) flag_iqrm_channels();
  if (config_.sum_threshold.enabled) flag_bandpass();
}

// Of bytes with one calibration, whose highest code is known.
void Conditioner::flag_saturated(const Calibration& calibration) {
  if (!calibration || unpack_.format.n_bits != 8) return;
  Array<double, 1> top({info_.n_chan});
  for (int c = 0; c < info_.n_chan; ++c) {
    const auto at = static_cast<std::size_t>(c);
    const double scale = calibration->scale[at];
    top(c) = scale > 0.0 ? scale * kTopCode * unpack_.n_pol_summed + calibration->offset[at]
                         : std::numeric_limits<double>::infinity();
  }
  flag_saturated_channels(mean_.cview(), sigma_.cview(), top.cview(), config_.saturated.margin_sigma,
                          flags_.channel_good());
  flags_.take_channels(FlagRule::kSaturated);
}

void Conditioner::flag_iqrm_channels() {
  const int radius = std::max(1, static_cast<int>(std::lround(config_.iqrm.radius_fraction * info_.n_chan)));
  flag_iqrm({radius, config_.iqrm.threshold_sigma}, sigma_.cview(), flags_.channel_good());
  flags_.take_channels(FlagRule::kIqrm);
}

// The median sigma of the good channels, 0 without any.
double Conditioner::typical_sigma() {
  const auto good = flags_.channel_good();
  std::vector<double> sigma;
  for (std::int64_t c = 0; c < info_.n_chan; ++c)
    if (good[c] != 0) sigma.push_back(double{sigma_(c)});
  return sigma.empty() ? 0.0 : median_of(sigma);
}

// Bumps of the bandpass above its baseline: what is wider than a channel's neighbourhood.
void Conditioner::flag_bandpass() {
  const auto good = flags_.channel_good();
  const int per_point = (info_.n_chan + kBandpassPoints - 1) / kBandpassPoints;
  const std::int64_t n = (info_.n_chan + per_point - 1) / per_point;
  Array<double, 1> level({n}), baseline({n});
  Array<std::uint8_t, 1> has({n});
  const auto channels_of = [&](std::int64_t i) {
    return std::pair{i * per_point, std::min<std::int64_t>(info_.n_chan, (i + 1) * per_point)};
  };
  for (std::int64_t i = 0; i < n; ++i) {
    double sum = 0.0, count = 0.0;
    const auto [first, end] = channels_of(i);
    for (auto c = first; c < end; ++c)
      if (good[c] != 0) {
        sum += mean_(c);
        count += 1.0;
      }
    has(i) = 2.0 * count >= static_cast<double>(end - first) ? 1 : 0;
    level(i) = has(i) != 0 ? sum / count : 0.0;
  }
  // A stiffness goes with the fourth power of a length: the same one in MHz for fewer points.
  const double lambda =
      config_.sum_threshold.bandpass_lambda * std::pow(static_cast<double>(n) / kBandpassPoints, 4);
  arpls({.lambda = lambda}, level.cview(), has.cview(), baseline.view());
  std::vector<double> above;
  for (std::int64_t i = 0; i < n; ++i)
    if (has(i) != 0) above.push_back(level(i) - baseline(i));
  if (above.size() < 8) return;
  const double deviation = std::max(robust_spread(above).deviation, kBandpassFloor * typical_sigma());
  if (!(deviation > 0.0)) return;
  Array<float, 2> x({n, 1});
  for (std::int64_t i = 0; i < n; ++i)
    x(i, 0) = has(i) != 0 ? static_cast<float>(std::max(0.0, level(i) - baseline(i)) / deviation) : 0.0F;
  const auto runs = sum_thresholds(RunAxis::kChannel, {.first_sigma = config_.sum_threshold.bandpass_sigma,
                                                       .base = config_.sum_threshold.base,
                                                       .longest = kBandpassLongest,
                                                       .margin_sigma = kMarginSigma});
  Array<std::int32_t, 1> scratch({sum_threshold_scratch_ints(RunAxis::kChannel, n)});
  if (sum_threshold_channels(runs, x.cview(), View<std::uint8_t, 2>(has.data(), {n, 1}), scratch.view()) == 0)
    return;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto [first, end] = channels_of(i);
    if (has(i) == 0 && x(i, 0) > 0.0F)
      for (auto c = first; c < end; ++c) good[c] = 0;
  }
  flags_.take_channels(FlagRule::kSumThreshold);
}

std::int64_t Conditioner::flag_outlying_times(View<std::uint8_t, 1> good) const {
  const auto n = good.shape(0);
  return flag_times(zero_dm_.cview().slice(0, 0, n), sigma_z_.cview().slice(0, 0, n),
                    {bands_.slice(1, 0, n), band_sigma_.cview()}, config_.zero_dm.threshold_sigma, good);
}

void Conditioner::count_lines(const std::vector<PeriodicLine>& found) {
  for (const auto& line : found) {
    const auto same = std::find_if(lines_.begin(), lines_.end(), [&](const PeriodicCount& l) {
      return l.frequency_hz == line.frequency_hz;
    });
    ++same->n_window;
    same->power_max = std::max(same->power_max, line.power);
  }
}

// Lines that are significant in this window, of samples that `good` says; wave_series_ becomes their sum.
bool Conditioner::find_lines(View<const std::uint8_t, 1> good) {
  const auto found =
      find_periodic(periodic_, zero_dm_.cview(), good, -std::log(config_.periodic.false_alarm));
  if (is_counted_) count_lines(found);
  if (found.empty()) return false;
  periodic_waveform(periodic_, found, wave_series_.view());
  return true;
}

// The series to be taken out of all channels: the zero-DM series, or its periodic part.
bool Conditioner::make_shared_wave() {
  const bool whole = config_.zero_dm_filter.enabled;
  const double sigma = *std::max_element(sigma_z_.data(), sigma_z_.data() + window_samples_);
  if ((!whole && periodic_.lines.empty()) || !(sigma > 0.0)) return false;
  std::vector<std::uint8_t> usable(static_cast<std::size_t>(window_samples_));
  std::transform(sigma_z_.data(), sigma_z_.data() + window_samples_, usable.begin(),
                 [](float s) { return s > 0.0F ? std::uint8_t{1} : std::uint8_t{0}; });
  if (!periodic_.lines.empty()) {
    auto quiet = usable;  // lines are fitted to what no impulse disturbs
    const View<std::uint8_t, 1> good(quiet.data(), {window_samples_});
    if (config_.zero_dm.enabled) flag_outlying_times(good.slice(0, 0, flags_.n_time()));
    if (!find_lines(good) && !whole) return false;
  }
  if (whole)
    std::transform(zero_dm_.data(), zero_dm_.data() + window_samples_, wave_series_.data(),
                   [](std::int32_t z) { return static_cast<float>(z); });
  make_wave(wave_series_.cview(), {usable.data(), {window_samples_}}, sigma, wave_.view());
  return true;
}

// Flagged times become zero and leave the sums of cells; also those that were flagged before
// samples were normalised again.
void Conditioner::flag_times_of() {
  if (!config_.zero_dm.enabled) return;
  if (flag_outlying_times(flags_.time_good()) > 0) flags_.take_times();
  if (!flags_.flagged_times().empty()) levels_.drop_times(flags_.flagged_times());
}

// What is left of a channel's mean, in levels of a sample with weight.
double Conditioner::channel_mean_level(std::int64_t c) const {
  std::int64_t n = 0, sum = 0;
  for (std::int64_t k = 0; k < flags_.n_cell(); ++k) {
    n += flags_.cell_count()(c, k);
    sum += cells_.sum(c, k);
  }
  return n > 0 ? static_cast<double>(sum) / static_cast<double>(n) : 0.0;
}

// Pieces of cell_samples, from the sums of cells: a sample of level q had the power mean + q sigma / 4, and
// rounding added 1/12 to the mean of q^2.
void Conditioner::flag_kurtosis_cells() {
  std::int64_t cells = 1;
  while (2 * cells * kCellSamples <= config_.kurtosis.cell_samples && 2 * cells <= flags_.n_cell())
    cells *= 2;
  const std::int64_t n_piece = flags_.n_cell() / cells;
  Array<double, 2> sum({info_.n_chan, n_piece}), squares({info_.n_chan, n_piece});
  Array<std::int32_t, 2> count({info_.n_chan, n_piece});
  Array<std::uint8_t, 2> good({info_.n_chan, n_piece});
  const auto channel_good = flags_.channel_good();
  for (std::int64_t c = 0; c < info_.n_chan; ++c) {
    const double mean = mean_(c), level = sigma_(c) / kQuantSigma;
    for (std::int64_t p = 0; p < n_piece; ++p) {
      std::int64_t n = 0, s = 0, s2 = 0;
      for (auto k = p * cells; k < (p + 1) * cells; ++k) {
        n += flags_.cell_count()(c, k);
        s += cells_.sum(c, k);
        s2 += cells_.squares(c, k);
      }
      const auto nd = static_cast<double>(n), sd = static_cast<double>(s);
      count(c, p) = static_cast<std::int32_t>(n);
      good(c, p) = channel_good[c] != 0 && n > 0 ? 1 : 0;
      sum(c, p) = nd * mean + level * sd;
      squares(c, p) = nd * mean * mean + 2.0 * mean * level * sd +
                      level * level * std::max(0.0, static_cast<double>(s2) - nd / 12.0);
    }
  }
  KurtosisParams params;
  params.shape = config_.kurtosis.shape > 0.0
                     ? config_.kurtosis.shape
                     : kurtosis_shape(sum.cview(), squares.cview(), count.cview(), good.cview());
  // Of other data the zero level is far off, or the noise lost in the level.
  if (params.shape < kMinKurtosisShape || params.shape > kMaxKurtosisShape) return;
  params.false_alarm = config_.kurtosis.false_alarm;
  params.excess_allowed = config_.keep_snr * config_.keep_snr /
                          (static_cast<double>(info_.n_chan) * static_cast<double>(cells * kCellSamples));
  if (flag_kurtosis(params, sum.cview(), squares.cview(), count.cview(), good.view()) == 0) return;
  const auto cell_good = flags_.cell_good();
  for (std::int64_t c = 0; c < info_.n_chan; ++c)
    for (std::int64_t p = 0; channel_good[c] != 0 && p < n_piece; ++p)
      if (good(c, p) == 0)
        for (auto k = p * cells; k < (p + 1) * cells; ++k) cell_good(c, k) = 0;
  flags_.take_cells(FlagRule::kKurtosis);
}

// Sums of cells in units of their standard deviation, about the channel's mean.
void Conditioner::make_plane() {
  const auto good = flags_.cell_good();
  const double variance = QuantLevels{}.variance;
  std::vector<float> scale(kCellSamples + 1, 0.0F);
  for (std::size_t n = 1; n < scale.size(); ++n)
    scale[n] = static_cast<float>(1.0 / std::sqrt(variance * static_cast<double>(n)));
  for_slabs(n_threads_, info_.n_chan, [&](int first, int end, int) {
    for (int c = first; c < end; ++c) {
      const auto mean = static_cast<float>(channel_mean_level(c));
      for (std::int64_t k = 0; k < flags_.n_cell(); ++k) {
        const auto n = flags_.cell_count()(c, k);
        plane_(c, k) = good(c, k) != 0 ? (static_cast<float>(cells_.sum(c, k)) - mean * n) * scale[n] : 0.0F;
      }
    }
  });
}

void Conditioner::flag_plane() {
  make_plane();
  const auto& r = config_.sum_threshold;
  const RunThresholdParams params{
      .first_sigma = r.threshold_sigma,
      .base = r.base,
      .longest = r.longest,
      .keep_sigma = config_.keep_snr / std::sqrt(static_cast<double>(info_.n_chan)),
      .margin_sigma = kMarginSigma};
  const auto along_time = sum_thresholds(RunAxis::kTime, params),
             along_channels = sum_thresholds(RunAxis::kChannel, params);
  const auto good = flags_.cell_good();
  for_slabs(n_threads_, info_.n_chan, [&](int first, int end, int thread) {
    sum_threshold_times(along_time, plane_.cview().slice(0, first, end), good.slice(0, first, end),
                        run_scratch_.view()[thread]);
  });
  const auto n_column = (flags_.n_cell() + kColumnCells - 1) / kColumnCells;
  parallel_for(n_threads_, n_column, [&](std::int64_t column, int thread) {
    const auto first = column * kColumnCells, end = std::min(flags_.n_cell(), first + kColumnCells);
    sum_threshold_channels(along_channels, plane_.cview().slice(1, first, end), good.slice(1, first, end),
                           run_scratch_.view()[thread]);
  });
  flags_.take_cells(FlagRule::kSumThreshold);
}

}  // namespace tianyan
