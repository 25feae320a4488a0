// Flagging of the beams of a scan without a search: masks, cleaned files, tables and plots.
#pragma once
#include <string>
#include <vector>

#include "pipeline/config.hpp"
#include "pipeline/exit_code.hpp"

namespace tianyan {

struct FlagRequest {
  Config config;
  std::vector<std::string> inputs;
  std::string output_directory;
  std::string clean_extension;  ///< of cleaned files: ".fil", ".fits", ".h5"; empty: none are made
  bool overwrite = false;
  bool quiet = false;
};

struct FlagSummary {
  ExitCode exit_code = ExitCode::kDone;
  std::vector<std::string> lines;    ///< one for each beam that was flagged
  std::vector<std::string> remarks;  ///< what was skipped, lost or cut short
};

/// For each beam OUT/M01_mask.h5, M01_rfifind.mask, M01.png and, where asked for, M01_clean.fil; for all
/// beams OUT/flags.ecsv (by MHz) and report.json. Beams of one scan go in step, as in a search. Throws
/// std::invalid_argument for the config, std::runtime_error where nothing could be flagged or the output
/// cannot be written.
FlagSummary run_flag(const FlagRequest& request);

}  // namespace tianyan
