// Unpacking of voltages on a device: the bytes of a block are copied as they were recorded. Codes, signs and
// places are those of kernels/unpack_voltages.hpp, and so are the floats.
#pragma once
#include <vector>

#include "cuda/device.hpp"
#include "kernels/unpack_voltages.hpp"

namespace tianyan {

/// Samples [begin, end) of one stream, counted from the stream's first. Sample begin + i begins at bit
///
///   origin_bit + (j / group_samples) group_stride_bits + (j % group_samples) sample_stride_bits,
///   j = first_in_group + i
///
/// of the block's bytes.
struct VoltageRun {
  std::int64_t begin = 0, end = 0;
  std::int64_t origin_bit = 0, first_in_group = 0;
  std::int64_t group_samples = 1, group_stride_bits = 0, sample_stride_bits = 0;

  constexpr std::int64_t bit(std::int64_t sample) const {
    const auto j = first_in_group + (sample - begin);
    // Parts may be beyond 64 bits where their sum is not.
    return static_cast<std::int64_t>(
        static_cast<std::uint64_t>(origin_bit) +
        static_cast<std::uint64_t>(j / group_samples) * static_cast<std::uint64_t>(group_stride_bits) +
        static_cast<std::uint64_t>(j % group_samples) * static_cast<std::uint64_t>(sample_stride_bits));
  }
};

/// Where the samples of streams are: stream s = coarse * n_pol + pol has runs [first[s], first[s + 1]),
/// ascending and disjoint.
struct VoltageRuns {
  std::vector<VoltageRun> runs;
  std::vector<std::int64_t> first;
};

/// Of the pieces of a block, the later of which count. Throws std::invalid_argument as check_voltages().
VoltageRuns voltage_runs(const VoltageFormat& format, const VoltageBlock& block, int n_coarse, int n_pol);

/// Samples first_sample + i of streams into v [stream][i * component], rows contiguous; 0 where there is no
/// run. `runs` are those of all streams, first [stream + 1] of these ones. Throws std::invalid_argument for a
/// format that is not known, and shapes that do not fit.
void unpack_voltages(const VoltageFormat& format, DeviceView<const std::uint8_t, 1> bytes,
                     DeviceView<const VoltageRun, 1> runs, DeviceView<const std::int64_t, 1> first,
                     std::int64_t first_sample, DeviceView<float, 2> v, const Stream& stream);

}  // namespace tianyan
