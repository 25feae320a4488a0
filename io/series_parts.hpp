// What the files of one scan must have in common and how they follow each other, of spectra and of voltages.
// A Part has the `path` of a file and its `info`.
#pragma once
#include <string>

#include "kernels/base/expect.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {

inline constexpr double kClockError_s = 2e-6;  ///< a double MJD, or one of 11 decimals, is good to 1 us
inline constexpr double kMaxGap_s =
    kSecondsPerDay;  ///< longer ones are mistakes: another scan, a wrong clock

/// Throws std::runtime_error naming both files and values unless `is_same`.
template <class Part, class T>
void require_same(const Part& a, const Part& b, const char* what, const T& value_a, const T& value_b,
                  bool is_same) {
  require(is_same, "{} and {} do not belong to one scan: {} is {} and {}; give them in separate runs", a.path,
          b.path, what, value_a, value_b);
}

/// From the end of a to the start of b, negative where they overlap. Throws std::runtime_error beyond
/// kMaxGap_s.
template <class Part>
double seconds_between(const Part& a, const Part& b) {
  const double late_s = b.info.start.seconds_since(a.info.start) - a.info.duration_s();
  require(late_s <= kMaxGap_s, "{} and {} are {} s apart; more than a day is not believed to be one scan",
          a.path, b.path, late_s);
  return late_s;
}

/// Files that are no further apart follow each other: half a sample, or the clocks' error.
template <class Part>
double contiguous_s(const Part& part) {
  const double half_s = 0.5 * part.info.sample_time_s;
  return half_s > kClockError_s ? half_s : kClockError_s;
}

}  // namespace tianyan
