// Progress on stderr, so that stdout stays for results.
#include "pipeline/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

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
  if (is_terminal_)
    fmt::print(stderr, "\r{} [{:#<{}}{:.<{}}] {:3.0f} % {:.0f} s left ", label_, "", filled, "",
               kBarWidth - filled, 100.0 * fraction, left_s);
  else
    fmt::print(stderr, "{}: {:.0f} %, {:.0f} s left\n", label_, 100.0 * fraction, left_s);
  line_open_ = is_terminal_;
  std::fflush(stderr);
}

void Progress::finish() {
  if (line_open_) fmt::print(stderr, "\r{:{}}\r", "", label_.size() + kBarWidth + 30);
  line_open_ = false;
}

}  // namespace tianyan
