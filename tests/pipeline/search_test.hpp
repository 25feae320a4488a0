// What the tests of whole searches share: a small scan, a config, a run.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "pipeline/search.hpp"
#include "pipeline/simulate.hpp"
#include "tests/pipeline/temp_dir.hpp"

namespace tianyan {

/// 256 channels over FAST's band, 196.608 us, 8 s: small, yet with several blocks, octaves and windows.
inline ScanSpec small_scan() {
  ScanSpec spec;
  spec.source_name = "SMALL";
  spec.n_chan = 256;
  spec.sample_time_s = 196.608e-6;
  spec.duration_s = 8.0;
  spec.seed = 3;
  return spec;
}

inline Config small_config() {
  Config config;
  config.search.dm_max_pc_cm3 = 600.0;
  config.search.width_min_s = 1e-3;
  config.output.plots = config.output.cutouts = false;
  config.sift.max_refined = 0;  // what the search itself finds
  config.limits.threads = 2;
  return config;
}

inline SearchSummary search_into(const std::string& run, const std::vector<std::string>& inputs,
                                 const Config& config, ExistingRun existing = ExistingRun::kRefuse) {
  SearchRequest request;
  request.config = config;
  request.inputs = inputs;
  request.run_directory = run;
  request.existing = existing;
  request.quiet = true;
  return run_search(request);
}

/// Where files that others made are, if they are here.
inline std::string test_data() {
  const char* named = std::getenv("TIANYAN_TEST_DATA");
  return named != nullptr ? named : std::string(TIANYAN_SOURCE_DIR) + "/../shared/data";
}

/// An ECSV's rows: what stands below the header.
inline std::string rows_of(const std::string& path) {
  std::istringstream in(read_text(path));
  std::string rows, line;
  while (std::getline(in, line))
    if (line.rfind('#', 0) != 0) rows += line + "\n";
  return rows;
}

/// The numeric columns beam, time_s, mjd, dm, dm_err, snr, width_s of each candidate, strongest first,
/// whatever the sift makes of it.
struct Row {
  double beam, time_s, mjd, dm_pc_cm3, dm_err_pc_cm3, snr, width_s;
};
inline std::vector<Row> candidates_of(const std::string& run) {
  std::istringstream in(rows_of(run + "/candidates.ecsv"));
  std::string line;
  std::getline(in, line);
  std::vector<Row> rows;
  while (std::getline(in, line)) {
    for (auto& ch : line)
      if (ch == ',') ch = ' ';
    std::istringstream cells(line);
    Row r{};
    cells >> r.beam >> r.time_s >> r.mjd >> r.dm_pc_cm3 >> r.dm_err_pc_cm3 >> r.snr >> r.width_s;
    rows.push_back(r);
  }
  return rows;
}

}  // namespace tianyan
