// From inputs to the files of a run.
#include "pipeline/search.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/candidate_table.hpp"
#include "io/ecsv.hpp"
#include "kernels/base/units.hpp"
#include "kernels/row_ops.hpp"
#include "pipeline/beam_runner.hpp"
#include "pipeline/detection_cutout.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

// Plots of the strongest detections, in the order of the table.
std::int64_t plot_all(const SearchRequest& request, const RunDirectory& run, std::vector<Beam>& beams,
                      const std::vector<Candidate>& candidates, const std::vector<std::string>& ids,
                      std::vector<std::string>& remarks) {
  std::vector<std::size_t> order(candidates.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return candidates[a].snr > candidates[b].snr; });
  std::int64_t n_plot = 0;
  for (const auto i : order) {
    if (!request.config.output.plots || n_plot >= request.config.output.max_plots) break;
    if (interrupted()) throw Interrupted("stopped by a signal while plotting; go on with --resume");
    const auto beam = std::find_if(beams.begin(), beams.end(),
                                   [&](const Beam& b) { return b.number == candidates[i].beam && b.result; });
    try {
      plot_detection(run.plot_file(ids[i]), request.config, *beam->source, beam->mask, candidates[i], ids[i],
                     thread_count(request.config.limits));
      ++n_plot;
    } catch (const std::runtime_error& e) {
      remarks.push_back(fmt::format("no plot of {}: {}", ids[i], e.what()));
    }
  }
  return n_plot;
}

void add_meta(Table& table, const Config& config, const std::vector<Beam>& beams) {
  table.meta.push_back({"version", std::string("tianyan ") + kVersion});
  table.meta.push_back({"config_hash", config_hash(config)});
  table.meta.push_back({"dispersion_constant_s_mhz2_cm3_pc", kDispersionConstant});
  table.meta.push_back(
      {"time_reference", std::string("arrival at the centre of the highest channel; sample k covers "
                                     "k to k + 1 times the sample time")});
  std::vector<std::string> inputs;
  json plan;
  for (const auto& beam : beams) {
    if (!beam.result) continue;
    if (plan.is_null()) plan = to_json(*beam.plan);
    for (const auto& f : beam.result->files)
      inputs.push_back(fmt::format("M{:02d} {} {} bytes header {:016x}", beam.number, f.path, f.size_bytes,
                                   f.header_checksum));
  }
  table.meta.push_back({"inputs", inputs});
  table.meta.push_back({"plan", plan.dump()});
}

std::vector<std::string> remarks_of(const Config& config, const FoundInputs& found,
                                    const std::vector<Beam>& beams) {
  std::vector<std::string> remarks;
  for (const auto& line : found.skipped) remarks.push_back("skipped " + line);
  for (const auto& beam : beams) {
    if (!beam.failure.empty())
      remarks.push_back(fmt::format("beam M{:02d} failed: {}", beam.number, beam.failure));
    if (!beam.remark.empty()) remarks.push_back(beam.remark);
    if (!beam.result) continue;
    for (const auto& note : beam.result->losses.notes) remarks.push_back(note);
    if (beam.result->flags.counts.fraction() > config.rfi.flagged_max)
      remarks.push_back(heavily_flagged_text(beam.number, beam.result->flags.counts, config.rfi));
    if (beam.result->n_events_dropped > 0)
      remarks.push_back(
          fmt::format("beam M{:02d}: {} events dropped where more than {} crowded one tile of trials and "
                      "times",
                      beam.number, beam.result->n_events_dropped, DmSearch::kMaxEventsPerTile));
  }
  return remarks;
}

bool is_incomplete(const std::vector<Beam>& beams) {
  return std::any_of(beams.begin(), beams.end(), [](const Beam& b) {
    return !b.result || b.result->losses.cut_short || b.result->n_events_dropped > 0;
  });
}

json report_of(const SearchRequest& request, const std::vector<Beam>& beams, const Shares& shares,
               const SearchSummary& summary, std::int64_t n_plot) {
  json all = json::array();
  for (const auto& beam : beams) {
    json one = beam.result ? to_json(*beam.result) : json{{"beam", beam.number}};
    one["failure"] = beam.failure.empty() ? json(nullptr) : json(beam.failure);
    one["plan"] = beam.plan ? to_json(*beam.plan) : json(nullptr);
    one["memory_bytes"] = beam.memory_bytes;
    if (beam.result)
      one["heavily_flagged"] = beam.result->flags.counts.fraction() > request.config.rfi.flagged_max;
    one["threads"] = beam.n_threads;
    if (beam.result && beam.result->seconds > 0.0)
      one["real_time_factor"] = beam.result->info.duration_s() / beam.result->seconds;
    all.push_back(one);
  }
  return {{"version", kVersion},
          {"config_hash", config_hash(request.config)},
          {"exit_code", static_cast<int>(summary.exit_code)},
          {"dispersion_constant_s_mhz2_cm3_pc", kDispersionConstant},
          {"vector_instructions", vector_target()},
          {"threads", thread_count(request.config.limits)},
          {"beams_at_once", shares.n_at_once},
          {"beams_in_step", shares.n_in_step},
          {"memory_bytes", shares.memory_bytes},
          {"seconds", shares.seconds},
          {"real_time_factor", shares.data_s > 0.0 ? json(shares.data_s / shares.seconds) : json(nullptr)},
          {"n_candidate", summary.n_candidate},
          {"n_plot", n_plot},
          {"remarks", summary.remarks},
          {"beams", all}};
}

}  // namespace

SearchSummary run_search(const SearchRequest& request) {
  expect(request.config.search.backend != "cuda",
         "search.backend = \"cuda\": this build has no CUDA backend; use "
         "\"auto\" or \"cpu\"");
  const auto found = find_inputs(request.inputs);
  auto beams = open_beams(found, request.config, request.mask);
  Plans plans(request.config, beams);
  bind_beams(request.config, plans, beams);
  const RunDirectory run(request.run_directory, request.config, request.existing);
  catch_interrupts();
  const auto shares = search_beams(request, run, plans, beams);

  SearchSummary summary;
  std::vector<Candidate> candidates;
  std::vector<BeamOrigin> origins;
  for (const auto& beam : beams) {
    ++summary.n_beam;
    summary.n_failed += beam.result ? 0 : 1;
    if (!beam.result) continue;
    origins.push_back(
        {beam.number, beam.result->info.start, beam.result->info.ra_deg, beam.result->info.dec_deg});
    candidates.insert(candidates.end(), beam.result->candidates.begin(), beam.result->candidates.end());
  }
  require(!origins.empty(), "no beam could be searched: {}", beams.front().failure);
  summary.n_candidate = static_cast<std::int64_t>(candidates.size());
  summary.remarks = remarks_of(request.config, found, beams);
  const auto n_plot =
      plot_all(request, run, beams, candidates, detection_ids(candidates, origins), summary.remarks);
  if (is_incomplete(beams)) summary.exit_code = ExitCode::kIncomplete;

  auto candidate_table = candidates_table(candidates, origins);
  auto detection_table = detections_table(candidates, origins);
  add_meta(candidate_table, request.config, beams);
  add_meta(detection_table, request.config, beams);
  write_ecsv(run.file("candidates.ecsv"), candidate_table);
  write_ecsv(run.file("detections.ecsv"), detection_table);
  write_text(run.file("report.json"), report_of(request, beams, shares, summary, n_plot).dump(1) + "\n");
  return summary;
}

}  // namespace tianyan
