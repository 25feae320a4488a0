// tianyan plan: what a search would do and cost, before it runs.
#include <iostream>
#include <nlohmann/json.hpp>

#include "io/beam_name.hpp"
#include "io/json_text.hpp"
#include "io/source.hpp"
#include "pipeline/beam_search.hpp"
#include "pipeline/command.hpp"
#include "pipeline/memory_limit.hpp"
#include "pipeline/open_input.hpp"
#include "pipeline/result_json.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

struct Options : SharedOptions {};

void declare(CLI::App& command, Options& o) {
  add_config_argument(command, o);
  add_input_arguments(command, o);
  add_set_option(command, o);
  add_threads_option(command, o);
  add_policy_option(command, o);
  add_json_option(command, o);
}

double gigabytes(std::int64_t bytes) { return static_cast<double>(bytes) / 1e9; }

void print_beam(const BeamSearch& search, const Config& config, const StreamInfo& info, int beam,
                int n_threads, const ChosenDevices& devices) {
  const auto& plan = search.plan();
  std::cout << fmt::format("beam {} {}: {:.3f} s, {} channels, {:.1f}-{:.1f} MHz, {:.3f} us samples\n",
                           beam_name(beam), info.source_name, info.duration_s(), info.n_chan,
                           info.freq_low_mhz, info.ref_freq_mhz(), info.sample_time_s * 1e6);
  std::cout << fmt::format("{:>5} {:>10} {:>10} {:>8} {:>7} {:>9} | loss in % for {:.3f} ms pulses:\n",
                           "down", "DM from", "to", "step", "trials", "width to",
                           config.search.width_min_s * 1e3);
  std::cout << fmt::format(
      "{:>5} {:>10} {:>10} {:>8} {:>7} {:>9} | {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6}\n", "", "pc/cm3",
      "pc/cm3", "pc/cm3", "", "ms", "step", "delay", "down", "quant", "boxcar", "bands", "smear");
  for (const auto& p : plan.passes)
    std::cout << fmt::format(
        "{:>5} {:>10.2f} {:>10.2f} {:>8.4f} {:>7} {:>9.2f} | {:>6.2f} {:>6.2f} {:>6.2f} {:>6.2f} {:>6.2f} "
        "{:>6.2f} {:>6.2f}\n",
        p.downsampling(), p.dm_begin_pc_cm3(), p.dm_end_pc_cm3(), p.dm_step_pc_cm3(), p.fdmt.n_trial(),
        p.boxcar.widths_samples().back() * static_cast<double>(p.downsampling()) * info.sample_time_s * 1e3,
        100 * p.loss.dm_step, 100 * p.loss.delay_rounding, 100 * p.loss.downsampling,
        100 * p.loss.quantisation, 100 * p.loss.boxcar, 100 * p.loss.flagged_band, 100 * p.loss.smearing);
  if (config.rfi.zero_dm_filter.enabled) {
    std::cout << "rfi.zero_dm_filter takes of these, in %:";
    for (const auto& p : plan.passes) std::cout << fmt::format(" {:.2f}", 100 * p.loss.zero_dm_filter);
    std::cout << '\n';
  }
  const auto& f = search.footprint();
  std::cout << fmt::format("{} trials; statistics windows of {:.3f} s, blocks of {:.3f} s\n", plan.n_trial(),
                           static_cast<double>(plan.window_samples) * info.sample_time_s,
                           static_cast<double>(plan.block_samples) * info.sample_time_s);
  std::cout << fmt::format(
      "memory {:.2f} GB: reading {:.2f}, conditioning {:.2f}, searching {:.2f}; limit {:.2f}\n",
      gigabytes(f.total()), gigabytes(f.reading), gigabytes(f.conditioning), gigabytes(f.searching),
      gigabytes(config.limits.memory_bytes));
  if (devices.any())
    std::cout << fmt::format("device memory {:.2f} GB; {} has {:.2f} GB for searches\n", gigabytes(f.device),
                             devices.devices.front().name, gigabytes(devices.devices.front().usable_bytes));
  std::cout << fmt::format(
      "{:.2g} additions per second of data; by a model of {:.1f}e9 samples and {:.0f}e9 additions a second "
      "and "
      "core, about {:.1f} s on {} thread{}\n",
      plan.additions_per_data_s, kSamplesPerCoreS / 1e9, kAdditionsPerCoreS / 1e9,
      modelled_s(plan, info, n_threads), n_threads, n_threads == 1 ? "" : "s");
}

ExitCode run(const Options& o) {
  Config config = load_config(o);
  config.limits = limits_here(config.limits);
  const auto found = find_inputs(o.inputs);
  const int n_threads = thread_count(config.limits);
  const auto devices = choose_devices(config);
  json beams = json::array();
  for (const auto& input : found.beams) {
    const auto source = open_input(input, config);
    const BeamSearch search(config, *source, input.beam, n_threads, make_search_plan(config, source->info()),
                            whole_stream(source->info()), devices.of(0));
    if (!o.json) {
      print_beam(search, config, source->info(), input.beam, n_threads, devices);
      continue;
    }
    json one = to_json(search.plan());
    one["beam"] = input.beam;
    one["memory_bytes"] = search.footprint().total();
    one["device_bytes"] = search.footprint().device;
    beams.push_back(one);
  }
  if (o.json) std::cout << dump_json(beams, 1) << '\n';
  for (const auto& line : found.skipped) std::cerr << "tianyan: skipped " << line << '\n';
  return ExitCode::kDone;
}

const bool kRegistered = register_command<Options>(
    {"plan", "Shows the DM plan of a search, its losses by cause, its memory and work; changes nothing",
     "Examples:\n"
     "  tianyan plan configs/fast_frb.toml beam.fits\n"
     "  tianyan plan configs/fast_frb.toml scan_dir --set search.snr_loss_max=0.05 --json\n"
     "Losses are fractions of the S/N of the narrowest pulse of the config, search.width_min_s, in the "
     "middle\n"
     "of each row's DM range. step + delay + down stay within search.snr_loss_max; smear is in the recorded "
     "data."},
    declare, run);

}  // namespace
}  // namespace tianyan
