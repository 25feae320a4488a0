// The table of detections: what detections.ecsv and detections.vot hold.
#pragma once
#include "io/table.hpp"
#include "kernels/base/detection.hpp"

namespace tianyan {

/// One row for each detection, in the list's order. Columns: beam time_s mjd dm_pc_cm3 dm_err_pc_cm3 snr
/// width_s ref_freq_mhz n_members n_beams beams ra_deg dec_deg pos_err_deg mjd_inf_bary class id snr_white
/// scan reasons. The first nine and snr_white are those of the strongest beam; `mjd` is the detection's
/// arrival; `beams` are names, strongest first; `reasons` are joined by "; ". No metadata. Throws
/// std::invalid_argument for an arrival before MJD 0.
Table detections_table(const DetectionList& list);

}  // namespace tianyan
