// The candidates and detections tables: column definitions, row order, exact MJDs and ids.
#include "io/candidate_table.hpp"

#include <erfa.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr double kJdOfMjd0 = 2400000.5;
constexpr auto kInt = ColumnType::kInt64;
constexpr auto kFloat = ColumnType::kFloat64;
constexpr auto kText = ColumnType::kString;

std::vector<Column> common_columns() {
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

const Column kSnrWhite = {"snr_white", kFloat, "",
                          "The same by the weights alone, without the running estimate of the noise", "%.3f"};

const BeamOrigin& origin_of(int beam, const std::vector<BeamOrigin>& beams) {
  const auto it = std::find_if(beams.begin(), beams.end(), [&](const auto& b) { return b.beam == beam; });
  expect(it != beams.end(), "candidate of beam {}, of which no start time is known ({} beams given)", beam,
         beams.size());
  return *it;
}

Mjd arrival_of(const Candidate& candidate, const BeamOrigin& origin) {
  return origin.start.plus_seconds(candidate.time_s);
}

/// Indices of the candidates, highest S/N first.
std::vector<std::size_t> ranked(const std::vector<Candidate>& candidates) {
  const auto key = [&](std::size_t i) {
    const Candidate& c = candidates[i];
    return std::tuple(-c.snr, c.beam, c.time_s, c.dm_pc_cm3, c.width_s);
  };
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
  return order;
}

std::vector<Cell> common_cells(const Candidate& c, const BeamOrigin& origin) {
  return {std::int64_t{c.beam},
          c.time_s,
          mjd_digits(arrival_of(c, origin)),
          c.dm_pc_cm3,
          c.dm_err_pc_cm3,
          c.snr,
          c.width_s,
          c.ref_freq_mhz,
          c.n_members};
}

std::string beam_name(int beam) { return fmt::format("M{:02}", beam); }

}  // namespace

Table candidates_table(const std::vector<Candidate>& candidates, const std::vector<BeamOrigin>& beams) {
  std::vector<Column> columns = common_columns();
  columns.push_back({"rank", kInt, "", "1: the highest S/N of all beams", ""});
  columns.push_back(kSnrWhite);
  Table table(std::move(columns));
  for (const std::size_t i : ranked(candidates)) {
    std::vector<Cell> cells = common_cells(candidates[i], origin_of(candidates[i].beam, beams));
    cells.emplace_back(static_cast<std::int64_t>(table.n_row()) + 1);
    cells.emplace_back(candidates[i].snr_white);
    table.add_row(std::move(cells));
  }
  return table;
}

Table detections_table(const std::vector<Candidate>& candidates, const std::vector<BeamOrigin>& beams) {
  std::vector<Column> columns = common_columns();
  columns.insert(
      columns.end(),
      {{"n_beams", kInt, "", "Beams that saw it", ""},
       {"beams", kText, "", "Names of the beams that saw it, strongest first", ""},
       {"ra_deg", kFloat, "deg", "Right ascension, J2000", "%.6f"},
       {"dec_deg", kFloat, "deg", "Declination, J2000", "%.6f"},
       {"pos_err_deg", kFloat, "deg", "Radius of the 68 % region of the position", "%.6f"},
       {"mjd_inf_bary", kFloat, "d", "Arrival at infinite frequency at the barycentre, TDB", "%.12f"},
       {"class", kText, "", "unsifted, astrophysical, rfi or known:NAME", ""},
       {"id", kText, "", "Name of the detection and of its files", ""},
       kSnrWhite});
  Table table(std::move(columns));
  const std::vector<std::string> ids = detection_ids(candidates, beams);
  for (const std::size_t i : ranked(candidates)) {
    const BeamOrigin& origin = origin_of(candidates[i].beam, beams);
    std::vector<Cell> cells = common_cells(candidates[i], origin);
    for (Cell cell : std::vector<Cell>{std::int64_t{1}, beam_name(origin.beam), origin.ra_deg, origin.dec_deg,
                                       std::monostate(), std::monostate(), std::string("unsifted"), ids[i],
                                       candidates[i].snr_white})
      cells.push_back(std::move(cell));
    table.add_row(std::move(cells));
  }
  return table;
}

std::string detection_id(const Mjd& arrival, int beam) {
  int year = 0, month = 0, day = 0, hmsf[4] = {};
  const int status = eraD2dtf("UTC", 3, kJdOfMjd0 + static_cast<double>(arrival.day),
                              arrival.second / kSecondsPerDay, &year, &month, &day, hmsf);
  expect(status >= 0, "MJD {} + {} s is not a date", arrival.day, arrival.second);
  return fmt::format("TY{:04}{:02}{:02}T{:02}{:02}{:02}.{:03}_{}", year, month, day, hmsf[0], hmsf[1],
                     hmsf[2], hmsf[3], beam_name(beam));
}

std::vector<std::string> detection_ids(const std::vector<Candidate>& candidates,
                                       const std::vector<BeamOrigin>& beams) {
  std::vector<std::string> ids(candidates.size());
  std::map<std::string, int> n_seen;
  for (const std::size_t i : ranked(candidates)) {
    const Candidate& c = candidates[i];
    ids[i] = detection_id(arrival_of(c, origin_of(c.beam, beams)), c.beam);
    const int n = ++n_seen[ids[i]];
    if (n > 1) ids[i] += fmt::format("_{}", n);
  }
  return ids;
}

std::string mjd_digits(const Mjd& mjd) {
  constexpr std::int64_t kSteps = 1'000'000'000'000;
  expect(mjd.day >= 0 && mjd.second >= 0.0 && mjd.second < 1e6, "MJD {} + {} s is out of range", mjd.day,
         mjd.second);
  const auto steps = std::llround(mjd.second / kSecondsPerDay * static_cast<double>(kSteps));
  return fmt::format("{}.{:012}", mjd.day + steps / kSteps, steps % kSteps);
}

}  // namespace tianyan
