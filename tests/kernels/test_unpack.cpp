// Unpacking: samples by hand, the reference over formats and awkward sizes, recorded weights, and what is
// refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/unpack.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

UnpackPlan plan_of(int n_chan, const SampleFormat& format) {
  StreamInfo info;
  info.n_chan = n_chan;
  info.n_pol = format.pol_kind == PolKind::kIntensity ? 1 : format.pol_kind == PolKind::kAaBb ? 2 : 4;
  info.freq_low_mhz = 1000.0;
  info.channel_width_mhz = 0.25;
  info.sample_time_s = 1e-4;
  return make_unpack_plan(info, format);
}

// Random bytes, or random floats; spans of random lengths, some with tables and some missing.
RawBlock random_block(const UnpackPlan& plan, std::int64_t n_time, Xoshiro256& random) {
  RawBlock block;
  block.n_time = n_time;
  const std::int64_t bytes = std::int64_t{plan.n_pol} * plan.n_chan * plan.format.n_bits / 8;
  block.reserve(n_time + random_between(random, 0, 2), bytes);
  for (std::int64_t i = 0; i < block.samples.size(); ++i)
    block.samples.data()[i] = static_cast<std::uint8_t>(random());
  for (std::int64_t t = 0; plan.format.is_float && t < n_time; ++t)
    for (std::int64_t i = 0; i < bytes / 4; ++i) {
      const auto v = static_cast<float>(gaussian(random));
      std::memcpy(&block.samples(t, 4 * i), &v, 4);
    }
  const auto table = [&](std::int64_t n) {
    std::vector<float> values(static_cast<std::size_t>(random.below(3) == 0 ? 0 : n));
    for (auto& v : values) v = static_cast<float>(gaussian(random));
    return values;
  };
  for (std::int64_t t = 0; t < n_time;) {
    const auto end = std::min(n_time, t + random_between(random, 1, n_time));
    const std::int64_t n = std::int64_t{plan.n_pol} * plan.n_chan;
    block.spans.push_back({t, end, random.below(5) == 0, table(n), table(n), table(plan.n_chan)});
    t = end;
  }
  return block;
}

std::vector<SampleFormat> all_formats() {
  std::vector<SampleFormat> formats;
  for (int bits : {1, 2, 4, 8, 16, 32})
    for (int kind = 0; kind < 4; ++kind)
      for (int flags = 0; flags < 8; ++flags) {
        SampleFormat f;
        f.n_bits = bits;
        f.is_float = bits == 32;
        f.is_signed = (flags & 1) != 0 && (bits == 8 || bits == 16);
        f.high_bits_first = (flags & 2) != 0;
        f.channels_descending = (flags & 4) != 0;
        f.pol_kind = static_cast<PolKind>(kind);
        f.zero_offset = kind % 2 == 0 ? 0.0 : 7.5;
        formats.push_back(f);
      }
  return formats;
}

Array<float, 2> unpacked(const UnpackPlan& plan, const RawBlock& block) {
  Array<float, 2> x({plan.n_chan, block.n_time});
  unpack(plan, block, 0, x.view());
  return x;
}

TEST(Unpack, SumsCalibratedPowersAndTurnsTheBand) {
  SampleFormat format;
  format.pol_kind = PolKind::kAaBb;
  format.channels_descending = true;
  format.zero_offset = 4.0;
  const auto plan = plan_of(3, format);
  RawBlock block;
  block.n_time = 2;
  block.reserve(2, 6);
  const std::uint8_t bytes[12] = {10, 20, 30, 40, 50, 60, 200, 210, 220, 230, 240, 250};
  std::memcpy(block.samples.data(), bytes, 12);
  block.spans = {{0, 1, false, {1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}, {}}, {1, 2, false, {}, {}, {}}};
  // t = 0, recorded channel 0: (10 - 4) 1 + 7 + (40 - 4) 4 + 10 = 167; 1: 16 2 + 8 + 46 5 + 11 = 281;
  // 2: 26 3 + 9 + 56 6 + 12 = 435. t = 1: 196 + 226 = 422, 206 + 236 = 442, 216 + 246 = 462: no byte wraps.
  const auto x = unpacked(plan, block);
  EXPECT_EQ(std::vector<float>(x.data(), x.data() + 6), (std::vector<float>{435, 462, 281, 442, 167, 422}));
}

TEST(Unpack, TakesBitsFromTheEndThatTheFormatSays) {
  SampleFormat format;
  format.n_bits = 2;
  RawBlock block;
  block.n_time = 1;
  block.reserve(1, 1);
  block.samples(0, 0) = 0b00'01'10'11;
  block.spans = {{0, 1, false, {}, {}, {}}};
  EXPECT_EQ(values_of(View<const float, 1>(unpacked(plan_of(4, format), block).data(), {4})),
            (std::vector<float>{3, 2, 1, 0}));
  format.high_bits_first = true;
  EXPECT_EQ(values_of(View<const float, 1>(unpacked(plan_of(4, format), block).data(), {4})),
            (std::vector<float>{0, 1, 2, 3}));
}

TEST(Unpack, OfStokesParametersOnlyTheFirstIsIntensity) {
  SampleFormat format;
  format.pol_kind = PolKind::kStokes;
  EXPECT_EQ(plan_of(3, format).n_pol_summed, 1);
  format.pol_kind = PolKind::kCoherence;
  EXPECT_EQ(plan_of(3, format).n_pol_summed, 2);
  RawBlock block;
  block.n_time = 1;
  block.reserve(1, 8);
  for (int i = 0; i < 8; ++i) block.samples(0, i) = static_cast<std::uint8_t>(100 + 10 * i);
  block.spans = {{0, 1, false, {}, {}, {}}};
  const auto x = unpacked(plan_of(2, format), block);  // AA + BB: 100 + 120, 110 + 130
  EXPECT_EQ(x(0, 0), 220.0F);
  EXPECT_EQ(x(1, 0), 240.0F);
}

TEST(Unpack, MatchesTheReferenceForEveryFormatAndAwkwardSizes) {
  Xoshiro256 random(11);
  for (const auto& format : all_formats())
    for (int round = 0; round < 3; ++round) {
      int n_chan = one_of(random, kAwkwardChannels);
      if (n_chan * format.n_bits % 8 != 0) n_chan *= 8;
      const auto plan = plan_of(n_chan, format);
      const auto block = random_block(plan, one_of(random, {1, 3, 7, 31, 32, 33, 65}), random);
      const auto n = random_between(random, 1, std::min(n_chan, 300));  // begins within a byte, too
      const auto first = static_cast<int>(random_between(random, 0, n_chan - n));
      PaddedRows<float> fast(n, block.n_time, random), plain(n, block.n_time, random);
      unpack(plan, block, first, fast.view());
      unpack_reference(plan, block, first, plain.view());
      EXPECT_TRUE(equal(fast.cview(), plain.cview(), "c", "t"))
          << format.n_bits << " bits, " << n_chan << " channels from " << first;
      EXPECT_TRUE(fast.gaps_untouched());
    }
}

TEST(Unpack, ChannelsDoNotDependOnWhichOthersAreAskedFor) {
  Xoshiro256 random(12);
  for (int n_chan : {2, 42, 130, 1000}) {
    SampleFormat format;
    format.channels_descending = true;
    const auto plan = plan_of(n_chan, format);
    const auto block = random_block(plan, 37, random);
    const auto whole = unpacked(plan, block);
    const auto first = random_between(random, 0, n_chan - 1), end = random_between(random, first + 1, n_chan);
    Array<float, 2> part({end - first, block.n_time});
    unpack(plan, block, static_cast<int>(first), part.view());
    EXPECT_TRUE(equal(part.cview(), whole.cview().slice(0, first, end), "c", "t")) << n_chan;
  }
}

TEST(Unpack, CuttingASpanInTwoChangesNothing) {
  Xoshiro256 random(13);
  SampleFormat format;
  format.pol_kind = PolKind::kAaBb;
  const auto plan = plan_of(65, format);
  auto block = random_block(plan, 70, random);
  const auto before = unpacked(plan, block);
  for (std::size_t s = 0; s < block.spans.size(); s += 2) {
    if (block.spans[s].end - block.spans[s].begin < 2) continue;
    auto second = block.spans[s];
    block.spans[s].end = second.begin = random_between(random, second.begin + 1, second.end - 1);
    block.spans.insert(block.spans.begin() + static_cast<std::ptrdiff_t>(s) + 1, second);
  }
  EXPECT_TRUE(equal(unpacked(plan, block).cview(), before.cview(), "c", "t"));
}

TEST(UnpackIntegers, CountFromTheLowestValueOfTheFormat) {
  SampleFormat format;
  format.is_signed = true;
  RawBlock block;
  block.n_time = 2;
  block.reserve(2, 2);
  for (int i = 0; i < 4; ++i) block.samples.data()[i] = static_cast<std::uint8_t>(-128 + 80 * i);
  block.spans = {{0, 2, false, {}, {}, {}}};  // -128, -48 | 32, 112
  Array<std::uint8_t, 2> one({2, 2});
  unpack(plan_of(2, format), block, 0, one.view());
  EXPECT_EQ(std::vector<int>(one.data(), one.data() + 4), (std::vector<int>{0, 160, 80, 240}));
  format.pol_kind = PolKind::kAaBb;
  Array<std::int16_t, 2> sum({1, 2});
  unpack(plan_of(1, format), block, 0, sum.view());
  EXPECT_EQ(std::vector<int>(sum.data(), sum.data() + 2), (std::vector<int>{80, 400}));
}

template <class T>
void check_integers(const SampleFormat& format, int n_chan, std::int64_t n_time, Xoshiro256& random) {
  const auto plan = plan_of(n_chan, format);
  const auto block = random_block(plan, n_time, random);
  const auto n = random_between(random, std::max(1, n_chan - 70), n_chan);
  const auto first = static_cast<int>(random_between(random, 0, n_chan - n));
  PaddedRows<T> fast(n, n_time, random);
  Array<std::int16_t, 2> plain({n, n_time});
  unpack(plan, block, first, fast.view());
  unpack_reference(plan, block, first, plain.view());
  EXPECT_TRUE(equal(fast.cview(), plain.cview(), "c", "t"))
      << format.n_bits << " bits, " << n_chan << " channels from " << first << ", " << n_time << " times";
  EXPECT_TRUE(fast.gaps_untouched());
}

TEST(UnpackIntegers, MatchTheReferenceForEveryFormatAndAwkwardSizes) {
  Xoshiro256 random(16);
  for (const auto& format : all_formats()) {
    if (format.n_bits > 8) continue;
    for (int n_chan : {1, 3, 64, 65, 100, 192}) {
      if (n_chan * format.n_bits % 8 != 0) n_chan *= 8;
      for (std::int64_t n_time : {1, 3, 7, 63, 64, 65, 129}) {
        check_integers<std::int16_t>(format, n_chan, n_time, random);
        if (plan_of(n_chan, format).n_pol_summed == 1)
          check_integers<std::uint8_t>(format, n_chan, n_time, random);
      }
    }
  }
}

TEST(UnpackIntegers, CalibratedAreTheFloats) {
  Xoshiro256 random(17);
  for (const auto& format : all_formats()) {
    const auto plan = plan_of(40, format);
    auto block = random_block(plan, 70, random);
    for (auto& span : block.spans) {  // quarters: exact in float
      span.missing = false;
      span.scale.assign(static_cast<std::size_t>(40 * plan.n_pol), 0.25F);
      span.offset.assign(static_cast<std::size_t>(40 * plan.n_pol), 0.5F);
      for (std::size_t c = 0; c < 40; ++c) span.offset[c] = static_cast<float>(c);
    }
    const auto calibration = row_calibration(plan, block);
    ASSERT_EQ(calibration.has_value(), format.n_bits <= 8);
    if (!calibration) continue;
    Array<std::int16_t, 2> rows({40, 70});
    unpack(plan, block, 0, rows.view());
    const auto x = unpacked(plan, block);
    for (std::size_t c = 0; c < 40; ++c)
      for (int t = 0; t < 70; ++t)
        ASSERT_EQ(x(c, t), calibration->scale[c] * rows(c, t) + calibration->offset[c]) << c << " " << t;
  }
}

TEST(RowCalibration, IsOneOverTheWindowOrNone) {
  SampleFormat format;
  format.pol_kind = PolKind::kAaBb;
  const auto plan = plan_of(2, format);
  RawBlock block;
  block.n_time = 6;
  block.spans = {{0, 2, true, {9, 9, 9, 9}, {}, {}}, {2, 4, false, {}, {}, {}}, {4, 6, false, {}, {}, {}}};
  EXPECT_EQ(row_calibration(plan, block)->scale, (std::vector<double>{1, 1}));  // gaps do not count
  block.spans[2].offset = {1, 2, 3, 4};
  EXPECT_FALSE(row_calibration(plan, block));  // changes with time
  block.spans[1] = block.spans[2];
  EXPECT_EQ(row_calibration(plan, block)->offset, (std::vector<double>{4, 6}));
  block.spans[1].scale = block.spans[2].scale = {2, 3, 2, 3};
  EXPECT_EQ(row_calibration(plan, block)->scale, (std::vector<double>{2, 3}));
  block.spans[1].scale = block.spans[2].scale = {2, 3, 2, 4};
  EXPECT_FALSE(row_calibration(plan, block));  // differs between the polarisations
}

TEST(UnpackIntegers, RefuseWhatDoesNotFitThem) {
  Xoshiro256 random(18);
  SampleFormat wide, two;
  wide.n_bits = 16;
  two.pol_kind = PolKind::kAaBb;
  Array<std::uint8_t, 2> bytes({8, 5}), narrow({8, 4});
  Array<std::int16_t, 2> sums({8, 5});
  const auto block_of = [&](const SampleFormat& f) { return random_block(plan_of(8, f), 5, random); };
  EXPECT_NO_THROW(unpack(plan_of(8, two), block_of(two), 0, sums.view()));
  EXPECT_THROW(unpack(plan_of(8, two), block_of(two), 0, bytes.view()), std::invalid_argument);
  EXPECT_THROW(unpack(plan_of(8, wide), block_of(wide), 0, sums.view()), std::invalid_argument);
  EXPECT_THROW(unpack(plan_of(8, {}), block_of({}), 1, bytes.view()), std::invalid_argument);
  EXPECT_THROW(unpack(plan_of(8, {}), block_of({}), 0, narrow.view()), std::invalid_argument);
}

TEST(Unpack, RefusesFormatsThatCannotBe) {
  SampleFormat format;
  format.n_bits = 3;
  EXPECT_THROW(plan_of(8, format), std::invalid_argument);
  format.n_bits = 4;
  EXPECT_THROW(plan_of(3, format), std::invalid_argument);
  format.n_bits = 32;
  EXPECT_THROW(plan_of(8, format), std::invalid_argument);
}

TEST(Unpack, RefusesShapesThatDoNotFit) {
  Xoshiro256 random(14);
  const auto plan = plan_of(8, SampleFormat{});
  auto block = random_block(plan, 5, random);
  Array<float, 2> x({4, 5}), short_x({4, 4});
  EXPECT_NO_THROW(unpack(plan, block, 4, x.view()));
  EXPECT_THROW(unpack(plan, block, 5, x.view()), std::invalid_argument);
  EXPECT_THROW(unpack(plan, block, -1, x.view()), std::invalid_argument);
  EXPECT_THROW(unpack(plan, block, 0, short_x.view()), std::invalid_argument);
  EXPECT_THROW(unpack(plan_of(16, SampleFormat{}), block, 0, x.view()), std::invalid_argument);
  block.spans.back().end = 4;
  EXPECT_THROW(unpack(plan, block, 0, x.view()), std::invalid_argument);
  block.spans.clear();
  EXPECT_THROW(unpack(plan, block, 0, x.view()), std::invalid_argument);
}

TEST(UnpackWeights, AreZeroOrOneInCanonicalOrder) {
  SampleFormat format;
  format.channels_descending = true;
  RawBlock block;
  block.n_time = 9;
  block.spans = {{0, 2, false, {}, {}, {1.0F, 0.25F, 0.0F}},
                 {2, 5, false, {}, {}, {}},
                 {5, 9, true, {}, {}, {1.0F, 1.0F, 1.0F}}};
  const auto w = unpack_weights(plan_of(3, format), block);
  EXPECT_EQ(w.begin, (std::vector<std::int64_t>{0, 2, 5, 9}));
  EXPECT_EQ(w.good, (std::vector<std::uint8_t>{0, 1, 1, 1, 1, 1, 0, 0, 0}));
}

TEST(UnpackWeights, JoinNeighboursThatAreEqual) {
  RawBlock block;
  block.n_time = 8;
  block.spans = {{0, 2, false, {}, {}, {1.0F, 0.5F}},
                 {2, 5, false, {}, {}, {}},
                 {5, 6, false, {}, {}, {0.0F, 1.0F}},
                 {6, 8, false, {}, {}, {0.0F, 2.0F}}};
  const auto w = unpack_weights(plan_of(2, SampleFormat{}), block);
  EXPECT_EQ(w.begin, (std::vector<std::int64_t>{0, 5, 8}));
  EXPECT_EQ(w.good, (std::vector<std::uint8_t>{1, 1, 0, 1}));
}

TEST(UnpackWeights, SayOfEachSampleWhatItsSpanSays) {
  Xoshiro256 random(15);
  for (int n_chan : {2, 3, 42, 130}) {
    SampleFormat format;
    format.channels_descending = n_chan % 2 == 0;
    const auto plan = plan_of(n_chan, format);
    const auto block = random_block(plan, 100, random);
    const auto w = unpack_weights(plan, block);
    ASSERT_EQ(w.begin.back(), 100);
    for (const auto& span : block.spans)
      for (int c = 0; c < n_chan; ++c) {
        const auto at = std::upper_bound(w.begin.begin(), w.begin.end(), span.begin) - w.begin.begin() - 1;
        const auto r = static_cast<std::size_t>(format.channels_descending ? n_chan - 1 - c : c);
        const bool good = !span.missing && (span.weight.empty() || span.weight[r] > 0.0F);
        ASSERT_EQ(w.row(static_cast<int>(at))[c] != 0, good) << "t=" << span.begin << " c=" << c;
      }
  }
}

}  // namespace
}  // namespace tianyan
