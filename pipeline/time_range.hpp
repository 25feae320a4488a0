// A span of time that a user names, in samples.
#pragma once
#include "kernels/base/sample_range.hpp"
#include "kernels/base/stream_info.hpp"

namespace tianyan {

/// Samples from start_s on, duration_s of them (0: to the end), rounded to whole samples, at least one.
/// Throws std::invalid_argument where that is not in the stream.
SampleRange time_range(const StreamInfo& info, double start_s, double duration_s);

}  // namespace tianyan
