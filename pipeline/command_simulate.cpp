// tianyan simulate: writes a scan with pulses and interference of known strength.
#include <fmt/format.h>

#include <iostream>

#include "pipeline/command.hpp"
#include "pipeline/progress.hpp"
#include "pipeline/simulate.hpp"

namespace tianyan {
namespace {

struct Options : SharedOptions {
  std::string scan;
  bool overwrite = false;
};

void declare(CLI::App& command, Options& options) {
  command
      .add_option("SCAN", options.scan,
                  "TOML file: [scan], [[pulse]], [[line]], [[impulse]]; of voltages [scan], [voltages], "
                  "[[pulse]]")
      ->required();
  command.add_option("-o,--out", options.output, "Directory of the files and of truth.json; made if need be")
      ->required()
      ->type_name("DIR");
  command.add_option("--set", options.set, "Sets one key of SCAN, e.g. scan.duration_s=10; may be repeated")
      ->allow_extra_args(false)
      ->type_name(kScanKeyValue);
  add_threads_option(command, options);
  command.add_flag("--overwrite", options.overwrite, "Replaces files that are there");
}

ExitCode run(const Options& options) {
  expect_allowed(options);
  const ScanSpec spec = load_scan(options.scan, options.set);
  SimulateOptions how;
  how.threads = std::max(options.threads, 0);
  how.overwrite = options.overwrite;
  Progress progress("simulate", scan_length(spec) * static_cast<std::int64_t>(spec.beams.size()));
  how.progress = [&progress](std::int64_t done, std::int64_t) { progress.update(done); };
  const auto paths = simulate_scan(spec, options.output, how);
  progress.finish();
  for (const std::string& path : paths) std::cout << path << '\n';
  std::cout << options.output << "/truth.json\n";
  return ExitCode::kDone;
}

const bool kRegistered = register_command<Options>(
    {"simulate", "Writes a scan with pulses and interference of known strength",
     "Examples:\n"
     "  tianyan simulate configs/demo_scan.toml -o demo_data\n"
     "  tianyan simulate configs/demo_scan.toml -o long --set scan.duration_s=10 --set scan.seed=2\n"
     "  tianyan simulate configs/demo_scan.toml -o fil --set scan.format=fil --set "
     "scan.channels_descending=true\n"
     "  tianyan simulate configs/voltages_scan.toml -o voltages --set scan.format=dada\n"
     "truth.json says what was put in: times at the centre of the highest channel, S/N of the optimal "
     "filter.\n"
     "scan.format raw, dada or voltages.h5 writes voltages: the band, scan.duration_s and [voltages]\n"
     "(n_coarse, n_pol, is_complex, n_bits, sigma) say how they are sampled. Times are then at the upper\n"
     "edge of the band, and [[line]] and [[impulse]] are refused."},
    declare, run);

}  // namespace
}  // namespace tianyan
