// The tianyan program: dispatches to a subcommand and turns exceptions into one clear line and an exit code.
#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "pipeline/command.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/subprocess.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

constexpr const char* kSummary =
    "tianyan searches recorded telescope scans for single pulses (fast radio bursts, pulsars).";
constexpr const char* kFooter =
    "A first search, on data made here:\n"
    "  tianyan simulate configs/demo_scan.toml -o demo_data\n"
    "  tianyan info demo_data\n"
    "  tianyan plan configs/demo.toml demo_data\n"
    "  tianyan search configs/demo.toml demo_data -o demo_run\n"
    "`tianyan COMMAND --help` shows the options and examples of each command.\n";

// Where configs/ of the examples is, seen from an installed program; empty where it is not installed.
std::string installed_configs() {
  std::error_code ignored;
  const std::filesystem::path program = program_path();
  const auto configs = program.parent_path().parent_path() / "share/tianyan/configs";
  return std::filesystem::is_directory(configs, ignored) ? configs.string() : "";
}

std::string footer() {
  std::string text = kFooter;
  if (const std::string configs = installed_configs(); !configs.empty())
    text += fmt::format("The configs of the examples are in {}.\n", configs);
  text += "Exit codes:";
  for (const auto& [code, meaning] : kExitCodes)
    text += fmt::format("\n  {:<2}  {}", static_cast<int>(code), meaning);
  return text;
}

void print_error(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) std::cerr << "tianyan: " << line << '\n';
}

std::string usage_error(const CLI::App& app, const CLI::ParseError& e) {
  const auto chosen = app.get_subcommands();
  if (!chosen.empty()) return fmt::format("{} (see `tianyan {} --help`)", e.what(), chosen[0]->get_name());
  const auto unknown = app.remaining();
  const std::string what = unknown.empty() ? e.what() : fmt::format("there is no command '{}'", unknown[0]);
  return what + " (see `tianyan --help`)";
}

ExitCode run_program(int argc, char** argv) {
  CLI::App app(kSummary, "tianyan");
  app.footer(footer());
  app.set_version_flag("--version", fmt::format("tianyan {}", kVersion));
  app.require_subcommand(1);
  ExitCode exit_code = ExitCode::kDone;
  add_commands(app, exit_code);
  try {
    app.parse(argc, argv);
    return exit_code;
  } catch (const CLI::Success& asked_for_text) {  // --help, --version
    app.exit(asked_for_text);
    return ExitCode::kDone;
  } catch (const CLI::ParseError& e) {
    print_error(usage_error(app, e));
    return ExitCode::kBadUsage;
  } catch (const Interrupted& e) {
    print_error(e.what());
    return ExitCode::kInterrupted;
  } catch (const std::invalid_argument& e) {
    print_error(e.what());
    return ExitCode::kBadUsage;
  } catch (const std::exception& e) {
    print_error(e.what());
    return ExitCode::kFailed;
  }
}

}  // namespace
}  // namespace tianyan

int main(int argc, char** argv) { return static_cast<int>(tianyan::run_program(argc, argv)); }
