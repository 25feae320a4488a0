// The registry of subcommands and the options that they share.
#include "pipeline/command.hpp"

#include <fmt/format.h>

#include <map>

#include "pipeline/policy.hpp"

namespace tianyan {
namespace {

/// A registry is the one global that the project allows: files add to it before main starts.
std::map<std::string, AddCommand>& registry() {
  static std::map<std::string, AddCommand> commands;
  return commands;
}

}  // namespace

bool register_command(const CommandText& text, AddCommand add) {
  return registry().emplace(text.name, std::move(add)).second;
}

void add_commands(CLI::App& program, ExitCode& exit_code) {
  for (const auto& [name, add] : registry()) add(program, exit_code);
}

void add_config_argument(CLI::App& command, SharedOptions& options) {
  command.add_option("CONFIG", options.config, "TOML file; `tianyan check` explains its keys")->required();
}

void add_input_arguments(CLI::App& command, SharedOptions& options) {
  command.add_option("INPUT", options.inputs, "Files, directories or quoted globs of one scan")->required();
}

void add_set_option(CLI::App& command, SharedOptions& options) {
  command.add_option("--set", options.set, "Sets one key, e.g. search.dm_max_pc_cm3=1000; may be repeated")
      ->allow_extra_args(false)
      ->type_name(kConfigKeyValue);
}

void add_threads_option(CLI::App& command, SharedOptions& options) {
  command.add_option("--threads", options.threads, "Threads; 0 takes all that the machine offers")
      ->check(CLI::Range(0, 4096))
      ->type_name("N");
}

void add_json_option(CLI::App& command, SharedOptions& options) {
  command.add_flag("--json", options.json, "Prints JSON for programs to read");
}

void add_policy_option(CLI::App& command, SharedOptions& options) {
  command
      .add_option(
          "--policy", options.policies,
          "A policy that holds beside the site's: what configs may ask for, and where jobs may read and "
          "write")
      ->allow_extra_args(false)
      ->type_name("FILE");
}

Config load_config(const SharedOptions& options) {
  std::vector<std::string> set = options.set;
  if (options.threads >= 0) set.push_back(fmt::format("limits.threads={}", options.threads));
  auto inputs = options.inputs;
  for (const auto& path : {options.mask, options.injections})
    if (!path.empty()) inputs.push_back(path);
  const auto policies = load_policies(options.policies);
  return load_config(options.config, set, [&](Config& config, ReadReport& report) {
    for (const auto& policy : policies) {
      apply_policy(policy, config, report);
      check_paths(policy, inputs, options.output, report);
    }
  });
}

void expect_allowed(const SharedOptions& options) {
  SharedOptions paths;
  paths.inputs = options.inputs;
  paths.output = options.output;
  paths.policies = options.policies;
  load_config(paths);
}

}  // namespace tianyan
