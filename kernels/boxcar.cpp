// Boxcars and peaks on the CPU: maxima of whole runs first, in vectors; only runs that may hold an event are
// looked at sample by sample.
#include "kernels/boxcar.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/row_ops.hpp"

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
         "search.width_max_s is {} samples of the octave; at most {} are searched", max_samples,
         largest * BoxcarPlan::decimation(kBoxcarLevels - 1));
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
double sum_between(View<const float, 1> per_bin, View<const double, 1> prefix, std::int64_t from,
                   std::int64_t to) {
  const auto up_to = [&](std::int64_t t) {
    const std::int64_t bin = t / kVarianceBin;
    const double whole = prefix[bin];
    const auto part = static_cast<double>(t - bin * kVarianceBin) / kVarianceBin;
    return part > 0.0 ? whole + part * per_bin[bin] : whole;
  };
  return up_to(to) - up_to(from);
}

void running_sums(View<const float, 1> per_bin, View<double, 1> prefix) {
  expect(prefix.shape(0) == per_bin.shape(0) + 1, "{} running sums of {} bins", prefix.shape(0),
         per_bin.shape(0));
  prefix[0] = 0.0;
  for (std::int64_t i = 0; i < per_bin.shape(0); ++i) prefix[i + 1] = prefix[i] + double{per_bin[i]};
}

}  // namespace

double boxcar_snr(const BoxcarPlan& plan, const VarianceTrack& track, std::int64_t sum, std::int64_t start,
                  int width) {
  const double v = track.of(start, width);
  if (v < plan.variance_min * width || v <= 0.0) return 0.0;
  return (static_cast<double>(sum) - track.mean_of(start, width)) / std::sqrt(v);
}

double VarianceTrack::of(std::int64_t start, int width) const {
  const std::int64_t from = start - begin, to = from + width;
  const std::int64_t first = from / kVarianceBin, last = (to - 1) / kVarianceBin;
  if (width < kVarianceBin) {
    const float most = first == last ? per_bin[first] : std::max(per_bin[first], per_bin[last]);
    return double{most} * width / kVarianceBin;
  }
  return sum_between(per_bin, prefix, from, to);
}

double VarianceTrack::mean_of(std::int64_t start, int width) const {
  if (mean_per_bin.shape(0) == 0) return 0.0;
  return sum_between(mean_per_bin, mean_prefix, start - begin, start - begin + width);
}

namespace {

// Best event of the starts [first, first + n_start) of one level, which count samples of that level.
struct CellSearch {
  const BoxcarPlan& plan;
  const VarianceTrack& variance;
  int level;
  double least[kNumNarrowWidths] = {};   // no smaller sum of a width can be an event
  bool possible[kNumNarrowWidths] = {};  // widths that may hold one in this run

  // x points at the sample of level-start `first`; sums run forward from there.
  void run(const std::int32_t* x, std::int64_t first, std::int64_t n_start,
           std::vector<BoxcarEvent>& events) const {
    const auto scale = BoxcarPlan::decimation(level);
    BoxcarEvent best;
    for (int j = plan.first_width[level]; j < plan.end_width[level]; ++j) {
      if (!possible[j]) continue;
      const int w = kNarrowWidths[j];
      std::int64_t sum = 0;
      for (int i = 0; i < w; ++i) sum += x[i];
      for (std::int64_t i = 0; i < n_start; ++i) {
        const auto start = (first + i) * scale;
        const int width = w * static_cast<int>(scale);
        if (static_cast<double>(sum) >= least[j]) {
          const double snr = boxcar_snr(plan, variance, sum, start, width);
          if (snr >= plan.snr_min && snr > best.snr) best = {start, width, snr};
        }
        if (i + 1 < n_start) sum += x[i + w] - x[i];
      }
    }
    if (best.width > 0) events.push_back(best);
  }
};

// Smallest variance per sample that any start of the run may see, or infinity where none can give an event.
double least_variance(const BoxcarPlan& plan, const VarianceTrack& track, std::int64_t start,
                      std::int64_t end) {
  const auto first = (start - track.begin) / kVarianceBin;
  const auto last = std::min(track.per_bin.shape(0), (end - track.begin + kVarianceBin - 1) / kVarianceBin);
  double least = std::numeric_limits<double>::infinity();
  bool any = false;
  for (auto i = first; i < last; ++i) {
    const double v = double{track.per_bin[i]} / kVarianceBin;
    least = std::min(least, v);
    any = any || v > 0.0;
  }
  return any ? std::max(least, plan.variance_min) : std::numeric_limits<double>::infinity();
}

// No smaller sum of `width` samples can be an event anywhere in the run; a little less for the roundings of
// floats.
double least_sum(const BoxcarPlan& plan, const VarianceTrack& track, int level, std::int64_t width) {
  const auto w = static_cast<double>(width);
  return plan.snr_min * std::sqrt(track.least[level] * w) * 0.999999 + track.least_mean * w - 1e-3;
}

// Samples [0, n) of a level stand behind their tail of 32 in `row`; starts [-32, n - 32) are searched.
void search_level(const BoxcarPlan& plan, const VarianceTrack& variance, int level, const std::int32_t* row,
                  std::int64_t n, std::int32_t* scratch, std::vector<BoxcarEvent>& events) {
  const auto scale = BoxcarPlan::decimation(level);
  if (!std::isfinite(variance.least[level])) return;
  const auto cell = BoxcarPlan::cell(level) / scale;
  CellSearch search{plan, variance, level};
  std::int32_t best[kNumNarrowWidths];
  bool any = false;
  boxcar_maxima(row, (n + 7) / 8 * 8, scratch, best);  // a short run is followed by zeros: see boxcar_search
  for (int j = plan.first_width[level]; j < plan.end_width[level]; ++j) {
    search.least[j] = least_sum(plan, variance, level, kNarrowWidths[j] * scale);
    search.possible[j] = best[j] >= search.least[j];
    any = any || search.possible[j];
  }
  if (!any) return;
  for (std::int64_t i = 0; i < n; i += cell) search.run(row + i, i - kBoxcarTail, cell, events);
}

}  // namespace

VarianceTrack make_variance_track(const BoxcarPlan& plan, View<const float, 1> per_bin, std::int64_t n,
                                  View<double, 1> prefix) {
  const auto n_bin = per_bin.shape(0);
  expect(n_bin * kVarianceBin == plan.lag() + n && prefix.shape(0) == n_bin + 1,
         "variance of {} bins, {} sums for runs of {} samples after {}", n_bin, prefix.shape(0), n,
         plan.lag());
  VarianceTrack track;
  track.begin = -plan.lag();
  track.per_bin = per_bin;
  running_sums(per_bin, prefix);
  track.prefix = prefix;
  for (int level = 0; level < plan.n_level; ++level)
    track.least[level] = least_variance(plan, track, -kBoxcarTail * BoxcarPlan::decimation(level), n);
  return track;
}

void set_row_mean(View<const float, 1> per_bin, View<double, 1> prefix, VarianceTrack& track) {
  expect(per_bin.shape(0) == track.per_bin.shape(0), "mean of {} bins, variance of {}", per_bin.shape(0),
         track.per_bin.shape(0));
  running_sums(per_bin, prefix);
  track.mean_per_bin = per_bin;
  track.mean_prefix = prefix;
  track.least_mean = per_bin[0];
  for (std::int64_t i = 1; i < per_bin.shape(0); ++i)
    track.least_mean = std::min(track.least_mean, double{per_bin[i]});
  track.least_mean /= kVarianceBin;
}

std::int64_t boxcar_scratch_ints(std::int64_t n) { return 4 * (n + 32) + 2 * (n / 8 + kBoxcarTail + 8); }

void boxcar_search(const BoxcarPlan& plan, const VarianceTrack& variance, View<std::int32_t, 1> row,
                   BoxcarTail& tail, View<std::int32_t, 1> scratch, std::vector<BoxcarEvent>& events) {
  std::int64_t n = row.shape(0) - kBoxcarTail;
  expect(n > 0 && n % 256 == 0, "boxcar run of {} samples; it must be a multiple of 256", n);
  expect(scratch.shape(0) >= boxcar_scratch_ints(n), "boxcar scratch of {}; {} needed", scratch.shape(0),
         boxcar_scratch_ints(n));
  std::int32_t* x = row.data();
  std::int32_t* next = scratch.data() + 4 * (n + 32);
  for (int level = 0; level < plan.n_level; ++level) {
    std::copy(tail[level], tail[level] + kBoxcarTail, x);
    search_level(plan, variance, level, x, n, scratch.data(), events);
    std::copy(x + n, x + n + kBoxcarTail, tail[level]);
    if (level + 1 == plan.n_level) break;
    decimate_by_8(x + kBoxcarTail, next + kBoxcarTail, n / 8);
    x = next;
    n /= 8;
    std::fill(x + kBoxcarTail + n, x + kBoxcarTail + n + 8, 0);
    next += n + kBoxcarTail + 8;
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
