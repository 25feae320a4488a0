// The FDMT's plan: errors of the delays, types of the rows, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/fdmt_test.hpp"

namespace tianyan {
namespace {

int levels_of(int n_chan) { return static_cast<int>(std::ceil(std::log2(n_chan) / 2.0)); }

TEST(FdmtPlan, BothEndsOfTheBandAreExact) {
  Xoshiro256 random(1);
  for (int n_chan : kAwkwardChannels) {
    const auto plan = make_fdmt_plan(fdmt_params(n_chan, 300.0, 700.0, 7, 400), 64);
    for (int d = 7; d < 400; d += 13) {
      const auto delay = channel_delays(plan, d - 7);
      EXPECT_EQ(delay.back(), 0);
      EXPECT_EQ(delay.front(), n_chan == 1 ? 0 : d) << n_chan;
    }
  }
}

TEST(FdmtPlan, NoDelayIsWrongByMoreThanASampleALevel) {
  Xoshiro256 random(2);
  for (int n_chan : kAwkwardChannels)
    for (int round = 0; round < 4; ++round) {
      auto p = random_fdmt_params(random);
      p.n_chan = n_chan;
      const auto plan = make_fdmt_plan(p, 64);
      for (int i = 0; i < plan.n_trial(); ++i) {
        const auto delay = channel_delays(plan, i);
        for (int c = 0; c < n_chan; ++c)
          ASSERT_LE(std::abs(delay[static_cast<std::size_t>(c)] - exact_channel_delay(p, p.delay_of(i), c)),
                    levels_of(n_chan))
              << "c=" << c << " trial=" << i;
      }
    }
}

TEST(FdmtPlan, OfFastsBandHasTheErrorThatTheHeaderStates) {
  const auto p = fdmt_params(4096, 1000.0, 1500.0, 0, 8193);
  const auto plan = make_fdmt_plan(p, 64);
  double worst = 0.0, worst_square = 0.0, sum_squares = 0.0;
  int n_trial = 0;
  for (int d = 0; d <= 8192; d += 8, ++n_trial) {
    const auto delay = channel_delays(plan, d);
    double square = 0.0, mean = 0.0;
    for (int c = 0; c < 4096; ++c) {
      const double error = delay[static_cast<std::size_t>(c)] - exact_channel_delay(p, d, c);
      square += error * error / 4096.0;
      mean += error / 4096.0;
      worst = std::max(worst, std::abs(error));
    }
    sum_squares += square - mean * mean;  // a common shift moves a pulse and does not broaden it
    worst_square = std::max(worst_square, square);
  }
  const double rms = std::sqrt(sum_squares / n_trial);
  EXPECT_LE(worst, levels_of(4096));
  EXPECT_LE(std::sqrt(worst_square), 1.0);
  EXPECT_LE(rms, kFdmtRmsErrorSamples);
  EXPECT_GT(rms, 0.97 * kFdmtRmsErrorSamples);  // the plan's losses follow from it
}

TEST(FdmtPlan, ExactDelaysFollowTheInverseSquare) {
  const auto p = fdmt_params(500, 1000.0, 1500.0, 0, 100);
  EXPECT_DOUBLE_EQ(exact_channel_delay(p, 77.0, 0), 77.0);
  EXPECT_DOUBLE_EQ(exact_channel_delay(p, 77.0, 499), 0.0);
  const double top = 1.0 / (1499.0 * 1499.0), low = 1e-6, mid = 1.0 / (1250.5 * 1250.5);
  EXPECT_NEAR(exact_channel_delay(p, 77.0, 250.5), 77.0 * (mid - top) / (low - top), 1e-11);
}

TEST(FdmtPlan, RowsAreInt16OnlyWhereNoSumCanOverflow) {
  Xoshiro256 random(3);
  for (int n_chan : {130, 258, 259, 336, 1000, 1057, 1058, 4096})
    for (int max_abs : {1, 31, 62, 124, 127, 128}) {
      auto p = fdmt_params(n_chan, 1000.0, 1500.0, 0, 4);
      p.max_abs = max_abs;
      p.max_group_channels = one_of(random, {2, 64, 128});
      const auto plan = make_fdmt_plan(p, 64);
      for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
        const auto& node = plan.nodes[i];
        EXPECT_TRUE(node.is_int32 || max_abs * (node.chan_end - node.chan_begin) <= 32767);
        EXPECT_FALSE(node.is_int32 && plan.group_of_node[i] >= 0);  // the group buffer is int16
        for (const auto& child : node.children())
          EXPECT_EQ(plan.nodes[static_cast<std::size_t>(child.node)].is_int32,
                    plan.nodes[static_cast<std::size_t>(node.child[0].node)].is_int32);
      }
    }
}

TEST(FdmtPlan, RowsOfAChildAreThoseThatItsParentReads) {
  Xoshiro256 random(4);
  for (int round = 0; round < 20; ++round) {
    const auto plan = make_fdmt_plan(random_fdmt_params(random), 64);
    for (const auto& node : plan.nodes) {
      int next = node.chan_end;
      for (const auto& child : node.children()) {
        const auto& below = plan.nodes[static_cast<std::size_t>(child.node)];
        EXPECT_EQ(below.chan_end, next);
        next = below.chan_begin;
        std::vector<int> reads(static_cast<std::size_t>(below.n_row), 0);
        for (int r = 0; r < node.n_row; ++r) ++reads.at(static_cast<std::size_t>(plan.row_of(child, r)));
        EXPECT_EQ(std::count(reads.begin(), reads.end(), 0), 0);
        for (int r = 1; r < below.n_row; ++r) EXPECT_LT(plan.delay_of(below, r - 1), plan.delay_of(below, r));
        EXPECT_GE(plan.delay_of(below, 0), 0);
      }
      EXPECT_TRUE(node.is_leaf() || next == node.chan_begin);
    }
  }
}

TEST(FdmtPlan, GroupsCoverTheBandFromHighToLow) {
  Xoshiro256 random(5);
  for (int round = 0; round < 20; ++round) {
    const auto plan = make_fdmt_plan(random_fdmt_params(random), 64);
    int next = plan.params.n_chan;
    std::int64_t row = 0;
    for (const auto& group : plan.groups) {
      const auto& node = plan.nodes[static_cast<std::size_t>(group.node)];
      EXPECT_EQ(node.chan_end, next);
      EXPECT_LE(node.chan_end - node.chan_begin, plan.params.max_group_channels);
      EXPECT_EQ(group.row_begin, row);
      EXPECT_LE(group.shift_max, plan.history());
      next = node.chan_begin;
      row += node.n_row;
    }
    EXPECT_EQ(next, 0);
    EXPECT_EQ(row, plan.n_group_row);
  }
}

TEST(FdmtPlan, ARangeOfDelaysCostsWhatItsWidthCosts) {
  const auto low = make_fdmt_plan(fdmt_params(4096, 1000.0, 1500.0, 0, 512), 1024);
  const auto high = make_fdmt_plan(fdmt_params(4096, 1000.0, 1500.0, 7000, 7512), 1024);
  EXPECT_NEAR(high.additions_per_sample() / low.additions_per_sample(), 1.0, 0.1);
  EXPECT_GT(low.additions_per_sample(), 512.0);                // each trial is at least one addition
  EXPECT_LT(low.additions_per_sample(), 4095.0 * 512.0 / 10);  // and far fewer than a direct sum's
}

TEST(FdmtPlan, RefusesWhatItCannotPlan) {
  const auto good = fdmt_params(64, 1000.0, 1500.0, 0, 10);
  EXPECT_NO_THROW(make_fdmt_plan(good, 1));
  const auto refused = [&](auto change, int max_time = 64) {
    auto p = good;
    change(p);
    EXPECT_THROW(make_fdmt_plan(p, max_time), std::invalid_argument);
  };
  refused([](auto& p) { p.n_chan = 0; });
  refused([](auto& p) { p.freq_low_mhz = 0.0; });
  refused([](auto& p) { p.freq_low_mhz = std::numeric_limits<double>::quiet_NaN(); });
  refused([](auto& p) { p.channel_width_mhz = -0.1; });
  refused([](auto& p) { p.delay_begin = -1; });
  refused([](auto& p) { p.delay_begin = 10; });
  refused([](auto& p) { p.delay_end = (1 << 20) + 2; });
  refused([](auto& p) { p.delay_step = 0; });
  refused([](auto& p) { p.delay_step = 11; });
  refused([](auto& p) { p.max_abs = 0; });
  refused([](auto& p) { p.max_abs = 129; });
  refused([](auto& p) { p.max_group_channels = 1; });
  refused([](auto& p) { p.max_group_channels = 129; });
  refused([](auto& p) { p.time_tile = 0; });
  refused([](auto& p) { p.trial_tile = 0; });
  refused([](auto&) {}, 0);
}

TEST(Fdmt, RefusesShapesThatDoNotFit) {
  const auto p = fdmt_params(5, 1000.0, 1500.0, 2, 10);
  const auto plan = make_fdmt_plan(p, 64);
  Array<std::int8_t, 2> in({5, 29}), four({4, 29}), short_in({5, 28});
  Array<std::int32_t, 2> out({8, 20}), seven({7, 20});
  Array<std::int32_t, 1> delay({5}), six({6});
  const auto refused = [&](View<const std::int8_t, 2> x, View<std::int32_t, 2> y) {
    EXPECT_THROW(fdmt(plan, x, y), std::invalid_argument);
    EXPECT_THROW(fdmt_reference(plan, x, y), std::invalid_argument);
    EXPECT_THROW(dedisperse_reference(p, x, y), std::invalid_argument);
  };
  EXPECT_NO_THROW(fdmt(plan, in.cview(), out.view()));
  refused(four.cview(), out.view());
  refused(short_in.cview(), out.view());
  refused(in.cview(), seven.view());
  refused(View<const std::int8_t, 2>(in.data(), {5, 29}, {1, 5}), out.view());
  EXPECT_THROW(fdmt_channel_delays(plan, -1, delay.view()), std::invalid_argument);
  EXPECT_THROW(fdmt_channel_delays(plan, 8, delay.view()), std::invalid_argument);
  EXPECT_THROW(fdmt_channel_delays(plan, 5, six.view()), std::invalid_argument);
}

struct NoRows final : RowWriter {
  Array<std::int32_t, 1> row{{64}};
  std::int32_t* begin_row(int) override { return row.data(); }
  void end_row(int) override {}
};

TEST(Fdmt, RefusesTilesBeyondThePlan) {
  auto p = fdmt_params(200, 1000.0, 1500.0, 2, 10);
  p.time_tile = 16;
  p.trial_tile = 4;
  const auto plan = make_fdmt_plan(p, 20);
  Array<std::int8_t, 2> in({200, 29}), few({199, 29});
  Array<std::int16_t, 2> rows({plan.n_group_row, plan.group_columns(20)});
  Array<std::byte, 1> scratch({std::max(plan.group_scratch_bytes, plan.trial_scratch_bytes)}), none({8});
  const auto group = [&](auto x, std::int64_t column, std::int64_t n, auto& s) {
    fdmt_group_rows(plan, 0, x, column, n, rows.view(), s.view());
  };
  EXPECT_NO_THROW(group(in.cview(), 0, 16, scratch));
  EXPECT_THROW(group(in.cview(), 0, 17, scratch), std::invalid_argument);
  EXPECT_THROW(group(in.cview(), -1, 16, scratch), std::invalid_argument);
  EXPECT_THROW(group(in.cview(), rows.shape(1) - 3, 4, scratch), std::invalid_argument);
  EXPECT_THROW(group(few.cview(), 0, 16, scratch), std::invalid_argument);
  EXPECT_THROW(group(in.cview().slice(1, 0, 12), 8, 8, scratch), std::invalid_argument);
  EXPECT_THROW(group(in.cview(), 0, 16, none), std::invalid_argument);
  NoRows sink;
  const auto trials = [&](int begin, int end, std::int64_t t, std::int64_t n, auto& s) {
    fdmt_trials(plan, rows.cview(), begin, end, t, n, sink, s.view());
  };
  EXPECT_NO_THROW(trials(0, 4, 0, 20, scratch));
  EXPECT_THROW(trials(0, 5, 0, 20, scratch), std::invalid_argument);
  EXPECT_THROW(trials(-1, 2, 0, 20, scratch), std::invalid_argument);
  EXPECT_THROW(trials(6, 9, 0, 20, scratch), std::invalid_argument);
  EXPECT_THROW(trials(2, 2, 0, 20, scratch), std::invalid_argument);
  EXPECT_THROW(trials(0, 4, 0, 21, scratch), std::invalid_argument);
  EXPECT_THROW(trials(0, 4, 1, 20, scratch), std::invalid_argument);
  EXPECT_THROW(trials(0, 4, -1, 20, scratch), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
