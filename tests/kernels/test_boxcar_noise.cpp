// Significance: what S/N means for pure noise, with flagged channels, flagged times and the ends of scans.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/row_variance.hpp"
#include "tests/kernels/boxcar_test.hpp"
#include "tests/kernels/fdmt_test.hpp"

namespace tianyan {
namespace {

double above(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

TEST(BoxcarNoise, SingleSamplesExceedALimitAsOftenAsAGaussian) {
  Xoshiro256 random(1);
  constexpr std::int64_t kN = 1 << 20;
  const auto row = noise_row(kN, 1000.0, random);
  for (double limit : {3.0, 4.0}) {
    const auto events = search(make_boxcar_plan(0.0, 1.0, 10'000, limit, 0.0), row);
    const double expected = kN / 32 * (1.0 - std::pow(1.0 - above(limit), 32.0));  // cells of 32 starts
    EXPECT_NEAR(static_cast<double>(events.size()), expected, 5.0 * std::sqrt(expected)) << limit;
  }
}

// Whole numbers of variance 2 in all channels, of which some are masked always and a stretch is masked
// everywhere.
struct MaskedNoise {
  static constexpr int kChannels = 130, kTime = 16'384, kDelay = 301;
  Array<std::int8_t, 2> q{{kChannels, kTime}};
  Array<float, 2> weight;
  std::vector<int> bound = variance_subbands(kChannels);
  FdmtParams params = fdmt_params(kChannels, 1000.0, 1500.0, kDelay, kDelay + 1);

  MaskedNoise(Xoshiro256& random, std::int64_t gap_begin, std::int64_t gap_end) {
    fill_uniform(q.view(), 2, random);
    auto w = all_good(kTime, kChannels);
    Array<std::uint8_t, 1> time_good({kTime});
    for (int c = 0; c < kChannels; ++c) w.good[static_cast<std::size_t>(c)] = random.uniform() < 0.7;
    for (std::int64_t t = 0; t < kTime; ++t) {
      time_good(t) = t < gap_begin || t >= gap_end;
      for (int c = 0; c < kChannels; ++c)
        if (time_good(t) == 0 || w.good[static_cast<std::size_t>(c)] == 0) q(c, t) = 0;
    }
    weight = Array<float, 2>({std::ssize(bound) - 1, kTime / kVarianceBin});
    subband_weights(w, time_good.cview(), bound, weight.view());
  }

  WholeRow dedispersed_row() const {
    const auto plan = make_fdmt_plan(params, 1024);
    WholeRow row(kTime - 304);
    const auto out = dedispersed(plan, q.cview(), row.n());
    for (std::int64_t t = 0; t < row.n(); ++t) row.x[static_cast<std::size_t>(t)] = out(0, t);
    Array<std::int32_t, 1> shift({std::ssize(bound) - 1});
    subband_shifts(params, bound, kDelay, shift.view());
    row_variance(weight.cview(), shift.cview(), 0, 2.0,
                 View<float, 1>(row.per_bin.data(), {std::ssize(row.per_bin)}));
    return row;
  }
};

TEST(BoxcarNoise, DisjointBoxcarsOfMaskedNoiseHaveVarianceOne) {
  Xoshiro256 random(2);
  const auto row = MaskedNoise(random, 0, 0).dedispersed_row();
  const WholeTrack whole(row);
  for (int width : kNarrowWidths) {
    double square = 0.0, n = 0.0;
    for (std::int64_t t = 0; t + width <= row.n(); t += width, n += 1.0) {
      double sum = 0.0;
      for (std::int64_t i = t; i < t + width; ++i) sum += row.at(i);
      square += sum * sum / whole.track.of(t, width);
    }
    EXPECT_NEAR(square / n, 1.0, 5.0 * std::sqrt(2.0 / n)) << width;  // 5 standard errors of a variance
  }
}

TEST(BoxcarNoise, AGapFlaggedInTimeMakesNoEvent) {
  Xoshiro256 random(3);
  for (int round = 0; round < 4; ++round) {
    const std::int64_t begin = 8 * random_between(random, 100, 1000);
    const auto row = MaskedNoise(random, begin, begin + random_between(random, 1, 2000)).dedispersed_row();
    const auto plan = make_boxcar_plan(0.0, 2048.0, 1000, 6.5, 0.05 * 2.0 * MaskedNoise::kChannels);
    // 4e5 boxcars, many of them alike: P(> 6.5 sigma) 4e5 = 2e-5 a round.
    EXPECT_EQ(search(plan, row).size(), 0u) << "gap from " << begin;
  }
}

TEST(BoxcarNoise, WhereNothingWasSummedNothingIsFound) {
  Xoshiro256 random(4);
  auto row = noise_row(8192, 10.0, random);
  for (std::size_t b = 400; b < 500; ++b) row.per_bin[b] = 0.0F;
  for (std::size_t t = 3200; t < 4000; ++t) row.x[t] = t % 3 == 0 ? 5 : 0;  // what must not be there
  const auto with_minimum = search(make_boxcar_plan(0.0, 2048.0, 1000, 7.0, 50.0), row);
  for (const auto& e : with_minimum)
    EXPECT_TRUE(e.start + e.width <= 3200 || e.start >= 4000 || e.width > 800);
  for (const auto& e : search(make_boxcar_plan(0.0, 32.0, 1000, 7.0, 0.0), row))
    EXPECT_TRUE(e.start + e.width <= 3200 + 7 || e.start >= 4000 - 32) << e.start;
}

TEST(BoxcarNoise, TheEndsOfAScanAreNotSignificant) {
  Xoshiro256 random(5);
  for (int round = 0; round < 40; ++round) {
    auto row = noise_row(2400, 100.0, random);
    const auto events = search(make_boxcar_plan(0.0, 2048.0, 2000, 7.0, 0.0), row);
    EXPECT_EQ(events.size(), 0u);  // P(> 7 sigma) of 40 * 5e4 boxcars is 3e-6
  }
}

TEST(BoxcarNoise, APulseIsAsSignificantWithHalfTheBandAsItsWeightsSay) {
  Xoshiro256 random(6);
  auto row = noise_row(4096, 100.0, random);
  std::fill(row.x.begin(), row.x.end(), 0);
  for (std::size_t b = 256; b < 512; ++b) row.per_bin[b] *= 0.5F;
  for (std::int64_t start : {1000, 3000}) {
    add_pulse(row, start, 6, 300);
    add_pulse(row, start - 1, 1, -50);
    add_pulse(row, start + 6, 1, -40);
  }
  const auto events = search(make_boxcar_plan(0.0, 32.0, 2000, 7.3, 0.0), row);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_DOUBLE_EQ(events[0].snr, 1800.0 / std::sqrt(6.0 * 1e4));
  EXPECT_DOUBLE_EQ(events[1].snr, 1800.0 / std::sqrt(6.0 * 0.5e4));
}

}  // namespace
}  // namespace tianyan
