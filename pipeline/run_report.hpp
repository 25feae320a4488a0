// What report.json and the tables' headers of a search and of a sift have in common.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "io/table.hpp"
#include "pipeline/beam_search.hpp"
#include "pipeline/config.hpp"
#include "pipeline/sift_run.hpp"

namespace tianyan {

/// A beam that was searched with `search`, as the sift takes it.
SiftBeam sift_beam(const BeamResult& result, const SearchConfig& search, int n_bits);

/// What must be said of a searched beam: what its reader left out, that much of it was flagged, that events
/// were dropped; and whether that makes the whole incomplete (ExitCode::kIncomplete).
std::vector<std::string> remarks_of(const BeamResult& result, const RfiConfig& rfi);
bool is_incomplete(const BeamResult& result);

/// version, config_hash, dispersion constant, meaning of times.
std::vector<MetaEntry> common_meta(const Config& config);
/// "M01 PATH SIZE bytes header CHECKSUM" for each file of the beam.
void add_input_lines(const BeamResult& result, std::vector<std::string>& lines);

nlohmann::json common_report(const Config& config, int exit_code, const SiftSummary& sifted,
                             const std::vector<std::string>& remarks);
/// Without its candidates, which candidates.ecsv has.
nlohmann::json beam_report(const BeamResult& result, const RfiConfig& rfi);

}  // namespace tianyan
