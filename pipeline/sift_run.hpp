// The last step of a search, and all of `tianyan sift`: from the candidates of all beams to the files of a
// run.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "io/source.hpp"
#include "io/table.hpp"
#include "pipeline/config.hpp"
#include "pipeline/run_directory.hpp"
#include "pipeline/sift.hpp"

namespace tianyan {

/// A beam's data, where they can be read once more.
struct SiftData {
  Source* source = nullptr;
  std::string mask = {};           ///< file of a given mask, or empty
  const Config* config = nullptr;  ///< with which they were searched; set where source is
};

/// Beams with their data.
struct SiftInputs {
  std::vector<SiftBeam> beams;
  std::vector<SiftData> data;  ///< [beam]

  void add(SiftBeam beam, SiftData its_data) {
    beams.push_back(std::move(beam));
    data.push_back(std::move(its_data));
  }
};

struct SiftSummary {
  std::int64_t n_candidate = 0;
  std::int64_t n_group = 0, n_astrophysical = 0, n_known = 0, n_rfi = 0;
  std::int64_t n_refined = 0, n_plot = 0;
  bool is_incomplete = false;  ///< data could not be read again, or a plot or cut-out not be written
  std::vector<SiftScan> scans;
  std::vector<std::string> remarks;
};

/// The catalogues that the config names. Throws std::runtime_error where one cannot be read. What a
/// catalogue skipped is a remark.
std::vector<KnownSource> load_catalogues(const SiftConfig& config, std::vector<std::string>& remarks);

/// Sifts, measures the strongest detections again where their data are there, and writes detections.ecsv and
/// candidates.ecsv with `meta`, the formats that the config names, plots and cut-outs. Rows depend on the
/// candidates and the config alone. Throws std::runtime_error where something cannot be written, Interrupted
/// after a signal.
SiftSummary sift_and_write(const Config& config, const RunDirectory& run, const SiftInputs& inputs,
                           const std::vector<KnownSource>& known, const std::vector<MetaEntry>& meta);

/// For report.json.
nlohmann::json to_json(const SiftSummary& summary);

}  // namespace tianyan
