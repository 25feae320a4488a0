// place_rows: OFFS_SUB, NSUBOFFS and NSBLK made into one timeline.
#include "io/psrfits_rows.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/base/expect.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

constexpr double kMaxOffset_s = 100.0 * kSecondsPerDay;

class Placer {
 public:
  explicit Placer(const RowTimes& times) : times_(times), n_row_(std::ssize(times.n_valid)) {}

  RowTimeline place() {
    const std::int64_t first = first_timed_row();
    if (first == n_row_)
      place_contiguous();
    else
      place_timed(first);
    return std::move(timeline_);
  }

 private:
  double middle_s(std::int64_t row) const { return times_.middle_s[static_cast<std::size_t>(row)]; }
  std::int64_t n_valid(std::int64_t row) const { return times_.n_valid[static_cast<std::size_t>(row)]; }
  double row_s() const { return static_cast<double>(times_.rows_n_time) * times_.sample_time_s; }
  double before_s() const { return static_cast<double>(times_.rows_before) * row_s(); }

  /// Step from row a to b in samples.
  double step(std::int64_t a, std::int64_t b) const {
    return (middle_s(b) - middle_s(a)) / times_.sample_time_s;
  }

  bool is_timed(std::int64_t row) const {
    if (!std::isfinite(middle_s(row))) return false;
    if (middle_s(row) != 0.0) return true;
    // The first row may be at 0 where OFFS_SUB counts from the beginning of rows.
    return row == 0 && n_row_ > 1 && std::abs(step(0, 1) - static_cast<double>(n_valid(0))) <= 0.5;
  }

  std::int64_t first_timed_row() const {
    std::int64_t row = 0;
    while (row < n_row_ && (times_.middle_s.empty() || !is_timed(row))) ++row;
    return row;
  }

  void append(std::int64_t row) {
    timeline_.rows.push_back({row, timeline_.n_time, n_valid(row)});
    timeline_.n_time += n_valid(row);
  }

  void append_gap(std::int64_t n_time) {
    if (n_time == 0) return;
    const double gap_s = static_cast<double>(n_time) * times_.sample_time_s;
    require(gap_s <= kSecondsPerDay, "{}: a gap of {} s before row {}; more than a day is not believed",
            times_.file, gap_s, timeline_.rows.empty() ? 1 : timeline_.rows.back().row + 2);
    timeline_.n_time += n_time;
    timeline_.gap_samples += n_time;
    ++timeline_.n_gaps;
  }

  void place_contiguous() {
    timeline_.start_s = before_s();
    for (std::int64_t row = 0; row < n_row_; ++row) append(row);
  }

  void place_timed(std::int64_t first) {
    const auto n_before =
        std::accumulate(times_.n_valid.begin(), times_.n_valid.begin() + first, std::int64_t{0});
    set_start(middle_s(first) - 0.5 * row_s() - static_cast<double>(n_before) * times_.sample_time_s);
    append_gap(n_before);
    append(first);
    std::int64_t last = first, n_untimed = first;
    for (std::int64_t row = first + 1; row < n_row_; ++row) {
      if (is_timed(row)) {
        append_after(last, row);
        last = row;
      } else {
        ++n_untimed;
      }
    }
    append_gap(std::accumulate(times_.n_valid.begin() + last + 1, times_.n_valid.end(), std::int64_t{0}));
    if (n_untimed > 0)
      timeline_.notes.push_back(fmt::format("{}: {} of {} rows have no OFFS_SUB: taken as missing",
                                            times_.file, n_untimed, n_row_));
    note_drift(first, last);
  }

  void append_after(std::int64_t last, std::int64_t row) {
    const double late = step(last, row) - static_cast<double>(n_valid(last));
    require(late >= -0.5, "{}: row {} goes back in time: OFFS_SUB {} s after {} s of row {}; a row has {} s",
            times_.file, row + 1, middle_s(row), middle_s(last), last + 1, row_s());
    require(late * times_.sample_time_s <= kSecondsPerDay,
            "{}: a gap of {} s before row {}; more than a day is not believed", times_.file,
            late * times_.sample_time_s, row + 1);
    append_gap(late > 0.5 ? std::llround(late) : 0);
    append(row);
  }

  void set_start(double offs_sub_s) {
    require(std::abs(offs_sub_s) <= kMaxOffset_s,
            "{}: OFFS_SUB puts the first row {} s after the start; {} s are possible", times_.file,
            offs_sub_s, kMaxOffset_s);
    timeline_.start_s = before_s();
    if (std::abs(offs_sub_s - before_s()) <= 0.5 * times_.sample_time_s) return;
    timeline_.start_s = std::max(before_s(), offs_sub_s);
    timeline_.notes.push_back(fmt::format(
        "{}: NSUBOFFS puts the first sample {} s after the start, OFFS_SUB {} s: the later was taken",
        times_.file, before_s(), offs_sub_s));
  }

  /// Many steps, each within half a sample, may add up.
  void note_drift(std::int64_t first, std::int64_t last) {
    const auto n = timeline_.rows.back().first_sample - timeline_.rows.front().first_sample;
    const double drift = step(first, last) - static_cast<double>(n);
    if (std::abs(drift) > 0.5)
      timeline_.notes.push_back(
          fmt::format("{}: OFFS_SUB and TBIN drift apart by {:.2f} samples", times_.file, drift));
  }

  const RowTimes& times_;
  std::int64_t n_row_;
  RowTimeline timeline_;
};

}  // namespace

RowTimeline place_rows(const RowTimes& times) { return Placer(times).place(); }

}  // namespace tianyan
