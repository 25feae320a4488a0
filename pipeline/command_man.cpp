// tianyan man: its manual pages, which `cmake --install` puts where man looks.
#include <fmt/chrono.h>

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include "io/text_file.hpp"
#include "pipeline/command.hpp"
#include "pipeline/man_page.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

struct Options {
  std::string command, directory, configs;
};

void declare(CLI::App& command, Options& options) {
  command.group("");
  command.add_option("COMMAND", options.command, "Whose page; the program's unless given");
  command.add_option("-o,--output", options.directory, "Writes all pages there, instead of one to stdout")
      ->type_name("DIR");
  command.add_option("--configs", options.configs, "Where the configs of the examples are installed")
      ->type_name("DIR");
}

// Today, or the day that builds which are to be repeated bit for bit give.
std::string date() {
  std::time_t seconds = std::time(nullptr);
  if (const char* given = std::getenv("SOURCE_DATE_EPOCH"))
    std::from_chars(given, given + std::char_traits<char>::length(given), seconds);
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(seconds));
}

const CommandLine& command_of(const CommandLine& program, const std::string& name) {
  for (const auto& command : program.commands)
    if (command.name == name) return command;
  throw std::invalid_argument(fmt::format("there is no command '{}'", name));
}

ExitCode run(const Options& options, const CLI::App& app) {
  const CommandLine program = describe(app);
  const ManualText text{kVersion, date(), options.configs};
  if (options.directory.empty()) {
    std::cout << (options.command.empty() ? man_page(program, text)
                                          : man_page(program, command_of(program, options.command), text));
    return ExitCode::kDone;
  }
  write_text_file(options.directory + "/tianyan.1", man_page(program, text));
  for (const auto& command : program.commands)
    write_text_file(fmt::format("{}/tianyan-{}.1", options.directory, command.name),
                    man_page(program, command, text));
  return ExitCode::kDone;
}

const bool kRegistered = register_command<Options>(
    {"man", "Prints a manual page, as roff", "Examples:\n  tianyan man search | man -l -"}, declare, run);

}  // namespace
}  // namespace tianyan
