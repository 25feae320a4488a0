// Scripts that let a shell complete the program's commands, options and values.
#pragma once
#include <string>

#include "pipeline/command_line.hpp"

namespace tianyan {

/// To be sourced by bash 4.4 or newer.
std::string bash_completion(const CommandLine& program);

/// A file `_tianyan` for a directory of zsh's fpath.
std::string zsh_completion(const CommandLine& program);

/// To be sourced by fish 3.
std::string fish_completion(const CommandLine& program);

}  // namespace tianyan
