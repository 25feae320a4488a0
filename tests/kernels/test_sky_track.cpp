// Tracks against positions that can be worked out by hand, and what thinning leaves of them.
#include "kernels/base/sky_track.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/base/stream_info.hpp"

namespace tianyan {
namespace {

void expect_at(const SkyPosition& p, double ra_deg, double dec_deg) {
  EXPECT_LT(separation_deg(p, {ra_deg, dec_deg}), 1e-10) << p.ra_deg << ' ' << p.dec_deg;
}

/// A telescope that stands still.
SkyTrack drift(double ra_deg, double dec_deg, int n, double step_s = 1.0) {
  SkyTrack track;
  for (int i = 0; i < n; ++i)
    track.push_back({i * step_s, {std::fmod(ra_deg + i * step_s * 0.0041781, 360.0), dec_deg}});
  return track;
}

TEST(SkyTrack, RunsAlongGreatCirclesAtAnEvenPace) {
  const SkyTrack equator = {{10.0, {359.0, 0.0}}, {14.0, {3.0, 0.0}}, {16.0, {3.0, 8.0}}};
  expect_at(position_at(equator, 10.0), 359.0, 0.0);
  expect_at(position_at(equator, 10.25), 359.25, 0.0);
  expect_at(position_at(equator, 11.5), 0.5, 0.0);
  EXPECT_GE(position_at(equator, 11.5).ra_deg, 0.0);
  expect_at(position_at(equator, 15.0), 3.0, 4.0);
  const SkyTrack pole = {{0.0, {40.0, 88.0}}, {1.0, {220.0, 86.0}}};
  expect_at(position_at(pole, 1.0 / 3.0), 0.0, 90.0);
  expect_at(position_at(pole, 0.5), 220.0, 89.0);
}

TEST(SkyTrack, StandsStillBeforeItsFirstPointAndAfterItsLast) {
  const SkyTrack track = {{1.0, {10.0, 20.0}}, {2.0, {11.0, 20.0}}};
  expect_at(position_at(track, -5.0), 10.0, 20.0);
  expect_at(position_at(track, 2.0), 11.0, 20.0);
  expect_at(position_at(track, 1e6), 11.0, 20.0);
  expect_at(position_at({{7.0, {1.0, 2.0}}}, 3.0), 1.0, 2.0);
  EXPECT_FALSE(position_at({}, 3.0).known());
}

TEST(SkyTrack, OfTwoPointsIsExtendedBeyondThem) {
  const TrackPoint a{1.0, {359.0, 0.0}}, b{2.0, {1.0, 0.0}};
  expect_at(position_between(a, b, 0.5), 358.0, 0.0);
  expect_at(position_between(a, b, 2.5), 2.0, 0.0);
  expect_at(position_between(a, {2.0, a.position}, 1.5), 359.0, 0.0);
}

TEST(SkyTrack, ThinnedToItsEndsWhereItIsAGreatCircle) {
  const SkyTrack kept = thinned(drift(358.0, 0.0, 3600));
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].time_s, 0.0);
  EXPECT_EQ(kept[1].time_s, 3599.0);
}

// A parallel is no great circle.
TEST(SkyTrack, ThinnedStaysWithinItsTolerance) {
  const SkyTrack all = drift(358.0, 57.0, 3601), kept = thinned(all);
  EXPECT_EQ(kept.size(), 33u);
  for (const auto& point : all)
    EXPECT_LT(separation_deg(position_at(kept, point.time_s), point.position), kTrackToleranceDeg);
}

TEST(SkyTrack, ThinnedKeepsItsTurnsAndNoMoreThanOnePointASecond) {
  SkyTrack raster;
  for (int i = 0; i <= 6000; ++i) {
    const double along = std::abs(std::remainder(i * 0.01, 40.0));  // turns at 20 s and at 40 s
    raster.push_back({i * 0.01, {100.0 + along / 60.0, 0.0}});
  }
  const SkyTrack kept = thinned(raster);
  ASSERT_EQ(kept.size(), 4u);
  EXPECT_NEAR(kept[1].time_s, 20.0, 1e-9);
  EXPECT_NEAR(kept[2].time_s, 40.0, 1e-9);
}

TEST(SkyTrack, ThinnedHasABoundWhateverItIsOf) {
  SkyTrack shaking;
  for (int i = 0; i < 20000; ++i) shaking.push_back({1.0 * i, {50.0 + (i * 7919 % 101) * 1e-3, 20.0}});
  const SkyTrack kept = thinned(shaking);
  EXPECT_LE(kept.size(), kMaxTrackPoints);
  EXPECT_EQ(kept.back().time_s, 19999.0);
}

TEST(SkyTrack, MovesWhereAnyPointIsMoreThanTenArcsecondsAway) {
  EXPECT_FALSE(moves({}));
  EXPECT_FALSE(moves({{0.0, {50.0, 20.0}}}));
  EXPECT_FALSE(moves({{0.0, {50.0, 20.0}}, {1.0, {50.0, 20.0027}}}));
  EXPECT_TRUE(moves({{0.0, {50.0, 20.0}}, {1.0, {50.0, 20.0029}}, {2.0, {50.0, 20.0}}}));
}

TEST(StreamInfo, PartOfAStreamLooksWhereThePartDid) {
  StreamInfo info;
  info.sample_time_s = 0.5;
  info.n_time = 100;
  info.start = {59000, 86390.0};
  info.ra_deg = 1.0;
  info.dec_deg = 2.0;
  EXPECT_EQ(part_of(info, {20, 30}).ra_deg, 1.0);
  info.take_track({{0.0, {10.0, 0.0}}, {50.0, {15.0, 0.0}}});
  EXPECT_EQ(info.ra_deg, 10.0);
  const StreamInfo part = part_of(info, {30, 40});
  EXPECT_EQ(part.n_time, 10);
  EXPECT_EQ(part.start.day, 59001);
  EXPECT_DOUBLE_EQ(part.start.second, 5.0);
  EXPECT_NEAR(part.ra_deg, 11.5, 1e-10);
  expect_at(part.pointing_at(2.0), 11.7, 0.0);
}

TEST(StreamInfo, TakesNoTrackThatStandsStill) {
  StreamInfo info;
  info.ra_deg = 1.0;
  info.dec_deg = 2.0;
  info.take_track({{0.0, {10.0, 0.0}}, {50.0, {10.0, 0.0}}});
  EXPECT_TRUE(info.track.empty());
  EXPECT_EQ(info.pointing_at(3.0).ra_deg, 1.0);
}

}  // namespace
}  // namespace tianyan
