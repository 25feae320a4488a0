// tianyan completion: what lets the user's shell complete the program's commands.
#include "pipeline/completion.hpp"

#include <iostream>

#include "pipeline/command.hpp"

namespace tianyan {
namespace {

struct Options {
  std::string shell;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("SHELL", options.shell, "Whose script")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
      ->type_name("bash|zsh|fish");
}

ExitCode run(const Options& options, const CLI::App& program) {
  const CommandLine line = describe(program);
  std::cout << (options.shell == "bash"  ? bash_completion(line)
                : options.shell == "zsh" ? zsh_completion(line)
                                         : fish_completion(line));
  return ExitCode::kDone;
}

const bool kRegistered = register_command<Options>(
    {"completion", "Prints a script by which a shell completes commands, options and keys",
     "Examples:\n"
     "  source <(tianyan completion bash)                 in ~/.bashrc\n"
     "  tianyan completion zsh > ~/.zfunc/_tianyan        ~/.zfunc being in fpath before compinit\n"
     "  tianyan completion fish > ~/.config/fish/completions/tianyan.fish\n"
     "An installed program has these scripts where the shells look for them."},
    declare, run);

}  // namespace
}  // namespace tianyan
