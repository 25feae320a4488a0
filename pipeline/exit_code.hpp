// Exit codes of the program: scripts and batch systems act on them.
#pragma once
#include <array>

namespace tianyan {

enum class ExitCode {
  kDone = 0,
  kFailed = 1,       ///< a file, a device or a bug
  kBadUsage = 2,     ///< of the command line or the config
  kIncomplete = 3,   ///< done, but something was skipped or cut short: the output names it
  kInterrupted = 75  ///< stopped by a signal or limits.wall_s, and resumable (EX_TEMPFAIL)
};

struct ExitCodeText {
  ExitCode code;
  const char* meaning;
};

/// As --help and the manual say it.
inline constexpr std::array<ExitCodeText, 5> kExitCodes = {{
    {ExitCode::kDone, "done"},
    {ExitCode::kFailed, "failed: a file, a device, a bug"},
    {ExitCode::kBadUsage, "bad usage or config"},
    {ExitCode::kIncomplete, "done, but something was skipped or cut short; the output names it"},
    {ExitCode::kInterrupted, "stopped by a signal or limits.wall_s, and resumable"},
}};

}  // namespace tianyan
