// Weights of frames from the ranges that are missing.
#include "kernels/frame_weights.hpp"

#include <algorithm>
#include <limits>

#include "kernels/base/division.hpp"

namespace tianyan {
void good_frames(const FrameWindow& window, const std::vector<SampleRange>& missing, std::int64_t n_time,
                 std::int64_t first_frame, View<std::uint8_t, 1> good) {
  expect(window.hop >= 1 && window.n_window >= 1, "frames every {} samples of windows of {}", window.hop,
         window.n_window);
  for (std::int64_t i = 0; i < good.shape(0); ++i) {
    const auto samples = window.samples_of(first_frame + i, 1);
    good[i] = samples.begin >= 0 && samples.end <= n_time ? 1 : 0;
  }
  for (const auto& range : missing) {
    if (range.begin >= range.end) continue;
    // Windows that end after the range begins, up to those that begin before it ends.
    const auto first = floor_div(range.begin + window.lead - window.n_window, window.hop) + 1;
    const auto last = floor_div(range.end - 1 + window.lead, window.hop);
    const auto end = std::min(last + 1 - first_frame, good.shape(0));
    for (auto i = std::max<std::int64_t>(0, first - first_frame); i < end; ++i) good[i] = 0;
  }
}

void erode(View<const std::uint8_t, 1> good, View<std::uint8_t, 1> kept) {
  const auto reach = good.shape(0) - kept.shape(0);
  expect(reach >= 0, "{} frames kept of {}", kept.shape(0), good.shape(0));
  std::int64_t last_bad = std::numeric_limits<std::int64_t>::min() / 2;
  for (std::int64_t i = 0; i < good.shape(0); ++i) {
    if (good[i] == 0) last_bad = i;
    if (i >= reach) kept[i - reach] = last_bad < i - reach ? 1 : 0;
  }
}

}  // namespace tianyan
