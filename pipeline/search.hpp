// A search of all beams of a scan into a run directory.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/config.hpp"
#include "pipeline/exit_code.hpp"
#include "pipeline/run_directory.hpp"

namespace tianyan {

/// Of the units of all beams, in order, the number-th of n equal shares; 1 of 1 is all of them.
struct SearchPart {
  int number = 1, n = 1;
};

enum class SearchScope {
  kAll,     ///< search, then sift
  kPart,    ///< search units into the ledger, and nothing else
  kFinish,  ///< take what the ledger has, and sift
};

struct SearchRequest {
  Config config;
  std::vector<std::string> inputs;
  std::string run_directory;
  std::string mask;  ///< a mask file, or a directory with one for each beam; empty: none
  ExistingRun existing = ExistingRun::kRefuse;
  bool quiet = false;
  SearchScope scope = SearchScope::kAll;
  SearchPart part = {};         ///< with kPart
  std::string injections = {};  ///< pulses for shadow copies (pipeline/injection_spec.hpp); empty: none
};

/// What a search says when it is over.
struct SearchSummary {
  ExitCode exit_code = ExitCode::kDone;
  std::int64_t n_beam = 0, n_failed = 0, n_candidate = 0;
  std::int64_t n_unit = 0;  ///< that a part found whole; then n_failed counts units, and beams that have none
  std::int64_t n_astrophysical = 0, n_known = 0, n_rfi = 0;  ///< events of all beams together
  std::vector<std::string> remarks;  ///< one line each: what was skipped, lost or cut short
};

/// Beams are searched in waves, within the memory limit for the sum of what runs at once: results are those
/// of one beam after another. Every beam is opened and planned before the run directory is made: a config
/// that cannot work leaves nothing behind. A beam that fails in mid-run is named and does not stop the
/// others. Throws std::invalid_argument for the config, std::runtime_error where nothing could be searched or
/// the output cannot be written.
SearchSummary run_search(const SearchRequest& request);

}  // namespace tianyan
