// RA_SUB and DEC_SUB made into a track.
#include "io/psrfits_track.hpp"

#include <fmt/format.h>

#include <cmath>

#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

bool is_position(const SkyPosition& p) {
  return p.ra_deg >= 0.0 && p.ra_deg <= 360.0 && std::abs(p.dec_deg) <= 90.0 &&
         (p.ra_deg != 0.0 || p.dec_deg != 0.0);
}

SkyPosition position_of(const RowPointings& rows, const PlacedRow& row) {
  const auto i = static_cast<std::size_t>(row.row);
  return {rows.ra_deg[i], rows.dec_deg[i]};
}

SkyTrack middles(const RowPointings& rows, const std::vector<PlacedRow>& placed) {
  SkyTrack track;
  for (const auto& row : placed) {
    const double middle = static_cast<double>(row.first_sample) + 0.5 * static_cast<double>(row.n_time);
    track.push_back({middle * rows.sample_time_s, position_of(rows, row)});
  }
  return track;
}

// Why the track is not believed; "" where it is.
std::string doubt(const SkyTrack& track, const SkyPosition& header, double start_s) {
  for (std::size_t i = 1; i < track.size(); ++i) {
    const double step_s = track[i].time_s - track[i - 1].time_s;
    const double step_deg = separation_deg(track[i - 1].position, track[i].position);
    if (step_deg > kMaxTrackSpeedDegPerS * step_s + kTrackSlackDeg)
      return fmt::format("jump by {:.3f} degrees within {:.3f} s, {:.3f} s after the first sample", step_deg,
                         step_s, track[i - 1].time_s);
  }
  if (!header.known()) return "";
  const double apart_deg = separation_deg(header, track.front().position);
  if (apart_deg <= kMaxFromHeaderDeg + (start_s + track.front().time_s) / kArcminPerDeg) return "";
  return fmt::format("begin {:.1f} degrees from RA and DEC", apart_deg);
}

// From the middles of the outer rows to their ends.
void extend(SkyTrack& track, const PlacedRow& first, const PlacedRow& last, double sample_time_s) {
  const double begin_s = static_cast<double>(first.first_sample) * sample_time_s;
  const double end_s = static_cast<double>(last.first_sample + last.n_time) * sample_time_s;
  const auto n = track.size();
  const TrackPoint begin{begin_s, position_between(track[0], track[1], begin_s)};
  const TrackPoint end{end_s, position_between(track[n - 2], track[n - 1], end_s)};
  track.insert(track.begin(), begin);
  track.push_back(end);
}

}  // namespace

SkyTrack row_track(const RowPointings& rows, const RowTimeline& timeline, std::vector<std::string>& notes) {
  std::vector<PlacedRow> placed;
  for (const auto& row : timeline.rows)
    if (row.n_time > 0 && is_position(position_of(rows, row))) placed.push_back(row);
  SkyTrack track = middles(rows, placed);
  if (!moves(track)) return {};
  if (const auto why = doubt(track, rows.header, timeline.start_s); !why.empty()) {
    notes.push_back(fmt::format("{}: RA_SUB and DEC_SUB {}: not believed, RA and DEC hold for the whole file",
                                rows.file, why));
    return {};
  }
  extend(track, placed.front(), placed.back(), rows.sample_time_s);
  return track;
}

}  // namespace tianyan
