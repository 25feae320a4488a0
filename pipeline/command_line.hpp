// The program's commands and options as CLI11 holds them: what shell completion and man pages are made of.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace tianyan {

/// An option or, where it has no names, an argument.
struct OptionText {
  enum class Takes { kNothing, kText, kFile, kDirectory, kWord };
  std::vector<std::string> names;  ///< "-o", "--output"
  std::string value;               ///< "FILE"; empty of a flag
  std::string meaning;
  Takes takes = Takes::kNothing;
  std::vector<std::string> words;     ///< of kWord; one that ends in '=' is the beginning of a value
  std::vector<std::string> excludes;  ///< names of options that it cannot stand beside
  bool required = false;
  bool many = false;  ///< may be given again
};

struct CommandLine {
  std::string name;     ///< "search"
  std::string summary;  ///< one line
  std::string footer;   ///< "Examples:", indented lines, remarks; "Exit code 3: ..." at the end
  std::vector<OptionText> arguments, options;
  std::vector<CommandLine> commands;
};

/// Of the program or a command, without what is hidden from --help. The name of a value says what it may be:
/// "fil|fits|h5" or CLI::IsMember one of these words, DIR, OUT and RUN a directory, KEY=VALUE a key of the
/// config, N and SECONDS a number; all else is a file.
CommandLine describe(const CLI::App& app);

}  // namespace tianyan
