// Voltages of one stream, a coarse channel of one polarisation, from recorded bytes to float32.
//
//   v[t] = value of the code (kernels/base/voltage_info.hpp),  v* where a complex stream is inverted,
//   v[t] (-1)^t, t counted from the stream's first sample, where a real one is: f -> width - f
//
// Samples that no piece covers are 0; missing_samples() says which.
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
/// contiguous. Throws std::invalid_argument for a range outside the block or a piece outside its bytes.
void unpack_voltages(const VoltageFormat& format, const VoltageBlock& block, int coarse, int pol,
                     std::int64_t begin, View<float, 1> v);

/// The same, one sample and one bit at a time.
void unpack_voltages_reference(const VoltageFormat& format, const VoltageBlock& block, int coarse, int pol,
                               std::int64_t begin, View<float, 1> v);

/// Where any of the n_pol polarisations of a coarse channel is missing in the block: ascending, disjoint, not
/// touching.
std::vector<SampleRange> missing_samples(const VoltageBlock& block, int coarse, int n_pol);

}  // namespace tianyan
