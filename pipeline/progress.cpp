// Progress on stderr, so that stdout stays for results.
#include "pipeline/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "io/beam_name.hpp"

namespace tianyan {
namespace {

constexpr int kBarWidth = 30;
constexpr std::chrono::milliseconds kBarInterval{200};
constexpr std::chrono::milliseconds kLineInterval{60'000};

}  // namespace

Progress::Progress(std::string label, std::int64_t total, bool quiet)
    : label_(std::move(label)),
      total_(std::max<std::int64_t>(total, 1)),
      quiet_(quiet),
      is_terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_(start_) {}

void Progress::update(std::int64_t done) {
  done_ = std::min(done, total_);
  const auto now = Clock::now();
  if (quiet_ || now - last_ < (is_terminal_ ? kBarInterval : kLineInterval)) return;
  last_ = now;
  show();
}

void Progress::show() {
  const double fraction = static_cast<double>(done_) / static_cast<double>(total_);
  const double elapsed_s = std::chrono::duration<double>(Clock::now() - start_).count();
  const double left_s = fraction > 0.0 ? elapsed_s * (1.0 - fraction) / fraction : 0.0;
  const int filled = static_cast<int>(fraction * kBarWidth);
  if (is_terminal_) {
    const auto line = fmt::format("{} [{:#<{}}{:.<{}}] {:3.0f} % {:.0f} s left", label_, "", filled, "",
                                  kBarWidth - filled, 100.0 * fraction, left_s);
    fmt::print(stderr, "\r{:{}}", line, line_size_);  // blanks over the rest of a longer line
    line_size_ = line.size();
  } else {
    fmt::print(stderr, "{}: {:.0f} %, {:.0f} s left\n", label_, 100.0 * fraction, left_s);
  }
  std::fflush(stderr);
}

void Progress::finish() {
  if (line_size_ > 0) fmt::print(stderr, "\r{:{}}\r", "", line_size_);
  line_size_ = 0;
}

BeamProgress::BeamProgress(std::string source_name, int n_beam, std::int64_t total_samples, bool quiet)
    : source_name_(std::move(source_name)), n_beam_(n_beam), line_("", total_samples, quiet) {}

void BeamProgress::begin(int beam) {
  const std::lock_guard lock(mutex_);
  running_[beam] = 0;
}

void BeamProgress::update(int beam, std::int64_t done_samples) {
  const std::lock_guard lock(mutex_);
  running_[beam] = done_samples;
  show();
}

void BeamProgress::end(int beam, std::int64_t n_time) {
  const std::lock_guard lock(mutex_);
  running_.erase(beam);
  done_samples_ += n_time;
  ++n_done_;
  show();
}

std::string BeamProgress::label() const {
  const std::lock_guard lock(mutex_);
  return label_locked();
}

std::string BeamProgress::label_locked() const {
  std::string text = source_name_;
  std::size_t n_named = 0;
  for (const auto& [beam, done] : running_) {
    if (n_named++ == kNamed) {
      text += fmt::format(" and {} more", running_.size() - kNamed);
      break;
    }
    text += (text.empty() ? "" : " ") + beam_name(beam);
  }
  if (n_beam_ > 1) text += fmt::format(", {} of {} done", n_done_, n_beam_);
  return text;
}

void BeamProgress::show() {
  auto done = done_samples_;
  for (const auto& [beam, samples] : running_) done += samples;
  line_.set_label(label_locked());
  line_.update(done);
}

}  // namespace tianyan
