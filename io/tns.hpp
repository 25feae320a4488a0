// A report of one burst to the Transient Name Server, as its bulk API takes it: JSON, "frb_report".
#pragma once
#include <cstddef>
#include <string>

#include "kernels/base/detection.hpp"

namespace tianyan {

/// The report of detection `index`: {"frb_report": {"0": {...}}}, with the names of the server's JSON sample.
/// Measured values are numbers, the server's codes are strings: at_type "5" is FRB, units "8" Jy, "23" ms,
/// "24" MHz, "25" pc/cc.
///   - discovery_datetime and obsdate: UTC of the arrival at the telescope at the centre of the highest
///     channel; barycentric_event_time: TDB, at infinite frequency. `remarks` says both.
///   - ra and dec: `error` is the radius of the 68 % region, in degrees on the sky.
///   - flux: the mean over the burst's width. ref_freq: the centre of the band.
///   - The server demands some values that are not in the data. They are there as null, so that whoever
///     reports sees what to fill in, and the server refuses the report until then: reporting_group_id and
///     discovery_data_source_id (the reporter's group), filter_value and instrument_value (the server's
///     codes), galactic_max_dm and galactic_max_dm_model (an electron model), flux_error. `reporter` is null
///     until an author is configured, and so is each value that this observation does not know: position, its
///     error, flux, barycentric time.
/// Throws std::invalid_argument for an index outside the list.
std::string format_tns(const DetectionList& list, std::size_t index);

}  // namespace tianyan
