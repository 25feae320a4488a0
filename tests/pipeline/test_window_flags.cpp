// Bookkeeping of flags: which rule took which sample, by hand and against a plain construction.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "pipeline/window_flags.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Rules = std::vector<std::vector<FlagRule>>;  // [channel][time]
constexpr std::uint8_t kAny = static_cast<std::uint8_t>(FlagRule::kKurtosis);

std::int64_t cells_of(std::int64_t n_time) { return (n_time + kCellSamples - 1) / kCellSamples; }

void flag(View<std::uint8_t, 1> good, std::int64_t begin, std::int64_t end) {
  for (auto t = begin; t < end; ++t) good[t] = 0;
}

// Spans of one channel set that is bad at first.
SpanWeights bad_until(std::int64_t end, std::int64_t n_time, int n_chan, int channel) {
  SpanWeights w = all_good(end, n_chan);
  w.row(0)[channel] = 0;
  const std::vector<std::uint8_t> good(static_cast<std::size_t>(n_chan), 1);
  w.append(n_time - end, good.data());
  return w;
}

// 6 channels, windows of 4 cells of which 3 1/8 are recorded: each rule takes something, much of it twice.
class HandWorkedFlags : public ::testing::Test {
 protected:
  void SetUp() override {
    mask_rule_ = Array<std::uint8_t, 2>({4, 6});
    std::fill(mask_rule_.data(), mask_rule_.data() + mask_rule_.size(), std::uint8_t{0});
    mask_rule_(1, 1) = kAny;
    flags_.allocate();
    const MaskWindow mask{mask_rule_.cview(), {{100, 104}}};
    flags_.begin(bad_until(40, 200, 6, 5), {0, 1, 1, 1, 1, 1}, &mask);
  }
  void flag_all() {
    flags_.take_channels(FlagRule::kDead);
    flags_.channel_good()[0] = 0;
    flags_.channel_good()[2] = 0;
    flags_.take_channels(FlagRule::kChannels);
    flag(flags_.time_good(), 100, 110);
    flags_.take_times();
    flags_.begin_cells();
    flags_.cell_good()(3, 2) = 0;
    flags_.cell_good()(2, 2) = 0;
    flags_.take_cells(FlagRule::kKurtosis);
    flags_.cell_good()(4, 3) = 0;
    flags_.take_cells(FlagRule::kSumThreshold);
  }

  Array<std::uint8_t, 2> mask_rule_;
  WindowFlags flags_{6, 256, 1};
};

TEST_F(HandWorkedFlags, CountEachSampleOnceByTheFirstRuleThatTakesIt) {
  flag_all();
  flags_.finish();
  const auto& counts = flags_.counts();
  EXPECT_EQ(counts.total, 6 * 200);
  EXPECT_EQ(counts.of(FlagRule::kRecorded), 40);
  EXPECT_EQ(counts.of(FlagRule::kBands), 200);
  EXPECT_EQ(counts.of(FlagRule::kMask), 64 + 4 * 4);   // a cell of channel 1, times of channels 2 to 5
  EXPECT_EQ(counts.of(FlagRule::kDead), 0);            // channel 0 is the bands'
  EXPECT_EQ(counts.of(FlagRule::kChannels), 200 - 4);  // channel 2
  EXPECT_EQ(counts.of(FlagRule::kTimes), 3 * 6);       // [104, 110) of channels 3, 4, 5; 1 has none there
  EXPECT_EQ(counts.of(FlagRule::kKurtosis), 64);       // channel 3; of channel 2 nothing was left
  EXPECT_EQ(counts.of(FlagRule::kSumThreshold), 200 % 64);  // the last cell is short
  EXPECT_EQ(counts.flagged(), 40 + 200 + 80 + 196 + 18 + 64 + 8);
  EXPECT_DOUBLE_EQ(counts.fraction(), 606.0 / 1200.0);
}

TEST_F(HandWorkedFlags, NameTheRuleThatTookTheWholeOfAChannelInACell) {
  flag_all();
  flags_.finish();
  Array<std::uint8_t, 2> rule({4, 6});
  flags_.rules(rule.view());
  const auto bands = FlagRule::kBands, mask = FlagRule::kMask, channels = FlagRule::kChannels,
             none = FlagRule::kNone;
  const FlagRule expected[4][6] = {{bands, none, channels, none, none, none},
                                   {bands, mask, channels, none, none, none},
                                   {bands, none, channels, FlagRule::kKurtosis, none, none},
                                   {bands, none, channels, none, FlagRule::kSumThreshold, none}};
  for (int k = 0; k < 4; ++k)
    for (int c = 0; c < 6; ++c)
      EXPECT_EQ(rule(k, c), static_cast<std::uint8_t>(expected[k][c])) << "cell " << k << " channel " << c;
  ASSERT_EQ(flags_.flagged_times().size(), 1U);
  EXPECT_EQ(flags_.flagged_times()[0].begin, 100);
  EXPECT_EQ(flags_.flagged_times()[0].end, 110);
}

TEST_F(HandWorkedFlags, CountTimesThatAreTakenInTwoStepsOnce) {
  flag(flags_.time_good(), 150, 160);
  flags_.take_times();
  flag(flags_.time_good(), 155, 170);
  flags_.take_times();
  flags_.finish();
  EXPECT_EQ(flags_.counts().of(FlagRule::kTimes), 20 * 5);
  ASSERT_EQ(flags_.flagged_times().size(), 1U);
  EXPECT_EQ(flags_.flagged_times()[0].end, 170);
}

TEST_F(HandWorkedFlags, GivePaddingAfterTheLastSampleNoWeight) {
  flags_.begin_cells();
  EXPECT_EQ(flags_.cell_count()(3, 3), 200 % 64);
  flags_.finish();
  const auto& w = flags_.weights();
  EXPECT_EQ(w.begin.back(), 256);
  EXPECT_EQ(w.begin[static_cast<std::size_t>(w.n_span() - 1)], 200);
  for (int c = 0; c < 6; ++c) EXPECT_EQ(w.row(w.n_span() - 1)[c], 0);
  for (std::int64_t t = 0; t < 256; ++t) EXPECT_EQ(flags_.window_time_good()[t], t < 200 ? 1 : 0) << t;
}

// A cell whose one half is missing in the file and whose other half the mask takes has no weight left, and
// whoever is given its rules as a mask must know.
TEST_F(HandWorkedFlags, NameARuleWhereSeveralTookACellTogether) {
  Array<std::uint8_t, 2> none({4, 6});
  std::fill(none.data(), none.data() + none.size(), std::uint8_t{0});
  const MaskWindow mask{none.cview(), {{30, 64}}};
  flags_.begin(bad_until(40, 256, 6, 5), {1, 1, 1, 1, 1, 0}, &mask);
  flags_.take_channels(FlagRule::kDead);
  flags_.finish();
  Array<std::uint8_t, 2> rule({4, 6});
  flags_.rules(rule.view());
  EXPECT_EQ(rule(0, 5), static_cast<std::uint8_t>(FlagRule::kBands));
  EXPECT_EQ(rule(1, 5), static_cast<std::uint8_t>(FlagRule::kBands));
  EXPECT_EQ(rule(0, 4), 0);
  flags_.begin(bad_until(40, 256, 6, 5), {1, 1, 1, 1, 1, 1}, &mask);
  flags_.finish();
  flags_.rules(rule.view());
  EXPECT_EQ(rule(0, 5), static_cast<std::uint8_t>(FlagRule::kMask));
  EXPECT_EQ(rule(0, 4), 0);
  EXPECT_EQ(rule(1, 5), 0);
}

TEST(WindowFlags, BeginEachWindowAfresh) {
  WindowFlags flags(3, 128, 1);
  flags.allocate();
  flags.begin(all_good(128, 3), {1, 1, 1}, nullptr);
  flags.channel_good()[1] = 0;
  flags.take_channels(FlagRule::kIqrm);
  flag(flags.time_good(), 0, 128);
  flags.take_times();
  flags.begin_cells();
  flags.finish();
  EXPECT_EQ(flags.counts().flagged(), 3 * 128);
  flags.begin(all_good(100, 3), {1, 1, 1}, nullptr);
  flags.begin_cells();
  flags.finish();
  EXPECT_EQ(flags.counts().flagged(), 0);
  EXPECT_EQ(flags.counts().total, 300);
  EXPECT_TRUE(flags.flagged_times().empty());
  EXPECT_FALSE(flags.any_cell());
  EXPECT_EQ(flags.n_time_total(), 228);
  const auto iqrm = static_cast<std::int64_t>(FlagRule::kIqrm);
  EXPECT_EQ(flags.channel_counts()(iqrm, 1), 128);
  EXPECT_EQ(flags.channel_counts()(iqrm, 0), 0);
}

TEST(WindowFlags, RefuseWindowsThatAreNoWholeCells) {
  EXPECT_THROW(WindowFlags(4, 100, 1), std::invalid_argument);
  EXPECT_THROW(WindowFlags(4, 0, 1), std::invalid_argument);
  WindowFlags flags(4, 128, 1);
  flags.allocate();
  flags.begin(all_good(65, 4), {1, 1, 1, 1}, nullptr);
  flags.finish();
  Array<std::uint8_t, 2> one_cell({1, 4});
  EXPECT_THROW(flags.rules(one_cell.view()), std::invalid_argument);
}

// The same rules applied one after another to a plain array of samples.
class PlainFlags {
 public:
  PlainFlags(int n_chan, std::int64_t n_time)
      : rule_(static_cast<std::size_t>(n_chan),
              std::vector<FlagRule>(static_cast<std::size_t>(n_time), FlagRule::kNone)) {}
  template <class Bad>
  void take(FlagRule rule, Bad bad) {
    for (std::size_t c = 0; c < rule_.size(); ++c)
      for (std::size_t t = 0; t < rule_[c].size(); ++t)
        if (rule_[c][t] == FlagRule::kNone && bad(static_cast<int>(c), static_cast<std::int64_t>(t)))
          rule_[c][t] = rule;
  }
  bool is_good(int c, std::int64_t t) const {
    const auto& row = rule_[static_cast<std::size_t>(c)];
    return t < std::ssize(row) && row[static_cast<std::size_t>(t)] == FlagRule::kNone;
  }
  std::map<FlagRule, std::int64_t> counts() const {
    std::map<FlagRule, std::int64_t> n;
    for (const auto& row : rule_)
      for (const auto rule : row)
        if (rule != FlagRule::kNone) ++n[rule];
    return n;
  }
  // The last of the rules without which something would be left of the cell; times are finer than cells.
  FlagRule of_cell(int c, std::int64_t k) const {
    const auto& row = rule_[static_cast<std::size_t>(c)];
    FlagRule last = FlagRule::kNone;
    bool times = false;
    for (auto t = k * kCellSamples; t < std::min(std::ssize(row), (k + 1) * kCellSamples); ++t) {
      const auto rule = row[static_cast<std::size_t>(t)];
      if (rule == FlagRule::kNone) return rule;
      times = times || rule == FlagRule::kTimes;
      if (rule != FlagRule::kTimes) last = std::max(last, rule);
    }
    return times && last < FlagRule::kTimes ? FlagRule::kNone : last;
  }

 private:
  Rules rule_;
};

// One window of random flags of all kinds, in WindowFlags and in plain arrays.
struct RandomWindow {
  RandomWindow(WindowFlags& flags, int n_chan, std::int64_t n_time, Xoshiro256& random)
      : flags_(flags), n_chan_(n_chan), n_time_(n_time), random_(random), plain(n_chan, n_time) {
    begin();
    for (const auto rule : {FlagRule::kDead, FlagRule::kChannels}) take_channels(rule);
    for (auto n = random_between(random_, 0, 2); n > 0; --n) take_times();
    flags_.begin_cells();
    for (const auto rule : {FlagRule::kKurtosis, FlagRule::kSumThreshold, FlagRule::kBeams}) take_cells(rule);
    flags_.finish();
  }

 private:
  bool chance(double p) { return random_.uniform() < p; }

  void begin() {
    const auto recorded = random_weights(n_time_, n_chan_, random_, 0.7);
    for (int s = 0; s < recorded.n_span(); ++s)
      plain.take(FlagRule::kRecorded, [&](int c, std::int64_t t) {
        return recorded.row(s)[c] == 0 && t >= recorded.begin[static_cast<std::size_t>(s)] &&
               t < recorded.begin[static_cast<std::size_t>(s) + 1];
      });
    std::vector<std::uint8_t> in_band;
    for (int c = 0; c < n_chan_; ++c) in_band.push_back(chance(0.9));
    plain.take(FlagRule::kBands,
               [&](int c, std::int64_t) { return in_band[static_cast<std::size_t>(c)] == 0; });
    if (chance(0.3)) return flags_.begin(recorded, in_band, nullptr);
    Array<std::uint8_t, 2> rule({cells_of(n_time_), n_chan_});
    for (std::int64_t i = 0; i < rule.size(); ++i) rule.data()[i] = chance(0.1) ? kAny : 0;
    MaskWindow mask{rule.cview(), {}};
    for (auto t = random_between(random_, 0, 60); t < n_time_; t += random_between(random_, 20, 90)) {
      mask.times.push_back({t, std::min(n_time_, t + random_between(random_, 1, 19))});
      t = mask.times.back().end;
    }
    flags_.begin(recorded, in_band, &mask);
    plain.take(FlagRule::kMask, [&](int c, std::int64_t t) {
      return rule(t / kCellSamples, c) != 0 ||
             std::any_of(mask.times.begin(), mask.times.end(),
                         [&](const FlaggedTimes& r) { return t >= r.begin && t < r.end; });
    });
  }

  void take_channels(FlagRule rule) {
    const auto good = flags_.channel_good();
    for (int c = 0; c < n_chan_; ++c)
      if (chance(0.05)) good[c] = 0;
    plain.take(rule, [&](int c, std::int64_t) { return good[c] == 0; });
    flags_.take_channels(rule);
  }
  void take_times() {
    const auto good = flags_.time_good();
    for (std::int64_t t = 0; t < n_time_; ++t)
      if (chance(0.1)) good[t] = 0;
    plain.take(FlagRule::kTimes, [&](int, std::int64_t t) { return good[t] == 0; });
    flags_.take_times();
  }
  void take_cells(FlagRule rule) {
    const auto good = flags_.cell_good();
    std::vector<std::vector<std::uint8_t>> bad(static_cast<std::size_t>(n_chan_));
    for (int c = 0; c < n_chan_; ++c)
      for (std::int64_t k = 0; k < flags_.n_cell(); ++k) {
        bad[static_cast<std::size_t>(c)].push_back(chance(0.1));
        if (bad[static_cast<std::size_t>(c)].back() != 0) good(c, k) = 0;
      }
    plain.take(rule, [&](int c, std::int64_t t) {
      return bad[static_cast<std::size_t>(c)][static_cast<std::size_t>(t / kCellSamples)] != 0;
    });
    flags_.take_cells(rule);
  }

  WindowFlags& flags_;
  int n_chan_;
  std::int64_t n_time_;
  Xoshiro256& random_;

 public:
  PlainFlags plain;
};

void expect_weights(const WindowFlags& flags, const PlainFlags& plain, int n_chan, std::int64_t window) {
  const auto& w = flags.weights();
  ASSERT_EQ(w.begin.back(), window);
  for (int s = 0; s < w.n_span(); ++s)
    for (auto t = w.begin[static_cast<std::size_t>(s)]; t < w.begin[static_cast<std::size_t>(s) + 1]; ++t)
      for (int c = 0; c < n_chan; ++c)
        ASSERT_EQ(w.row(s)[c] != 0 && flags.window_time_good()[t] != 0, plain.is_good(c, t))
            << "channel " << c << " time " << t;
}

TEST(WindowFlags, EqualAPlainConstructionOnRandomFlags) {
  Xoshiro256 random(7);
  for (int repeat = 0; repeat < 60; ++repeat) {
    const int n_chan = one_of(random, {1, 3, 63, 64, 65, 130});
    const std::int64_t window = kCellSamples * random_between(random, 1, 6);
    WindowFlags flags(n_chan, window, 1 + repeat % 3);
    flags.allocate();
    std::map<FlagRule, std::int64_t> total;
    for (int i = 0; i < 2; ++i) {
      const auto n_time = i == 0 ? window : random_between(random, 1, window);
      const RandomWindow w(flags, n_chan, n_time, random);
      expect_weights(flags, w.plain, n_chan, window);
      for (const auto& [rule, n] : w.plain.counts()) {
        EXPECT_EQ(flags.counts().of(rule), n) << kFlagRuleNames[static_cast<std::size_t>(rule)];
        total[rule] += n;
      }
      EXPECT_EQ(flags.counts().total, n_time * n_chan);
      Array<std::uint8_t, 2> rule({cells_of(n_time), n_chan});
      flags.rules(rule.view());
      for (std::int64_t k = 0; k < cells_of(n_time); ++k)
        for (int c = 0; c < n_chan; ++c)
          ASSERT_EQ(kFlagRuleNames[rule(k, c)],
                    kFlagRuleNames[static_cast<std::size_t>(w.plain.of_cell(c, k))])
              << "cell " << k << " channel " << c;
    }
    for (const auto& [rule, n] : total) {
      std::int64_t sum = 0;
      for (int c = 0; c < n_chan; ++c) sum += flags.channel_counts()(static_cast<std::int64_t>(rule), c);
      EXPECT_EQ(sum, n);
    }
  }
}

}  // namespace
}  // namespace tianyan
