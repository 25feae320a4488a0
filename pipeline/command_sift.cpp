// tianyan sift: candidates of finished runs, or of other programs' lists, to detections.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "io/json_text.hpp"
#include "io/text_file.hpp"
#include "pipeline/command.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/policy.hpp"
#include "pipeline/report_page.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/run_report.hpp"
#include "pipeline/sift_sources.hpp"

namespace tianyan {
namespace {

struct Options : SharedOptions {
  bool overwrite = false;
};

void declare(CLI::App& command, Options& o) {
  command.add_option("INPUT", o.inputs, "Runs of `tianyan search`, or PRESTO's .singlepulse lists")
      ->required()
      ->type_name("");
  command.add_option("-o,--output", o.output, "The directory to make, laid out as a run's")
      ->required()
      ->type_name("OUT");
  command
      .add_option("-c,--config", o.config,
                  "Instead of the first run's own; how runs are read and searched is always in theirs")
      ->type_name("CONFIG");
  add_set_option(command, o);
  add_threads_option(command, o);
  add_policy_option(command, o);
  command.add_flag("--overwrite", o.overwrite, "Replace an earlier run's files in OUT");
  add_json_option(command, o);
}

// The config that is named, else that of the first run, else the defaults.
Config config_of(const Options& o) {
  SharedOptions shared = o;
  for (const auto& path : o.inputs) {
    require(std::filesystem::exists(path), "{}: no such file or directory", path);
    expect(!std::filesystem::is_directory(path) || is_run(path),
           "{}: not a run of `tianyan search`: it has no ledger/", path);
    if (shared.config.empty() && is_run(path)) shared.config = path + "/config.toml";
  }
  return load_config(shared);
}

// Data of runs are read again where their ledgers say that they lie.
void expect_data_allowed(const Options& o) {
  if (load_policies(o.policies).empty()) return;
  SharedOptions data = o;
  for (const auto& path : o.inputs)
    if (is_run(path))
      for (const auto& result : load_ledger(path))
        for (const auto& file : result.files) data.inputs.push_back(file.path);
  expect_allowed(data);
}

std::vector<MetaEntry> meta_of(const Config& config, const SiftSources& sources,
                               const std::vector<std::string>& inputs) {
  auto meta = common_meta(config);
  std::vector<std::string> lines;
  for (const auto& one : sources.searched) add_input_lines(one.result, lines);
  meta.push_back({"sifted", inputs});
  meta.push_back({"inputs", lines});
  return meta;
}

void write_json_report(const RunDirectory& out, const Config& config, const SiftSources& sources,
                       const SiftSummary& summary, const std::vector<std::string>& inputs,
                       ExitCode exit_code) {
  auto report = common_report(config, static_cast<int>(exit_code), summary, summary.remarks);
  report["sifted"] = inputs;
  report["beams"] = nlohmann::json::array();
  for (const auto& one : sources.searched)
    report["beams"].push_back(beam_report(one.result, one.config->rfi));
  write_text_file(out.file("report.json"), dump_json(report, 1) + "\n");
}

ExitCode run(const Options& o) {
  const Config config = config_of(o);
  expect_inputs_stay(o.inputs, o.output);
  expect_data_allowed(o);
  SiftSources sources;
  const auto known = load_catalogues(config.sift, sources.remarks);
  for (const auto& path : o.inputs)
    is_run(path) ? add_run(path, config, sources) : add_list(path, config, sources);
  const RunDirectory out(o.output, config, o.overwrite ? ExistingRun::kOverwrite : ExistingRun::kRefuse);
  catch_interrupts(config.limits.wall_s);
  auto summary = sift_and_write(config, out, sources.inputs, known, meta_of(config, sources, o.inputs));
  summary.remarks.insert(summary.remarks.begin(), sources.remarks.begin(), sources.remarks.end());
  const auto exit_code =
      sources.is_incomplete || summary.is_incomplete ? ExitCode::kIncomplete : ExitCode::kDone;
  write_json_report(out, config, sources, summary, o.inputs, exit_code);
  write_report(out.path());
  for (const auto& remark : summary.remarks) std::cerr << "tianyan: " << remark << '\n';
  if (o.json)
    std::cout << dump_json(to_json(summary), 1) << '\n';
  else
    std::cout << fmt::format(
        "{} candidates are {} events: {} astrophysical, {} of known sources, {} interference: "
        "{}/detections.ecsv\n",
        summary.n_candidate, summary.n_group, summary.n_astrophysical, summary.n_known, summary.n_rfi,
        o.output);
  return exit_code;
}

const bool kRegistered = register_command<Options>(
    {"sift", "Makes detections of the candidates of finished runs, or of lists of single pulses",
     "Examples:\n"
     "  tianyan sift run -o again --set sift.catalogues='[\"psrcat.db\"]'\n"
     "  tianyan sift run_M01 run_M02 run_M03 -o scan       beams that were searched one by one\n"
     "  tianyan sift beam.singlepulse -o out --set sift.list_band_mhz=[1000,1500]\n"
     "Beams whose times overlap are one scan. What is seen in one beam or in neighbours as a point source\n"
     "is seen is astrophysical; what is in far beams at once, has no dispersion or keeps time with the "
     "mains\n"
     "is interference and stays in candidates.ecsv, with its class and the reasons for it."},
    declare, run);

}  // namespace
}  // namespace tianyan
