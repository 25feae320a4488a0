// Dates by ERFA; times of the day in whole microseconds.
#include "io/iso_time.hpp"

#include <erfa.h>
#include <erfam.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "kernels/base/expect.hpp"

namespace tianyan {

std::string iso_time(const Mjd& mjd, char separator) {
  constexpr std::int64_t kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
  expect(mjd.second >= 0.0 && mjd.second <= kSecondsPerDay, "MJD {} + {} s is out of range", mjd.day,
         mjd.second);
  const std::int64_t us = std::llround(mjd.second * static_cast<double>(kSecond));
  int year = 0, month = 0, day = 0;
  double fraction = 0.0;
  const int status =
      eraJd2cal(ERFA_DJM0, static_cast<double>(mjd.day + us / kDay), &year, &month, &day, &fraction);
  expect(status == 0, "MJD {} + {} s is not a date", mjd.day, mjd.second);
  const std::int64_t time = us % kDay;
  return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}.{:06}", year, month, day, separator, time / kHour,
                     time / kMinute % 60, time / kSecond % 60, time % kSecond);
}

std::string iso_time_ms(const Mjd& mjd) {
  const std::string text = iso_time({mjd.day, std::round(mjd.second * 1e3) / 1e3});
  return text.substr(0, text.size() - 3);
}

}  // namespace tianyan
