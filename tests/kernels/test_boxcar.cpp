// The boxcar search: plans and sums by hand, streams against the definition, ends of scans, and what is
// refused.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/boxcar_test.hpp"

namespace tianyan {
namespace {

std::vector<int> widths(double least, double most) {
  return make_boxcar_plan(least, most, 1000, 6.0, 0.0).widths_samples();
}

TEST(BoxcarPlan, LaddersByHand) {
  EXPECT_EQ(widths(0.0, 1.0), (std::vector<int>{1}));
  EXPECT_EQ(widths(0.0, 40.0), (std::vector<int>{1, 2, 3, 4, 6, 8, 12, 16, 24, 32}));
  EXPECT_EQ(widths(0.0, 100.0), (std::vector<int>{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96}));
  EXPECT_EQ(widths(5.0, 48.0), (std::vector<int>{6, 8, 12, 16, 24, 32, 48}));
  const auto all = widths(0.0, 2048.0);
  EXPECT_EQ(all.size(), 22u);
  EXPECT_EQ(all.back(), 2048);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LE(all[i], all[i - 1] * 2);
}

TEST(BoxcarPlan, NothingNarrowerThanTheLeastWidthIsSearched) {
  EXPECT_EQ(widths(40.0, 300.0), (std::vector<int>{48, 64, 96, 128, 192, 256}));
  EXPECT_EQ(widths(257.0, 500.0), (std::vector<int>{384}));
  EXPECT_EQ(widths(1000.0, 2048.0), (std::vector<int>{1024, 1536, 2048}));
}

TEST(BoxcarPlan, HasOneWidthWhereNoRungFits) {
  EXPECT_EQ(widths(0.0, 0.3), (std::vector<int>{1}));
  EXPECT_EQ(widths(5.0, 5.0), (std::vector<int>{4}));
  EXPECT_EQ(widths(33.0, 40.0), (std::vector<int>{32}));
  EXPECT_EQ(widths(260.0, 300.0), (std::vector<int>{256}));
}

TEST(BoxcarPlan, RefusesWhatItCannotSearch) {
  EXPECT_THROW(widths(2.0, 1.0), std::invalid_argument);
  EXPECT_THROW(widths(0.0, 2049.0), std::invalid_argument);
  EXPECT_THROW(widths(0.0, std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
  const auto most = std::numeric_limits<std::int32_t>::max();
  for (std::int64_t longest : {32, 256, 2048}) {
    EXPECT_NO_THROW(make_boxcar_plan(0.0, static_cast<double>(longest), most / longest, 6.0, 0.0));
    EXPECT_THROW(make_boxcar_plan(0.0, static_cast<double>(longest), most / longest + 1, 6.0, 0.0),
                 std::invalid_argument);
  }
}

// A row and the same row lifted by 5 have the same events where the track knows the lift.
TEST(BoxcarSearch, TakesOffTheMeanOfTheRow) {
  constexpr std::int64_t kRun = 1024;
  const auto plan = make_boxcar_plan(0.0, 300.0, 1 << 20, 3.0, 0.0);
  const auto n_bin = (plan.lag() + kRun) / kVarianceBin;
  Array<float, 1> per_bin({n_bin}), mean({n_bin});
  Array<double, 1> prefix({n_bin + 1}), mean_prefix({n_bin + 1});
  for (std::int64_t i = 0; i < n_bin; ++i) {
    per_bin(i) = kVarianceBin * 100.0F;
    mean(i) = kVarianceBin * 5.0F;
  }
  const auto plain = make_variance_track(plan, per_bin.cview(), kRun, prefix.view());
  auto lifted = plain;
  set_row_mean(mean.cview(), mean_prefix.view(), lifted);
  EXPECT_EQ(lifted.mean_of(-7, 12), 60.0);
  std::vector<BoxcarEvent> events[2];
  for (int lift : {0, 1}) {
    Xoshiro256 random(5);
    BoxcarTail tail;
    for (auto& level : tail) std::fill(std::begin(level), std::end(level), 0);
    for (int level = 0; level < kBoxcarLevels; ++level)
      for (auto& x : tail[level]) x = lift * 5 * static_cast<int>(BoxcarPlan::decimation(level));
    Array<std::int32_t, 1> row({kBoxcarTail + kRun}), scratch({boxcar_scratch_ints(kRun)});
    for (std::int64_t i = 0; i < kRun; ++i)
      row(kBoxcarTail + i) = static_cast<std::int32_t>(std::lround(10.0 * gaussian(random))) + lift * 5;
    boxcar_search(plan, lift != 0 ? lifted : plain, row.view(), tail, scratch.view(), events[lift]);
  }
  EXPECT_GT(events[0].size(), 0U);
  EXPECT_TRUE(same(events[0], events[1]));
}

TEST(VarianceTrack, OfFourBinsByHand) {
  WholeRow row(32);
  row.per_bin = {8.0F, 16.0F, 0.0F, 24.0F};
  const WholeTrack whole(row);
  EXPECT_EQ(whole.track.of(0, 8), 8.0);
  EXPECT_EQ(whole.track.of(4, 8), 4.0 + 8.0);
  EXPECT_EQ(whole.track.of(-4, 8), 4.0);
  EXPECT_EQ(whole.track.of(0, 32), 48.0);
  EXPECT_EQ(whole.track.of(4, 25), 4.0 + 16.0 + 0.0 + 15.0);
  EXPECT_EQ(whole.track.of(30, 12), 6.0);
  EXPECT_EQ(whole.track.of(8, 4), 16.0 * 4 / 8);  // narrower than a bin: the largest that it touches
  EXPECT_EQ(whole.track.of(6, 4), 16.0 * 4 / 8);
  EXPECT_EQ(whole.track.of(14, 4), 16.0 * 4 / 8);
  EXPECT_EQ(whole.track.of(17, 7), 0.0);
}

TEST(VarianceTrack, AddsUpOverNeighbours) {
  Xoshiro256 random(1);
  WholeRow row(1024);
  for (auto& v : row.per_bin) v = static_cast<float>(random_between(random, 0, 100'000));
  const WholeTrack whole(row);
  for (int round = 0; round < 500; ++round) {
    const auto a = random_between(random, -100, 900);
    const auto m = static_cast<int>(random_between(random, 8, 300)),
               n = static_cast<int>(random_between(random, 8, 300));
    EXPECT_EQ(whole.track.of(a, m) + whole.track.of(a + m, n), whole.track.of(a, m + n));
  }
}

TEST(VarianceTrack, LeastIsBelowWhatAnyStartSees) {
  Xoshiro256 random(2);
  const auto plan = make_boxcar_plan(0.0, 2048.0, 1000, 6.0, 0.0);
  Array<float, 1> per_bin({(plan.lag() + 512) / 8});
  Array<double, 1> prefix({per_bin.size() + 1});
  for (std::int64_t i = 0; i < per_bin.size(); ++i)
    per_bin(i) = static_cast<float>(10.0 + 5.0 * random.uniform());
  const auto track = make_variance_track(plan, per_bin.cview(), 512, prefix.view());
  for (int level = 0; level < 3; ++level)
    for (int j = plan.first_width[level]; j < plan.end_width[level]; ++j) {
      const auto scale = BoxcarPlan::decimation(level);
      const auto width = static_cast<int>(kNarrowWidths[j] * scale);
      for (auto t = -32 * scale; t < 512 - 32 * scale; t += scale)
        ASSERT_LE(track.least[level] * width, track.of(t, width) * (1.0 + 1e-9)) << t << " width " << width;
    }
  EXPECT_THROW(make_variance_track(plan, per_bin.cview(), 768, prefix.view()), std::invalid_argument);
  EXPECT_THROW(make_variance_track(plan, per_bin.cview(), 512, prefix.view().slice(0, 0, per_bin.size())),
               std::invalid_argument);
}

TEST(BoxcarSearch, OfThreeSamplesByHand) {
  // Variance 25 a sample. 10: 2, 20: 4, 30: 6; of two, 50 / 50^1/2 = 7.07; of three, 60 / 75^1/2 = 6.93.
  WholeRow row(256);
  row.per_bin.assign(32, 200.0F);
  row.x[99] = -7, row.x[100] = 10, row.x[101] = 20, row.x[102] = 30, row.x[103] = -5;
  const auto events = search(make_boxcar_plan(0.0, 4.0, 1000, 5.0, 0.0), row);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].start, 101);
  EXPECT_EQ(events[0].width, 2);
  EXPECT_DOUBLE_EQ(events[0].snr, 50.0 / std::sqrt(50.0));
}

TEST(BoxcarSearch, ABoxcarOfEachWidthHasItsExactSignificance) {
  const auto plan = make_boxcar_plan(0.0, 2048.0, 1000, 6.0, 0.0);
  for (int width : plan.widths_samples()) {
    WholeRow row(8192);
    row.per_bin.assign(1024, 8.0F * 9.0F);
    // Every level above the first starts at multiples of 8 or 64. A dip on either side: no other start ties.
    const std::int64_t start = 2048 + (width <= 32 ? 13 : 64);
    add_pulse(row, start, width, 7);
    add_pulse(row, start - 8, 8, -1);
    add_pulse(row, start + width, 8, -1);
    const auto best = best_of(search(plan, row));
    if (7.0 * std::sqrt(width) / 3.0 < 6.0) {
      EXPECT_EQ(best.width, 0) << width;
      continue;
    }
    EXPECT_EQ(best.start, start) << width;
    EXPECT_EQ(best.width, width);
    EXPECT_DOUBLE_EQ(best.snr, 7.0 * width / std::sqrt(9.0 * width));
  }
}

TEST(BoxcarSearch, OfEqualEventsTheNarrowerThenTheEarlierIsKept) {
  WholeRow row(256);
  row.per_bin.assign(32, 8.0F);
  row.x[66] = row.x[70] = 10;  // two alike in one cell
  const auto earlier = search(make_boxcar_plan(0.0, 1.0, 1000, 6.0, 0.0), row);
  ASSERT_EQ(earlier.size(), 1u);
  EXPECT_EQ(earlier[0].start, 66);
  row.x[133] = 20, row.x[134] = 8, row.x[135] = row.x[136] = 6;  // 40 / 2 of four is 20 of one
  const auto narrower = search(make_boxcar_plan(0.0, 4.0, 1000, 15.0, 0.0), row);
  ASSERT_EQ(narrower.size(), 1u);
  EXPECT_EQ(narrower[0].start, 133);
  EXPECT_EQ(narrower[0].width, 1);
}

TEST(BoxcarSearch, AStreamOfAnyRunsEqualsTheDefinition) {
  Xoshiro256 random(3);
  for (int round = 0; round < 16; ++round) {
    const auto row = lively_row(8 * random_between(random, 1, 900), random);
    const auto plan = random_boxcar_plan(random);
    const auto streamed = search_in_runs(plan, row, [&] { return 256 * random_between(random, 1, 8); });
    EXPECT_TRUE(same(streamed, search_by_definition(plan, row)))
        << row.n() << " samples, " << plan.widths_samples().size() << " widths, round " << round;
  }
}

// Multiples of 1/64 of either sign, lifted into the samples: running sums are exact wherever they begin.
void lift(WholeRow& row, Xoshiro256& random) {
  for (std::size_t b = 0; b < row.per_bin.size(); ++b) {
    const auto level = random_between(random, -9, 9);
    row.mean.push_back(row.per_bin[b] > 0.0F ? static_cast<float>(level) + 0.015625F : 0.0F);
    for (std::size_t t = 8 * b; t < 8 * b + 8 && row.per_bin[b] > 0.0F; ++t)
      row.x[t] += static_cast<std::int32_t>(level / 8);
  }
}

TEST(BoxcarSearch, AStreamWithAMeanThatChangesEqualsTheDefinition) {
  Xoshiro256 random(6);
  for (int round = 0; round < 8; ++round) {
    auto row = lively_row(8 * random_between(random, 1, 900), random);
    lift(row, random);
    const auto plan = random_boxcar_plan(random);
    const auto streamed = search_in_runs(plan, row, [&] { return 256 * random_between(random, 1, 8); });
    EXPECT_TRUE(same(streamed, search_by_definition(plan, row))) << row.n() << " samples, round " << round;
  }
}

NoiseFactors random_noise(Xoshiro256& random) {
  NoiseFactors noise = kWhiteNoise;
  for (auto& f : noise)
    if (random.below(3) > 0) f += one_of(random, {0.01, 0.3, 4.0}) * random.uniform();
  return noise;
}

TEST(NoiseOctave, IsTheFirstPowerOfTwoNotBelowAWidth) {
  const int width[] = {1, 2, 3, 4, 5, 6, 8, 9, 12, 16, 24, 32, 512, 768, 1024, 1025, 1536, 2048};
  const int octave[] = {0, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 9, 10, 10, 11, 11, 11};
  for (std::size_t i = 0; i < std::size(width); ++i) EXPECT_EQ(noise_octave(width[i]), octave[i]) << width[i];
  VarianceTrack track;
  EXPECT_EQ(track.noise_of(12), 1.0);
  track.noise[4] = 1.5;
  EXPECT_EQ(track.noise_of(8), 1.0);
  EXPECT_EQ(track.noise_of(12), 1.5);
  EXPECT_EQ(track.noise_of(24), 1.0);
}

TEST(BoxcarSearch, OfSumsThatAreNoisierByHand) {
  // As three samples above, of two 7.07 and of three 6.93; with sums of two noisier by 1.1, 6.43.
  WholeRow row(256);
  row.per_bin.assign(32, 200.0F);
  row.x[99] = -7, row.x[100] = 10, row.x[101] = 20, row.x[102] = 30, row.x[103] = -5;
  row.noise[1] = 1.1;
  const auto plan = make_boxcar_plan(0.0, 4.0, 1000, 5.0, 0.0);
  auto events = search(plan, row);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].start, 100);
  EXPECT_EQ(events[0].width, 3);
  EXPECT_DOUBLE_EQ(events[0].snr, 60.0 / std::sqrt(75.0));
  row.noise.fill(2.0);
  EXPECT_EQ(search(plan, row).size(), 0u);  // half of each is below 5
}

TEST(BoxcarSearch, AStreamOfAnyRunsEqualsTheDefinitionWhereSumsAreNoisier) {
  Xoshiro256 random(7);
  std::size_t n_event = 0, n_white = 0;
  for (int round = 0; round < 16; ++round) {
    auto row = lively_row(8 * random_between(random, 1, 900), random);
    if (round % 2 == 1) lift(row, random);
    const auto plan = random_boxcar_plan(random);
    n_white += search(plan, row).size();
    row.noise = random_noise(random);
    const auto streamed = search_in_runs(plan, row, [&] { return 256 * random_between(random, 1, 8); });
    EXPECT_TRUE(same(streamed, search_by_definition(plan, row))) << row.n() << " samples, round " << round;
    n_event += streamed.size();
  }
  EXPECT_GT(n_event, 100U);
  EXPECT_LT(n_event, n_white);
}

TEST(BoxcarSearch, NoiseOfOneFactorIsAHigherLimit) {
  Xoshiro256 random(8);
  auto row = lively_row(8192, random);
  auto expected = search(make_boxcar_plan(0.0, 2048.0, 4000, 8.0, 10.0), row);
  for (auto& e : expected) e.snr /= 2.0;
  row.noise.fill(2.0);
  EXPECT_GT(expected.size(), 5U);
  EXPECT_TRUE(same(search(make_boxcar_plan(0.0, 2048.0, 4000, 4.0, 10.0), row), expected));
}

TEST(BoxcarSearch, FindsAPulseOnARowBelowZero) {
  WholeRow row(
      4096);  // the pulse is in a run without an end of the scan, where a bound of sums skips the rest
  row.per_bin.assign(512, 8.0F * 100.0F);
  row.mean.assign(512, 8.0F * -5.0F);
  for (std::size_t t = 0; t < 4096; ++t) row.x[t] = t % 2 == 0 ? -6 : -4;
  row.x[1501] = 40;  // 45 above the mean, 4.5 sigma; 4 sigma above zero
  const auto events = search(make_boxcar_plan(0.0, 1.0, 1000, 4.4, 0.0), row);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].start, 1501);
  EXPECT_DOUBLE_EQ(events[0].snr, 4.5);
}

TEST(VarianceTrack, TheMeanIsInProportionToTime) {
  WholeRow row(24);
  row.per_bin = {8.0F, 8.0F, 8.0F};
  row.mean = {16.0F, -8.0F, 0.0F};
  const WholeTrack whole(row);
  EXPECT_EQ(whole.track.mean_of(0, 24), 8.0);
  EXPECT_EQ(whole.track.mean_of(6, 4), 2.0 * 2.0 - 1.0 * 2.0);
  EXPECT_EQ(whole.track.mean_of(-8, 9), 2.0);
  EXPECT_EQ(whole.track.least_mean, -1.0);
  auto track = whole.track;
  Array<float, 1> few({3});
  Array<double, 1> sums({4}), three({3});
  EXPECT_THROW(set_row_mean(few.cview(), sums.view(), track), std::invalid_argument);
  EXPECT_THROW(set_row_mean(whole.mean.cview(), three.view(), track), std::invalid_argument);
}

TEST(BoxcarSearch, RunsDoNotMatter) {
  Xoshiro256 random(4);
  const auto row = lively_row(50'000, random);
  const auto plan = make_boxcar_plan(0.0, 2048.0, 4000, 6.0, 10.0);
  const auto whole = search_in_runs(plan, row, [] { return std::int64_t{1} << 16; });
  EXPECT_GT(whole.size(), 5u);
  for (std::int64_t run : {256, 512, 768, 1024, 4096})
    EXPECT_TRUE(same(search_in_runs(plan, row, [&] { return run; }), whole)) << run;
}

TEST(BoxcarSearch, ShiftsWithTheRowByWholeCells) {
  Xoshiro256 random(5);
  const auto row = lively_row(8192, random);
  WholeRow later(8192 + 512);
  std::copy(row.x.begin(), row.x.end(), later.x.begin() + 512);
  std::copy(row.per_bin.begin(), row.per_bin.end(), later.per_bin.begin() + 64);
  const auto plan = make_boxcar_plan(0.0, 2048.0, 4000, 5.0, 10.0);
  auto expected = search(plan, row);
  for (auto& e : expected) e.start += 512;
  EXPECT_TRUE(same(search(plan, later), expected));
}

TEST(BoxcarSearch, FindsPulsesAtBothEndsOfAScan) {
  for (std::int64_t n : {1000, 1016, 1024, 1032}) {
    WholeRow row(n);
    row.per_bin.assign(static_cast<std::size_t>(n / 8), 8.0F);
    row.x.front() = 7, row.x.back() = 8;
    for (std::size_t i = 300; i < 600; ++i) row.x[i] = i % 2 == 0 ? 1 : -1;
    const auto events = search(make_boxcar_plan(0.0, 256.0, 100, 6.0, 0.5), row);
    ASSERT_EQ(events.size(), 2u) << n;
    EXPECT_EQ(events[0].start, 0);
    EXPECT_EQ(events[0].snr, 7.0);
    EXPECT_EQ(events[1].start, n - 1);
    EXPECT_EQ(events[1].snr, 8.0);
  }
}

TEST(BoxcarSearch, RefusesRunsAndScratchThatDoNotFit) {
  const auto plan = make_boxcar_plan(0.0, 32.0, 1000, 6.0, 0.0);
  Array<float, 1> per_bin({36});
  Array<double, 1> prefix({37});
  const auto track = make_variance_track(plan, per_bin.cview(), 256, prefix.view());
  BoxcarTail tail = {};
  std::vector<BoxcarEvent> events;
  Array<std::int32_t, 1> row({kBoxcarTail + 256}), scratch({boxcar_scratch_ints(256)});
  const auto call = [&](std::int64_t n, std::int64_t n_scratch) {
    boxcar_search(plan, track, row.view().slice(0, 0, n), tail, scratch.view().slice(0, 0, n_scratch),
                  events);
  };
  EXPECT_NO_THROW(call(kBoxcarTail + 256, scratch.size()));
  EXPECT_THROW(call(kBoxcarTail + 255, scratch.size()), std::invalid_argument);
  EXPECT_THROW(call(kBoxcarTail, scratch.size()), std::invalid_argument);
  EXPECT_THROW(call(kBoxcarTail + 256, scratch.size() - 1), std::invalid_argument);
}

// Each sample with its own variance, some with none: every cell's best by brute force.
TEST(BoxcarSearch, OfSamplesThatHaveTheirOwnVariance) {
  Xoshiro256 random(21);
  constexpr std::int64_t kSamples = 1024;
  const auto plan = make_boxcar_plan(0.0, 32.0, 100'000, 2.0, 40.0);
  Array<float, 1> per_sample({kBoxcarTail + kSamples});
  Array<double, 1> prefix({per_sample.size() + 1});
  std::vector<std::int32_t> x(static_cast<std::size_t>(per_sample.size()), 0);
  for (std::int64_t t = 0; t < per_sample.size(); ++t) {
    per_sample(t) = random.uniform() < 0.2 ? 0.0F : static_cast<float>(random_between(random, 50, 400));
    x[static_cast<std::size_t>(t)] =
        t < kBoxcarTail ? 0
                        : static_cast<std::int32_t>(std::lround(std::sqrt(per_sample(t)) * gaussian(random)));
  }
  const auto track = make_variance_track(plan, per_sample.cview(), kSamples, prefix.view());
  EXPECT_EQ(track.bin_samples, 1);
  EXPECT_FLOAT_EQ(static_cast<float>(track.of(5, 2)), per_sample(37) + per_sample(38));
  std::vector<BoxcarEvent> expected;
  for (std::int64_t cell = -kBoxcarTail; cell < kSamples - kBoxcarTail; cell += 32) {
    BoxcarEvent best;
    for (const int w : kNarrowWidths)
      for (auto t = cell; t < cell + 32; ++t) {
        std::int64_t sum = 0;
        for (auto i = t; i < t + w; ++i) sum += x[static_cast<std::size_t>(i + kBoxcarTail)];
        const double snr = boxcar_snr(plan, track, sum, t, w);
        if (snr >= plan.snr_min && snr > best.snr) best = {t, w, snr};
      }
    if (best.width > 0) expected.push_back(best);
  }
  Array<std::int32_t, 1> row({kBoxcarTail + kSamples}), scratch({boxcar_scratch_ints(kSamples)});
  std::copy(x.begin(), x.end(), row.data());
  BoxcarTail tail = {};
  std::vector<BoxcarEvent> found;
  boxcar_search(plan, track, row.view(), tail, scratch.view(), found);
  ASSERT_EQ(found.size(), expected.size());
  EXPECT_GT(found.size(), 10U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].start, expected[i].start);
    EXPECT_EQ(found[i].width, expected[i].width);
    EXPECT_EQ(found[i].snr, expected[i].snr);
  }
}

}  // namespace
}  // namespace tianyan
