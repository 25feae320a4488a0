// What asks a run to stop, a signal or its time: it ends between two windows with exit code 75, and --resume
// goes on.
#pragma once
#include <exception>
#include <string>

namespace tianyan {

/// From here on SIGINT, SIGTERM and SIGUSR1 are remembered; a second one of a kind ends the program at once.
/// So is, after wall_s seconds, that the time is over; 0: it never is.
void catch_interrupts(double wall_s);
/// Whether one of them has come.
bool interrupted();

/// Thrown where work stops for it. No runtime_error: it is nobody's failure.
class Interrupted : public std::exception {
 public:
  /// "stopped by a signal WHERE" or "stopped by limits.wall_s WHERE"
  explicit Interrupted(const std::string& where);
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

}  // namespace tianyan
