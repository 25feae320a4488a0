// The two tables of a run: candidates of each beam, and detections.
#pragma once
#include <limits>
#include <string>
#include <vector>

#include "io/table.hpp"
#include "kernels/base/candidate.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {

/// What turns a candidate's time into an instant and its beam into a place on the sky.
struct BeamOrigin {
  int beam = 0;
  Mjd start;                                                 ///< UTC at which the beam's first sample begins
  double ra_deg = std::numeric_limits<double>::quiet_NaN();  ///< J2000, NaN unknown
  double dec_deg = std::numeric_limits<double>::quiet_NaN();
};

/// The rows of both tables are sorted by S/N, highest first, then by beam, time, DM and width, so that they
/// do not depend on the order in which beams and threads finished. Each candidate's beam must be among
/// `beams`, else std::invalid_argument.
Table candidates_table(const std::vector<Candidate>& candidates, const std::vector<BeamOrigin>& beams);

/// One detection for each candidate, of class "unsifted": nothing has compared beams yet, so positions are
/// the beams' pointings without an error, and barycentric times are missing.
Table detections_table(const std::vector<Candidate>& candidates, const std::vector<BeamOrigin>& beams);

/// "TY20200531T000004.000_M01": UTC of the arrival, rounded to 1 ms, and the beam. Throws
/// std::invalid_argument for an instant that no calendar date fits.
std::string detection_id(const Mjd& arrival, int beam);

/// The ids of detections_table for each candidate, in the order given. Later ones (by S/N) that would repeat
/// an id have "_2", "_3", ... appended.
std::vector<std::string> detection_ids(const std::vector<Candidate>& candidates,
                                       const std::vector<BeamOrigin>& beams);

/// The MJD rounded to 12 decimals (0.1 us), which a double cannot hold. Throws std::invalid_argument before
/// MJD 0.
std::string mjd_digits(const Mjd& mjd);

}  // namespace tianyan
