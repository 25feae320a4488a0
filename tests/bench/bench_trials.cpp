// The kernels of the search at native sampling: 4096 trials over a window, from int8 samples to boxcars.
#include "kernels/boxcar.hpp"
#include "kernels/fdmt.hpp"
#include "kernels/quantise.hpp"
#include "kernels/row_variance.hpp"
#include "pipeline/plan.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

// 5 additions and 5 maxima a sample of three levels, of which each has an eighth of the one before.
constexpr double kBoxcarAdditions = 10.0 * (1.0 + 1.0 / 8.0 + 1.0 / 64.0);
constexpr int kTrialsPerVariance = 16;
constexpr std::int64_t kBins = kTimeTile / kVarianceBin;

FdmtPlan fast_fdmt_plan() {
  const auto info = fast_stream(kWindow);
  FdmtParams p;
  p.n_chan = kChannels;
  p.freq_low_mhz = info.freq_low_mhz;
  p.channel_width_mhz = info.channel_width_mhz;
  p.delay_end = kTrials;
  p.max_abs = QuantLevels{}.max_abs;
  p.time_tile = static_cast<int>(kTimeTile);
  p.trial_tile = kTrialTile;
  return make_fdmt_plan(p, static_cast<int>(kTimeTile));
}

// Rows of all groups for one window, and what making them takes.
struct GroupRows {
  FdmtPlan plan = fast_fdmt_plan();
  Array<std::int8_t, 2> in = quantised_noise(kChannels, kWindow + plan.history());
  Array<std::int16_t, 2> rows{{plan.n_group_row, plan.group_columns(kWindow)}};
  Array<std::byte, 1> scratch{{std::max(plan.group_scratch_bytes, plan.trial_scratch_bytes)}};

  void make() {
    for (int g = 0; g < static_cast<int>(plan.groups.size()); ++g) {
      const auto& group = plan.groups[static_cast<std::size_t>(g)];
      const auto n_column = kWindow + group.shift_max - group.shift_min;
      for (std::int64_t j = 0; j < n_column; j += kTimeTile)
        fdmt_group_rows(plan, g, in.view(), j, std::min(kTimeTile, n_column - j), rows.view(),
                        scratch.view());
    }
  }
};

void fdmt_group_rows_window(benchmark::State& state) {
  GroupRows groups;
  time_windows(state,
               {.bytes = static_cast<double>(groups.in.size() + 2 * groups.rows.size()),
                .additions = groups.plan.group_additions_per_sample * kWindow},
               [&] { groups.make(); });
}
BENCHMARK(fdmt_group_rows_window)->Unit(benchmark::kMillisecond);

// One row in the first cache, forgotten when it is complete.
class OneRow final : public RowWriter {
 public:
  std::int32_t* begin_row(int) override { return row_.data(); }
  void end_row(int) override { benchmark::DoNotOptimize(row_.data()); }

 private:
  Array<std::int32_t, 1> row_{{kTimeTile}};
};

void fdmt_trials_window(benchmark::State& state) {
  GroupRows groups;
  groups.make();
  OneRow row;
  const double per_sample = groups.plan.trial_additions_per_sample;
  time_windows(state, {.additions = per_sample * kWindow}, [&] {
    for (int i = 0; i < kTrials; i += kTrialTile)
      for (std::int64_t t = 0; t < kWindow; t += kTimeTile)
        fdmt_trials(groups.plan, groups.rows.view(), i, i + kTrialTile, t, kTimeTile, row,
                    groups.scratch.view());
  });
}
BENCHMARK(fdmt_trials_window)->Unit(benchmark::kMillisecond);

void boxcar_search_window(benchmark::State& state) {
  const double variance = kChannels * QuantLevels{}.variance;
  const auto max_row = std::int64_t{kChannels} * QuantLevels{}.max_abs;
  const auto plan = make_boxcar_plan(0.0, 0.1 / kSampleTimeS, max_row, 6.0, 0.1 * variance);
  Array<float, 1> per_bin({(plan.lag() + kTimeTile) / kVarianceBin});
  Array<double, 1> prefix({per_bin.size() + 1});
  std::fill(per_bin.data(), per_bin.data() + per_bin.size(), static_cast<float>(kVarianceBin * variance));
  const auto track = make_variance_track(plan, per_bin.view(), kTimeTile, prefix.view());
  constexpr std::int64_t kRows = 8;
  Array<std::int32_t, 2> rows({kRows, kBoxcarTail + kTimeTile});
  fill_noise(rows.data(), rows.size(), 0.0F, static_cast<float>(std::sqrt(variance)), 1e6F);
  Array<std::int32_t, 3> tails({kTrials, kBoxcarLevels, kBoxcarTail});
  Array<std::int32_t, 1> scratch({boxcar_scratch_ints(kTimeTile)});
  std::vector<BoxcarEvent> events;
  time_windows(state, {.additions = kBoxcarAdditions * kTrials * kWindow, .addend_bytes = 4}, [&] {
    events.clear();
    for (std::int64_t i = 0; i < kTrials * kWindow / kTimeTile; ++i)
      boxcar_search(plan, track, rows.view()[i % kRows],
                    *reinterpret_cast<BoxcarTail*>(&tails(i % kTrials, 0, 0)), scratch.view(), events);
  });
}
BENCHMARK(boxcar_search_window)->Unit(benchmark::kMillisecond);

// Of each tile of times the bins that the tile before did not have, one row of variances for 16 trials.
void row_variance_window(benchmark::State& state) {
  const auto plan = fast_fdmt_plan();
  const auto bound = variance_subbands(kChannels);
  const auto n_subband = std::ssize(bound) - 1;
  Array<float, 2> weight({n_subband, (kWindow + kTrials) / kVarianceBin});
  std::fill(weight.data(), weight.data() + weight.size(), static_cast<float>(kSlab * kVarianceBin));
  Array<std::int32_t, 1> shift({n_subband});
  Array<float, 1> per_bin({kBins});
  time_windows(state,
               {.additions = static_cast<double>(n_subband) * (kTrials / kTrialsPerVariance) *
                             (kWindow / kVarianceBin),
                .addend_bytes = 4},
               [&] {
                 for (int d = 0; d < kTrials; d += kTrialsPerVariance)
                   for (std::int64_t t = 0; t < kWindow; t += kTimeTile) {
                     subband_shifts(plan.params, bound, d, shift.view());
                     row_variance(weight.view(), shift.cview(), t / kVarianceBin, 16.0, per_bin.view());
                     benchmark::DoNotOptimize(per_bin.data());
                   }
               });
}
BENCHMARK(row_variance_window)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tianyan
