// Signals that ask a run to stop: it ends between two windows with exit code 75, and --resume goes on.
#pragma once
#include <exception>
#include <string>

namespace tianyan {

/// From here on SIGINT, SIGTERM and SIGUSR1 are remembered; a second one ends the program at once.
void catch_interrupts();
/// Whether one of them has come.
bool interrupted();

/// Thrown where work stops for a signal. No runtime_error: it is nobody's failure.
class Interrupted : public std::exception {
 public:
  explicit Interrupted(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

}  // namespace tianyan
