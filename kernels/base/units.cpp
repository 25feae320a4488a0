// Calendar arithmetic of Mjd.
#include "kernels/base/units.hpp"

#include <erfa.h>
#include <erfam.h>

#include <cmath>

#include "kernels/base/expect.hpp"

namespace tianyan {

Mjd Mjd::plus_seconds(double seconds) const {
  Mjd later{day, second + seconds};
  const double days = std::floor(later.second / kSecondsPerDay);
  later.day += static_cast<std::int64_t>(days);
  later.second -= days * kSecondsPerDay;
  if (later.second >= kSecondsPerDay) {  // a hair before midnight rounds to the next day's first instant
    ++later.day;
    later.second = 0.0;
  }
  return later;
}

double tai_minus_utc_s(std::int64_t mjd_day) {
  int year = 0, month = 0, day_of_month = 0;
  double fraction = 0.0, seconds = 0.0;
  eraJd2cal(ERFA_DJM0, static_cast<double>(mjd_day), &year, &month, &day_of_month, &fraction);
  const int status = eraDat(year, month, day_of_month, 0.0, &seconds);  // 1: after the table was made
  expect(status >= 0, "TAI - UTC of MJD {}: eraDat gives {}", mjd_day, status);
  return seconds;
}

}  // namespace tianyan
