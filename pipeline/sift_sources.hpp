// What `tianyan sift` takes: runs that are finished, and lists of single pulses of other programs.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "pipeline/beam_search.hpp"
#include "pipeline/config.hpp"
#include "pipeline/sift_run.hpp"

namespace tianyan {

/// Candidates with the sources that they can be measured in and the configs of their searches, which it owns.
struct SiftSources {
  SiftInputs inputs;
  /// A run's beam and what it was searched with.
  struct Searched {
    BeamResult result;
    const Config* config = nullptr;
  };
  std::vector<Searched> searched;
  std::vector<std::string> remarks;
  bool is_incomplete = false;  ///< by what the searches skipped or cut short
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<std::unique_ptr<const Config>> configs;  ///< of runs
};

/// Whether a path is a run: a directory with a ledger.
bool is_run(const std::string& path);

/// Beams of RUN/ledger, with their data where the files are still those that were searched and are read to
/// the same stream; else a remark says why not. What the search had to say of its beams is said again, and
/// beams that it has not finished are named. How a run is read, conditioned and searched is in its own
/// config.toml; the rest is `config`. Throws std::runtime_error where the ledger has no finished beam, or one
/// that cannot be read, or the run's config cannot; std::invalid_argument for mistakes in that.
void add_run(const std::string& path, const Config& config, SiftSources& all);

/// A list of single pulses as those of one beam, whose number is in its name: what is one pulse in time, DM
/// and width is one candidate (kernels/cluster.hpp), of S/N at least search.snr_min. Its band is that of the
/// .inf beside it, else sift.list_band_mhz; its start that of the .inf, else MJD 0 with a remark.
///
/// Where the .inf says that times are barycentric, they are taken back to the telescope: beams that look at
/// different places are then on one clock. PRESTO (prepdata.c, prepsubband.c) has the epoch of such a series
/// in TDB and at infinite frequency for the series' DM, and counts seconds at the highest channel:
///   UTC at f_ref = topocentric_utc(epoch + time) + K DM_inf / f_ref^2
/// An event of DM_inf gets that delay taken off again, so that mjd_inf_bary is the list's own. PRESTO took it
/// off at the barycentre, frequency, DM and seconds each differing by 1e-4: the UTC is within 3e-4 of the
/// delay (0.6 ms for DM 1000 at 1.5 GHz).
///
/// Throws std::runtime_error where it cannot be read, std::invalid_argument where its band is not known, or
/// its times are barycentric and the pointing, the telescope, the epoch or its DM is not known.
void add_list(const std::string& path, const Config& config, SiftSources& all);

}  // namespace tianyan
