// Manual pages, made of what --help is made of.
#pragma once
#include <string>

#include "pipeline/command_line.hpp"

namespace tianyan {

struct ManualText {
  std::string version;
  std::string date;     ///< "2024-01-31"
  std::string configs;  ///< where configs/ of the examples is installed
};

/// tianyan(1), as roff.
std::string man_page(const CommandLine& program, const ManualText& text);

/// tianyan-NAME(1) of one of the program's commands.
std::string man_page(const CommandLine& program, const CommandLine& command, const ManualText& text);

}  // namespace tianyan
