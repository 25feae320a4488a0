// tianyan search: recorded scans to detections.
#include <algorithm>
#include <charconv>
#include <iostream>

#include "pipeline/command.hpp"
#include "pipeline/search.hpp"

namespace tianyan {
namespace {

struct Options : SharedOptions {
  std::string backend;
  std::string part;
  bool resume = false, overwrite = false, finish = false, quiet = false;
};

void declare(CLI::App& command, Options& o) {
  add_config_argument(command, o);
  add_input_arguments(command, o);
  command.add_option("-o,--output", o.output, "The run directory to make")->required()->type_name("RUN");
  add_set_option(command, o);
  add_threads_option(command, o);
  add_policy_option(command, o);
  command.add_option("--backend", o.backend, "Where to compute, instead of where the config says")
      ->type_name("auto|cpu|cuda");
  command
      .add_option("--mask", o.mask,
                  "Flags to start from: a mask that `tianyan flag` made, or its directory for many beams")
      ->type_name("MASK");
  command
      .add_option(
          "--inject", o.injections,
          "Pulses to add to a shadow copy of each beam, which is searched too: how complete the search "
          "is goes to RUN/completeness.ecsv")
      ->type_name("SPEC");
  auto* resume =
      command.add_flag("--resume", o.resume, "Go on with a run that was stopped: finished units are kept");
  auto* overwrite =
      command.add_flag("--overwrite", o.overwrite, "Replace an earlier run's files in RUN")->excludes(resume);
  auto* part =
      command
          .add_option(
              "--part", o.part,
              "Search the I-th of N shares of the run's units (beams and ranges of time) and no more: "
              "the jobs of a cluster, at once or one after another. A part that was stopped is given again; "
              "--finish makes detections of all. Beams that are compared (rfi.beams) share their units: a "
              "run "
              "then has about its length over search.unit_s of them")
          ->type_name("I/N")
          ->excludes(resume)
          ->excludes(overwrite);
  command
      .add_flag("--finish", o.finish,
                "Search nothing: join and sift what parts of the run have found; what is missing is named")
      ->excludes(part)
      ->excludes(overwrite);
  command.add_flag("-q,--quiet", o.quiet, "No progress");
}

void print_remarks(const std::vector<std::string>& remarks, const std::string& run) {
  constexpr std::size_t kMost = 10;
  for (std::size_t i = 0; i < std::min(kMost, remarks.size()); ++i)
    std::cerr << "tianyan: " << remarks[i] << '\n';
  if (remarks.size() > kMost)
    std::cerr << fmt::format("tianyan: {} more remarks in {}/report.json\n", remarks.size() - kMost, run);
}

// "3/76"
SearchPart part_of(const std::string& text) {
  SearchPart part;
  const char* end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, part.number);
  if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '/')
    read = std::from_chars(read.ptr + 1, end, part.n);
  else
    read.ec = std::errc::invalid_argument;
  expect(read.ec == std::errc{} && read.ptr == end && part.number >= 1 && part.number <= part.n,
         "--part {}: give I/N with I from 1 to N", text);
  return part;
}

ExitCode run(const Options& o) {
  SearchRequest request;
  SharedOptions shared = o;
  if (!o.backend.empty()) shared.set.push_back("search.backend=\"" + o.backend + "\"");
  request.config = load_config(shared);
  request.inputs = o.inputs;
  request.run_directory = o.output;
  request.mask = o.mask;
  request.injections = o.injections;
  request.existing = o.resume      ? ExistingRun::kResume
                     : o.overwrite ? ExistingRun::kOverwrite
                                   : ExistingRun::kRefuse;
  request.quiet = o.quiet;
  if (!o.part.empty()) {
    request.scope = SearchScope::kPart;
    request.part = part_of(o.part);
    request.existing = ExistingRun::kShare;
  } else if (o.finish) {
    request.scope = SearchScope::kFinish;
    request.existing = ExistingRun::kFinish;
  }
  const auto summary = run_search(request);
  print_remarks(summary.remarks, o.output);
  if (request.scope == SearchScope::kPart) {
    std::cout << fmt::format("part {}: {} unit{} searched\n", o.part, summary.n_unit,
                             summary.n_unit == 1 ? "" : "s");
    return summary.exit_code;
  }
  const auto n_detection = summary.n_astrophysical + summary.n_known;
  std::cout << fmt::format(
      "{} detection{} ({} of known sources) and {} of interference in {} of {} beam{}: {}/report.html\n",
      n_detection, n_detection == 1 ? "" : "s", summary.n_known, summary.n_rfi,
      summary.n_beam - summary.n_failed, summary.n_beam, summary.n_beam == 1 ? "" : "s", o.output);
  return summary.exit_code;
}

const bool kRegistered = register_command<Options>(
    {"search", "Searches scans for dispersed pulses and writes detections, plots and a report",
     "Examples:\n"
     "  tianyan search configs/fast_frb.toml scan_dir -o run       every beam in a directory\n"
     "  tianyan search configs/fast_frb.toml beam.fil -o run --set search.dm_max_pc_cm3=1000\n"
     "  tianyan search configs/fast_frb.toml scan_dir -o run --resume\n"
     "  tianyan search configs/fast_frb.toml scan_dir -o run --inject configs/injections.toml\n"
     "  tianyan search configs/fast_frb.toml scan_dir -o run --part 3/76   then, of all parts, --finish\n"
     "RUN holds report.html, to look at first, detections.ecsv, candidates.ecsv with what was rejected and "
     "why,\n"
     "plots/, cutouts/, the formats that output.formats names, report.json and the config that was used.\n"
     "Exit code 3: done, but a beam failed or something was cut short; report.json and stderr name it."},
    declare, run);

}  // namespace
}  // namespace tianyan
