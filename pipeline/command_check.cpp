// tianyan check: validates a config and shows what it amounts to.
#include <fmt/format.h>

#include <iostream>

#include "pipeline/command.hpp"

namespace tianyan {
namespace {

struct Options : SharedOptions {
  bool print = false;
  bool markdown = false;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("CONFIG", options.config, "TOML file; without one, the defaults are checked");
  add_set_option(command, options);
  add_threads_option(command, options);
  command.add_flag("--print", options.print, "Prints the effective config, a comment for each key");
  command.add_flag("--markdown", options.markdown, "Prints the reference of all keys")->group("");
}

ExitCode run(const Options& options) {
  if (options.markdown) {
    std::cout << config_reference_markdown();
    return ExitCode::kDone;
  }
  const Config config = load_config(options);
  if (options.print)
    std::cout << print_config(config);
  else
    std::cout << fmt::format("{}: valid, config hash {}\n",
                             options.config.empty() ? "defaults" : options.config, config_hash(config));
  return ExitCode::kDone;
}

const bool kRegistered = register_command<Options>(
    {"check", "Validates a config; with --print shows the effective one",
     "Examples:\n"
     "  tianyan check configs/fast_frb.toml                            every mistake at once, each with its "
     "line\n"
     "  tianyan check --print > my_search.toml                         a config to start from: all keys, "
     "commented\n"
     "  tianyan check my_search.toml --set search.snr_min=8 --print    what a search would run with"},
    declare, run);

}  // namespace
}  // namespace tianyan
