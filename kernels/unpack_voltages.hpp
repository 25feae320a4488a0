// Voltages of one stream, a coarse channel of one polarisation, from recorded bytes to float32.
//
//   v[t] = value of the code (kernels/base/voltage_info.hpp),  v* where a complex stream is inverted,
//   v[t] (-1)^t, t counted from the stream's first sample, where a real one is: f -> width - f
//
// A component of n bits at bit b is the integer sum_k 2^k bit[b + k], k < n; bit b is (byte[b / 8] >> b % 8)
// & 1. Samples that no piece covers are 0; missing_samples() says which. Where pieces overlap, the later one
// counts.
//
// numpy, 8 bits: np.fromfile(path, np.int8).astype(np.float32)
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/sample_range.hpp"
#include "kernels/base/view.hpp"
#include "kernels/base/voltage_block.hpp"
#include "kernels/base/voltage_info.hpp"

namespace tianyan {

/// What a code of n bits means.
constexpr float voltage_value(VoltageCode code, int n_bits, unsigned bits) {
  if (code == VoltageCode::kFourLevel) return (bits < 2 ? -1.0F : 1.0F) * (bits % 3 == 0 ? 3.3359F : 1.0F);
  const int full = 1 << n_bits, plain = static_cast<int>(bits);
  if (code == VoltageCode::kOffsetBinary)
    return static_cast<float>(plain) - 0.5F * static_cast<float>(full - 1);
  return static_cast<float>(plain < full / 2 ? plain : plain - full);
}

/// Throws std::invalid_argument for a format that is not known, or any piece that reaches outside the block's
/// samples or bytes.
void check_voltages(const VoltageFormat& format, const VoltageBlock& block);

/// Samples [begin, begin + n) of the block, n = v.shape(0) / n_component, into v [time * component],
/// contiguous. All positions and strides that VoltagePiece allows; fast where components begin at multiples
/// of their size. Throws std::invalid_argument as check_voltages(), and for a range outside the block; v is
/// then as it was.
void unpack_voltages(const VoltageFormat& format, const VoltageBlock& block, int coarse, int pol,
                     std::int64_t begin, View<float, 1> v);

/// The same, one sample and one bit at a time.
void unpack_voltages_reference(const VoltageFormat& format, const VoltageBlock& block, int coarse, int pol,
                               std::int64_t begin, View<float, 1> v);

/// Where any of the polarisations [0, n_pol) of a coarse channel is missing in the block: ascending,
/// disjoint, not touching. Throws std::invalid_argument for a piece outside the block's samples.
std::vector<SampleRange> missing_samples(const VoltageBlock& block, int coarse, int n_pol);

}  // namespace tianyan
