// Progress: a bar where stderr is a terminal, one line a minute where it is not.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace tianyan {

class Progress {
 public:
  /// `total` in any unit; nothing is shown while quiet.
  Progress(std::string label, std::int64_t total, bool quiet = false);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::int64_t done);
  /// Ends the bar's line.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  void show();

  std::string label_;
  std::int64_t total_, done_ = 0;
  bool quiet_, is_terminal_, line_open_ = false;
  Clock::time_point start_, last_;
};

}  // namespace tianyan
