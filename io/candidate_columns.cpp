// The columns that every table of candidates or detections begins with.
#include "io/candidate_columns.hpp"

#include <cstdint>

#include "io/candidate_table.hpp"

namespace tianyan {

std::vector<Column> candidate_columns() {
  constexpr auto kInt = ColumnType::kInt64;
  constexpr auto kFloat = ColumnType::kFloat64;
  return {
      {"beam", kInt, "", "Beam of the receiver, 1 to 19; 0: unknown", ""},
      {"time_s", kFloat, "s",
       "Arrival at the centre of the highest channel, since the scan's first sample begins", "%.9f"},
      {"mjd", kFloat, "d", "The same instant, topocentric UTC", "%.12f"},
      {"dm_pc_cm3", kFloat, "pc / cm3", "Dispersion measure", "%.4f"},
      {"dm_err_pc_cm3", kFloat, "pc / cm3", "Uncertainty of the dispersion measure", "%.4f"},
      {"snr", kFloat, "", "Signal-to-noise ratio of the best boxcar", "%.3f"},
      {"width_s", kFloat, "s", "Width of the best boxcar", "%.9f"},
      {"ref_freq_mhz", kFloat, "MHz", "Frequency of the arrival: centre of the highest channel", "%.6f"},
      {"n_members", kInt, "", "Events on the (DM, time, width) grid that belong to it", ""},
  };
}

std::vector<Cell> candidate_cells(const Candidate& c, const Mjd& arrival) {
  return {std::int64_t{c.beam}, c.time_s, mjd_digits(arrival), c.dm_pc_cm3,
          c.dm_err_pc_cm3,      c.snr,    c.width_s,           c.ref_freq_mhz,
          c.n_members};
}

Column snr_white_column() {
  return {"snr_white", ColumnType::kFloat64, "",
          "The same by the weights alone, without the running estimate of the noise", "%.3f"};
}

}  // namespace tianyan
