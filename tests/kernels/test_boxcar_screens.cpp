// What the boxcar search skips: events that are only just significant, wherever they are, and rows of which
// much is flagged.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/boxcar_test.hpp"
#include "tests/kernels/target_test.hpp"

namespace tianyan {
namespace {

// No samples yet; variances and means that change by factors, stretches of nothing.
WholeRow uneven_row(std::int64_t n, double chance_of_nothing, Xoshiro256& random) {
  WholeRow row(n);
  row.mean.resize(row.per_bin.size());
  std::int64_t left = 0;
  float variance = 0.0F, mean = 0.0F;
  for (std::size_t b = 0; b < row.per_bin.size(); ++b, --left) {
    if (left == 0) {  // whole numbers and 64ths: running sums are exact wherever they begin
      left = random_between(random, 1, one_of(random, {2, 8, 100}));
      const bool nothing = random.uniform() < chance_of_nothing;
      variance = nothing ? 0.0F : static_cast<float>(random_between(random, 400, 40'000));
      mean = nothing ? 0.0F : static_cast<float>(random_between(random, -6400, 6400)) / 64.0F;
    }
    row.per_bin[b] = variance;
    row.mean[b] = mean;
  }
  return row;
}

std::int64_t random_run(Xoshiro256& random) { return 256 * random_between(random, 1, 8); }

// Starts next to the borders of cells and runs, and any.
std::int64_t random_start(std::int64_t n, std::int64_t scale, Xoshiro256& random) {
  const std::int64_t border = one_of(random, {32, 256, 1024, 1}), near = random_between(random, -2, 2);
  return std::clamp<std::int64_t>(random_between(random, 0, n / border) * border / scale + near, 0,
                                  n / scale) *
         scale;
}

TEST(BoxcarScreens, AnEventJustAboveTheLimitIsFoundAtAnyWidthAndPlace) {
  Xoshiro256 random(1);
  for (int round = 0; round < 8; ++round) {
    const auto plan = make_boxcar_plan(0.0, 2048.0, 1'000'000, 4.0 + round % 4, one_of(random, {0.0, 200.0}));
    for (int width : plan.widths_samples()) {
      auto row = uneven_row(5120, 0.1, random);
      if (round % 2 == 1)
        for (auto& f : row.noise) f += random.uniform();
      const auto start = random_start(row.n() - width, width <= 32 ? 1 : width <= 256 ? 8 : 64, random);
      const WholeTrack whole(row);
      const double v = whole.track.of(start, width);
      if (v <= 0.0 || v < plan.variance_min * width) continue;
      const auto sum = static_cast<std::int64_t>(std::ceil(
          plan.snr_min * whole.track.noise_of(width) * std::sqrt(v) + whole.track.mean_of(start, width)));
      for (std::int64_t i = 0; i < width; ++i)
        row.x[static_cast<std::size_t>(start + i)] =
            static_cast<std::int32_t>(sum * (i + 1) / width - sum * i / width);
      const auto expected = search_by_definition(plan, row);
      ASSERT_GT(expected.size(), 0U) << "width " << width << " at " << start;
      EXPECT_TRUE(same(search_in_runs(plan, row, [&] { return random_run(random); }), expected))
          << "width " << width << " at " << start << ", round " << round;
    }
  }
}

TEST(BoxcarScreens, RowsOfWhichMuchIsFlaggedEqualTheDefinition) {
  for_each_target([] {
    Xoshiro256 random(2);
    std::size_t n_event = 0;
    for (int round = 0; round < 40; ++round) {
      auto row = uneven_row(8 * random_between(random, 1, 900), 0.1 * (round % 9), random);
      for (std::int64_t t = 0; t < row.n(); ++t) {
        const auto bin = static_cast<std::size_t>(t / 8);
        row.x[static_cast<std::size_t>(t)] = static_cast<std::int32_t>(
            std::lround(std::sqrt(row.per_bin[bin] / 8.0) * gaussian(random) + row.mean[bin] / 8.0));
      }
      const auto plan =
          make_boxcar_plan(0.0, one_of(random, {32.0, 256.0, 2048.0}), 1'000'000,
                           one_of(random, {2.5, 3.0, 4.0, 6.0}), one_of(random, {0.0, 300.0, 2000.0}));
      const auto expected = search_by_definition(plan, row);
      EXPECT_TRUE(same(search_in_runs(plan, row, [&] { return random_run(random); }), expected))
          << row.n() << " samples, round " << round;
      n_event += expected.size();
    }
    EXPECT_GT(n_event, 300U);
  });
}

TEST(BoxcarScreens, SumsAreMadeOnlyForWhatMayBeAnEvent) {
  Xoshiro256 random(3);
  const auto plan = make_boxcar_plan(0.0, 256.0, 1'000'000, 7.0, 0.0);
  const auto n_bin = (plan.lag() + 1024) / kVarianceBin;
  Array<float, 1> per_bin({n_bin});
  Array<double, 1> prefix({n_bin + 1});
  std::fill(per_bin.data(), per_bin.data() + n_bin, 8.0F * 1e4F);
  const auto track = make_variance_track(plan, per_bin.cview(), 1024, prefix.view());
  const auto search_run = [&](std::int32_t pulse) {
    const auto noise = noise_row(kBoxcarTail + 1024, 100.0, random);
    Array<std::int32_t, 1> row({noise.n()}), scratch({boxcar_scratch_ints(1024)});
    std::copy(noise.x.begin(), noise.x.end(), row.data());
    for (std::int64_t i = 500; i < 516; ++i) row(i) += pulse;
    BoxcarTail tail = {};
    std::vector<BoxcarEvent> events;
    boxcar_search(plan, track, row.view(), tail, scratch.view(), events);
    return events.size();
  };
  EXPECT_EQ(search_run(0), 0U);
  EXPECT_LT(prefix(0), 0.0);  // not yet
  EXPECT_GT(search_run(300), 0U);
  EXPECT_EQ(prefix(n_bin), static_cast<double>(n_bin) * 8e4);
}

}  // namespace
}  // namespace tianyan
