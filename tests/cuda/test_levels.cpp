// Sums of levels and levels that become zero, on the host and on a device.
#include "cuda/levels.hpp"

#include "kernels/flag_times.hpp"
#include "kernels/zero_dm_filter.hpp"
#include "tests/cuda/conditioning_test.hpp"

namespace tianyan {
namespace {

struct Cells {
  Array<std::int16_t, 2> sum;
  Array<std::uint16_t, 2> squares;
  Cells(std::int64_t n_chan, std::int64_t n_cell) : sum({n_chan, n_cell}), squares({n_chan, n_cell}) {}
};

// As conditioning does it.
struct HostLevels {
  static void moments(View<const std::int8_t, 2> q, Cells& out) {
    expect(q.shape(1) == out.sum.shape(1) * kCellSamples && q.shape(0) == out.sum.shape(0), "cells");
    for (std::int64_t c = 0; c < q.shape(0); ++c)
      cell_moments(q[c].data(), out.sum.shape(1), &out.sum(c, 0), &out.squares(c, 0));
  }
  static void bands(View<const std::int8_t, 2> q, int band_channels, View<std::int16_t, 2> z) {
    expect(band_channels >= 1 && z.shape(0) == (q.shape(0) + band_channels - 1) / band_channels, "bands");
    for (std::int64_t b = 0; b < z.shape(0); ++b) {
      std::fill_n(z[b].data(), z.shape(1), std::int16_t{0});
      add_zero_dm(q.slice(0, b * band_channels, std::min(q.shape(0), (b + 1) * band_channels)), z[b]);
    }
  }
  static void factors(View<const std::int8_t, 2> q, View<const std::int16_t, 1> wave, View<float, 1> factor) {
    wave_factors(q, wave, factor);
  }
};
struct DeviceLevels {
  static void moments(View<const std::int8_t, 2> q, Cells& out) {
    const Stream stream;
    const DeviceRows<std::int8_t> in(q, stream);
    const DeviceRows<std::int16_t> sum(out.sum.shape(0), out.sum.shape(1), stream);
    const DeviceRows<std::uint16_t> squares(out.sum.shape(0), out.sum.shape(1), stream);
    cell_moments(in.cview(), sum.view(), squares.view(), stream);
    sum.to_host(out.sum.view(), stream);
    squares.to_host(out.squares.view(), stream);
  }
  static void bands(View<const std::int8_t, 2> q, int band_channels, View<std::int16_t, 2> z) {
    const Stream stream;
    const DeviceRows<std::int8_t> in(q, stream);
    const DeviceRows<std::int16_t> out(z.shape(0), z.shape(1), stream);
    zero_dm_bands(in.cview(), band_channels, out.view(), stream);
    out.to_host(z, stream);
  }
  static void factors(View<const std::int8_t, 2> q, View<const std::int16_t, 1> wave, View<float, 1> factor) {
    const Stream stream;
    const DeviceRows<std::int8_t> in(q, stream);
    const auto v = on_device(wave, stream);
    const DeviceArray<float, 1> out(factor.shape());
    wave_factors(in.cview(), v.cview(), out.view(), stream);
    to_host(out, factor, stream);
  }
};

template <class Backend>
class SumsOfLevels : public testing::Test {};
using Backends = testing::Types<HostLevels, DeviceLevels>;
TYPED_TEST_SUITE(SumsOfLevels, Backends);

Array<std::int8_t, 2> random_levels(std::int64_t n_chan, std::int64_t n_time, Xoshiro256& random) {
  Array<std::int8_t, 2> q({n_chan, n_time});
  fill_uniform(q.view(), 31, random);
  return q;
}

TYPED_TEST(SumsOfLevels, OfCellsAtTheEndsOfTheirRange) {
  Array<std::int8_t, 2> q({3, 128});
  for (int t = 0; t < 128; ++t) {
    q(0, t) = t < 64 ? 31 : -31;
    q(1, t) = static_cast<std::int8_t>(t == 63 ? -1 : t == 64 ? 2 : 0);
  }
  Cells cells(3, 2);
  TypeParam::moments(q.cview(), cells);
  EXPECT_EQ(values_of(cells.sum.cview()[0]), (std::vector<std::int16_t>{1984, -1984}));
  EXPECT_EQ(values_of(cells.squares.cview()[0]), (std::vector<std::uint16_t>{61504, 61504}));
  EXPECT_EQ(values_of(cells.sum.cview()[1]), (std::vector<std::int16_t>{-1, 2}));
  EXPECT_EQ(values_of(cells.squares.cview()[1]), (std::vector<std::uint16_t>{1, 4}));
  EXPECT_EQ(values_of(cells.sum.cview()[2]), (std::vector<std::int16_t>{0, 0}));
}

TYPED_TEST(SumsOfLevels, OfCellsAreThePlainSums) {
  Xoshiro256 random(1);
  for (const std::int64_t n_cell : {1, 3, 7, 8, 9, 17}) {
    const auto q = random_levels(3, n_cell * kCellSamples, random);
    Cells cells(3, n_cell), expected(3, n_cell);
    TypeParam::moments(q.cview(), cells);
    for (int c = 0; c < 3; ++c)
      for (std::int64_t t = 0; t < q.shape(1); ++t) {
        auto& sum = expected.sum(c, t / kCellSamples);
        auto& squares = expected.squares(c, t / kCellSamples);
        sum = static_cast<std::int16_t>(sum + q(c, t));
        squares = static_cast<std::uint16_t>(squares + q(c, t) * q(c, t));
      }
    EXPECT_TRUE(equal(cells.sum.cview(), expected.sum.cview(), "c", "k")) << n_cell;
    EXPECT_TRUE(equal(cells.squares.cview(), expected.squares.cview(), "c", "k")) << n_cell;
  }
}

TYPED_TEST(SumsOfLevels, OfBandsAreThePlainSums) {
  Xoshiro256 random(2);
  for (const std::int64_t n_time : {1, 255, 256, 257})
    for (const int band_channels : {1, 3, 8, 64}) {
      const auto q = random_levels(17, n_time, random);
      const auto n_band = (17 + band_channels - 1) / band_channels;
      Array<std::int16_t, 2> z({n_band, n_time}), expected({n_band, n_time});
      TypeParam::bands(q.cview(), band_channels, z.view());
      for (int c = 0; c < 17; ++c)
        for (std::int64_t t = 0; t < n_time; ++t) {
          auto& sum = expected(c / band_channels, t);
          sum = static_cast<std::int16_t>(sum + q(c, t));
        }
      EXPECT_TRUE(equal(z.cview(), expected.cview(), "b", "t")) << band_channels << " channels each";
    }
}

TYPED_TEST(SumsOfLevels, AndAWaveAreTheReferencesFactors) {
  Xoshiro256 random(3);
  for (const std::int64_t n_time : {1, 31, 255, 256, 257, 1000})
    for (const int most : {0, 1, 32'767}) {
      const auto q = random_levels(3, n_time, random);
      Array<std::int16_t, 1> wave({n_time});
      for (std::int64_t t = 0; t < n_time; ++t)
        wave(t) = static_cast<std::int16_t>(random_between(random, -most, most));
      Array<float, 1> factor({3}), expected({3});
      TypeParam::factors(q.cview(), wave.cview(), factor.view());
      wave_factors_reference(q.cview(), wave.cview(), expected.view());
      EXPECT_EQ(values_of(factor.cview()), values_of(expected.cview())) << n_time << " up to " << most;
    }
}

TYPED_TEST(SumsOfLevels, RefuseShapesThatDiffer) {
  Array<std::int8_t, 2> q({3, 128});
  Cells fits(3, 2), longer(3, 3), fewer(2, 2);
  EXPECT_NO_THROW(TypeParam::moments(q.cview(), fits));
  EXPECT_THROW(TypeParam::moments(q.cview(), longer), std::invalid_argument);
  EXPECT_THROW(TypeParam::moments(q.cview(), fewer), std::invalid_argument);
  Array<std::int16_t, 2> z({2, 128});
  EXPECT_NO_THROW(TypeParam::bands(q.cview(), 2, z.view()));
  EXPECT_THROW(TypeParam::bands(q.cview(), 1, z.view()), std::invalid_argument);
  EXPECT_THROW(TypeParam::bands(q.cview(), 0, z.view()), std::invalid_argument);
  EXPECT_THROW(TypeParam::bands(q.cview(), 2, z.view().slice(1, 0, 127)), std::invalid_argument);
  Array<std::int16_t, 1> wave({128});
  Array<float, 1> factor({3});
  EXPECT_NO_THROW(TypeParam::factors(q.cview(), wave.cview(), factor.view()));
  EXPECT_THROW(TypeParam::factors(q.cview(), wave.cview().slice(0, 0, 127), factor.view()),
               std::invalid_argument);
  EXPECT_THROW(TypeParam::factors(q.cview(), wave.cview(), factor.view().slice(0, 0, 2)),
               std::invalid_argument);
}

// What drop() leaves of random levels, against what is_dropped(c, t) says.
template <class Drop, class IsDropped>
void expect_dropped(const Drop& drop, const IsDropped& is_dropped, std::int64_t n_time, Xoshiro256& random) {
  const Stream stream;
  auto expected = random_levels(5, n_time, random);
  const DeviceRows<std::int8_t> on(expected.cview(), stream);
  drop(on.view(), stream);
  Array<std::int8_t, 2> q({5, n_time});
  on.to_host(q.view(), stream);
  for (std::int64_t c = 0; c < 5; ++c)
    for (std::int64_t t = 0; t < n_time; ++t)
      if (is_dropped(c, t)) expected(c, t) = 0;
  EXPECT_TRUE(equal(q.cview(), expected.cview(), "c", "t")) << n_time;
}

Array<std::uint8_t, 2> random_flags(std::int64_t n, std::int64_t m, Xoshiro256& random) {
  Array<std::uint8_t, 2> flags({n, m});
  for (std::int64_t i = 0; i < flags.size(); ++i)
    flags.data()[i] = static_cast<std::uint8_t>(random.below(2) * (1 + random.below(9)));
  return flags;
}

TEST(DroppedLevels, AreZeroInChannelsTimesAndCellsAlone) {
  Xoshiro256 random(4);
  const Stream stream;
  for (const std::int64_t n_time : {64, 192, 256, 320}) {
    const auto channels = random_flags(1, 5, random), times = random_flags(1, n_time, random),
               cells = random_flags(5, n_time / kCellSamples, random);
    const auto c_good = on_device(channels.cview()[0], stream), t_good = on_device(times.cview()[0], stream);
    const DeviceRows<std::uint8_t> rule(cells.cview(), stream);
    expect_dropped([&](auto q, const Stream& s) { drop_channels(c_good.cview(), q, s); },
                   [&](auto c, auto) { return channels(0, c) == 0; }, n_time, random);
    expect_dropped([&](auto q, const Stream& s) { drop_times(t_good.cview(), q, s); },
                   [&](auto, auto t) { return times(0, t) == 0; }, n_time, random);
    expect_dropped([&](auto q, const Stream& s) { drop_cells(rule.cview(), q, s); },
                   [&](auto c, auto t) { return cells(c, t / kCellSamples) != 0; }, n_time, random);
  }
}

TEST(DroppedLevels, RefuseFlagsThatDoNotFit) {
  const Stream stream;
  const DeviceArray<std::int8_t, 2> q({3, 128});
  const DeviceArray<std::uint8_t, 1> flags({3});
  const DeviceArray<std::uint8_t, 2> rule({3, 2});
  EXPECT_THROW(drop_channels(flags.cview(), q.view().slice(0, 0, 2), stream), std::invalid_argument);
  EXPECT_THROW(drop_times(flags.cview(), q.view(), stream), std::invalid_argument);
  EXPECT_THROW(drop_cells(rule.cview(), q.view().slice(1, 0, 64), stream), std::invalid_argument);
  EXPECT_THROW(drop_cells(rule.cview(), q.view().slice(0, 0, 2), stream), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
