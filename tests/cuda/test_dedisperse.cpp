// Dedispersion by the definition, on the host and on a device.
#include "cuda/dedisperse.hpp"

#include "tests/cuda/device_test.hpp"
#include "tests/kernels/fdmt_test.hpp"

namespace tianyan {
namespace {

struct Row {
  double delay = 0.0;
  std::int64_t t = 0, n = 0;
};
using Rows = std::vector<Row>;

struct HostDedisperse {
  static void run(const FdmtParams& params, const Rows& rows, View<const std::int8_t, 2> in,
                  View<std::int32_t, 2> out) {
    for (std::int64_t r = 0; r < std::ssize(rows); ++r) {
      const auto& row = rows[static_cast<std::size_t>(r)];
      dedisperse(params, in, row.delay, row.t, out[r].slice(0, 0, row.n));
    }
  }
};
struct DeviceDedisperse {
  static void run(const FdmtParams& params, const Rows& rows, View<const std::int8_t, 2> in,
                  View<std::int32_t, 2> out) {
    const Stream stream;
    const auto samples = on_device(in, stream);
    const auto sums = on_device(View<const std::int32_t, 2>(out), stream);
    DedisperseRows table(params, std::ssize(rows), std::ssize(rows));
    for (const auto& row : rows) table.add(row.delay, row.t, row.n);
    table.upload(stream);
    dedisperse(table, samples.cview(), sums.view(), stream);
    to_host(sums, out, stream);
  }
};

template <class Backend>
class DedisperseRowsOf : public testing::Test {};
using Backends = testing::Types<HostDedisperse, DeviceDedisperse>;
TYPED_TEST_SUITE(DedisperseRowsOf, Backends);

constexpr std::int32_t kUntouched = -77777777;

Array<std::int32_t, 2> untouched(std::int64_t n_row, std::int64_t n) {
  Array<std::int32_t, 2> out({n_row, n});
  std::fill_n(out.data(), out.size(), kUntouched);
  return out;
}

Array<std::int8_t, 2> random_samples(const FdmtParams& p, std::int64_t n_time, Xoshiro256& random) {
  Array<std::int8_t, 2> in({p.n_chan, n_time});
  fill_uniform(in.view(), 127, random);
  return in;
}

// As the definition has it, term by term.
Array<std::int32_t, 2> definition(const FdmtParams& p, const Rows& rows, View<const std::int8_t, 2> in,
                                  std::int64_t n_max) {
  auto out = untouched(std::ssize(rows), n_max);
  for (std::int64_t r = 0; r < std::ssize(rows); ++r) {
    const auto& row = rows[static_cast<std::size_t>(r)];
    for (std::int64_t i = 0; i < row.n; ++i) {
      out(r, i) = 0;
      for (int c = 0; c < p.n_chan; ++c)
        out(r, i) += in(c, row.t + i + std::lround(exact_channel_delay(p, row.delay, c)));
    }
  }
  return out;
}

TYPED_TEST(DedisperseRowsOf, IsTheSumOverASweepDrawnByHand) {
  // g = f^-2 of 100, 200 and 300 MHz: the channels of delay 4 are late by 4, 4 (1/4 - 1/9) / (1 - 1/9) =
  // 0.625 and 0 samples, of delay 2 by 2, 0.31 and 0.
  FdmtParams p;
  p.n_chan = 3;
  p.freq_low_mhz = 100.0;
  p.channel_width_mhz = 100.0;
  const std::int8_t in[3][7] = {
      {0, 1, 2, 3, 4, 5, 6}, {10, 11, 13, 16, 20, 25, 31}, {-1, -2, -4, -8, -16, -32, -64}};
  auto out = untouched(2, 3);
  TypeParam::run(p, {{4.0, 0, 3}, {2.0, 1, 1}}, View<const std::int8_t, 2>(&in[0][0], {3, 7}), out.view());
  EXPECT_EQ(out(0, 0), 4 + 11 - 1);
  EXPECT_EQ(out(0, 1), 5 + 13 - 2);
  EXPECT_EQ(out(0, 2), 6 + 16 - 4);
  EXPECT_EQ(out(1, 0), 3 + 11 - 2);
  EXPECT_EQ(out(1, 1), kUntouched);
}

TYPED_TEST(DedisperseRowsOf, IsTheDefinitionForRaggedRowsFromAnywhere) {
  Xoshiro256 random(11);
  for (const int n_chan : {1, 3, 7, 8, 9, 65}) {
    const auto p = fdmt_params(n_chan, 1000.0, 1500.0, 0, 60);
    const auto in = random_samples(p, 400, random);
    Rows rows;
    for (const std::int64_t n : {1, 0, 63, 64, 65, 130}) {
      const double delay = 0.5 * static_cast<double>(random_between(random, 0, 119));
      rows.push_back({delay, random_between(random, 0, 400 - n - std::lround(delay)), n});
    }
    rows.push_back({rows[2].delay, 1, 7});      // a delay that is in the table
    rows.push_back({59.0, 0, 5});               // from the first sample
    rows.push_back({59.0, 400 - 59 - 70, 70});  // to the last
    auto out = untouched(std::ssize(rows), 131);
    TypeParam::run(p, rows, in.cview(), out.view());
    ASSERT_TRUE(equal(out.cview(), definition(p, rows, in.cview(), 131).cview(), "row", "t")) << n_chan;
  }
}

// Rows of 1024 samples and more are made in groups of 8, in tiles of 1024 samples, 8 channels at a time.
TYPED_TEST(DedisperseRowsOf, IsTheDefinitionForLongRowsOfOneSpan) {
  Xoshiro256 random(12);
  struct Case {
    int n_chan;
    std::int64_t n, n_row;
    double step;
  };
  for (const Case& x : {Case{1, 1024, 1, 1.0},
                        {7, 1025, 9, 0.5},
                        {9, 2047, 3, 7.0},
                        {8, 1023, 2, 1.0},
                        {17, 1100, 10, -0.75},
                        {3, 1024, 4, 2500.0}}) {
    const auto p = fdmt_params(x.n_chan, 1000.0, 1500.0, 0, 60);
    Rows rows;
    for (int i = 0; i < x.n_row; ++i)
      rows.push_back({(x.step < 0.0 ? -10.0 * x.step : 3.0) + i * x.step, 5, x.n});
    const auto longest = std::lround(std::max(rows.front().delay, rows.back().delay));
    const auto in = random_samples(p, 5 + x.n + longest, random);
    auto out = untouched(x.n_row, x.n + 1);
    TypeParam::run(p, rows, in.cview(), out.view());
    ASSERT_TRUE(equal(out.cview(), definition(p, rows, in.cview(), x.n + 1).cview(), "row", "t"))
        << x.n_chan << " channels, " << x.n << " samples";
  }
}

TYPED_TEST(DedisperseRowsOf, RefusesSamplesOutsideOfTheInput) {
  const auto p = fdmt_params(4, 1000.0, 1500.0, 0, 60);
  const Array<std::int8_t, 2> in({4, 40});
  auto out = untouched(2, 20);
  const Row good{10.0, 2, 20};
  EXPECT_NO_THROW(TypeParam::run(p, {good, {20.0, 0, 20}}, in.cview(), out.view()));
  EXPECT_THROW(TypeParam::run(p, {good, {20.0, 1, 20}}, in.cview(), out.view()), std::invalid_argument);
  EXPECT_THROW(TypeParam::run(p, {{21.0, 0, 20}, good}, in.cview(), out.view()), std::invalid_argument);
  EXPECT_THROW(TypeParam::run(p, {good, {20.0, -1, 20}}, in.cview(), out.view()), std::invalid_argument);
  EXPECT_THROW(TypeParam::run(p, {{10.0, 0, 21}}, in.cview(), out.view()), std::invalid_argument);
  EXPECT_THROW(TypeParam::run(p, {good}, in.cview().slice(0, 0, 3), out.view()), std::invalid_argument);
}

TEST(DedisperseRows, NeedMemoryAndAnUpload) {
  const auto p = fdmt_params(4, 1000.0, 1500.0, 0, 60);
  const Stream stream;
  const DeviceArray<std::int8_t, 2> in({4, 40});
  const DeviceArray<std::int32_t, 2> out({3, 20});
  DedisperseRows rows(p, 3, 2);
  EXPECT_NO_THROW(dedisperse(rows, in.cview(), out.view(), stream));  // none
  rows.add(10.0, 0, 20);
  EXPECT_THROW(dedisperse(rows, in.cview(), out.view(), stream), std::invalid_argument);
  rows.add(11.0, 0, 20);
  EXPECT_THROW(rows.add(12.0, 0, 20), std::invalid_argument);  // a third delay
  EXPECT_THROW(rows.add(10.0, 0, -1), std::invalid_argument);
  rows.add(10.0, 3, 4);
  EXPECT_THROW(rows.add(10.0, 0, 20), std::invalid_argument);  // a fourth row
  rows.upload(stream);
  EXPECT_THROW(dedisperse(rows, in.cview(), out.view().slice(0, 0, 2), stream), std::invalid_argument);
  EXPECT_THROW(dedisperse(rows, in.cview(), out.view().slice(1, 0, 19), stream), std::invalid_argument);
}

TEST(DedisperseRows, ServeAgainOnceCleared) {
  const auto p = fdmt_params(5, 1000.0, 1500.0, 0, 60);
  Xoshiro256 random(13);
  const auto samples = random_samples(p, 90, random);
  const Stream stream;
  const auto in = on_device(samples.cview(), stream);
  DedisperseRows table(p, 2, 2);
  std::vector<Rows> rows_of;
  std::vector<DeviceArray<std::int32_t, 2>> sums_of;
  for (const double delay : {10.0, 40.0, 55.5}) {  // nobody waits for the rows
    const auto& rows = rows_of.emplace_back(Rows{{delay, 4, 30}, {delay / 2.0, 0, 30}});
    table.clear();
    for (const auto& row : rows) table.add(row.delay, row.t, row.n);
    table.upload(stream);
    const auto& sums = sums_of.emplace_back(DeviceArray<std::int32_t, 2>::Extents{2, 30});
    dedisperse(table, in.cview(), sums.view(), stream);
  }
  for (std::size_t i = 0; i < rows_of.size(); ++i) {
    Array<std::int32_t, 2> out({2, 30});
    to_host(sums_of[i], out.view(), stream);
    EXPECT_TRUE(equal(out.cview(), definition(p, rows_of[i], samples.cview(), 30).cview(), "row", "t")) << i;
  }
}

}  // namespace
}  // namespace tianyan
