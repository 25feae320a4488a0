// Boxcars and peaks on the CPU: bounds of whole runs first, in vectors, then of the cells of runs that may
// hold an event; only sums that may be significant where they stand get a significance.
#include "kernels/boxcar.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/boxcar_ops.hpp"

namespace tianyan {

std::vector<int> BoxcarPlan::widths_samples() const {
  std::vector<int> widths;
  for (int level = 0; level < n_level; ++level)
    for (int j = first_width[level]; j < end_width[level]; ++j)
      widths.push_back(kNarrowWidths[j] * static_cast<int>(decimation(level)));
  return widths;
}

BoxcarPlan make_boxcar_plan(double min_samples, double max_samples, std::int64_t max_row, double snr_min,
                            double variance_min) {
  const int largest = kNarrowWidths[kNumNarrowWidths - 1];
  expect(max_samples >= min_samples, "boxcars from {} to {} samples", min_samples, max_samples);
  expect(max_samples <= static_cast<double>(largest * BoxcarPlan::decimation(kBoxcarLevels - 1)),
         "search.width_max_s is {:.0f} of the samples that narrow pulses want; at most {} are searched: "
         "lower it, or raise "
         "search.width_min_s",
         max_samples, largest * BoxcarPlan::decimation(kBoxcarLevels - 1));
  BoxcarPlan plan;
  plan.snr_min = snr_min;
  plan.variance_min = variance_min;
  int widest = 0;
  for (int level = 0; level < kBoxcarLevels; ++level) {
    const auto scale = static_cast<double>(BoxcarPlan::decimation(level));
    const int lowest = level == 0 ? 0 : kFirstWideWidth;
    int end = lowest, first = lowest;
    while (end < kNumNarrowWidths && kNarrowWidths[end] * scale <= max_samples) ++end;
    while (first < end && kNarrowWidths[first] * scale < min_samples) ++first;
    plan.first_width[level] = first;
    plan.end_width[level] = end;
    if (end > lowest) widest = level;
    if (end > first) plan.n_level = level + 1;
  }
  if (plan.widths_samples().empty()) {  // no rung lies between the two: the last below them, or 1
    plan.n_level = widest + 1;
    plan.end_width[widest] = std::max(plan.end_width[widest], 1);
    plan.first_width[widest] = plan.end_width[widest] - 1;
  }
  const auto longest = std::int64_t{largest} * BoxcarPlan::decimation(plan.n_level - 1);
  expect(max_row <= std::numeric_limits<std::int32_t>::max() / longest,
         "row values up to {} summed over {} samples overflow 32 bits: lower search.width_max_s", max_row,
         longest);
  return plan;
}

namespace {

// Sum of a quantity kept in bins over samples [from, to): whole bins by their running sums, parts in
// proportion.
double sum_between(View<const float, 1> per_bin, View<const double, 1> prefix, int bin_samples,
                   std::int64_t from, std::int64_t to) {
  const auto up_to = [&](std::int64_t t) {
    const std::int64_t bin = t / bin_samples;
    const double whole = prefix[bin];
    const auto part = static_cast<double>(t - bin * bin_samples) / bin_samples;
    return part > 0.0 ? whole + part * per_bin[bin] : whole;
  };
  return up_to(to) - up_to(from);
}

// Marks sums that were not needed yet; sums begin with zero.
constexpr double kNotSummed = -1.0;

void prepare_sums(View<const float, 1> per_bin, View<double, 1> prefix) {
  expect(prefix.shape(0) == per_bin.shape(0) + 1, "{} running sums of {} bins", prefix.shape(0),
         per_bin.shape(0));
  expect(per_bin.rows_contiguous(), "bins of a row that are {} apart", per_bin.stride(0));
  prefix[0] = kNotSummed;
}

View<const double, 1> running_sums(View<const float, 1> per_bin, View<double, 1> prefix) {
  if (prefix[0] != kNotSummed) return prefix;
  prefix[0] = 0.0;
  for (std::int64_t i = 0; i < per_bin.shape(0); ++i) prefix[i + 1] = prefix[i] + double{per_bin[i]};
  return prefix;
}

}  // namespace

double boxcar_snr(const BoxcarPlan& plan, const VarianceTrack& track, std::int64_t sum, std::int64_t start,
                  int width) {
  const double v = track.of(start, width);
  if (v < plan.variance_min * width || v <= 0.0) return 0.0;
  return (static_cast<double>(sum) - track.mean_of(start, width)) / (track.noise_of(width) * std::sqrt(v));
}

double VarianceTrack::of(std::int64_t start, int width) const {
  const std::int64_t from = start - begin, to = from + width;
  const std::int64_t first = from / bin_samples, last = (to - 1) / bin_samples;
  if (width < bin_samples) {
    const float most = first == last ? per_bin[first] : std::max(per_bin[first], per_bin[last]);
    return double{most} * width / bin_samples;
  }
  return sum_between(per_bin, running_sums(per_bin, prefix), bin_samples, from, to);
}

double VarianceTrack::mean_of(std::int64_t start, int width) const {
  if (mean_per_bin.shape(0) == 0) return 0.0;
  return sum_between(mean_per_bin, running_sums(mean_per_bin, mean_prefix), kVarianceBin, start - begin,
                     start - begin + width);
}

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Least variance and mean per sample of a stretch of samples, which count from the track's first; whole bins
// of kVarianceBin.
struct Least {
  double variance = kInfinity, mean = kInfinity;

  void add(const VarianceTrack& track, std::int64_t from, std::int64_t to) {
    const auto least = [&](View<const float, 1> bins, int bin_samples) {
      return double{least_of(bins.data() + from / bin_samples, (to - from) / bin_samples)} / bin_samples;
    };
    variance = std::min(variance, least(track.per_bin, track.bin_samples));
    mean = std::min(mean, track.mean_per_bin.shape(0) > 0 ? least(track.mean_per_bin, kVarianceBin) : 0.0);
  }
};

// Square roots of kNarrowWidths.
constexpr double kRootWidths[] = {1.0,
                                  1.4142135623730951,
                                  1.7320508075688772,
                                  2.0,
                                  2.4494897427831781,
                                  2.8284271247461903,
                                  3.4641016151377546,
                                  4.0,
                                  4.8989794855663558,
                                  5.6568542494923806};

// No smaller sum has this S/N, if its samples are of one level and all of bins whose least is given:
//
//   V(t, w) >= w max(least variance, variance_min) of what makes an event, M(t, w) >= w least mean,
//   noise(w) of the track
//
// and a little less for the roundings: 1e-6 of the deviation and 1e-3 are thousands of times what sums of 256
// bins in double lose.
class LeastSum {
 public:
  LeastSum(const BoxcarPlan& plan, const VarianceTrack& track, const Least& least, double snr, int level)
      : track_(track), level_(level) {
    const auto scale = static_cast<double>(BoxcarPlan::decimation(level));
    deviation_ = snr * std::sqrt(std::max(least.variance, plan.variance_min) * scale) * 0.999999;
    mean_ = least.mean * scale;
  }
  /// of kNarrowWidths[j]
  double operator()(int j) const {
    const double noise = track_.noise_of(kNarrowWidths[j] * static_cast<int>(BoxcarPlan::decimation(level_)));
    return noise * deviation_ * kRootWidths[j] + mean_ * kNarrowWidths[j] - 1e-3;
  }

 private:
  const VarianceTrack& track_;
  int level_;
  double deviation_ = 0.0, mean_ = 0.0;
};

// Finds the best event of the starts [first, first + n_start) of one level, which count samples of that
// level.
struct CellSearch {
  const BoxcarPlan& plan;
  const VarianceTrack& track;
  int level;
  const std::int32_t* run_sum;  // least sum of each width that may be an event anywhere in the run

  // x points at the sample of level-start `first`; sums run forward from there.
  BoxcarEvent best_of(const std::int32_t* x, std::int64_t first, std::int64_t n_start) const {
    std::int32_t bound[kNumNarrowWidths], eighths[kBoxcarTail / 8 + 4];
    boxcar_bounds(x, (n_start + 7) / 8 * 8, bound, eighths);
    const auto scale = BoxcarPlan::decimation(level);
    BoxcarEvent best;
    Least least;
    auto from = (first * scale - track.begin) / kVarianceBin * kVarianceBin;
    for (int j = plan.first_width[level]; j < plan.end_width[level]; ++j) {
      if (bound[j] < run_sum[j]) continue;
      const auto end = (first + n_start - 1 + kNarrowWidths[j]) * scale - track.begin;
      const auto to = (end + kVarianceBin - 1) / kVarianceBin * kVarianceBin;
      least.add(track, from, to);
      from = to;
      if (bound[j] >= sum_to_beat(least, best, j)) try_width(x, first, n_start, j, least, best);
    }
    return best;
  }

 private:
  double sum_to_beat(const Least& least, const BoxcarEvent& best, int j) const {
    return LeastSum(plan, track, least, std::max(plan.snr_min, best.snr), level)(j);
  }

  void try_width(const std::int32_t* x, std::int64_t first, std::int64_t n_start, int j, const Least& least,
                 BoxcarEvent& best) const {
    const int w = kNarrowWidths[j], width = w * static_cast<int>(BoxcarPlan::decimation(level));
    double to_beat = sum_to_beat(least, best, j);
    std::int32_t sum = std::accumulate(x, x + w, 0);
    for (std::int64_t i = 0; i < n_start; ++i) {
      if (sum >= to_beat) {
        const auto start = (first + i) * BoxcarPlan::decimation(level);
        const double snr = boxcar_snr(plan, track, sum, start, width);
        if (snr >= plan.snr_min && snr > best.snr) {
          best = {start, width, snr};
          to_beat = sum_to_beat(least, best, j);
        }
      }
      if (i + 1 < n_start) sum += x[i + w] - x[i];
    }
  }
};

// The sums of one level.
void find_least_sums(const BoxcarPlan& plan, const VarianceTrack& track, int level, std::int32_t* sums) {
  std::fill_n(sums, kNumNarrowWidths, std::numeric_limits<std::int32_t>::max());
  if (!std::isfinite(track.least[level])) return;
  const LeastSum least(plan, track, {track.least[level], track.least_mean}, plan.snr_min, level);
  for (int j = plan.first_width[level]; j < plan.end_width[level]; ++j)
    sums[j] = static_cast<std::int32_t>(std::clamp(std::ceil(least(j)),
                                                   double{std::numeric_limits<std::int32_t>::min()},
                                                   double{std::numeric_limits<std::int32_t>::max()}));
}

// Samples [0, n) of a level stand behind their tail of 32 in `row`; starts [-32, n - 32) are searched, in
// cells where `bound`, which no sum of the run exceeds, leaves room for an event.
void search_level(const BoxcarPlan& plan, const VarianceTrack& track, int level, const std::int32_t* row,
                  std::int64_t n, const std::int32_t* bound, std::vector<BoxcarEvent>& events) {
  std::int32_t run_sum[kNumNarrowWidths];
  find_least_sums(plan, track, level, run_sum);
  bool possible = false;
  for (int j = plan.first_width[level]; j < plan.end_width[level]; ++j) possible |= bound[j] >= run_sum[j];
  if (!possible) return;
  const CellSearch search{plan, track, level, run_sum};
  const auto cell = BoxcarPlan::cell(level) / BoxcarPlan::decimation(level);
  for (std::int64_t i = 0; i < n; i += cell)
    if (const auto best = search.best_of(row + i, i - kBoxcarTail, cell); best.width > 0)
      events.push_back(best);
}

}  // namespace

BoxcarLeastSums least_boxcar_sums(const BoxcarPlan& plan, const VarianceTrack& track) {
  BoxcarLeastSums least;
  for (auto& level : least.of)
    std::fill(std::begin(level), std::end(level), std::numeric_limits<std::int32_t>::max());
  for (int level = 0; level < plan.n_level; ++level) find_least_sums(plan, track, level, least.of[level]);
  return least;
}

BoxcarEvent best_of_cell(const BoxcarPlan& plan, const VarianceTrack& track, const BoxcarLeastSums& least,
                         int level, std::int64_t first, View<const std::int32_t, 1> x) {
  expect(x.shape(0) == kBoxcarCellSamples && x.rows_contiguous(), "a cell of {} samples; {} are needed",
         x.shape(0), kBoxcarCellSamples);
  expect(level >= 0 && level < plan.n_level, "a cell of level {} of {}", level, plan.n_level);
  return CellSearch{plan, track, level, least.of[level]}.best_of(
      x.data(), first, BoxcarPlan::cell(level) / BoxcarPlan::decimation(level));
}

VarianceTrack make_variance_track(const BoxcarPlan& plan, View<const float, 1> per_bin, std::int64_t n,
                                  View<double, 1> prefix) {
  const auto n_bin = per_bin.shape(0), n_sample = plan.lag() + n;
  expect((n_bin * kVarianceBin == n_sample || n_bin == n_sample) && prefix.shape(0) == n_bin + 1,
         "variance of {} bins, {} sums for runs of {} samples after {}", n_bin, prefix.shape(0), n,
         plan.lag());
  VarianceTrack track;
  track.begin = -plan.lag();
  track.bin_samples = n_bin == n_sample ? 1 : kVarianceBin;
  track.per_bin = per_bin;
  track.prefix = prefix;
  prepare_sums(per_bin, prefix);
  Least least;
  auto to = n_sample;
  for (int level = 0; level < plan.n_level; ++level) {  // each reaches further back than the one before
    const auto from = plan.lag() - kBoxcarTail * BoxcarPlan::decimation(level);
    least.add(track, from, to);
    to = from;
    const bool any =
        least.variance > 0.0 || std::any_of(per_bin.data() + from / track.bin_samples, per_bin.data() + n_bin,
                                            [](float v) { return v > 0.0F; });
    track.least[level] = any ? std::max(least.variance, plan.variance_min) : kInfinity;
  }
  return track;
}

void set_row_mean(View<const float, 1> per_bin, View<double, 1> prefix, VarianceTrack& track) {
  expect(per_bin.shape(0) * kVarianceBin == track.per_bin.shape(0) * track.bin_samples,
         "mean of {} bins of {} samples, variance of {} of {}", per_bin.shape(0), kVarianceBin,
         track.per_bin.shape(0), track.bin_samples);
  prepare_sums(per_bin, prefix);
  track.mean_per_bin = per_bin;
  track.mean_prefix = prefix;
  track.least_mean = double{least_of(per_bin.data(), per_bin.shape(0))} / kVarianceBin;
}

// Of each level but the first: its tail, its samples and 8 zeros; of the last the samples that no level
// follows.
std::int64_t boxcar_scratch_ints(std::int64_t n) {
  std::int64_t ints = 0;
  for (int level = 1; level <= kBoxcarLevels; ++level)
    ints += kBoxcarTail + n / BoxcarPlan::decimation(level) + 8;
  return ints;
}

void boxcar_search(const BoxcarPlan& plan, const VarianceTrack& variance, View<std::int32_t, 1> row,
                   BoxcarTail& tail, View<std::int32_t, 1> scratch, std::vector<BoxcarEvent>& events) {
  std::int64_t n = row.shape(0) - kBoxcarTail;
  expect(n > 0 && n % 256 == 0, "boxcar run of {} samples; it must be a multiple of 256", n);
  expect(scratch.shape(0) >= boxcar_scratch_ints(n), "boxcar scratch of {}; {} needed", scratch.shape(0),
         boxcar_scratch_ints(n));
  std::int32_t* x = row.data();
  std::int32_t* next = scratch.data();
  for (int level = 0; level < plan.n_level; ++level) {
    std::copy(tail[level], tail[level] + kBoxcarTail, x);
    const auto n_bound = (n + 7) / 8 * 8;  // a run of less than 8 samples is followed by zeros
    std::int32_t bound[kNumNarrowWidths];
    // The tail's four sums of 8 come before the new ones, where the next level's tail will stand.
    boxcar_bounds(x, n_bound, bound, next + kBoxcarTail - kBoxcarTail / 8);
    if (std::isfinite(variance.least[level])) search_level(plan, variance, level, x, n, bound, events);
    std::copy(x + n, x + n + kBoxcarTail, tail[level]);
    x = next;
    n /= 8;
    std::fill(x + kBoxcarTail + n, x + kBoxcarTail + n + 8, 0);
    next += kBoxcarTail + n + 8;
  }
}

std::vector<BoxcarEvent> boxcar_search_reference(const BoxcarPlan& plan, const VarianceTrack& variance,
                                                 View<const std::int32_t, 1> row) {
  std::vector<BoxcarEvent> events;
  const auto n = row.shape(0);
  for (int level = 0; level < plan.n_level; ++level) {
    const auto scale = BoxcarPlan::decimation(level), cell = BoxcarPlan::cell(level);
    for (std::int64_t begin = 0; begin < n; begin += cell) {
      BoxcarEvent best;
      for (int j = plan.first_width[level]; j < plan.end_width[level]; ++j)
        for (auto t = begin; t < begin + cell; t += scale) {
          const int width = kNarrowWidths[j] * static_cast<int>(scale);
          std::int64_t sum = 0;
          for (auto i = t; i < std::min(n, t + width); ++i) sum += row[i];
          const double snr = boxcar_snr(plan, variance, sum, t, width);
          if (snr >= plan.snr_min && snr > best.snr) best = {t, width, snr};
        }
      if (best.width > 0) events.push_back(best);
    }
  }
  return events;
}

}  // namespace tianyan
