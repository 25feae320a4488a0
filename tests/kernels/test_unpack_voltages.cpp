// Unpacking of voltages: bytes by hand for each number of bits, the reference over random strides and groups,
// what is missing, and what is refused.
#include "kernels/unpack_voltages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "tests/kernels/voltage_test.hpp"

namespace tianyan {
namespace {

VoltageBlock block_of(std::int64_t n_time, const std::vector<std::uint8_t>& bytes,
                      const std::vector<VoltagePiece>& pieces) {
  VoltageBlock block;
  block.n_time = n_time;
  block.bytes = array_of(bytes);
  block.pieces = pieces;
  return block;
}

// Samples [begin, end) in one group, `stride` bits apart.
VoltagePiece piece_of(std::int64_t begin, std::int64_t end, std::int64_t first_bit, std::int64_t stride) {
  VoltagePiece p;
  p.begin = begin;
  p.end = end;
  p.first_bit = first_bit;
  p.group_samples = std::max<std::int64_t>(1, end - begin);
  p.sample_stride_bits = stride;
  return p;
}

std::vector<float> unpacked(const VoltageFormat& format, const VoltageBlock& block, int coarse = 0,
                            int pol = 0, std::int64_t begin = 0, std::int64_t n = -1) {
  if (n < 0) n = block.n_time - begin;
  Array<float, 1> v({n * format.n_component()});
  for (std::int64_t k = 0; k < v.size(); ++k) v(k) = 1e9F;
  unpack_voltages(format, block, coarse, pol, begin, v.view());
  return values_of(v.view());
}

// All components of some bytes, one after the other.
std::vector<float> decoded(int n_bits, VoltageCode code, const std::vector<std::uint8_t>& bytes) {
  const std::int64_t n = std::ssize(bytes) * 8 / n_bits;
  return unpacked(format_of(n_bits, false, code), block_of(n, bytes, {piece_of(0, n, 0, n_bits)}));
}

using Floats = std::vector<float>;

TEST(UnpackVoltages, EightBitsByHand) {
  const std::vector<std::uint8_t> bytes = {1, 255, 128, 127, 0};
  EXPECT_EQ(decoded(8, kSigned, bytes), (Floats{1, -1, -128, 127, 0}));
  EXPECT_EQ(decoded(8, kOffset, bytes), (Floats{-126.5, 127.5, 0.5, -0.5, -127.5}));
}

TEST(UnpackVoltages, SixteenBitsByHand) {
  // 0x8001, 0x7fff, 0x0100: the low byte comes first.
  const std::vector<std::uint8_t> bytes = {0x01, 0x80, 0xff, 0x7f, 0x00, 0x01};
  EXPECT_EQ(decoded(16, kSigned, bytes), (Floats{-32767, 32767, 256}));
  EXPECT_EQ(decoded(16, kOffset, bytes), (Floats{1.5, -0.5, 256 - 32767.5}));
}

TEST(UnpackVoltages, FourBitsByHandFromTheLowOnes) {
  const std::vector<std::uint8_t> bytes = {0x8f, 0x70};
  EXPECT_EQ(decoded(4, kSigned, bytes), (Floats{-1, -8, 0, 7}));
  EXPECT_EQ(decoded(4, kOffset, bytes), (Floats{7.5, 0.5, -7.5, -0.5}));
}

TEST(UnpackVoltages, TwoBitsByHandFromTheLowOnes) {
  const std::vector<std::uint8_t> bytes = {0b11100100, 0b00000110};
  EXPECT_EQ(decoded(2, kSigned, bytes), (Floats{0, 1, -2, -1, -2, 1, 0, 0}));
  EXPECT_EQ(decoded(2, kOffset, bytes), (Floats{-1.5, -0.5, 0.5, 1.5, 0.5, -0.5, -1.5, -1.5}));
  EXPECT_EQ(decoded(2, kLevels, bytes), (Floats{-3.3359F, -1, 1, 3.3359F, 1, -1, -3.3359F, -3.3359F}));
}

TEST(UnpackVoltages, AnInvertedComplexStreamIsConjugated) {
  const auto block = block_of(2, {1, 2, 253, 252}, {piece_of(0, 2, 0, 16)});
  EXPECT_EQ(unpacked(format_of(8, true), block), (Floats{1, 2, -3, -4}));
  EXPECT_EQ(unpacked(format_of(8, true, kSigned, true), block), (Floats{1, -2, -3, 4}));
}

TEST(UnpackVoltages, AnInvertedRealStreamAlternatesFromTheFirstSampleOfTheStream) {
  auto block = block_of(5, {1, 2, 3, 4, 5}, {piece_of(0, 5, 0, 8)});
  const auto format = format_of(8, false, kSigned, true);
  EXPECT_EQ(unpacked(format, block), (Floats{1, -2, 3, -4, 5}));
  EXPECT_EQ(unpacked(format, block, 0, 0, 1), (Floats{-2, 3, -4, 5}));
  block.first_sample = 7;
  EXPECT_EQ(unpacked(format, block), (Floats{-1, 2, -3, 4, -5}));
}

TEST(UnpackVoltages, FindsChannelsPolarisationsAndGroupsByHand) {
  // bytes[group][coarse][sample][pol] = 100 group + 10 coarse + sample, negative for the second
  // polarisation; groups of 3, of which the first sample is not there; coarse channels are stored from the
  // highest, so that their stride is negative.
  std::vector<std::uint8_t> bytes;
  for (int group = 0; group < 2; ++group)
    for (int coarse = 1; coarse >= 0; --coarse)
      for (int sample = 0; sample < 3; ++sample)
        for (const int sign : {1, -1})
          bytes.push_back(static_cast<std::uint8_t>(sign * (100 * group + 10 * coarse + sample)));
  VoltagePiece p;
  p.end = 5;
  p.first_bit = 6 * 8;
  p.first_in_group = 1;
  p.group_samples = 3;
  p.group_stride_bits = 12 * 8;
  p.sample_stride_bits = 16;
  p.coarse_stride_bits = -6 * 8;
  p.pol_stride_bits = 8;
  p.coarse_begin = 4;
  p.n_coarse = p.n_pol = 2;
  const auto block = block_of(5, bytes, {p});
  const auto format = format_of(8, false);
  EXPECT_EQ(unpacked(format, block, 4, 0), (Floats{1, 2, 100, 101, 102}));
  EXPECT_EQ(unpacked(format, block, 5, 1), (Floats{-11, -12, -110, -111, -112}));
  EXPECT_EQ(unpacked(format, block, 5, 0, 1, 3), (Floats{12, 110, 111}));
  EXPECT_EQ(unpacked(format, block, 3, 0), Floats(5, 0.0F));
  EXPECT_EQ(unpacked(format, block, 4, 2), Floats(5, 0.0F));
}

TEST(UnpackVoltages, ALaterPieceWinsAndWhatNoneCoversIsZero) {
  // Samples 1, 2, 3 and 6, 7 of the first two pieces, in the wrong order; the third takes sample 2 again.
  const auto block =
      block_of(9, {1, 2, 3, 4, 5, 6}, {piece_of(6, 8, 24, 8), piece_of(1, 4, 0, 8), piece_of(2, 3, 40, 8)});
  EXPECT_EQ(unpacked(format_of(8, false), block), (Floats{0, 1, 6, 3, 0, 0, 4, 5, 0}));
  EXPECT_EQ(unpacked(format_of(8, false), block, 0, 0, 3, 4), (Floats{3, 0, 0, 4}));
  EXPECT_EQ(unpacked(format_of(8, false), block, 0, 0, 9, 0), Floats{});
}

TEST(UnpackVoltages, EqualsTheReferenceOverStridesGroupsAndPhases) {
  Xoshiro256 random(2);
  for (const auto& format : all_formats())
    for (const std::int64_t n_time : {1, 3, 7, 15, 16, 17, 63, 64, 65, 130})
      for (int repeat = 0; repeat < 12; ++repeat) {
        const auto block = random_block(format, n_time, random);
        const int coarse = static_cast<int>(random.below(4)), pol = static_cast<int>(random.below(3));
        const std::int64_t begin = random_between(random, 0, n_time);
        const std::int64_t n = random_between(random, 0, n_time - begin) * format.n_component();
        PaddedRows<float> fast(1, n, random), plain(1, n, random);
        unpack_voltages(format, block, coarse, pol, begin, fast.view()[0]);
        unpack_voltages_reference(format, block, coarse, pol, begin, plain.view()[0]);
        ASSERT_TRUE(equal(fast.view(), plain.view(), "row", "component"))
            << format.n_bits << " bits, complex " << format.is_complex << ", code "
            << static_cast<int>(format.code) << ", " << n_time << " samples from " << begin;
        ASSERT_TRUE(fast.gaps_untouched());
      }
}

TEST(UnpackVoltages, IsTheSameInParts) {
  Xoshiro256 random(3);
  for (const auto& format : all_formats()) {
    const auto block = random_block(format, 200, random);
    const auto whole = unpacked(format, block, 1, 1);
    Floats parts;
    for (std::int64_t begin = 0, n = 0; begin < 200; begin += n) {
      n = std::min<std::int64_t>(200 - begin, random_between(random, 1, 40));
      const auto part = unpacked(format, block, 1, 1, begin, n);
      parts.insert(parts.end(), part.begin(), part.end());
    }
    ASSERT_EQ(parts, whole);
  }
}

// Whether the block is refused, by both versions, before anything is written.
bool is_refused(const VoltageFormat& format, const VoltageBlock& block) {
  Array<float, 1> v({2});
  v(0) = 5.0F;
  const View<float, 1> out = v.view().slice(0, 0, format.n_component());
  int n = 0;
  for (const auto unpack : {unpack_voltages, unpack_voltages_reference}) try {
      unpack(format, block, 0, 0, 0, out);
    } catch (const std::invalid_argument&) {
      ++n;
    }
  EXPECT_TRUE(n == 0 || (n == 2 && v(0) == 5.0F));
  return n == 2;
}

TEST(UnpackVoltages, RefusesAPieceThatReachesABitTooFar) {
  // 8 real samples of 4 bits fill 4 bytes, forwards, backwards and by groups of 2.
  const auto format = format_of(4, false);
  const auto refused = [&](const VoltagePiece& p) {
    return is_refused(format, block_of(8, {1, 2, 3, 4}, {p}));
  };
  EXPECT_FALSE(refused(piece_of(0, 8, 0, 4)));
  EXPECT_TRUE(refused(piece_of(0, 8, 1, 4)));
  EXPECT_TRUE(refused(piece_of(0, 8, -1, 4)));
  EXPECT_FALSE(refused(piece_of(0, 8, 28, -4)));
  EXPECT_TRUE(refused(piece_of(0, 8, 27, -4)));
  EXPECT_TRUE(refused(piece_of(0, 8, 29, -4)));
  VoltagePiece groups = piece_of(0, 8, 24, 4);  // 24 28, 16 20, 8 12, 0 4
  groups.group_samples = 2;
  groups.group_stride_bits = -8;
  EXPECT_FALSE(refused(groups));
  groups.first_in_group = 1;  // 28, 16 20, 8 12, 0 4, -8
  EXPECT_TRUE(refused(groups));
  groups.end = 7;
  EXPECT_FALSE(refused(groups));
  groups.n_pol = 2;
  groups.pol_stride_bits = 1;
  EXPECT_TRUE(refused(groups));
  groups.pol_stride_bits = 0;
  groups.n_coarse = 3;
  groups.coarse_stride_bits = -1;
  EXPECT_TRUE(refused(groups));
}

TEST(UnpackVoltages, RefusesExactlyWhatReachesOutside) {
  // The extent of a piece is found from few of its samples; here from all of them.
  Xoshiro256 random(4);
  int n_refused = 0;
  for (int repeat = 0; repeat < 3000; ++repeat) {
    const auto format = format_of(one_of(random, {2, 4, 8}), random.below(2) == 0);
    auto p = random_piece(format, 40, random);
    const auto bits = bits_of(p, format.sample_bits());
    if (p.begin == p.end) continue;
    p.first_bit = -bits.begin + random_between(random, -1, 9);
    const std::int64_t n_byte = (p.first_bit + bits.end) / 8 + random_between(random, 0, 1);
    const bool outside = p.first_bit + bits.begin < 0 || p.first_bit + bits.end > 8 * n_byte;
    if (n_byte < 0) continue;
    n_refused += outside ? 1 : 0;
    const std::vector<std::uint8_t> bytes(static_cast<std::size_t>(n_byte), 1);
    ASSERT_EQ(is_refused(format, block_of(40, bytes, {p})), outside);
  }
  EXPECT_GT(n_refused, 300);
}

TEST(UnpackVoltages, RefusesStridesThatOverflow) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max(),
                 kMin = std::numeric_limits<std::int64_t>::min();
  const auto format = format_of(8, false);
  const std::vector<std::uint8_t> bytes(64, 1);
  for (const std::int64_t stride : {kMax, kMin, std::int64_t{1} << 62, std::int64_t{1} << 61})
    for (int which = 0; which < 4; ++which) {
      VoltagePiece p = piece_of(0, 8, 0, 8);
      p.group_samples = which == 1 ? 1 : 4;
      p.group_stride_bits = 32;
      p.n_coarse = p.n_pol = 2;
      (which == 0   ? p.sample_stride_bits
       : which == 1 ? p.group_stride_bits
       : which == 2 ? p.coarse_stride_bits
                    : p.pol_stride_bits) = stride;
      EXPECT_TRUE(is_refused(format, block_of(8, bytes, {p}))) << stride << ' ' << which;
    }
  VoltagePiece p = piece_of(0, 8, 0, 8);
  p.first_in_group = kMax - 7;
  EXPECT_TRUE(is_refused(format, block_of(8, bytes, {p})));
  p = piece_of(0, 8, kMax, 8);
  EXPECT_TRUE(is_refused(format, block_of(8, bytes, {p})));
  // Parts that overflow and a sum that does not: sample 4 of group 4, 2^64 - 2^64 = 0.
  p = piece_of(0, 1, 0, -(std::int64_t{1} << 62));
  p.group_samples = 5;
  p.first_in_group = 24;
  p.group_stride_bits = std::int64_t{1} << 62;
  EXPECT_FALSE(is_refused(format, block_of(8, bytes, {p})));
}

TEST(UnpackVoltages, RefusesWhatDoesNotFit) {
  const auto good = block_of(8, std::vector<std::uint8_t>(8, 1), {piece_of(0, 8, 0, 8)});
  const auto refused = [&](const auto& change) {
    auto block = block_of(8, std::vector<std::uint8_t>(8, 1), good.pieces);
    change(block, block.pieces[0]);
    return is_refused(format_of(8, false), block);
  };
  using Block = VoltageBlock;
  using Piece = VoltagePiece;
  EXPECT_FALSE(refused([](Block&, Piece&) {}));
  EXPECT_TRUE(refused([](Block& b, Piece&) { b.n_time = 7; }));
  EXPECT_TRUE(refused([](Block&, Piece& p) { p.begin = -1; }));
  EXPECT_TRUE(refused([](Block&, Piece& p) { p.begin = 9; }));
  EXPECT_TRUE(refused([](Block&, Piece& p) { p.group_samples = 0; }));
  EXPECT_TRUE(refused([](Block&, Piece& p) { p.first_in_group = -1; }));
  EXPECT_TRUE(refused([](Block&, Piece& p) { p.n_coarse = 0; }));
  EXPECT_TRUE(refused([](Block&, Piece& p) { p.n_pol = -1; }));
  EXPECT_TRUE(refused([](Block&, Piece& p) { p.coarse_begin = -1; }));
  // A piece of another stream counts as well; an empty one has no bits that could be outside.
  EXPECT_TRUE(refused([](Block&, Piece& p) { p.coarse_begin = 3, p.first_bit = 1; }));
  EXPECT_FALSE(refused([](Block&, Piece& p) { p.end = 0, p.first_bit = -99; }));

  Array<float, 1> v({9});
  const auto into = [&](const VoltageFormat& format, std::int64_t begin, std::int64_t n, int coarse = 0) {
    unpack_voltages(format, good, coarse, 0, begin, v.view().slice(0, 0, n));
  };
  EXPECT_NO_THROW(into(format_of(8, false), 0, 8));
  EXPECT_THROW(into(format_of(8, false), 0, 9), std::invalid_argument);
  EXPECT_THROW(into(format_of(8, false), 1, 8), std::invalid_argument);
  EXPECT_THROW(into(format_of(8, false), -1, 2), std::invalid_argument);
  EXPECT_THROW(into(format_of(8, false), 9, 0), std::invalid_argument);
  EXPECT_THROW(into(format_of(8, false), 0, 8, -1), std::invalid_argument);
  EXPECT_THROW(into(format_of(4, true), 0, 7), std::invalid_argument);
  EXPECT_THROW(into(format_of(3, false), 0, 1), std::invalid_argument);
  EXPECT_THROW(into(format_of(4, false, kLevels), 0, 1), std::invalid_argument);
  const View<float, 1> strided(v.data(), {4}, {2});
  EXPECT_THROW(unpack_voltages(format_of(8, false), good, 0, 0, 0, strided), std::invalid_argument);
}

TEST(MissingSamples, OfTwoPolarisationsByHand) {
  // Of 100 samples: polarisation 0 has [50, 80), [0, 30) and [20, 40); polarisation 1 has [0, 35), [45, 60)
  // and [58, 100). Missing are [40, 50) and [80, 100) of the one, [35, 45) of the other.
  const auto piece = [](std::int64_t begin, std::int64_t end, int pol, int coarse = 2) {
    VoltagePiece p = piece_of(begin, end, 0, 8);
    p.pol_begin = pol;
    p.coarse_begin = coarse;
    return p;
  };
  const auto block = block_of(100, {},
                              {piece(50, 80, 0), piece(58, 100, 1), piece(0, 30, 0), piece(45, 60, 1),
                               piece(20, 40, 0), piece(0, 35, 1), piece(0, 100, 0, 3), piece(90, 90, 0)});
  using Ranges = std::vector<SampleRange>;
  EXPECT_EQ(missing_samples(block, 2, 1), (Ranges{{40, 50}, {80, 100}}));
  EXPECT_EQ(missing_samples(block, 2, 2), (Ranges{{35, 50}, {80, 100}}));
  EXPECT_EQ(missing_samples(block, 3, 1), Ranges{});
  EXPECT_EQ(missing_samples(block, 3, 2), (Ranges{{0, 100}}));
  EXPECT_EQ(missing_samples(block, 7, 1), (Ranges{{0, 100}}));
  EXPECT_EQ(missing_samples(VoltageBlock{}, 0, 1), Ranges{});
}

TEST(MissingSamples, AreThoseThatNoPieceHolds) {
  Xoshiro256 random(5);
  for (int repeat = 0; repeat < 300; ++repeat) {
    const auto block = random_block(format_of(8, false), random_between(random, 1, 30), random);
    const int coarse = static_cast<int>(random.below(4)),
              n_pol = static_cast<int>(random_between(random, 1, 2));
    std::vector<bool> is_missing(static_cast<std::size_t>(block.n_time), false), found = is_missing;
    for (std::size_t t = 0; t < is_missing.size(); ++t)
      for (int pol = 0; pol < n_pol; ++pol)
        is_missing[t] = is_missing[t] || std::ranges::none_of(block.pieces, [&](const VoltagePiece& p) {
                          const auto at = static_cast<std::int64_t>(t);
                          return p.begin <= at && at < p.end && p.coarse_begin <= coarse &&
                                 coarse < p.coarse_begin + p.n_coarse && p.pol_begin <= pol &&
                                 pol < p.pol_begin + p.n_pol;
                        });
    std::int64_t reached = -1;
    for (const auto& [begin, end] : missing_samples(block, coarse, n_pol)) {
      ASSERT_TRUE(reached < begin && begin < end);  // ascending, not touching
      std::fill(found.begin() + begin, found.begin() + end, true);
      reached = end;
    }
    ASSERT_EQ(found, is_missing);
  }
}

TEST(MissingSamples, RefusesAPieceOutsideTheBlock) {
  EXPECT_THROW(missing_samples(block_of(8, {}, {piece_of(0, 9, 0, 8)}), 0, 1), std::invalid_argument);
  EXPECT_THROW(missing_samples(block_of(8, {}, {piece_of(-1, 2, 0, 8)}), 0, 1), std::invalid_argument);
  EXPECT_THROW(missing_samples(VoltageBlock{}, 0, 0), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
