// Running another program and reading what it says; no shell is involved.
#pragma once
#include <string>
#include <vector>

namespace tianyan {

struct ProcessResult {
  int exit_code = -1;  ///< 128 + the signal that ended it; 127 where it could not be started
  bool timed_out = false;
  std::string out, err;
};

/// Runs argv[0], found in PATH, with nothing on its standard input and without the environment variables
/// whose names begin with one of `scrubbed`, but for those in `kept`. It is killed after timeout_s. Throws
/// std::runtime_error where no process can be made.
ProcessResult run_process(const std::vector<std::string>& argv, double timeout_s,
                          const std::vector<std::string>& scrubbed = {},
                          const std::vector<std::string>& kept = {});

/// Where this program lies; empty where the system does not say.
std::string program_path();

/// The text as one word of a POSIX shell, in single quotes. Throws std::invalid_argument where it has a NUL
/// or a line break.
std::string shell_word(const std::string& text);

}  // namespace tianyan
