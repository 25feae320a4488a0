// tianyan flag: interference of scans, as masks, cleaned files, tables and plots.
#include <iostream>

#include "pipeline/command.hpp"
#include "pipeline/flag.hpp"

namespace tianyan {
namespace {

struct Options : SharedOptions {
  std::string clean;
  bool overwrite = false, quiet = false;
};

void declare(CLI::App& command, Options& o) {
  add_config_argument(command, o);
  add_input_arguments(command, o);
  command.add_option("-o,--output", o.output, "The directory for masks, plots and tables")
      ->required()
      ->type_name("OUT");
  auto* clean = command.add_option("--clean", o.clean,
                                   "Writes cleaned spectra too; flagged samples become their channel's mean");
  clean->type_name("fil|fits|h5")->check([](const std::string& value) {
    return value.empty() ? "is empty: fil, fits or h5" : "";
  });
  add_set_option(command, o);
  add_threads_option(command, o);
  command.add_flag("--overwrite", o.overwrite, "Replace files of the same names in OUT");
  command.add_flag("-q,--quiet", o.quiet, "No progress");
}

ExitCode run(const Options& o) {
  FlagRequest request;
  request.config = load_config(o);
  request.inputs = o.inputs;
  request.output_directory = o.output;
  if (!o.clean.empty()) request.clean_extension = o.clean.front() == '.' ? o.clean : "." + o.clean;
  request.overwrite = o.overwrite;
  request.quiet = o.quiet;
  const auto summary = run_flag(request);
  for (const auto& line : summary.remarks) std::cerr << "tianyan: " << line << '\n';
  for (const auto& line : summary.lines) std::cout << line << '\n';
  std::cout << o.output << "/flags.ecsv\n";
  return summary.exit_code;
}

const bool kRegistered =
    register_command<Options>({"flag", "Flags interference: masks, plots, tables by frequency, cleaned files",
                               "Examples:\n"
                               "  tianyan flag configs/fast_frb.toml scan_dir -o flags\n"
                               "  tianyan flag configs/fast_frb.toml beam.fil -o flags --clean fil\n"
                               "  tianyan search configs/fast_frb.toml scan_dir -o run --mask flags\n"
                               "OUT holds of each beam M01_mask.h5 (docs/formats.md), M01_rfifind.mask for "
                               "PRESTO, M01.png, and of all beams\n"
                               "flags.ecsv and report.json. The rules are those of [rfi] in the config; a "
                               "search applies them by itself."},
                              declare, run);

}  // namespace
}  // namespace tianyan
