// tianyan convert: rewrites one beam's spectra in another file format.
#include <fmt/format.h>

#include <iostream>

#include "pipeline/command.hpp"
#include "pipeline/convert.hpp"
#include "pipeline/progress.hpp"

namespace tianyan {
namespace {

struct Options : SharedOptions {
  ConvertOptions convert;
};

void declare(CLI::App& command, Options& options) {
  add_input_arguments(command, options);
  command.add_option("-o,--out", options.output, "The new file; .fil, .fits or .h5 says which format")
      ->required()
      ->type_name("FILE");
  command.add_flag("--overwrite", options.convert.overwrite, "Replaces a file that is there");
  command.add_option("--start-s", options.convert.start_s, "Leaves out what comes before")
      ->type_name("SECONDS");
  command.add_option("--duration-s", options.convert.duration_s, "Length to take; 0 is to the end")
      ->type_name("SECONDS");
}

std::unique_ptr<Source> open_one_beam(const std::vector<std::string>& inputs) {
  const FoundInputs found = find_inputs(inputs);
  for (const std::string& line : found.skipped) std::cerr << "tianyan: skipped " << line << '\n';
  expect(found.beams.size() == 1, "the inputs hold {} beams; a file holds one: name the files of one beam",
         found.beams.size());
  expect(!found.beams[0].is_voltage, "{}: voltages; `tianyan channelize` makes spectra of them",
         found.beams[0].paths.front());
  auto source = open_series(found.beams[0].paths);
  for (const std::string& note : source->losses().notes) std::cerr << "tianyan: " << note << '\n';
  return source;
}

ExitCode run(const Options& options) {
  expect_allowed(options);
  const auto source = open_one_beam(options.inputs);
  Progress progress("convert", source->info().n_time);
  ConvertOptions how = options.convert;
  how.path = options.output;
  how.progress = [&progress](std::int64_t done, std::int64_t) { progress.update(done); };
  const ConvertResult result = convert(*source, how);
  progress.finish();
  std::cout << fmt::format("{}: {} spectra, {}\n", how.path, result.n_time,
                           result.as_values
                               ? "calibrated float32 values, since this format keeps no scales or weights"
                               : "recorded samples unchanged");
  if (result.zeroed_samples > 0)
    std::cout << fmt::format("{}: {} flagged or missing samples are written as 0\n", how.path,
                             result.zeroed_samples);
  if (result.fixed_pointing)
    std::cout << fmt::format("{}: the beam moved, and this format holds where it looked at first alone\n",
                             how.path);
  return source->losses().cut_short ? ExitCode::kIncomplete : ExitCode::kDone;
}

const bool kRegistered =
    register_command<Options>({"convert", "Rewrites one beam's spectra as SIGPROC, PSRFITS or FBH5",
                               "Examples:\n"
                               "  tianyan convert scan_dir/*-M01_*.fits -o beam01.fil\n"
                               "  tianyan convert beam01.fil -o piece.h5 --start-s 2.5 --duration-s 1\n"
                               "Samples are copied bit for bit. Where PSRFITS scales, offsets or weights "
                               "matter and the new format keeps none,\n"
                               "calibrated float32 values are written, a flagged sample as 0."},
                              declare, run);

}  // namespace
}  // namespace tianyan
