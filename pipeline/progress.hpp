// Progress: a bar where stderr is a terminal, one line a minute where it is not.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace tianyan {

/// Of one thing that is done, for one thread.
class Progress {
 public:
  /// `total` in any unit; nothing is shown while quiet.
  Progress(std::string label, std::int64_t total, bool quiet = false);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void set_label(std::string label) { label_ = std::move(label); }
  void update(std::int64_t done);
  /// Ends the bar's line.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  void show();

  std::string label_;
  std::int64_t total_, done_ = 0;
  std::size_t line_size_ = 0;  // of what stands on the terminal's line; 0 where it is clean
  bool quiet_, is_terminal_;
  Clock::time_point start_, last_;
};

/// Of the beams of a scan, one line for all that are searched at once; for any thread.
class BeamProgress {
 public:
  /// `total_samples` of all `n_beam` beams.
  BeamProgress(std::string source_name, int n_beam, std::int64_t total_samples, bool quiet);

  void begin(int beam);
  void update(int beam, std::int64_t done_samples);
  /// A beam that failed counts as done too.
  void end(int beam, std::int64_t n_time);
  /// "SOURCE M04 M05, 3 of 19 done": at most kNamed names.
  std::string label() const;

  static constexpr std::size_t kNamed = 4;

 private:
  std::string label_locked() const;
  void show();

  mutable std::mutex mutex_;
  std::string source_name_;
  int n_beam_, n_done_ = 0;
  std::int64_t done_samples_ = 0;        // of beams that are done
  std::map<int, std::int64_t> running_;  // samples done, by beam
  Progress line_;
};

}  // namespace tianyan
