// Great circles, and the points of a track that count.
#include "kernels/base/sky_track.hpp"

#include <erfa.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace tianyan {
namespace {

// No closer than kTrackStep_s; the last stays.
SkyTrack spaced(const SkyTrack& track) {
  SkyTrack kept;
  for (std::size_t i = 0; i < track.size(); ++i)
    if (kept.empty() || i + 1 == track.size() || track[i].time_s - kept.back().time_s >= kTrackStep_s)
      kept.push_back(track[i]);
  return kept;
}

// The point between `first` and `last` that is furthest from the great circle through them, or the nearest to
// it in the middle half, so that a track that shakes costs n log n too; `first` where none is off by more
// than the tolerance.
std::size_t split_of(const SkyTrack& track, std::size_t first, std::size_t last, double tolerance_deg) {
  std::size_t at = first;
  double worst_deg = tolerance_deg;
  for (std::size_t k = first + 1; k < last; ++k) {
    const auto straight = position_between(track[first], track[last], track[k].time_s);
    const double off_deg = separation_deg(straight, track[k].position);
    if (off_deg <= worst_deg) continue;
    worst_deg = off_deg;
    at = k;
  }
  const std::size_t quarter = (last - first) / 4;
  return at == first ? first : std::clamp(at, first + quarter, last - quarter);
}

SkyTrack simplified(const SkyTrack& track, double tolerance_deg) {
  if (track.size() < 3) return track;
  std::vector<bool> is_kept(track.size());
  is_kept.front() = is_kept.back() = true;
  std::vector<std::pair<std::size_t, std::size_t>> spans = {{0, track.size() - 1}};
  while (!spans.empty()) {
    const auto [first, last] = spans.back();
    spans.pop_back();
    const auto at = split_of(track, first, last, tolerance_deg);
    if (at == first) continue;
    is_kept[at] = true;
    spans.emplace_back(first, at);
    spans.emplace_back(at, last);
  }
  SkyTrack kept;
  for (std::size_t i = 0; i < track.size(); ++i)
    if (is_kept[i]) kept.push_back(track[i]);
  return kept;
}

}  // namespace

SkyPosition position_between(const TrackPoint& from, const TrackPoint& to, double time_s) {
  double a[3], b[3], n[3];
  eraS2c(from.position.ra_deg * kRadPerDeg, from.position.dec_deg * kRadPerDeg, a);
  eraS2c(to.position.ra_deg * kRadPerDeg, to.position.dec_deg * kRadPerDeg, b);
  const double angle = eraSepp(a, b), f = (time_s - from.time_s) / (to.time_s - from.time_s);
  if (angle == 0.0 || !std::isfinite(f)) return from.position;
  for (int i = 0; i < 3; ++i) n[i] = std::sin((1.0 - f) * angle) * a[i] + std::sin(f * angle) * b[i];
  double ra = 0.0, dec = 0.0;
  eraC2s(n, &ra, &dec);
  return {eraAnp(ra) / kRadPerDeg, dec / kRadPerDeg};
}

SkyPosition position_at(const SkyTrack& track, double time_s) {
  const auto next = std::partition_point(track.begin(), track.end(),
                                         [time_s](const TrackPoint& p) { return p.time_s <= time_s; });
  if (track.empty()) return {};
  if (next == track.begin()) return track.front().position;
  if (next == track.end()) return track.back().position;
  return position_between(*std::prev(next), *next, time_s);
}

bool moves(const SkyTrack& track) {
  return std::any_of(track.begin(), track.end(), [&](const TrackPoint& p) {
    return separation_deg(p.position, track.front().position) > kTrackStillDeg;
  });
}

SkyTrack thinned(const SkyTrack& track) {
  SkyTrack kept = simplified(spaced(track), kTrackToleranceDeg);
  for (double tolerance_deg = 2.0 * kTrackToleranceDeg; kept.size() > kMaxTrackPoints; tolerance_deg *= 2.0)
    kept = simplified(kept, tolerance_deg);
  return kept;
}

SkyTrack since(SkyTrack track, double time_s) {
  for (auto& point : track) point.time_s -= time_s;
  return track;
}

}  // namespace tianyan
