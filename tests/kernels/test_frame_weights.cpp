// Frames that count, worked by hand and against a plain count.
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/base/array.hpp"
#include "kernels/base/random.hpp"
#include "kernels/frame_weights.hpp"

namespace tianyan {
namespace {

std::vector<int> good_of(const FrameWindow& window, const std::vector<SampleRange>& missing,
                         std::int64_t n_time, std::int64_t first_frame, std::int64_t n) {
  Array<std::uint8_t, 1> good({n});
  good_frames(window, missing, n_time, first_frame, good.view());
  return {good.data(), good.data() + n};
}

TEST(FrameWeights, AFrameCountsWhereItsWholeWindowIsThere) {
  // Frame m looks at [4 m - 2, 4 m + 6): frame 0 begins before the scan, frame 4 ends after its 20 samples.
  const FrameWindow window{4, 2, 8};
  EXPECT_EQ(good_of(window, {}, 20, -1, 7), (std::vector<int>{0, 0, 1, 1, 1, 0, 0}));
  // Sample 10 is in the windows of frames 2, [6, 14), and 3, [10, 18); sample 9 in those of 1, [2, 10),
  // and 2.
  EXPECT_EQ(good_of(window, {{10, 11}}, 100, 0, 5), (std::vector<int>{0, 1, 0, 0, 1}));
  EXPECT_EQ(good_of(window, {{9, 10}}, 100, 0, 5), (std::vector<int>{0, 0, 0, 1, 1}));
  EXPECT_EQ(good_of(window, {{10, 10}}, 100, 0, 5), (std::vector<int>{0, 1, 1, 1, 1}));
}

TEST(FrameWeights, AgreesWithACountOfEachSample) {
  Xoshiro256 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random.below(n)); };
    const FrameWindow window{1 + below(9), below(12), 1 + below(20)};
    const std::int64_t n_time = below(120), first = below(12) - 5, n = below(20);
    std::vector<SampleRange> missing;
    std::vector<bool> is_there(400, false);  // from sample -200 on
    std::fill_n(is_there.begin() + 200, n_time, true);
    for (int i = 0; i < 3; ++i) {
      const auto begin = below(130) - 10, end = begin + below(15);
      missing.push_back({begin, end});
      for (auto t = begin; t < end; ++t) is_there[static_cast<std::size_t>(200 + t)] = false;
    }
    std::vector<int> expected;
    for (std::int64_t m = first; m < first + n; ++m) {
      const auto at = is_there.begin() + 200 + m * window.hop - window.lead;
      expected.push_back(std::all_of(at, at + window.n_window, [](bool b) { return b; }) ? 1 : 0);
    }
    ASSERT_EQ(good_of(window, missing, n_time, first, n), expected) << "trial " << trial;
  }
}

TEST(FrameWeights, AKernelWantsAllTheFramesThatItReaches) {
  const std::vector<std::uint8_t> good = {1, 1, 1, 0, 1, 1, 1, 1};
  std::vector<std::uint8_t> kept(6);
  const auto view = [](auto& v) { return View<std::uint8_t, 1>(v.data(), {std::ssize(v)}); };
  erode(View<const std::uint8_t, 1>(good.data(), {8}), view(kept));
  EXPECT_EQ(kept, (std::vector<std::uint8_t>{1, 0, 0, 0, 1, 1}));
  kept.resize(8);
  erode(View<const std::uint8_t, 1>(good.data(), {8}), view(kept));
  EXPECT_EQ(kept, good);
  kept.resize(9);
  EXPECT_THROW(erode(View<const std::uint8_t, 1>(good.data(), {8}), view(kept)), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
