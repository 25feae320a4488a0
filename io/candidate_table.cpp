// The candidates table: row order, exact MJDs and ids.
#include "io/candidate_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "io/beam_name.hpp"
#include "io/candidate_columns.hpp"
#include "io/iso_time.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

std::vector<Column> columns() {
  constexpr auto kText = ColumnType::kString;
  auto all = candidate_columns();
  all.push_back({"rank", ColumnType::kInt64, "", "1: the highest S/N of all beams", ""});
  all.push_back(snr_white_column());
  all.push_back(
      {"class", kText, "", "astrophysical, rfi or known:NAME: of the event that it belongs to", ""});
  all.push_back({"detection", kText, "", "Name of that event and of its files", ""});
  all.push_back({"reasons", kText, "", "Why it is of that class", ""});
  return all;
}

bool is_before(const CandidateRow& a, const CandidateRow& b) {
  const auto key = [](const Candidate& c) {
    return std::tuple(-c.snr, c.beam, c.time_s, c.dm_pc_cm3, c.width_s);
  };
  return key(a.candidate) < key(b.candidate);
}

}  // namespace

Table candidates_table(std::vector<CandidateRow> rows) {
  Table table(columns());
  std::stable_sort(rows.begin(), rows.end(), is_before);
  for (auto& row : rows) {
    std::vector<Cell> cells = candidate_cells(row.candidate, row.arrival);
    cells.emplace_back(static_cast<std::int64_t>(table.n_row()) + 1);
    cells.emplace_back(row.candidate.snr_white);
    cells.emplace_back(std::move(row.class_name));
    cells.emplace_back(std::move(row.detection));
    cells.emplace_back(std::move(row.reasons));
    table.add_row(std::move(cells));
  }
  return table;
}

std::string detection_id(const Mjd& arrival, int beam) {
  std::string time = iso_time_ms(arrival);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return fmt::format("TY{}_{}", time, beam_name(beam));
}

std::string mjd_digits(const Mjd& mjd) {
  constexpr std::int64_t kSteps = 1'000'000'000'000;
  expect(mjd.day >= 0 && mjd.second >= 0.0 && mjd.second < 1e6, "MJD {} + {} s is out of range", mjd.day,
         mjd.second);
  const auto steps = std::llround(mjd.second / kSecondsPerDay * static_cast<double>(kSteps));
  return fmt::format("{}.{:012}", mjd.day + steps / kSteps, steps % kSteps);
}

}  // namespace tianyan
