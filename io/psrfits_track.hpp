// Where the rows of a PSRFITS file say that the beam looked.
#pragma once
#include <string>
#include <vector>

#include "io/psrfits_rows.hpp"
#include "kernels/base/sky_track.hpp"

namespace tianyan {

/// RA_SUB and DEC_SUB by row of the table, J2000, degrees: of the middle of the row's samples.
struct RowPointings {
  std::string file;
  double sample_time_s = 0.0;
  std::vector<double> ra_deg, dec_deg;
  SkyPosition header;  ///< RA and DEC of the primary header, where the beam looked at STT_*; or unknown
};

/// RA_SUB and DEC_SUB are believed to move a beam by no more than this beyond kTrackSlackDeg.
inline constexpr double kMaxTrackSpeedDegPerS = 1.0;
inline constexpr double kTrackSlackDeg = 1.0 / kArcminPerDeg;
/// They are believed within this of the header's position, and 1' more for each second since STT_*: rows in
/// hours or radians are not.
inline constexpr double kMaxFromHeaderDeg = 5.0;

/// The track of the rows, from the beginning of the first to the end of the last, seconds since the first
/// sample of the timeline. Rows of 0, 0, and of what is no position, count for nothing. Empty where the rows
/// that are left do not move: some programs copy the header's position, or one of another kind, into each.
/// Empty with a note where they are not believed.
SkyTrack row_track(const RowPointings& rows, const RowTimeline& timeline, std::vector<std::string>& notes);

}  // namespace tianyan
