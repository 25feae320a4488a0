// The FDMT: by hand, bit for bit against the plain tree, independence of tiles and ranges, pulses, overflow.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/kernels/fdmt_test.hpp"

namespace tianyan {
namespace {

TEST(Fdmt, OfThreeChannelsByHand) {
  // 1000, 1500, 2000 MHz: g = 1, 4/9, 1/4, so channel 1 is (4/9 - 1/4) / (3/4) = 0.259 of the way. d = 4
  // reads the channels 4, 1 and 0 samples later; d = 5: 5, 1, 0; d = 6: 6, 2, 0.
  auto p = fdmt_params(3, 1000.0, 2500.0, 4, 7);
  const std::int8_t in[3][8] = {
      {1, 2, 3, 4, 5, 6, 7, 8}, {10, 20, 30, 40, 50, 60, 70, 80}, {100, -100, 101, -101, 102, -102, 103, 0}};
  const auto out = dedispersed(make_fdmt_plan(p, 2), View<const std::int8_t, 2>(&in[0][0], {3, 8}), 2);
  EXPECT_EQ(std::vector<std::int32_t>(out.data(), out.data() + 6),
            (std::vector<std::int32_t>{5 + 20 + 100, 6 + 30 - 100, 6 + 20 + 100, 7 + 30 - 100,  //
                                       7 + 30 + 100, 8 + 40 - 100}));
}

TEST(Fdmt, OfOneChannelIsThatChannel) {
  Xoshiro256 random(1);
  const auto plan = make_fdmt_plan(fdmt_params(1, 1000.0, 1001.0, 3, 6), 10);
  const auto in = random_spectra(plan.params, 33, random);
  const auto out = dedispersed(plan, in.cview(), 33);
  for (int d = 0; d < 3; ++d)
    for (int t = 0; t < 33; ++t) EXPECT_EQ(out(d, t), in(0, t));
}

TEST(Fdmt, MatchesThePlainTreeBitForBit) {
  Xoshiro256 random(2);
  for (int round = 0; round < 80; ++round) {
    const auto p = random_fdmt_params(random);
    const auto plan = make_fdmt_plan(p, static_cast<int>(random_between(random, 1, 200)));
    const std::int64_t n_time = one_of(random, {1, 3, 7, 63, 64, 65, 150});
    PaddedRows<std::int8_t> in(p.n_chan, n_time + plan.history(), random);
    fill_uniform(in.view(), p.max_abs, random);
    PaddedRows<std::int32_t> fast(plan.n_trial(), n_time, random), plain(plan.n_trial(), n_time, random);
    fdmt(plan, in.cview(), fast.view());
    fdmt_reference(plan, in.cview(), plain.view());
    EXPECT_TRUE(equal(fast.cview(), plain.cview(), "d", "t"))
        << p.n_chan << " channels, delays [" << p.delay_begin << ", " << p.delay_end << "), groups of "
        << p.max_group_channels << ", tiles " << p.trial_tile << " x " << p.time_tile;
    EXPECT_TRUE(fast.gaps_untouched());
  }
}

TEST(Fdmt, SumsEachChannelAtTheDelayThatThePlanNames) {
  Xoshiro256 random(3);
  for (int round = 0; round < 30; ++round) {
    const auto plan = make_fdmt_plan(random_fdmt_params(random), 64);
    const auto in = random_spectra(plan.params, 40, random);
    const auto out = dedispersed(plan, in.cview(), 40);
    for (int trial = 0; trial < plan.n_trial(); trial += 5) {
      const auto delay = channel_delays(plan, trial);
      for (std::int64_t t = 0; t < 40; t += 3) {
        std::int32_t sum = 0;
        for (int c = 0; c < plan.params.n_chan; ++c) sum += in(c, t + delay[static_cast<std::size_t>(c)]);
        ASSERT_EQ(out(trial, t), sum) << "trial=" << trial << " t=" << t;
      }
    }
  }
}

TEST(Fdmt, CoarseTrialsAreThoseOfTheFineOnes) {
  Xoshiro256 random(10);
  for (int n_chan : {3, 17, 65, 336}) {
    auto p = fdmt_params(n_chan, 1000.0, 1500.0, 5, 121);
    const auto in = random_spectra(p, 90, random);
    const auto fine = dedispersed(make_fdmt_plan(p, 90), in.cview(), 90);
    for (int step : {2, 3, 8, 50}) {
      p.delay_step = step;
      const auto plan = make_fdmt_plan(p, 90);
      const auto coarse = dedispersed(plan, in.cview(), 90);
      ASSERT_EQ(plan.n_trial(), (116 + step - 1) / step);
      for (int i = 0; i < plan.n_trial(); ++i)
        EXPECT_TRUE(
            equal(coarse.cview().slice(0, i, i + 1), fine.cview().slice(0, i * step, i * step + 1), "d", "t"))
            << n_chan << " channels, trial " << i << " of step " << step;
    }
  }
}

TEST(Dedisperse, OfThreeChannelsByHand) {
  // As below: a delay of 5.5 across the band is 0.259 * 5.5 = 1.43 at the middle channel, and 6 once rounded.
  const auto p = fdmt_params(3, 1000.0, 2500.0, 4, 7);
  const std::int8_t in[3][9] = {{1, 2, 3, 4, 5, 6, 7, 8, 9},
                                {10, 20, 30, 40, 50, 60, 70, 80, 90},
                                {100, -100, 101, -101, 102, -102, 103, 0, 7}};
  Array<std::int32_t, 1> out({2});
  dedisperse(p, View<const std::int8_t, 2>(&in[0][0], {3, 9}), 5.5, 1, out.view());
  EXPECT_EQ(out(0), 8 + 30 - 100);
  EXPECT_EQ(out(1), 9 + 40 + 101);
  EXPECT_THROW(dedisperse(p, View<const std::int8_t, 2>(&in[0][0], {3, 9}), 5.5, 2, out.view()),
               std::invalid_argument);
}

TEST(Fdmt, OfUpToFourChannelsIsTheDirectSum) {
  Xoshiro256 random(4);
  for (int n_chan : {1, 2, 3, 4})
    for (int round = 0; round < 5; ++round) {
      auto p = random_fdmt_params(random);
      p.n_chan = n_chan;
      const auto in = random_spectra(p, 50, random);
      const auto plan = make_fdmt_plan(p, 50);
      Array<std::int32_t, 2> direct({plan.n_trial(), 50});
      dedisperse_reference(p, in.cview(), direct.view());
      EXPECT_TRUE(equal(dedispersed(plan, in.cview(), 50).cview(), direct.cview(), "d", "t")) << n_chan;
    }
}

TEST(Fdmt, TilesDoNotMatter) {
  Xoshiro256 random(5);
  for (int n_chan : {5, 65, 336}) {
    auto p = fdmt_params(n_chan, 1000.0, 1500.0, 20, 120);
    const auto in = random_spectra(p, 300, random);
    const auto whole = dedispersed(make_fdmt_plan(p, 300), in.cview(), 300);
    for (int round = 0; round < 12; ++round) {
      p.time_tile = static_cast<int>(random_between(random, 1, 400));
      p.trial_tile = static_cast<int>(random_between(random, 1, 120));
      p.max_group_channels = static_cast<int>(random_between(random, 2, 128));
      const auto plan = make_fdmt_plan(p, static_cast<int>(random_between(random, 1, 320)));
      EXPECT_TRUE(equal(dedispersed(plan, in.cview(), 300).cview(), whole.cview(), "d", "t"))
          << n_chan << " channels, tiles " << p.trial_tile << " x " << p.time_tile;
    }
  }
}

TEST(Fdmt, ATrialDoesNotDependOnWhichOthersAreMade) {
  Xoshiro256 random(6);
  for (int round = 0; round < 15; ++round) {
    auto p = random_fdmt_params(random);
    p.delay_begin = 0;
    p.delay_step = 1;
    p.delay_end = static_cast<int>(random_between(random, 2, 150));
    const auto in = random_spectra(p, 64, random);
    const auto whole = dedispersed(make_fdmt_plan(p, 64), in.cview(), 64);
    auto part = p;
    part.delay_begin = static_cast<int>(random_between(random, 0, p.delay_end - 1));
    part.delay_end = static_cast<int>(random_between(random, part.delay_begin + 1, p.delay_end));
    EXPECT_TRUE(equal(dedispersed(make_fdmt_plan(part, 64), in.cview(), 64).cview(),
                      whole.cview().slice(0, part.delay_begin, part.delay_end), "d", "t"))
        << p.n_chan << " channels, [" << part.delay_begin << ", " << part.delay_end << ") of " << p.delay_end;
  }
}

TEST(Fdmt, IsLinearAndMovesWithTime) {
  Xoshiro256 random(7);
  const auto p = fdmt_params(42, 400.0, 800.0, 3, 60);
  const auto plan = make_fdmt_plan(p, 100);
  const auto in = random_spectra(p, 101, random);
  Array<std::int8_t, 2> negative({p.n_chan, in.shape(1)});
  for (std::int64_t i = 0; i < in.size(); ++i) negative.data()[i] = static_cast<std::int8_t>(-in.data()[i]);
  const auto out = dedispersed(plan, in.cview(), 100);
  const auto later = dedispersed(plan, in.cview().slice(1, 1, in.shape(1)), 100);
  const auto mirrored = dedispersed(plan, negative.cview(), 100);
  EXPECT_TRUE(equal(later.cview().slice(1, 0, 99), out.cview().slice(1, 1, 100), "d", "t"));
  for (std::int64_t i = 0; i < out.size(); ++i) ASSERT_EQ(out.data()[i], -mirrored.data()[i]);
}

// All group rows for n_time output samples, in tiles of time: whole ones, or random ones.
struct GroupRows {
  Array<std::int16_t, 2> rows;
  GroupRows(const FdmtPlan& plan, View<const std::int8_t, 2> in, std::int64_t n_time,
            Xoshiro256* random = nullptr)
      : rows({plan.n_group_row, plan.group_columns(n_time)}) {
    Array<std::byte, 1> scratch({plan.group_scratch_bytes});
    for (int g = 0; g < static_cast<int>(plan.groups.size()); ++g) {
      const auto& group = plan.groups[static_cast<std::size_t>(g)];
      const std::int64_t columns = n_time + group.shift_max - group.shift_min;
      for (std::int64_t j = 0, n; j < columns; j += n) {
        n = plan.params.time_tile;
        if (random) n = random_between(*random, 1, n);
        n = std::min(n, columns - j);
        fdmt_group_rows(plan, g, in, j, n, rows.view(), scratch.view());
      }
    }
  }
};

// Receives rows where the search would.
struct RowsInto final : RowWriter {
  View<std::int32_t, 2> out;
  std::int64_t t = 0;
  int n_begun = 0, n_ended = 0;
  std::int32_t* begin_row(int trial) override {
    ++n_begun;
    return &out(trial, t);
  }
  void end_row(int) override { ++n_ended; }
};

TEST(Fdmt, TilesOfTrialsMayBeginAnywhere) {
  Xoshiro256 random(8);
  for (int round = 0; round < 1000; ++round) {
    const auto p = random_fdmt_params(random);
    const auto plan = make_fdmt_plan(p, 50);
    constexpr std::int64_t kTime = 90;
    const auto in = random_spectra(p, kTime, random);
    Array<std::int32_t, 2> plain({plan.n_trial(), kTime}), out({plan.n_trial(), kTime});
    fdmt_reference(plan, in.cview(), plain.view());
    const GroupRows groups(plan, in.cview(), kTime, &random);
    Array<std::byte, 1> trial_scratch({plan.trial_scratch_bytes});
    RowsInto rows;
    rows.out = out.view();
    for (int i = 0, n_i; i < plan.n_trial(); i += n_i) {
      n_i = static_cast<int>(
          std::min<std::int64_t>(plan.n_trial() - i, random_between(random, 1, p.trial_tile)));
      for (std::int64_t n = 0; rows.t < kTime; rows.t += n) {
        n = std::min(kTime - rows.t, random_between(random, 1, 50));
        fdmt_trials(plan, groups.rows.cview(), i, i + n_i, rows.t, n, rows, trial_scratch.view());
      }
      rows.t = 0;
    }
    EXPECT_TRUE(equal(out.cview(), plain.cview(), "d", "t")) << p.n_chan << " channels";
    EXPECT_EQ(rows.n_begun, rows.n_ended);
  }
}

TEST(Fdmt, NoSumOverflowsWhereEverySampleIsAtItsBound) {
  // 258 channels of 127 fit int16, 259 do not; 1057 of 31 do, 1058 do not: as half a band and as a whole one.
  // 4096 is FAST's.
  for (const auto& [n_chan, max_abs] :
       {std::pair{258, 127}, {259, 127}, {516, 127}, {518, 127}, {2114, 31}, {2116, 31}, {4096, 127}})
    for (int sign : {1, -1}) {
      auto p = fdmt_params(n_chan, 1000.0, 1500.0, 5, 12);
      p.max_abs = max_abs;
      const auto plan = make_fdmt_plan(p, 64);
      Array<std::int8_t, 2> in({n_chan, 40 + plan.history()});
      for (std::int64_t i = 0; i < in.size(); ++i) in.data()[i] = static_cast<std::int8_t>(sign * max_abs);
      Array<std::int32_t, 2> plain({plan.n_trial(), 40});
      fdmt_reference(plan, in.cview(), plain.view());
      EXPECT_TRUE(equal(dedispersed(plan, in.cview(), 40).cview(), plain.cview(), "d", "t")) << n_chan;
      EXPECT_EQ(plain(3, 20), sign * max_abs * n_chan);
    }
}

TEST(Fdmt, NoSumOverflowsWhereChannelsAreAtEitherBound) {
  Xoshiro256 random(9);
  for (int n_chan : {336, 1000, 4096}) {
    auto p = fdmt_params(n_chan, 1000.0, 1500.0, 100, 108);
    const auto plan = make_fdmt_plan(p, 64);
    Array<std::int8_t, 2> in({n_chan, 30 + plan.history()});
    for (int c = 0; c < n_chan; ++c)  // long stretches of one sign, as sums that overflow would need
      for (std::int64_t t = 0; t < in.shape(1); ++t)
        in(c, t) = static_cast<std::int8_t>((c / (n_chan / 3)) % 2 == 0 ? 127 : -127 + (t % 2));
    Array<std::int32_t, 2> plain({plan.n_trial(), 30});
    fdmt_reference(plan, in.cview(), plain.view());
    EXPECT_TRUE(equal(dedispersed(plan, in.cview(), 30).cview(), plain.cview(), "d", "t")) << n_chan;
  }
}

// Sum of the boxcar of `width` samples from t.
std::int64_t boxcar(View<const std::int32_t, 2> rows, std::int64_t d, std::int64_t t, int width) {
  std::int64_t sum = 0;
  for (int i = 0; i < width; ++i) sum += rows(d, t + i);
  return sum;
}

TEST(Fdmt, FindsAPulseOfExactDelaysAtItsTrial) {
  constexpr int kChannels = 1000, kWidth = 8, kHeight = 3, kStart = 40, kTime = 100;
  for (int d : {200, 233, 259}) {
    const auto p = fdmt_params(kChannels, 1000.0, 1500.0, 190, 270);
    const auto plan = make_fdmt_plan(p, 64);
    Array<std::int8_t, 2> in({kChannels, kTime + plan.history()});
    const auto delay = channel_delays(plan, d - 190);
    std::int64_t expected = 0;
    for (int c = 0; c < kChannels; ++c) {
      const std::int64_t exact = std::lround(exact_channel_delay(p, d, c));
      for (int i = 0; i < kWidth; ++i) in(c, kStart + exact + i) = kHeight;
      const auto off = std::abs(exact - delay[static_cast<std::size_t>(c)]);
      expected += kHeight * std::max<std::int64_t>(0, kWidth - off);
    }
    const auto out = dedispersed(plan, in.cview(), kTime);
    EXPECT_EQ(boxcar(out.cview(), d - 190, kStart, kWidth), expected);
    // The mean error is at most its rms, that of the tree and that of rounding once: sqrt(0.6^2 + 1/12).
    EXPECT_GT(expected, kHeight * kWidth * kChannels * (1.0 - std::sqrt(0.36 + 1.0 / 12.0) / kWidth));
    std::int64_t best = 0, best_d = 0;
    for (int trial = 0; trial < plan.n_trial(); ++trial)
      for (std::int64_t t = 0; t + kWidth <= kTime; ++t)
        if (const auto sum = boxcar(out.cview(), trial, t, kWidth); sum > best)
          best = sum, best_d = 190 + trial;
    // Two trials away the mean misalignment, 0.45 of a sample a trial, is above what rounding costs.
    EXPECT_LE(std::abs(best_d - d), 2);
  }
}

}  // namespace
}  // namespace tianyan
