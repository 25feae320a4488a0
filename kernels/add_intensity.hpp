// Intensity added to recorded samples where they lie, whatever their packing.
//
//   raw[p][r] += floor(d + u)   clipped to what the format holds,   d = lift[c] / (n_summed scale[p][r])
//
// r is channel c in recorded order, p runs over the polarisations that are summed (kernels/unpack.hpp), each
// of which gets the same part, so that the sum of the calibrated samples rises by lift[c]; other products
// stay as they are. u, in [0, 1), is a hash of (seed, sample, p, c): the mean of what is added is d, however
// far below one level, and a sample becomes the same whatever it is read with. It adds at most 1/4 level^2 to
// the variance. Floats get d itself.
//
// numpy: raw = np.clip(raw + np.floor(lift / (n_summed * scale) + u), low, high)
#pragma once
#include <cstdint>

#include "kernels/unpack.hpp"

namespace tianyan {

/// `spectrum` holds sample `sample` of the stream, of whose channels [chan_begin, chan_begin +
/// lift.shape(0)) get lift, in calibrated units; `span` is the one that the sample lies in. Samples without
/// scale (0) stay as they are. Throws std::invalid_argument for channels that do not exist.
void add_intensity(const UnpackPlan& plan, const CalibrationSpan& span, std::uint64_t seed,
                   std::int64_t sample, int chan_begin, View<const float, 1> lift, std::uint8_t* spectrum);

/// Adds to count[c] the summed polarisations' samples of a block that are at the highest code already, of
/// spans that are not missing; integers only. Returns how many samples of each channel were looked at.
std::int64_t count_full(const UnpackPlan& plan, const RawBlock& block, View<std::int64_t, 1> count);

}  // namespace tianyan
