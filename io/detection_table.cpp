// The table of detections: columns and cells.
#include "io/detection_table.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "io/beam_name.hpp"
#include "io/candidate_columns.hpp"
#include "io/candidate_table.hpp"

namespace tianyan {
namespace {

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kFloat = ColumnType::kFloat64;
constexpr auto kText = ColumnType::kString;

std::vector<Column> detection_columns() {
  std::vector<Column> columns = candidate_columns();
  columns.insert(
      columns.end(),
      {{"n_beams", kInt, "", "Beams that saw it", ""},
       {"beams", kText, "", "Names of the beams that saw it, strongest first", ""},
       {"ra_deg", kFloat, "deg", "Right ascension, J2000", "%.6f"},
       {"dec_deg", kFloat, "deg", "Declination, J2000", "%.6f"},
       {"pos_err_deg", kFloat, "deg", "Radius of the 68 % region of the position", "%.6f"},
       {"mjd_inf_bary", kFloat, "d", "Arrival at infinite frequency at the barycentre, TDB", "%.12f"},
       {"class", kText, "", "astrophysical, rfi or known:NAME", ""},
       {"id", kText, "", "Name of the detection and of its files", ""},
       snr_white_column(),
       {"scan", kInt, "", "Index of the scan, from 0", ""},
       {"reasons", kText, "", "Why it is of its class", ""}});
  return columns;
}

std::string beam_names(const std::vector<int>& beams) {
  std::vector<std::string> names;
  for (const int beam : beams) names.push_back(beam_name(beam));
  return fmt::format("{}", fmt::join(names, " "));
}

std::vector<Cell> detection_cells(const Detection& d) {
  std::vector<Cell> cells = candidate_cells(d.best, d.arrival);
  const Cell bary = d.inf_bary ? Cell(mjd_digits(*d.inf_bary)) : Cell();
  for (Cell cell :
       std::vector<Cell>{static_cast<std::int64_t>(d.beams.size()), beam_names(d.beams), d.position.ra_deg,
                         d.position.dec_deg, d.pos_err_deg, bary, d.class_name(), d.id, d.best.snr_white,
                         static_cast<std::int64_t>(d.scan), d.reasons_text()})
    cells.push_back(std::move(cell));
  return cells;
}

}  // namespace

Table detections_table(const DetectionList& list) {
  Table table(detection_columns());
  for (const Detection& detection : list.detections) table.add_row(detection_cells(detection));
  return table;
}

}  // namespace tianyan
