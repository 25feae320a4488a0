// Seconds to samples.
#include "pipeline/time_range.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/base/expect.hpp"

namespace tianyan {

SampleRange time_range(const StreamInfo& info, double start_s, double duration_s) {
  expect(start_s >= 0.0 && start_s < info.duration_s(), "start {} s is not in the stream of {} s", start_s,
         info.duration_s());
  expect(duration_s >= 0.0, "a duration of {} s is negative", duration_s);
  const auto begin = static_cast<std::int64_t>(std::llround(start_s / info.sample_time_s));
  if (duration_s == 0.0) return {std::min(begin, info.n_time - 1), info.n_time};
  const double n = std::max(std::round(duration_s / info.sample_time_s), 1.0);
  expect(n <= static_cast<double>(info.n_time - begin),
         "start {} s and duration {} s go beyond the stream of {} s", start_s, duration_s, info.duration_s());
  return {begin, begin + static_cast<std::int64_t>(n)};
}

}  // namespace tianyan
