// The table of all candidates, the names of detections, and instants with all their digits.
#pragma once
#include <string>
#include <vector>

#include "io/table.hpp"
#include "kernels/base/candidate.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {

/// A candidate of one beam, and what the sift made of it.
struct CandidateRow {
  Candidate candidate;
  Mjd arrival;             ///< topocentric UTC
  std::string class_name;  ///< "astrophysical", "rfi" or "known:NAME"
  std::string detection;   ///< id of the event that it belongs to
  std::string reasons;
};

/// Columns: those of io/candidate_columns.hpp, rank snr_white class detection reasons. Sorted by S/N, highest
/// first, then by beam, time, DM and width: the rows do not depend on the order in which they are given.
Table candidates_table(std::vector<CandidateRow> rows);

/// "TY20200531T000004.000_M01": iso_time_ms() of the arrival (UTC) and the beam. Throws
/// std::invalid_argument for an instant that no calendar date fits.
std::string detection_id(const Mjd& arrival, int beam);

/// The MJD rounded to 12 decimals (0.1 us), which a double cannot hold. Throws std::invalid_argument before
/// MJD 0.
std::string mjd_digits(const Mjd& mjd);

}  // namespace tianyan
