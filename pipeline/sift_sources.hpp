// What `tianyan sift` takes: runs that are finished, and lists of single pulses of other programs.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "pipeline/beam_search.hpp"
#include "pipeline/config.hpp"
#include "pipeline/sift_run.hpp"

namespace tianyan {

/// Candidates with the sources that they can be measured in, which it owns.
struct SiftSources {
  SiftInputs inputs;
  std::vector<BeamResult> results;  ///< of runs' beams
  std::vector<std::string> remarks;
  std::vector<std::unique_ptr<Source>> sources;
};

/// Whether a path is a run: a directory with a ledger.
bool is_run(const std::string& path);

/// Beams of RUN/ledger, with their data where the files are still those that were searched; else a remark
/// says why not. Throws std::runtime_error where the ledger has no finished beam, or one that cannot be read.
void add_run(const std::string& path, const Config& config, SiftSources& all);

/// A list of single pulses as one beam of its own: what is one pulse in time, DM and width is one candidate
/// (kernels/cluster.hpp), of S/N at least search.snr_min. Its band is that of the .inf beside it, else
/// sift.list_band_mhz; its start that of the .inf, else MJD 0 with a remark. Throws std::runtime_error where
/// it cannot be read, std::invalid_argument where its band is not known.
void add_list(const std::string& path, const Config& config, SiftSources& all);

}  // namespace tianyan
