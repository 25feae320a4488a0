// Repacking: hand-worked bytes, the reference over all pairs of formats, and what is refused.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/random.hpp"
#include "kernels/repack.hpp"

namespace tianyan {
namespace {

SampleFormat format_of(int n_bits, bool high_bits_first = false, bool descending = false) {
  SampleFormat f;
  f.n_bits = n_bits;
  f.is_float = n_bits == 32;
  f.high_bits_first = high_bits_first;
  f.channels_descending = descending;
  return f;
}

Array<std::uint8_t, 2> random_rows(std::int64_t n_time, std::int64_t n_bytes, std::uint64_t seed) {
  Array<std::uint8_t, 2> rows({n_time, n_bytes});
  Xoshiro256 random(seed);
  for (std::int64_t i = 0; i < rows.size(); ++i) rows.data()[i] = static_cast<std::uint8_t>(random());
  return rows;
}

std::vector<std::uint8_t> repacked(const SampleFormat& from, const SampleFormat& to, int n_chan,
                                   std::vector<std::uint8_t> bytes) {
  std::vector<std::uint8_t> out(static_cast<std::size_t>(n_chan * to.n_bits / 8));
  repack(from, to, 1, n_chan, View<const std::uint8_t, 2>(bytes.data(), {1, std::ssize(bytes)}),
         View<std::uint8_t, 2>(out.data(), {1, std::ssize(out)}));
  return out;
}

TEST(Repack, TurnsTheBitsOfTwoBitSamples) {
  // Samples 0 1 2 3: PSRFITS has the first in the high bits, SIGPROC in the low ones.
  EXPECT_EQ(repacked(format_of(2, true), format_of(2, false), 4, {0b00'01'10'11}),
            (std::vector<std::uint8_t>{0b11'10'01'00}));
}

TEST(Repack, TurnsChannels) {
  EXPECT_EQ(repacked(format_of(8), format_of(8, false, true), 3, {1, 2, 3}),
            (std::vector<std::uint8_t>{3, 2, 1}));
  EXPECT_EQ(repacked(format_of(4), format_of(4, false, true), 4, {0x21, 0x43}),
            (std::vector<std::uint8_t>{0x34, 0x12}));
}

TEST(Repack, WidensBitsToBytes) {
  EXPECT_EQ(repacked(format_of(1, true), format_of(8), 8, {0b1010'0011}),
            (std::vector<std::uint8_t>{1, 0, 1, 0, 0, 0, 1, 1}));
}

TEST(Repack, MatchesTheReferenceForEveryPairOfFormats) {
  for (int bits_in : {1, 2, 4, 8, 16, 32})
    for (int bits_out : {1, 2, 4, 8, 16, 32})
      for (int orders = 0; orders < 16; ++orders) {
        const auto from = format_of(bits_in, orders & 1, orders & 2),
                   to = format_of(bits_out, orders & 4, orders & 8);
        if (!holds_exactly(from, to)) continue;
        const auto in = random_rows(3, 24 * bits_in / 8, bits_in);
        Array<std::uint8_t, 2> fast({3, 24 * bits_out / 8}), plain({3, 24 * bits_out / 8});
        repack(from, to, 1, 24, in.cview(), fast.view());
        repack_reference(from, to, 1, 24, in.cview(), plain.view());
        EXPECT_EQ(std::memcmp(fast.data(), plain.data(), static_cast<std::size_t>(fast.size())), 0)
            << bits_in << " -> " << bits_out << " bits, orders " << orders;
      }
}

TEST(Repack, ThereAndBackGivesTheSameBytes) {
  for (int bits : {1, 2, 4, 8, 16}) {
    const auto from = format_of(bits, true, true), to = format_of(bits, false, false);
    const auto in = random_rows(5, 16 * bits / 8, 3);
    Array<std::uint8_t, 2> between({5, 16 * bits / 8}), out({5, 16 * bits / 8});
    repack(from, to, 1, 16, in.cview(), between.view());
    repack(to, from, 1, 16, between.cview(), out.view());
    EXPECT_EQ(std::memcmp(in.data(), out.data(), static_cast<std::size_t>(in.size())), 0) << bits;
    EXPECT_NE(std::memcmp(in.data(), between.data(), static_cast<std::size_t>(in.size())), 0) << bits;
  }
}

TEST(Repack, KeepsTheSignOfCrossProducts) {
  SampleFormat from = format_of(8), to = format_of(32);
  from.pol_kind = to.pol_kind = PolKind::kCoherence;
  const std::uint8_t bytes[4] = {200, 201, 255, 128};  // AA, BB, CR = -1, CI = -128
  float values[4];
  repack(from, to, 4, 1, View<const std::uint8_t, 2>(bytes, {1, 4}),
         View<std::uint8_t, 2>(reinterpret_cast<std::uint8_t*>(values), {1, 16}));
  EXPECT_EQ(std::vector<float>(values, values + 4), (std::vector<float>{200.0F, 201.0F, -1.0F, -128.0F}));
}

TEST(Repack, RefusesWhatWouldLoseSamples) {
  EXPECT_FALSE(holds_exactly(format_of(8), format_of(4)));
  EXPECT_FALSE(holds_exactly(format_of(32), format_of(16)));
  SampleFormat s8 = format_of(8);
  s8.is_signed = true;
  EXPECT_FALSE(holds_exactly(s8, format_of(16)));
  EXPECT_FALSE(holds_exactly(format_of(8), s8));
  EXPECT_TRUE(holds_exactly(format_of(4), s8));
  EXPECT_THROW(repacked(format_of(8), format_of(4), 2, {1, 2}), std::invalid_argument);
}

TEST(Repack, RefusesShapesThatDoNotFit) {
  const auto in = random_rows(3, 8, 1);
  Array<std::uint8_t, 2> short_out({2, 8}), narrow_out({3, 7}), in_place({3, 8});
  EXPECT_THROW(repack(format_of(8), format_of(8), 1, 8, in.cview(), short_out.view()), std::invalid_argument);
  EXPECT_THROW(repack(format_of(8), format_of(8), 1, 8, in.cview(), narrow_out.view()),
               std::invalid_argument);
  EXPECT_THROW(repack(format_of(8), format_of(8), 2, 4, in.cview(), in_place.view()), std::invalid_argument);
}

TEST(ToValues, CalibratesEachSpanAndZeroesWhatIsFlagged) {
  RawBlock block;
  block.n_time = 3;
  block.reserve(3, 2);
  const std::uint8_t bytes[6] = {10, 20, 30, 40, 50, 60};
  std::memcpy(block.samples.data(), bytes, 6);
  block.spans = {{0, 1, false, {2.0F, 3.0F}, {1.0F, -1.0F}, {}},
                 {1, 2, false, {}, {}, {0.0F, 0.5F}},
                 {2, 3, true, {}, {}, {}}};
  SampleFormat format = format_of(8);
  format.zero_offset = 4.0;
  Array<float, 2> out({3, 2});
  EXPECT_EQ(to_values(format, 1, 2, block, out.view()), 3);
  const std::vector<float> expected = {13.0F, 47.0F, 0.0F, 36.0F, 0.0F, 0.0F};
  EXPECT_EQ(std::vector<float>(out.data(), out.data() + 6), expected);
}

}  // namespace
}  // namespace tianyan
