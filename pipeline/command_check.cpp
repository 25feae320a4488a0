// tianyan check: validates a config and shows what it amounts to.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "io/beam_name.hpp"
#include "pipeline/beam_runner.hpp"
#include "pipeline/command.hpp"
#include "pipeline/memory_limit.hpp"
#include "pipeline/policy.hpp"

namespace tianyan {
namespace {

struct Options : SharedOptions {
  bool print = false;
  bool print_policy = false;
  bool markdown = false;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("CONFIG", options.config, "TOML file; without one, the defaults are checked");
  command.add_option(
      "INPUT", options.inputs,
      "Files, directories or quoted globs that it is to search: may they be read, and can it?");
  command.add_option("-o,--output", options.output, "The run directory that it is to make: may it be there?")
      ->type_name("RUN");
  add_policy_option(command, options);
  add_set_option(command, options);
  add_threads_option(command, options);
  command.add_flag("--print", options.print, "Prints the effective config, a comment for each key");
  command.add_flag("--print-policy", options.print_policy, "Prints a policy to start from, commented");
  command.add_flag("--markdown", options.markdown, "Prints the reference of all keys")->group("");
}

// Plans the search of the inputs as `tianyan search` does before it begins; false where a beam cannot be
// searched.
bool check_inputs(Config config, const Options& options) {
  config.limits = limits_here(config.limits);
  auto beams = open_beams(find_inputs(options.inputs), config, "");
  Plans plans(config, beams);
  bind_beams(config, plans, beams);
  for (const auto& beam : beams)
    if (!beam.failure.empty())
      std::cerr << fmt::format("tianyan: beam {} failed: {}\n", beam_name(beam.number), beam.failure);
  return std::all_of(beams.begin(), beams.end(), [](const Beam& beam) { return beam.failure.empty(); });
}

ExitCode run(const Options& options) {
  if (options.markdown) {
    std::cout << config_reference_markdown();
    return ExitCode::kDone;
  }
  if (options.print_policy) {
    std::cout << print_open_policy();
    return ExitCode::kDone;
  }
  const Config config = load_config(options);
  const bool is_complete = options.inputs.empty() || check_inputs(config, options);
  if (options.print)
    std::cout << print_config(config);
  else
    std::cout << fmt::format("{}: valid, config hash {}\n",
                             options.config.empty() ? "defaults" : options.config, config_hash(config));
  return is_complete ? ExitCode::kDone : ExitCode::kIncomplete;
}

const bool kRegistered = register_command<Options>(
    {"check", "Validates a config; with --print shows the effective one",
     "Examples:\n"
     "  tianyan check configs/fast_frb.toml                            every mistake at once, each with its "
     "line\n"
     "  tianyan check --print > my_search.toml                         a config to start from: all keys, "
     "commented\n"
     "  tianyan check my_search.toml --set search.snr_min=8 --print    what a search would run with\n"
     "  tianyan check theirs.toml scan_dir -o run --policy site.toml   may it, and can it, search this?\n"
     "  tianyan check --print-policy > policy.toml                     a policy to start from"},
    declare, run);

}  // namespace
}  // namespace tianyan
