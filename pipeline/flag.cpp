// Flagging of all beams into a directory.
#include "pipeline/flag.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/beam_name.hpp"
#include "io/ecsv.hpp"
#include "io/json_text.hpp"
#include "io/text_file.hpp"
#include "pipeline/beam_runner.hpp"
#include "pipeline/flag_beam.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/memory_limit.hpp"
#include "pipeline/progress.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

// A beam with what flagging made of it.
struct Flagged {
  Beam* beam = nullptr;
  std::unique_ptr<FlagBeam> work;
  std::optional<FlagReport> report;
};

std::string file_of(const FlagRequest& request, int beam, const std::string& rest) {
  return (std::filesystem::path(request.output_directory) / (beam_name(beam) + rest)).string();
}

std::string table_file(const FlagRequest& request) {
  return (std::filesystem::path(request.output_directory) / "flags.ecsv").string();
}
std::string report_file(const FlagRequest& request) {
  return (std::filesystem::path(request.output_directory) / "report.json").string();
}

FlagFiles files_of(const FlagRequest& request, int beam) {
  FlagFiles files;
  files.mask = file_of(request, beam, "_mask.h5");
  files.rfifind = file_of(request, beam, "_rfifind.mask");
  if (request.config.output.plots) files.plot = file_of(request, beam, ".png");
  if (!request.clean_extension.empty())
    files.clean = file_of(request, beam, "_clean" + request.clean_extension);
  files.overwrite = request.overwrite;
  return files;
}

void check_output(const FlagRequest& request, const std::vector<Beam>& beams) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(request.output_directory, error);
  require(!error && fs::is_directory(request.output_directory), "{} cannot be made: {}",
          request.output_directory, error ? error.message() : "a file is in its place");
  if (request.overwrite) return;
  std::vector<std::string> paths = {table_file(request), report_file(request)};
  for (const auto& beam : beams) {
    const auto files = files_of(request, beam.number);
    for (const auto& path : {files.mask, files.rfifind, files.plot, files.clean})
      if (!path.empty()) paths.push_back(path);
  }
  for (const auto& path : paths)
    require(!fs::exists(path), "{} is there already: name another directory, or say --overwrite", path);
}

void check_memory(const LimitsConfig& limits, std::int64_t bytes, std::size_t n_beam) {
  expect_memory(bytes, limits,
                fmt::format("flagging {} beam{} needs", n_beam, n_beam == 1 ? "" : "s in step"),
                n_beam == 1 ? "shorten rfi.window_s" : "set rfi.beams.enabled = false");
}

// Flags these beams in step; a beam that fails is named.
void flag_group(const FlagRequest& request, BeamProgress& progress, std::vector<Flagged>& group,
                int n_threads) {
  const int n_worker = std::clamp(static_cast<int>(group.size()), 1, n_threads);
  std::vector<BeamStream*> streams;
  std::int64_t bytes = 0;
  for (auto& f : group) {
    f.work = std::make_unique<FlagBeam>(request.config, *f.beam->source, f.beam->number, n_threads / n_worker,
                                        files_of(request, f.beam->number));
    bytes += f.work->footprint_bytes();
    streams.push_back(f.work.get());
    progress.begin(f.beam->number);
  }
  check_memory(request.config.limits, bytes, group.size());
  run_in_step(
      streams, request.config.rfi.beams.threshold_sigma, n_worker,
      [&](std::size_t i) {
        const auto& beam = *group[i].beam;
        progress.update(beam.number, static_cast<std::int64_t>(group[i].work->done_s() /
                                                               beam.source->info().sample_time_s));
        if (interrupted()) throw Interrupted("while flagging, which begins again from the start");
      },
      [&](std::size_t i, const std::exception_ptr& failure) { note_failure(*group[i].beam, failure); });
  for (auto& f : group) {
    progress.end(f.beam->number, f.beam->source->info().n_time);
    const auto work = std::move(f.work);
    if (!f.beam->failure.empty()) continue;
    try {
      f.report = work->finish();
      if (request.config.output.plots)
        work->draw(fmt::format("{} {}", beam_name(f.beam->number), f.beam->source->info().source_name));
    } catch (const std::runtime_error& e) {
      f.beam->failure = e.what();
    }
  }
}

std::vector<Flagged> flag_all(const FlagRequest& request, std::vector<Beam>& beams) {
  const int n_threads = thread_count(request.config.limits);
  std::int64_t n_sample = 0;
  std::vector<std::vector<Flagged>> groups;
  const auto in_step = beams_in_step(request.config.rfi, beams);
  if (!in_step.empty()) groups.emplace_back();
  for (std::size_t i = 0; i < beams.size(); ++i) {
    if (!beams[i].failure.empty()) continue;
    n_sample += beams[i].source->info().n_time;
    if (std::find(in_step.begin(), in_step.end(), i) == in_step.end()) {
      groups.emplace_back();
      groups.back().push_back({&beams[i], nullptr, std::nullopt});
    } else {
      groups.front().push_back({&beams[i], nullptr, std::nullopt});
    }
  }
  if (groups.empty()) std::rethrow_exception(beams.front().thrown);
  BeamProgress progress("flag", static_cast<int>(beams.size()), n_sample, request.quiet);
  std::vector<Flagged> all;
  for (auto& group : groups) {
    flag_group(request, progress, group, n_threads);
    std::move(group.begin(), group.end(), std::back_inserter(all));
  }
  return all;
}

double share(std::int64_t n, std::int64_t total) {
  return total > 0 ? static_cast<double>(n) / static_cast<double>(total) : 0.0;
}

// One row for each stretch of the band of each beam.
Table table_of(const std::vector<Flagged>& all, const Config& config) {
  constexpr auto kFloat = ColumnType::kFloat64;
  std::vector<Column> columns = {{"beam", ColumnType::kInt64, "", "Beam of the receiver; 0: unknown", ""},
                                 {"freq_begin_mhz", kFloat, "MHz", "Lower edge", "%.4f"},
                                 {"freq_end_mhz", kFloat, "MHz", "Upper edge", "%.4f"},
                                 {"flagged", kFloat, "", "Fraction of the samples without weight", "%.6f"}};
  for (std::size_t r = 1; r < kFlagRuleNames.size(); ++r)
    columns.push_back(
        {std::string(kFlagRuleNames[r]), kFloat, "", "Fraction that this rule took first", "%.6f"});
  Table table(std::move(columns));
  table.meta.push_back({"version", std::string("tianyan ") + kVersion});
  table.meta.push_back({"config_hash", config_hash(config)});
  for (const auto& f : all) {
    if (!f.report) continue;
    for (const auto& band : f.report->bands) {
      std::vector<Cell> cells = {std::int64_t{f.beam->number}, band.begin, band.end, band.counts.fraction()};
      for (std::size_t r = 1; r < kFlagRuleNames.size(); ++r)
        cells.emplace_back(share(band.counts.by_rule[r], band.counts.total));
      table.add_row(std::move(cells));
    }
  }
  return table;
}

std::string line_of(const Flagged& f) {
  std::string line =
      fmt::format("{}: {:.2f} % flagged", beam_name(f.beam->number), 100.0 * f.report->counts.fraction());
  for (std::size_t r = 1; r < kFlagRuleNames.size(); ++r)
    if (f.report->counts.by_rule[r] > 0)
      line += fmt::format(", {} {:.2f}", kFlagRuleNames[r],
                          100.0 * share(f.report->counts.by_rule[r], f.report->counts.total));
  for (const auto& l : f.report->lines)
    if (2 * l.n_window >= f.report->n_window())
      line += fmt::format("; {:.2f} Hz ({:.2f} Hz x {})", l.frequency_hz, l.fundamental_hz, l.harmonic);
  return line;
}

}  // namespace

FlagSummary run_flag(const FlagRequest& asked) {
  FlagRequest request = asked;
  request.config.limits = limits_here(asked.config.limits);
  if (!request.clean_extension.empty())
    sink_format_for("x" + request.clean_extension);  // or says which it knows
  const auto found = find_inputs(request.inputs);
  auto beams = open_beams(found, request.config, "");
  check_output(request, beams);
  catch_interrupts(request.config.limits.wall_s);
  const auto all = flag_all(request, beams);
  FlagSummary summary;
  for (const auto& line : found.skipped) summary.remarks.push_back("skipped " + line);
  json report = json::array();
  for (const auto& f : all)
    if (f.report) {
      summary.lines.push_back(line_of(f));
      json one = to_json(*f.report);
      one["beam"] = f.beam->number;
      one["heavily_flagged"] = f.report->counts.fraction() > request.config.rfi.flagged_max;
      report.push_back(one);
      if (f.report->counts.fraction() > request.config.rfi.flagged_max)
        summary.remarks.push_back(heavily_flagged_text(f.beam->number, f.report->counts, request.config.rfi));
    }
  for (const auto& beam : beams) {
    if (!beam.failure.empty())
      summary.remarks.push_back(fmt::format("beam {} failed: {}", beam_name(beam.number), beam.failure));
    if (beam.source)
      for (const auto& note : beam.source->losses().notes) summary.remarks.push_back(note);
    if (!beam.failure.empty() || beam.source->losses().cut_short) summary.exit_code = ExitCode::kIncomplete;
  }
  require(!summary.lines.empty(), "no beam could be flagged: {}", beams.front().failure);
  write_ecsv(table_file(request), table_of(all, request.config));
  const json document = {{"version", kVersion},
                         {"config_hash", config_hash(request.config)},
                         {"remarks", summary.remarks},
                         {"beams", report}};
  write_text_file(report_file(request), dump_json(document, 1) + "\n");
  return summary;
}

}  // namespace tianyan
