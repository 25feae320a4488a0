// Instants as calendar dates and times.
#pragma once
#include <string>

#include "kernels/base/units.hpp"

namespace tianyan {

/// "2020-05-31T00:00:04.000000", rounded to 1 us, in the time scale that the MJD is in. Seconds count from
/// the beginning of the day and are not stretched over a day that has a leap second. Throws
/// std::invalid_argument for an instant that no calendar date fits.
std::string iso_time(const Mjd& mjd, char separator = 'T');

/// "2020-05-31T00:00:04.000", the same rounded to 1 ms.
std::string iso_time_ms(const Mjd& mjd);

}  // namespace tianyan
