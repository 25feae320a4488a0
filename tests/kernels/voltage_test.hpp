// What tests of unpacking share: formats, and blocks of random pieces.
#pragma once
#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/unpack_voltages.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {

inline constexpr auto kSigned = VoltageCode::kTwosComplement, kOffset = VoltageCode::kOffsetBinary,
                      kLevels = VoltageCode::kFourLevel;

inline VoltageFormat format_of(int n_bits, bool is_complex, VoltageCode code = kSigned,
                               bool is_inverted = false) {
  return {n_bits, is_complex, code, is_inverted};
}

// Like the contract: the bit of sample i of a piece.
inline std::int64_t bit_of(const VoltagePiece& p, std::int64_t i, int c, int pol) {
  const std::int64_t j = p.first_in_group + i;
  return p.first_bit + j / p.group_samples * p.group_stride_bits +
         j % p.group_samples * p.sample_stride_bits + c * p.coarse_stride_bits + pol * p.pol_stride_bits;
}

// Strides of all kinds: whole samples, whole bytes, any bits, back and forth.
inline std::int64_t random_stride(const VoltageFormat& f, Xoshiro256& random) {
  const std::int64_t unit = one_of(random, {f.sample_bits(), f.sample_bits(), f.n_bits, 8, 1});
  return unit * one_of(random, {1, 1, 2, 4, 5, 0, -1, -3});
}

// Its first bit is still to be shifted so that the lowest one is not negative.
inline VoltagePiece random_piece(const VoltageFormat& f, std::int64_t n_time, Xoshiro256& random) {
  VoltagePiece p;
  p.begin = random_between(random, 0, n_time);
  p.end = random_between(random, p.begin, n_time);
  p.group_samples = one_of(random, {1, 2, 3, 8 / std::min(8, f.sample_bits()), 16, 100});
  p.first_in_group = random_between(random, 0, 2 * p.group_samples);
  p.sample_stride_bits = random.below(2) == 0 ? f.sample_bits() : random_stride(f, random);
  p.group_stride_bits = random.below(3) == 0   ? p.group_samples * p.sample_stride_bits
                        : random.below(2) == 0 ? 8 * random_between(random, -9, 9)
                                               : random_stride(f, random);
  p.coarse_stride_bits = random_stride(f, random);
  p.pol_stride_bits = random_stride(f, random);
  p.coarse_begin = static_cast<int>(random.below(2));
  p.n_coarse = static_cast<int>(random_between(random, 1, 3));
  p.pol_begin = static_cast<int>(random.below(2));
  p.n_pol = static_cast<int>(random_between(random, 1, 2));
  return p;
}

inline SampleRange bits_of(const VoltagePiece& p, int sample_bits) {
  SampleRange range{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
  for (std::int64_t i = 0; i < p.end - p.begin; ++i)
    for (int c = 0; c < p.n_coarse; ++c)
      for (int pol = 0; pol < p.n_pol; ++pol) {
        range.begin = std::min(range.begin, bit_of(p, i, c, pol));
        range.end = std::max(range.end, bit_of(p, i, c, pol) + sample_bits);
      }
  return range;
}

// Pieces within a buffer that is not a byte too long, at whole samples or at any bit.
inline VoltageBlock random_block(const VoltageFormat& f, std::int64_t n_time, Xoshiro256& random) {
  VoltageBlock block;
  block.n_time = n_time;
  block.first_sample = random_between(random, 0, 9);
  std::int64_t n_byte = 0;
  for (std::int64_t n = random_between(random, 0, 3); n > 0; --n) {
    auto p = random_piece(f, n_time, random);
    const auto bits = bits_of(p, f.sample_bits());
    if (p.begin < p.end) {
      const std::int64_t unit = random.below(3) == 0 ? 1 : f.n_bits;
      p.first_bit = -bits.begin + unit * random_between(random, 0, 9);
      n_byte = std::max(n_byte, (p.first_bit + bits.end + 7) / 8);
    }
    block.pieces.push_back(p);
  }
  block.bytes = Array<std::uint8_t, 1>({n_byte});
  for (std::int64_t i = 0; i < n_byte; ++i) block.bytes(i) = static_cast<std::uint8_t>(random());
  return block;
}

inline std::vector<VoltageFormat> all_formats() {
  std::vector<VoltageFormat> formats;
  for (const bool is_complex : {false, true})
    for (const bool is_inverted : {false, true}) {
      for (const int n_bits : {2, 4, 8, 16})
        for (const auto code : {kSigned, kOffset})
          formats.push_back(format_of(n_bits, is_complex, code, is_inverted));
      formats.push_back(format_of(2, is_complex, kLevels, is_inverted));
    }
  return formats;
}

}  // namespace tianyan
