// Parts of report.json and of tables' headers.
#include "pipeline/run_report.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "io/beam_name.hpp"
#include "kernels/base/units.hpp"
#include "pipeline/beam_runner.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/version.hpp"

namespace tianyan {

using nlohmann::json;

SiftBeam sift_beam(const BeamResult& result, const SearchConfig& search, int n_bits) {
  const auto file =
      result.files.empty() ? "" : std::filesystem::path(result.files.front().path).filename().string();
  auto not_searched = result.not_searched;  // before and after the stream neither
  not_searched.push_back({std::numeric_limits<std::int64_t>::min(), 0});
  not_searched.push_back({result.info.n_time, std::numeric_limits<std::int64_t>::max()});
  return {result.beam,        result.info,          file,
          result.info.n_chan, result.info.n_pol,    n_bits,
          search.snr_min,     search.dm_min_pc_cm3, search.dm_max_pc_cm3,
          result.candidates,  not_searched};
}

std::vector<std::string> remarks_of(const BeamResult& result, const RfiConfig& rfi) {
  auto remarks = result.losses.notes;
  if (result.flags.counts.fraction() > rfi.flagged_max)
    remarks.push_back(heavily_flagged_text(result.beam, result.flags.counts, rfi));
  if (result.n_events_dropped > 0)
    remarks.push_back(
        fmt::format("beam {}: {} events dropped where more than {} crowded one tile of trials and times",
                    beam_name(result.beam), result.n_events_dropped, kMaxEventsPerTile));
  return remarks;
}

bool is_incomplete(const BeamResult& result) {
  return result.losses.cut_short || result.n_events_dropped > 0;
}

std::vector<MetaEntry> common_meta(const Config& config) {
  return {{"version", std::string("tianyan ") + kVersion},
          {"config_hash", config_hash(config)},
          {"dispersion_constant_s_mhz2_cm3_pc", kDispersionConstant},
          {"time_reference", std::string("arrival at the centre of the highest channel; sample k covers "
                                         "k to k + 1 times the sample time")}};
}

void add_input_lines(const BeamResult& result, std::vector<std::string>& lines) {
  for (const auto& f : result.files)
    lines.push_back(fmt::format("{} {} {} bytes header {:016x}", beam_name(result.beam), f.path, f.size_bytes,
                                f.header_checksum));
}

json common_report(const Config& config, int exit_code, const SiftSummary& sifted,
                   const std::vector<std::string>& remarks) {
  return {{"version", kVersion},
          {"config_hash", config_hash(config)},
          {"exit_code", exit_code},
          {"dispersion_constant_s_mhz2_cm3_pc", kDispersionConstant},
          {"n_candidate", sifted.n_candidate},
          {"n_plot", sifted.n_plot},
          {"sift", to_json(sifted)},
          {"remarks", remarks}};
}

json beam_report(const BeamResult& result, const RfiConfig& rfi) {
  json one = to_json(result);
  one.erase("candidates");
  one["n_candidate"] = result.candidates.size();
  one["heavily_flagged"] = result.flags.counts.fraction() > rfi.flagged_max;
  if (result.seconds > 0.0) one["real_time_factor"] = result.info.duration_s() / result.seconds;
  return one;
}

}  // namespace tianyan
