// Where a beam looks while it moves over the sky: a telescope that stands still, a raster.
#pragma once
#include <cstddef>
#include <vector>

#include "kernels/base/sky.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {

struct TrackPoint {
  double time_s = 0.0;
  SkyPosition position;  ///< known
};

/// By time; two that follow each other are less than 180 degrees apart. One point: it does not move. None:
/// nothing is known.
using SkyTrack = std::vector<TrackPoint>;

/// On the great circle through two points, at the pace that takes it from the one to the other, before and
/// behind them too:
///   n = (sin((1 - f) a) n_0 + sin(f a) n_1) / sin(a),  f = (t - t_0) / (t_1 - t_0)
/// a being the angle between the unit vectors n_0 and n_1.
SkyPosition position_between(const TrackPoint& from, const TrackPoint& to, double time_s);

/// Between the two points on either side; that of the first before it, that of the last from it on; unknown
/// of no points.
SkyPosition position_at(const SkyTrack& track, double time_s);

/// A track is thinned to kTrackToleranceDeg, 0.6 % of a beam of FAST at 1.25 GHz.
inline constexpr double kTrackToleranceDeg = 1.0 / kArcsecPerDeg;
inline constexpr double kTrackStep_s = 1.0;
inline constexpr std::size_t kMaxTrackPoints = 512;

/// A telescope that follows a source shakes by some arcseconds.
inline constexpr double kTrackStillDeg = 10.0 / kArcsecPerDeg;

/// Whether any point is further than kTrackStillDeg from the first.
bool moves(const SkyTrack& track);

/// Of the points, which are no closer than kTrackStep_s to each other but for the last, enough for the rest
/// to be off by no more than kTrackToleranceDeg (after Ramer 1972; Douglas & Peucker 1973); where these are
/// more than kMaxTrackPoints, the same with twice the tolerance, and so on. A drift of an hour at declination
/// 45 degrees is 33 points.
SkyTrack thinned(const SkyTrack& track);

/// The track on a clock that reads 0 at `time_s` of its own.
SkyTrack since(SkyTrack track, double time_s);

}  // namespace tianyan
