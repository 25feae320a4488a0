// Which frames of a filterbank count, where some of its input is missing.
//
//   good[m] = 1 where none of the samples [m hop - lead, m hop - lead + n_window) is missing, else 0
//
// and, where a kernel of n_before + 1 + n_after frames is applied afterwards,
//
//   kept[m] = min(good[m], ..., good[m + n_before + n_after])
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/sample_range.hpp"
#include "kernels/base/view.hpp"

namespace tianyan {

/// Frame m of a filterbank looks at samples [m hop - lead, m hop - lead + n_window).
struct FrameWindow {
  std::int64_t hop = 1, lead = 0, n_window = 1;

  SampleRange samples_of(std::int64_t first_frame, std::int64_t n_frame) const {
    const auto begin = first_frame * hop - lead;
    return {begin, begin + (n_frame - 1) * hop + n_window};
  }
};

/// good [frame] of frames first_frame, first_frame + 1, ...; `missing` in any order. Samples outside [0,
/// n_time) are missing as well.
void good_frames(const FrameWindow& window, const std::vector<SampleRange>& missing, std::int64_t n_time,
                 std::int64_t first_frame, View<std::uint8_t, 1> good);

/// kept [frame] of good [frame + n_before + n_after].
void erode(View<const std::uint8_t, 1> good, View<std::uint8_t, 1> kept);

}  // namespace tianyan
