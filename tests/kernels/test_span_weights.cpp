// Weights in spans: appended, split and counted, by hand and against sample after sample.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernels/span_weights.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Row = std::vector<std::uint8_t>;

// The row of every sample.
std::vector<Row> rows_of(const SpanWeights& w) {
  std::vector<Row> rows;
  for (int s = 0; s < w.n_span(); ++s)
    rows.insert(rows.end(), static_cast<std::size_t>(w.length(s)), Row(w.row(s), w.row(s) + w.n_chan));
  return rows;
}

TEST(SpanWeights, AppendedByHand) {
  const Row a{1, 0, 1}, b{1, 1, 1};
  SpanWeights w;
  w.n_chan = 3;
  w.append(5, a.data());
  w.append(2, b.data());
  w.append(1, b.data());  // lengthens the last span
  w.append(4, a.data());
  EXPECT_EQ(w.begin, (std::vector<std::int64_t>{0, 5, 8, 12}));
  EXPECT_EQ(w.good, (Row{1, 0, 1, 1, 1, 1, 1, 0, 1}));
  EXPECT_EQ(w.n_span(), 3);
  EXPECT_EQ(w.n_time(), 12);
  EXPECT_EQ(w.length(1), 3);
  EXPECT_EQ(w.row(2)[1], 0);
}

TEST(SpanWeights, AppendedSampleBySampleAreTheSameAsInSpans) {
  Xoshiro256 random(1);
  for (int n_chan : kAwkwardChannels) {
    const auto weights = random_weights(random_between(random, 1, 100), n_chan, random);
    SpanWeights single;
    single.n_chan = n_chan;
    for (const auto& row : rows_of(weights)) single.append(1, row.data());
    EXPECT_EQ(rows_of(single), rows_of(weights)) << n_chan;
    for (int s = 1; s < single.n_span(); ++s)
      EXPECT_FALSE(std::equal(single.row(s), single.row(s) + n_chan, single.row(s - 1))) << s;
  }
}

TEST(SpanWeights, OfNothingHaveNoSpanAndNoTime) {
  SpanWeights w;
  EXPECT_EQ(w.n_span(), 0);
  EXPECT_EQ(w.n_time(), 0);
  EXPECT_EQ(split_at(w, {3, 4}).n_span(), 0);
  const Row row{1};
  w.n_chan = 1;
  EXPECT_THROW(w.append(0, row.data()), std::invalid_argument);
  EXPECT_THROW(w.append(-2, row.data()), std::invalid_argument);
  EXPECT_EQ(w.n_time(), 0);
}

TEST(SplitAt, AddsBoundariesThatLieInsideByHand) {
  const SpanWeights w{{0, 4, 10}, {1, 0, 0, 1}, 2};
  const auto split = split_at(w, {-1, 0, 2, 2, 4, 7, 10, 12});
  EXPECT_EQ(split.begin, (std::vector<std::int64_t>{0, 2, 4, 7, 10}));
  EXPECT_EQ(split.good, (Row{1, 0, 1, 0, 0, 1, 0, 1}));
  EXPECT_EQ(split.n_chan, 2);
  EXPECT_EQ(split_at(w, {}).begin, w.begin);
}

TEST(SplitAt, ChangesNoSample) {
  Xoshiro256 random(2);
  for (std::int64_t n_time : {1, 2, 3, 7, 63, 64, 65, 300}) {
    const auto w = random_weights(n_time, 5, random);
    std::vector<std::int64_t> times;
    for (std::int64_t t = 0; t <= n_time; ++t)
      if (random.uniform() < 0.2) times.push_back(t);
    const auto split = split_at(w, times);
    EXPECT_EQ(rows_of(split), rows_of(w)) << n_time;
    EXPECT_TRUE(std::is_sorted(split.begin.begin(), split.begin.end()));
    EXPECT_EQ(std::adjacent_find(split.begin.begin(), split.begin.end()), split.begin.end());
    for (auto t : times) EXPECT_TRUE(std::binary_search(split.begin.begin(), split.begin.end(), t)) << t;
  }
}

std::vector<std::int32_t> counted(const SpanWeights& w, const Row& time_good, int c, std::int64_t cell,
                                  std::int64_t n_cell) {
  std::vector<std::int32_t> n(static_cast<std::size_t>(n_cell), -7);
  count_good(w, View<const std::uint8_t, 1>(time_good.data(), {std::ssize(time_good)}), c, cell,
             View<std::int32_t, 1>(n.data(), {n_cell}));
  return n;
}

TEST(CountGood, ByHand) {
  // Channel 0 is good in [0, 4), channel 1 in [4, 10); times 1 and 6 are flagged.
  const SpanWeights w{{0, 4, 10}, {1, 0, 0, 1}, 2};
  const Row time_good{1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1};
  EXPECT_EQ(counted(w, time_good, 0, 3, 4), (std::vector<std::int32_t>{2, 1, 0, 0}));
  EXPECT_EQ(counted(w, time_good, 1, 3, 5), (std::vector<std::int32_t>{0, 2, 2, 1, 0}));
  EXPECT_EQ(counted(w, time_good, 1, 100, 1), (std::vector<std::int32_t>{5}));
}

TEST(CountGood, EqualsTheCountOfSampleAfterSample) {
  Xoshiro256 random(3);
  for (std::int64_t n_time : {1, 3, 7, 63, 64, 65, 500})
    for (std::int64_t cell : {1, 2, 8, 64, 65, 1000}) {
      const auto w = random_weights(n_time, 3, random, 0.5);
      Row time_good(static_cast<std::size_t>(n_time + 5));
      for (auto& g : time_good) g = random.uniform() < 0.7;
      const auto n_cell = (n_time + cell - 1) / cell + 1;
      const auto rows = rows_of(w);
      for (int c = 0; c < 3; ++c) {
        std::vector<std::int32_t> expected(static_cast<std::size_t>(n_cell), 0);
        for (std::size_t t = 0; t < rows.size(); ++t)
          expected[t / static_cast<std::size_t>(cell)] += rows[t][static_cast<std::size_t>(c)] & time_good[t];
        EXPECT_EQ(counted(w, time_good, c, cell, n_cell), expected) << n_time << " in " << cell;
      }
    }
}

TEST(CountGood, WritesOnlyTheCellsOfItsView) {
  const SpanWeights w = all_good(4, 1);
  const Row time_good{1, 1, 0, 1};
  std::vector<std::int32_t> memory(6, -7);
  count_good(w, View<const std::uint8_t, 1>(time_good.data(), {4}), 0, 2,
             View<std::int32_t, 1>(memory.data(), {3}, {2}));
  EXPECT_EQ(memory, (std::vector<std::int32_t>{2, -7, 1, -7, 0, -7}));
}

TEST(CountGood, RefusesTimesCellsAndChannelsThatDoNotFit) {
  const SpanWeights w = all_good(10, 2);
  EXPECT_NO_THROW(counted(w, Row(10, 1), 0, 5, 2));
  EXPECT_THROW(counted(w, Row(9, 1), 0, 5, 2), std::invalid_argument);
  EXPECT_THROW(counted(w, Row(10, 1), 0, 5, 1), std::invalid_argument);
  EXPECT_THROW(counted(w, Row(10, 1), 0, 0, 2), std::invalid_argument);
  EXPECT_THROW(counted(w, Row(10, 1), 2, 5, 2), std::invalid_argument);
  EXPECT_THROW(counted(w, Row(10, 1), -1, 5, 2), std::invalid_argument);
}

TEST(CountGood, OfWeightsWithoutSpansIsZero) {
  SpanWeights w;
  w.n_chan = 1;
  EXPECT_EQ(counted(w, Row(4, 1), 0, 2, 2), (std::vector<std::int32_t>{0, 0}));
}

}  // namespace
}  // namespace tianyan
