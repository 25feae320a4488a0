// Refinement: a pulse between two trials, widths between two rungs, what is left alone.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/refine.hpp"
#include "tests/kernels/fdmt_test.hpp"

namespace tianyan {
namespace {

constexpr int kChannels = 256, kTime = 1024;
constexpr std::int64_t kAt = 600;  // sample of the stream where the run begins

FdmtParams coarse_trials() {
  auto p = fdmt_params(kChannels, 1000.0, 1500.0, 100, 301);
  p.delay_step = 8;
  return p;
}

// Variances of full weight for a run of kTime samples.
struct Track {
  BoxcarPlan plan = make_boxcar_plan(0.0, 2048.0, 31 * kChannels, 6.0, 0.0);
  Array<float, 1> per_bin{{(plan.lag() + kTime) / kVarianceBin}};
  Array<double, 1> prefix{{per_bin.size() + 1}};
  VarianceTrack track;
  Track() {
    std::fill(per_bin.data(), per_bin.data() + per_bin.size(), 16.0F * kChannels * kVarianceBin);
    track = make_variance_track(plan, per_bin.cview(), kTime, prefix.view());
  }
};

// A pulse of exact delays: `width` samples of `height` from sample `start` of the run.
Array<std::int8_t, 2> pulse(double delay, std::int64_t start, int width, int height) {
  const auto p = coarse_trials();
  Array<std::int8_t, 2> samples({kChannels, kAt + kTime + p.delay_end});
  for (int c = 0; c < kChannels; ++c)
    for (int i = 0; i < width; ++i)
      samples(c, kAt + start + std::lround(exact_channel_delay(p, delay, c)) + i) =
          static_cast<std::int8_t>(height);
  return samples;
}

RefinedEvent refine(View<const std::int8_t, 2> samples, int trial, const BoxcarEvent& event) {
  const Track t;
  Array<std::int32_t, 1> scratch({kRefineScratchInts});
  const auto p = coarse_trials();
  HostDelayRows rows(p, samples, kAt);
  return refine_event(p, t.plan, t.track, rows, kTime, trial, event, scratch.view());
}

TEST(Refine, FindsThePulseBetweenTheTrials) {
  // Trials are at 100, 108, ...: the pulse is at 203, 11 samples wide. Its S/N is 5 * 256 * 11 / sqrt(16 *
  // 256 * 11).
  const auto samples = pulse(203.0, 500, 11, 5);
  const auto best = refine(samples.cview(), 12, {498, 12, 10.0});  // trial 12 is 196
  EXPECT_EQ(best.delay, 203.0);
  EXPECT_EQ(best.boxcar.start, 500);
  EXPECT_EQ(best.boxcar.width, 11);
  EXPECT_NEAR(best.boxcar.snr, 5.0 * 256 * 11 / std::sqrt(16.0 * 256 * 11), 1e-9);
}

TEST(Refine, OfAPulseBeforeTheRunReachesBack) {
  const auto samples = pulse(196.0, -60, 40, 3);
  const auto best = refine(samples.cview(), 12, {-62, 48, 10.0});
  EXPECT_NEAR(static_cast<double>(best.boxcar.start), -60.0, 3.0);
  EXPECT_NEAR(best.boxcar.width, 40.0, 3.0);
}

TEST(Refine, KeepsAnEventThatIsTheBest) {
  const auto samples = pulse(196.0, 500, 12, 5);
  const double snr = 5.0 * 256 * 12 / std::sqrt(16.0 * 256 * 12);
  const auto best = refine(samples.cview(), 12, {500, 12, snr});
  EXPECT_EQ(best.delay, 196.0);
  EXPECT_EQ(best.boxcar.start, 500);
  EXPECT_EQ(best.boxcar.width, 12);
  EXPECT_EQ(best.boxcar.snr, snr);
}

TEST(Refine, LeavesWideEventsAlone) {
  const auto samples = pulse(196.0, 100, 300, 1);
  const auto best = refine(samples.cview(), 12, {90, 384, 8.0});
  EXPECT_EQ(best.boxcar.start, 90);
  EXPECT_EQ(best.boxcar.width, 384);
  EXPECT_EQ(best.boxcar.snr, 8.0);
}

TEST(Refine, StaysWithinTheRunAndTheTrials) {
  const auto samples = pulse(300.0, 1000, 24, 4);
  const auto best = refine(samples.cview(), 25, {1000, 24, 8.0});  // the last trial, at the end of the run
  EXPECT_LE(best.boxcar.start + best.boxcar.width, kTime);
  EXPECT_LE(best.delay, 300.0);
  EXPECT_GE(best.boxcar.snr, 8.0);
}

TEST(Refine, RefusesTooLittleScratch) {
  const Track t;
  Array<std::int32_t, 1> scratch({kRefineScratchInts - 1});
  const auto samples = pulse(196.0, 500, 12, 5);
  const auto p = coarse_trials();
  HostDelayRows rows(p, samples.cview(), kAt);
  EXPECT_THROW(refine_event(p, t.plan, t.track, rows, kTime, 12, {500, 12, 10.0}, scratch.view()),
               std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
