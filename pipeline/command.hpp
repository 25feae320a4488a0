// Subcommands: a new command is a new file with its options, declare() and run(), and one register_command().
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "pipeline/config.hpp"
#include "pipeline/exit_code.hpp"

namespace tianyan {

struct CommandText {
  std::string name;
  std::string summary;   ///< one line
  std::string examples;  ///< shown under the options of --help
};

using AddCommand = std::function<void(CLI::App& program, ExitCode& exit_code)>;
bool register_command(const CommandText& text, AddCommand add);

/// Every registered command, by name, becomes a subcommand; the one that runs sets `exit_code`.
void add_commands(CLI::App& program, ExitCode& exit_code);

/// `const bool kRegistered = register_command<Options>({"info", ...}, declare, run);` at namespace scope.
/// `run` is ExitCode(const Options&), or ExitCode(const Options&, const CLI::App& program) of a command that
/// looks at the others.
template <class Options, class Run>
bool register_command(const CommandText& text, void (*declare)(CLI::App& command, Options& options),
                      Run run) {
  return register_command(text, [text, declare, run](CLI::App& program, ExitCode& exit_code) {
    CLI::App* command = program.add_subcommand(text.name, text.summary);
    command->footer(text.examples);
    auto options = std::make_shared<Options>();  // lives as long as the callback that CLI11 keeps
    declare(*command, *options);
    command->callback([options, run, &program, &exit_code] {
      if constexpr (std::is_invocable_v<Run, const Options&>)
        exit_code = run(*options);
      else
        exit_code = run(*options, program);
    });
  });
}

/// What --set takes, in --help and for completion: a key of the config, or of SCAN.toml.
inline constexpr const char* kConfigKeyValue = "KEY=VALUE";
inline constexpr const char* kScanKeyValue = "SCAN.KEY=VALUE";

/// Options that several commands share. A command takes those that it needs with the add_ functions.
struct SharedOptions {
  std::string config;
  std::vector<std::string> inputs;
  std::vector<std::string> set;
  std::vector<std::string> policies;  ///< files, beside the site's
  std::string output;                 ///< what is made: a directory or a file
  std::string mask;
  std::string injections;
  int threads = -1;  ///< -1: as the config says
  bool json = false;
};
void add_config_argument(CLI::App& command, SharedOptions& options);  ///< CONFIG
void add_input_arguments(CLI::App& command, SharedOptions& options);  ///< INPUT...
void add_set_option(CLI::App& command, SharedOptions& options);       ///< --set key=value of the config
void add_policy_option(CLI::App& command, SharedOptions& options);    ///< --policy FILE
void add_threads_option(CLI::App& command, SharedOptions& options);   ///< --threads N
void add_json_option(CLI::App& command, SharedOptions& options);      ///< --json

/// CONFIG, then --set, then --threads, within what the site's policy and those of --policy allow. So are
/// inputs, output, mask and injections: throws std::invalid_argument with a line for each violation, before
/// any is read.
Config load_config(const SharedOptions& options);
/// The same for a command without a config.
void expect_allowed(const SharedOptions& options);

}  // namespace tianyan
