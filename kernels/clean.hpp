// Recorded samples with flagged ones replaced, so that programs that know no masks may read them.
//
//   x[t][p][c] <- round(mean of x[t'][p][c] over the good t' of the calibration span)     where (t, c) is
//   flagged
//
// The mean is that of all samples of the span where none is good: a channel that is flagged throughout
// becomes constant and keeps its level. Samples of missing spans are left as they are. Integers of 8 and 16
// bits are rounded to nearest, floats are not.
//
// numpy: x[bad] = np.broadcast_to(np.nanmean(np.where(bad, nan, x), axis=0), x.shape)[bad]
#pragma once
#include <cstdint>

#include "kernels/base/raw_block.hpp"
#include "kernels/base/stream_info.hpp"
#include "kernels/span_weights.hpp"

namespace tianyan {

/// `format` has 8, 16 or 32 bits; weights [0, at least block.n_time) and time_good [at least block.n_time]
/// are in canonical channel order. Returns how many samples were replaced, all polarisations counted. Throws
/// std::invalid_argument for shapes that do not fit.
std::int64_t replace_flagged(const SampleFormat& format, int n_pol, int n_chan, const SpanWeights& weights,
                             View<const std::uint8_t, 1> time_good, RawBlock& block);

}  // namespace tianyan
