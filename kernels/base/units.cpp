// Calendar arithmetic of Mjd.
#include "kernels/base/units.hpp"

#include <cmath>

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

}  // namespace tianyan
