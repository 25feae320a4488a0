// What the boxcar tests share: whole rows, and their search as a stream of runs.
#pragma once
#include <algorithm>
#include <tuple>
#include <vector>

#include "kernels/boxcar.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {

constexpr std::int64_t kBoxcarMargin = 2048 + 256;  // the longest boxcar and the longest cell

/// A row, its variance and where it has one its mean, in bins of 8 samples, and how much noisier sums of it
/// are; nothing was recorded before it and after it.
struct WholeRow {
  std::vector<std::int32_t> x;
  std::vector<float> per_bin, mean;
  NoiseFactors noise = kWhiteNoise;

  explicit WholeRow(std::int64_t n)
      : x(static_cast<std::size_t>(n)), per_bin(static_cast<std::size_t>(n / 8)) {}
  std::int64_t n() const { return std::ssize(x); }
  static float of_bin(const std::vector<float>& bins, std::int64_t i) {
    return i < 0 || i >= std::ssize(bins) ? 0.0F : bins[static_cast<std::size_t>(i)];
  }
  std::int32_t at(std::int64_t t) const { return t < 0 || t >= n() ? 0 : x[static_cast<std::size_t>(t)]; }
};

inline WholeRow noise_row(std::int64_t n, double sigma, Xoshiro256& random) {
  WholeRow row(n);
  for (auto& v : row.x) v = static_cast<std::int32_t>(std::lround(sigma * gaussian(random)));
  std::fill(row.per_bin.begin(), row.per_bin.end(), static_cast<float>(kVarianceBin * sigma * sigma));
  return row;
}

inline void add_pulse(WholeRow& row, std::int64_t start, std::int64_t width, int height) {
  for (std::int64_t t = std::max<std::int64_t>(0, start); t < std::min(row.n(), start + width); ++t)
    row.x[static_cast<std::size_t>(t)] += height;
}

/// Noise with pulses of all widths, steps of variance, and stretches that were flagged.
inline WholeRow lively_row(std::int64_t n, Xoshiro256& random) {
  auto row = noise_row(n, 20.0, random);
  for (int i = 0; i < 12; ++i) {
    const auto width = random_between(random, 1, 64 << (i % 6));
    add_pulse(row, random_between(random, -width + 1, n - 1), width, static_cast<int>(20 + random.below(60)));
  }
  for (int i = 0; i < 5; ++i) {
    const auto begin = random_between(random, 0, n / 8 - 1),
               end = std::min(n / 8, begin + random_between(random, 1, 80));
    const double factor = i % 2 == 0 ? 0.0 : random.uniform();
    for (auto b = begin; b < end; ++b) {
      row.per_bin[static_cast<std::size_t>(b)] *= static_cast<float>(factor);
      for (auto t = 8 * b; factor == 0.0 && t < 8 * b + 8; ++t) row.x[static_cast<std::size_t>(t)] = 0;
    }
  }
  return row;
}

inline BoxcarPlan random_boxcar_plan(Xoshiro256& random) {
  const double most = one_of(random, {1.0, 4.0, 32.0, 47.0, 100.0, 256.0, 384.0, 2048.0});
  return make_boxcar_plan(most * random.uniform() * random.uniform(), most, 4000,
                          4.0 + 4.0 * random.uniform(), one_of(random, {0.0, 0.0, 40.0, 200.0}));
}

inline void sort_events(std::vector<BoxcarEvent>& events) {
  std::sort(events.begin(), events.end(), [](const BoxcarEvent& a, const BoxcarEvent& b) {
    return std::tuple(a.start, a.width) < std::tuple(b.start, b.width);
  });
}

/// The search of a row in runs whose lengths `next_run` gives, until every start of the row was searched.
template <class NextRun>
std::vector<BoxcarEvent> search_in_runs(const BoxcarPlan& plan, const WholeRow& row,
                                        const NextRun& next_run) {
  std::vector<BoxcarEvent> events;
  BoxcarTail tail = {};
  std::int64_t run = 0;
  for (std::int64_t at = 0; at < row.n() + plan.lag(); at += run) {
    run = next_run();
    const auto n_bin = (plan.lag() + run) / kVarianceBin;
    Array<float, 1> per_bin({n_bin}), mean({n_bin});
    Array<double, 1> prefix({n_bin + 1}), mean_prefix({n_bin + 1});
    for (std::int64_t i = 0; i < n_bin; ++i) {
      per_bin(i) = WholeRow::of_bin(row.per_bin, (at - plan.lag()) / kVarianceBin + i);
      mean(i) = WholeRow::of_bin(row.mean, (at - plan.lag()) / kVarianceBin + i);
    }
    auto track = make_variance_track(plan, per_bin.cview(), run, prefix.view());
    if (!row.mean.empty()) set_row_mean(mean.cview(), mean_prefix.view(), track);
    track.noise = row.noise;
    Array<std::int32_t, 1> x({kBoxcarTail + run}), scratch({boxcar_scratch_ints(run)});
    for (std::int64_t i = 0; i < run; ++i) x(kBoxcarTail + i) = row.at(at + i);
    const auto first = events.size();
    boxcar_search(plan, track, x.view(), tail, scratch.view(), events);
    for (auto e = first; e < events.size(); ++e) events[e].start += at;
  }
  sort_events(events);
  return events;
}

inline std::vector<BoxcarEvent> search(const BoxcarPlan& plan, const WholeRow& row) {
  return search_in_runs(plan, row, [] { return std::int64_t{1024}; });
}

/// Variance and mean of a row as one track, from kBoxcarMargin - 256 samples before it to kBoxcarMargin
/// after.
struct WholeTrack {
  Array<float, 1> per_bin, mean;
  Array<double, 1> prefix, mean_prefix;
  VarianceTrack track;

  explicit WholeTrack(const WholeRow& row)
      : per_bin({(row.n() + 2 * kBoxcarMargin) / kVarianceBin}),
        mean({per_bin.size()}),
        prefix({per_bin.size() + 1}),
        mean_prefix({per_bin.size() + 1}) {
    track.begin = -2048;
    for (std::int64_t i = 0; i < per_bin.size(); ++i) {
      per_bin(i) = WholeRow::of_bin(row.per_bin, i - 2048 / kVarianceBin);
      mean(i) = WholeRow::of_bin(row.mean, i - 2048 / kVarianceBin);
      prefix(i + 1) = prefix(i) + double{per_bin(i)};
    }
    track.per_bin = per_bin.cview();
    track.prefix = prefix.view();
    track.noise = row.noise;
    if (!row.mean.empty()) set_row_mean(mean.cview(), mean_prefix.view(), track);
  }
};

/// The definition over the whole row, boxcars that begin before it included.
inline std::vector<BoxcarEvent> search_by_definition(const BoxcarPlan& plan, const WholeRow& row) {
  WholeTrack whole(row);
  whole.track.begin = 0;
  Array<std::int32_t, 1> x({2048 + row.n()});
  for (std::int64_t t = 0; t < row.n(); ++t) x(2048 + t) = row.at(t);
  auto events = boxcar_search_reference(plan, whole.track, x.cview());
  for (auto& e : events) e.start -= 2048;
  sort_events(events);
  return events;
}

inline testing::AssertionResult same(const std::vector<BoxcarEvent>& a, const std::vector<BoxcarEvent>& b) {
  if (a.size() != b.size()) return testing::AssertionFailure() << a.size() << " events against " << b.size();
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].start != b[i].start || a[i].width != b[i].width || a[i].snr != b[i].snr)
      return testing::AssertionFailure()
             << "event " << i << ": start " << a[i].start << " width " << a[i].width << " snr " << a[i].snr
             << " against start " << b[i].start << " width " << b[i].width << " snr " << b[i].snr;
  return testing::AssertionSuccess();
}

inline BoxcarEvent best_of(const std::vector<BoxcarEvent>& events) {
  BoxcarEvent best;
  for (const auto& e : events)
    if (e.snr > best.snr) best = e;
  return best;
}

}  // namespace tianyan
