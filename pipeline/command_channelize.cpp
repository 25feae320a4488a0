// tianyan channelize: spectra of one beam's voltages, in a file.
#include <fmt/format.h>

#include <iostream>

#include "pipeline/channelize.hpp"
#include "pipeline/command.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/progress.hpp"

namespace tianyan {
namespace {

struct Options : SharedOptions {
  int beam = 0;
  bool overwrite = false;
  double start_s = 0.0, duration_s = 0.0;
};

void declare(CLI::App& command, Options& options) {
  add_config_argument(command, options);
  add_input_arguments(command, options);
  command.add_option("-o,--out", options.output, "The new file; .fits, .fil or .h5 says which format")
      ->required()
      ->type_name("FILE");
  command.add_option("--beam", options.beam, "Which beam, where the input holds several")->type_name("N");
  command.add_flag("--overwrite", options.overwrite, "Replaces a file that is there");
  command.add_option("--start-s", options.start_s, "Leaves out what comes before")->type_name("SECONDS");
  command.add_option("--duration-s", options.duration_s, "Length to take; 0 is to the end")
      ->type_name("SECONDS");
  add_set_option(command, options);
  add_threads_option(command, options);
}

std::string numbers_of(const std::vector<BeamInput>& beams) {
  std::vector<int> numbers;
  for (const auto& input : beams) numbers.push_back(input.beam);
  return fmt::format("{}", fmt::join(numbers, ", "));
}

BeamInput one_beam(const FoundInputs& found, int beam) {
  for (const std::string& line : found.skipped) std::cerr << "tianyan: skipped " << line << '\n';
  expect(beam > 0 || found.beams.size() == 1, "the inputs hold beams {}: choose one with --beam",
         numbers_of(found.beams));
  for (const BeamInput& input : found.beams)
    if (beam == 0 || input.beam == beam) {
      expect(input.is_voltage, "{}: spectra already; `tianyan convert` rewrites them", input.paths.front());
      return input;
    }
  throw std::invalid_argument(fmt::format("the inputs hold beams {}, not {}", numbers_of(found.beams), beam));
}

void print(const ChannelizeResult& result) {
  const StreamInfo& i = result.info;
  for (const std::string& note : result.losses.notes) std::cerr << "tianyan: " << note << '\n';
  for (const std::string& path : result.paths) std::cout << path << '\n';
  std::cout << fmt::format("{} spectra of {:.4f} us, {} channels of {:.7f} MHz, {} product{}\n",
                           result.samples / (std::int64_t{i.n_pol} * i.n_chan * std::ssize(result.paths)),
                           i.sample_time_s * 1e6, i.n_chan, i.channel_width_mhz, i.n_pol,
                           i.n_pol == 1 ? "" : "s");
  if (result.missing_spectra > 0)
    std::cout << fmt::format(
        "{} spectra have no weight: voltages are missing there, or beyond the ends of the scan\n",
        result.missing_spectra);
  if (result.partial_spectra > 0)
    std::cout << fmt::format(
        "{} spectra have no weight in some of the coarse channels: voltages are missing there\n",
        result.partial_spectra);
  if (result.clipped_samples > 0)
    std::cout << fmt::format("{} of {} samples were beyond 8 bits and are clipped\n", result.clipped_samples,
                             result.samples);
}

ExitCode run(const Options& options) {
  ChannelizeRequest request;
  request.config = load_config(options);
  request.input = one_beam(find_inputs(options.inputs), options.beam);
  request.path = options.output;
  request.overwrite = options.overwrite;
  request.start_s = options.start_s;
  request.duration_s = options.duration_s;
  std::unique_ptr<Progress> progress;
  request.progress = [&progress](std::int64_t done, std::int64_t total) {
    if (!progress) progress = std::make_unique<Progress>("channelize", total);
    progress->update(done);
  };
  catch_interrupts(request.config.limits.wall_s);
  const ChannelizeResult result = channelize(request);
  if (progress) progress->finish();
  print(result);
  return result.losses.cut_short ? ExitCode::kIncomplete : ExitCode::kDone;
}

const bool kRegistered = register_command<Options>(
    {"channelize", "Makes spectra of one beam's voltages: filterbank, coherent dedispersion, detection",
     "Examples:\n"
     "  tianyan channelize configs/voltages.toml scan.raw -o beam01.fits\n"
     "  tianyan channelize \"\" scan_voltages.h5 --beam 3 -o beam03.fil --set channelize.channels=4096\n"
     "  tianyan channelize configs/voltages.toml scan.dada -o psr.fits --set channelize.products=iquv "
     "--set 'channelize.coherent_dm_pc_cm3=[56.77]'\n"
     "  tianyan channelize \"\" scan.vdif -o out.fits --set voltages.band_low_mhz=1400\n"
     "Input: GUPPI raw, DADA, VDIF, HDF5 voltages; `tianyan info` shows what is in them, `tianyan check "
     "--print` the "
     "keys of [channelize] and [voltages].\n"
     "Several coherent DMs give a file each. `tianyan search` takes voltages as they are, without a file "
     "between.\n"
     "Exit code 3: the voltages were cut short."},
    declare, run);

}  // namespace
}  // namespace tianyan
