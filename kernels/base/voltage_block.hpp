// A block of voltages as recorded: bytes, and where in them the samples of each stream lie.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"

namespace tianyan {

/// Samples [begin, end) of the block, of some coarse channels and polarisations. Sample i of the piece,
/// coarse channel coarse_begin + c, polarisation pol_begin + p begins at bit
///
///   first_bit + (j / group_samples) group_stride_bits + (j % group_samples) sample_stride_bits
///             + c coarse_stride_bits + p pol_stride_bits,     j = first_in_group + i
///
/// of the block's bytes; its imaginary component follows its real one. Strides of channels and polarisations
/// may be negative. Channel 0 is the lowest frequency, whatever the file's order.
struct VoltagePiece {
  std::int64_t begin = 0, end = 0;
  std::int64_t first_bit = 0;
  std::int64_t first_in_group = 0;
  std::int64_t group_samples =
      1;  ///< in a row at one stride; as many as the piece has where there is no other
  std::int64_t group_stride_bits = 0, sample_stride_bits = 0;
  std::int64_t coarse_stride_bits = 0, pol_stride_bits = 0;
  int coarse_begin = 0, n_coarse = 1, pol_begin = 0, n_pol = 1;

  bool holds(int coarse, int pol) const {
    return coarse >= coarse_begin && coarse - coarse_begin < n_coarse && pol >= pol_begin &&
           pol - pol_begin < n_pol;
  }
  /// Of channels that lie in the bytes from the highest frequency down.
  void turn_coarse() {
    first_bit += (n_coarse - 1) * coarse_stride_bits;
    coarse_stride_bits = -coarse_stride_bits;
  }
};

/// Samples [first_sample, first_sample + n_time) of a stream. What no piece covers is missing. The buffer is
/// reused from read to read.
struct VoltageBlock {
  std::int64_t first_sample = 0;
  std::int64_t n_time = 0;
  Array<std::uint8_t, 1> bytes;  ///< may be longer than what the pieces use
  std::vector<VoltagePiece> pieces;

  /// Grows the buffer to at least n bytes; what it held is lost when it must grow.
  void reserve(std::int64_t n) {
    if (bytes.shape(0) < n) bytes = Array<std::uint8_t, 1>({n});
  }
};

}  // namespace tianyan
