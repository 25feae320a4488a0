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

/// Samples [begin, begin + n) of the block, n = v.shape(0) / n_component, into v [time * component],
/// contiguous. All positions and strides that VoltagePiece allows; fast where components begin at multiples
/// of their size. Throws std::invalid_argument for a format that is not known, a range outside the block, or
/// any piece, of whatever stream, that reaches outside the block's samples or bytes; v is then as it was.
void unpack_voltages(const VoltageFormat& format, const VoltageBlock& block, int coarse, int pol,
                     std::int64_t begin, View<float, 1> v);

/// The same, one sample and one bit at a time.
void unpack_voltages_reference(const VoltageFormat& format, const VoltageBlock& block, int coarse, int pol,
                               std::int64_t begin, View<float, 1> v);

/// Where any of the polarisations [0, n_pol) of a coarse channel is missing in the block: ascending,
/// disjoint, not touching. Throws std::invalid_argument for a piece outside the block's samples.
std::vector<SampleRange> missing_samples(const VoltageBlock& block, int coarse, int n_pol);

}  // namespace tianyan
