// The columns that every table of candidates or detections begins with.
#pragma once
#include <string>
#include <vector>

#include "io/table.hpp"
#include "kernels/base/candidate.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {

/// beam time_s mjd dm_pc_cm3 dm_err_pc_cm3 snr width_s ref_freq_mhz n_members, in this order.
std::vector<Column> candidate_columns();
/// Their cells; `arrival` is topocentric UTC, and is written with more digits than a double has.
std::vector<Cell> candidate_cells(const Candidate& candidate, const Mjd& arrival);

/// A later column of the same tables.
Column snr_white_column();

}  // namespace tianyan
