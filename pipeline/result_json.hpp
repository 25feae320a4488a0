// Results as JSON: for the ledger, which reads them back exactly, and for report.json.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "pipeline/beam_search.hpp"
#include "pipeline/plan.hpp"

namespace tianyan {

nlohmann::json to_json(const std::vector<InputFile>& files);
nlohmann::json to_json(const FlagReport& report);
nlohmann::json to_json(const BeamResult& result);
nlohmann::json to_json(const UnitResult& result);
/// These throw nlohmann::json::exception where something is missing.
std::vector<InputFile> files_from_json(const nlohmann::json& j);
UnitResult unit_result_from_json(const nlohmann::json& j);
BeamResult beam_result_from_json(const nlohmann::json& j);
nlohmann::json to_json(const SearchPlan& plan);

}  // namespace tianyan
