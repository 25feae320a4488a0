// From inputs to the files of a run.
#include "pipeline/search.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/beam_name.hpp"
#include "io/ecsv.hpp"
#include "io/json_text.hpp"
#include "io/text_file.hpp"
#include "kernels/row_ops.hpp"
#include "pipeline/beam_runner.hpp"
#include "pipeline/injection_search.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/memory_limit.hpp"
#include "pipeline/report_page.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/run_report.hpp"
#include "pipeline/sift_run.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

std::vector<MetaEntry> meta_of(const Config& config, const std::vector<Beam>& beams) {
  auto meta = common_meta(config);
  std::vector<std::string> inputs;
  json plan;
  for (const auto& beam : beams) {
    if (!beam.result) continue;
    if (plan.is_null()) plan = to_json(*beam.plan);
    add_input_lines(*beam.result, inputs);
  }
  meta.push_back({"inputs", inputs});
  meta.push_back({"plan", dump_json(plan)});
  return meta;
}

std::vector<std::string> remarks_of(const Config& config, const FoundInputs& found,
                                    const std::vector<Beam>& beams) {
  std::vector<std::string> lost, others;  // what makes the run incomplete stands first: not all is printed
  for (const auto& beam : beams) {
    if (!beam.failure.empty())
      lost.push_back(fmt::format("beam {} failed: {}", beam_name(beam.number), beam.failure));
    if (!beam.remark.empty()) others.push_back(beam.remark);
    if (!beam.result) continue;
    auto& remarks = is_incomplete(*beam.result) ? lost : others;
    const auto of_result = remarks_of(*beam.result, config.rfi);
    remarks.insert(remarks.end(), of_result.begin(), of_result.end());
  }
  lost.insert(lost.end(), others.begin(), others.end());
  for (const auto& line : found.skipped) lost.push_back("skipped " + line);
  return lost;
}

bool is_incomplete(const std::vector<Beam>& beams) {
  return std::any_of(beams.begin(), beams.end(),
                     [](const Beam& b) { return !b.result || is_incomplete(*b.result); });
}

// Where beams were searched, in this run; nothing where it only joined what others had.
json backend_of(const ChosenDevices& devices, SearchScope scope) {
  if (scope == SearchScope::kFinish) return {{"backend", nullptr}, {"devices", ""}, {"why_host", nullptr}};
  std::string names;
  for (const auto& d : devices.devices) names += (names.empty() ? "" : "; ") + d.name;
  return {{"backend", devices.any() ? "cuda" : "cpu"},
          {"devices", names},
          {"why_host", devices.any() ? json(nullptr) : json(devices.why_host)}};
}

json report_of(const SearchRequest& request, const std::vector<Beam>& beams, const Shares& shares,
               const SearchSummary& summary, const SiftSummary& sifted) {
  json all = json::array();
  for (const auto& beam : beams) {
    json one = beam.result ? beam_report(*beam.result, request.config.rfi) : json{{"beam", beam.number}};
    one["failure"] = beam.failure.empty() ? json(nullptr) : json(beam.failure);
    one["plan"] = beam.plan ? to_json(*beam.plan) : json(nullptr);
    one["memory_bytes"] = beam.memory_bytes;
    one["threads"] = beam.n_threads;
    all.push_back(one);
  }
  json report = common_report(request.config, static_cast<int>(summary.exit_code), sifted, summary.remarks);
  report.update(
      {{"vector_instructions", vector_target()},
       {"threads", thread_count(request.config.limits)},
       {"beams_at_once", shares.n_at_once},
       {"beams_in_step", shares.n_in_step},
       {"memory_bytes", shares.memory_bytes},
       {"seconds", shares.seconds},
       {"real_time_factor", shares.data_s > 0.0 ? json(shares.data_s / shares.seconds) : json(nullptr)},
       {"beams", all}});
  return report;
}

// Shadow searches and their tables; their part of the report.
json inject(const SearchRequest& request, const RunDirectory& run,
            const std::vector<std::vector<InjectedPulse>>& pulses, const std::vector<Beam>& beams,
            SearchSummary& summary) {
  const auto injected = run_injections(request, run, pulses, beams);
  summary.remarks.insert(summary.remarks.end(), injected.remarks.begin(), injected.remarks.end());
  if (!injected.remarks.empty()) summary.exit_code = ExitCode::kIncomplete;
  auto injections = injections_table(injected.outcomes), completeness = completeness_table(injected.outcomes);
  injections.meta = completeness.meta = meta_of(request.config, beams);
  write_ecsv(run.file("injections.ecsv"), injections);
  write_ecsv(run.file("completeness.ecsv"), completeness);
  const auto n_recovered = std::count_if(injected.outcomes.begin(), injected.outcomes.end(),
                                         [](const InjectionOutcome& o) { return o.found.has_value(); });
  return {{"n_injected", injected.outcomes.size()}, {"n_recovered", n_recovered}};
}

// What the ledger got in a run that searched a part.
SearchSummary part_summary(const std::vector<Beam>& beams) {
  SearchSummary summary;
  summary.n_beam = std::ssize(beams);
  for (const auto& beam : beams) {
    if (!beam.failure.empty()) {
      ++summary.n_failed;
      summary.remarks.push_back(fmt::format("beam {} failed: {}", beam_name(beam.number), beam.failure));
    }
    for (const auto& unit : beam.units) {
      summary.n_unit += unit.is_todo && unit.result;
      if (unit.failure.empty()) continue;
      ++summary.n_failed;
      summary.remarks.push_back(lost_unit_text(beam, unit));
    }
  }
  if (summary.n_failed > 0) summary.exit_code = ExitCode::kIncomplete;
  return summary;
}

SiftInputs sift_inputs(const Config& config, std::vector<Beam>& beams) {
  SiftInputs inputs;
  for (auto& beam : beams)
    if (beam.result)
      inputs.add(sift_beam(*beam.result, config.search, beam.source->format().n_bits),
                 {beam.source.get(), beam.mask, &config});
  return inputs;
}

}  // namespace

SearchSummary run_search(const SearchRequest& asked) {
  SearchRequest request = asked;
  request.config.limits = limits_here(asked.config.limits);
  catch_interrupts(request.config.limits.wall_s);
  ChosenDevices devices;  // the sift of what others searched wants none
  if (request.scope != SearchScope::kFinish) devices = choose_devices(request.config);
  std::vector<std::string> catalogue_remarks;
  const auto known = load_catalogues(request.config.sift, catalogue_remarks);
  const auto found = find_inputs(request.inputs);
  auto beams = open_beams(found, request.config, request.mask);
  Plans plans(request.config, beams, std::move(devices));
  bind_beams(request.config, plans, beams);
  if (interrupted()) throw Interrupted("before the search began");
  std::vector<std::vector<InjectedPulse>> pulses;
  if (!request.injections.empty()) pulses = bind_injections(request.injections, beams);
  expect(request.scope != SearchScope::kFinish ||
             std::filesystem::exists(request.run_directory + "/ledger/inputs.json"),
         "{} holds no run of which parts were searched", request.run_directory);
  const RunDirectory run(request.run_directory, asked.config, request.existing);
  run.bind_inputs(files_by_beam(beams));
  const auto shares = search_beams(request, run, plans, beams);
  if (request.scope == SearchScope::kPart) return part_summary(beams);
  join_beams(request.config, run, beams);

  SearchSummary summary;
  const auto inputs = sift_inputs(request.config, beams);
  require(!inputs.beams.empty(), "no beam could be searched: {}", beams.front().failure);
  const auto sifted = sift_and_write(request.config, run, inputs, known, meta_of(request.config, beams));
  summary.n_beam = std::ssize(beams);
  summary.n_failed = std::ssize(beams) - std::ssize(inputs.beams);
  summary.n_candidate = sifted.n_candidate;
  summary.n_astrophysical = sifted.n_astrophysical;
  summary.n_known = sifted.n_known;
  summary.n_rfi = sifted.n_rfi;
  summary.remarks = remarks_of(request.config, found, beams);
  for (const auto& more : {catalogue_remarks, sifted.remarks})
    summary.remarks.insert(summary.remarks.end(), more.begin(), more.end());
  if (is_incomplete(beams) || sifted.is_incomplete) summary.exit_code = ExitCode::kIncomplete;
  json injections = nullptr;
  if (!request.injections.empty()) injections = inject(request, run, pulses, beams, summary);
  auto report = report_of(request, beams, shares, summary, sifted);
  report.update(backend_of(plans.devices(), request.scope));
  report["injections"] = injections;
  write_text_file(run.file("report.json"), dump_json(report, 1) + "\n");
  write_report(run.path());
  return summary;
}

}  // namespace tianyan
