// Time scales and the Earth's position from ERFA.
#include "kernels/barycentre.hpp"

#include <erfa.h>
#include <erfam.h>

#include <cmath>
#include <limits>

#include "kernels/base/expect.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

using Vector = std::array<double, 3>;

constexpr std::int64_t kFirstDay = 41317, kEndDay = 88069;  // 1972-01-01: whole leap seconds; 2100-01-01
constexpr double kMinRadius_m = 6.3e6, kMaxRadius_m = 6.4e6;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Of one day, so that an instant can be moved in TT and its rotation of the Earth still be found.
struct Instant {
  Mjd tt;
  double tt_minus_utc_s = 0.0;

  Mjd ut() const { return tt.plus_seconds(-tt_minus_utc_s); }
};

/// As ERFA takes a date: two parts.
struct TwoParts {
  double day, fraction;
  explicit TwoParts(const Mjd& mjd)
      : day(ERFA_DJM0 + static_cast<double>(mjd.day)), fraction(mjd.second / kSecondsPerDay) {}
};

Instant instant_of(const Mjd& utc) {
  expect(has_barycentric_time(utc), "barycentric time of MJD {}: must be in [{}, {}), the years 1972 to 2099",
         utc.day, kFirstDay, kEndDay);
  expect(utc.second >= 0.0 && utc.second < kSecondsPerDay + 1.0,
         "barycentric time of MJD {}, second {}: the second must be in [0, 86401)", utc.day, utc.second);
  const double offset_s = tai_minus_utc_s(utc.day) + ERFA_TTMTAI;
  return {utc.plus_seconds(offset_s), offset_s};
}

double radius_m(const Vector& itrf_m) { return std::hypot(itrf_m[0], itrf_m[1], itrf_m[2]); }

void check(const SkyPosition& source, const Vector& itrf_m) {
  expect(source.known() && std::abs(source.dec_deg) <= 90.0,
         "barycentric time for right ascension {}, declination {} degrees: must be a known position",
         source.ra_deg, source.dec_deg);
  expect(is_on_earth(itrf_m),
         "barycentric time at ITRF ({}, {}, {}) m, {} m from the Earth's centre: must be in ({}, {})",
         itrf_m[0], itrf_m[1], itrf_m[2], radius_m(itrf_m), kMinRadius_m, kMaxRadius_m);
}

double tdb_minus_tt_s(const Instant& at, const Vector& itrf_m) {
  const TwoParts tt(at.tt);
  return eraDtdb(tt.day, tt.fraction, at.ut().second / kSecondsPerDay, std::atan2(itrf_m[1], itrf_m[0]),
                 std::hypot(itrf_m[0], itrf_m[1]) / 1e3, itrf_m[2] / 1e3);
}

/// Site from the Earth's centre, in the GCRS, in light seconds.
Vector site_light_s(const Instant& at, const Vector& itrf_m) {
  const TwoParts tt(at.tt), ut(at.ut());
  double to_itrf[3][3], site_m[3];
  eraC2t06a(tt.day, tt.fraction, ut.day, ut.fraction, 0.0, 0.0, to_itrf);
  double itrf[3] = {itrf_m[0], itrf_m[1], itrf_m[2]};
  eraTrxp(to_itrf, itrf, site_m);
  return {site_m[0] / ERFA_CMPS, site_m[1] / ERFA_CMPS, site_m[2] / ERFA_CMPS};
}

/// Earth's centre from the barycentre, in light seconds.
Vector earth_light_s(const Mjd& tdb) {
  const TwoParts date(tdb);
  double heliocentric[2][3], barycentric[2][3];
  eraEpv00(date.day, date.fraction, heliocentric, barycentric);
  return {barycentric[0][0] * ERFA_AULT, barycentric[0][1] * ERFA_AULT, barycentric[0][2] * ERFA_AULT};
}

double roemer_delay_s(const Instant& at, const Mjd& tdb, const SkyPosition& source, const Vector& itrf_m) {
  double n[3];
  eraS2c(source.ra_deg * kRadPerDeg, source.dec_deg * kRadPerDeg, n);
  const Vector earth = earth_light_s(tdb), site = site_light_s(at, itrf_m);
  double delay_s = 0.0;
  for (std::size_t i = 0; i < 3; ++i) delay_s += n[i] * (earth[i] + site[i]);
  return delay_s;
}

Mjd barycentric_tdb_of(const Instant& at, const SkyPosition& source, const Vector& itrf_m) {
  check(source, itrf_m);
  const double to_tdb_s = tdb_minus_tt_s(at, itrf_m);
  const Mjd tdb = at.tt.plus_seconds(to_tdb_s);
  return at.tt.plus_seconds(to_tdb_s + roemer_delay_s(at, tdb, source, itrf_m));
}

}  // namespace

bool has_barycentric_time(const Mjd& utc) { return utc.day >= kFirstDay && utc.day < kEndDay; }

bool is_on_earth(const std::array<double, 3>& itrf_m) {
  return radius_m(itrf_m) > kMinRadius_m && radius_m(itrf_m) < kMaxRadius_m;
}

Mjd barycentric_tdb(const Mjd& utc, const SkyPosition& source, const std::array<double, 3>& itrf_m) {
  return barycentric_tdb_of(instant_of(utc), source, itrf_m);
}

// bary - utc changes by 1.1e-4 of a change of utc at most, so each round leaves so much of the error: of 600
// s at first, 1e-13 s after the fourth. A leap second on the way takes one more.
Mjd topocentric_utc(const Mjd& tdb, const SkyPosition& source, const std::array<double, 3>& itrf_m) {
  Mjd utc = tdb;
  double step_s = kInfinity;
  for (int round = 0; round < 6 && std::abs(step_s) > 1e-9; ++round) {
    step_s = tdb.seconds_since(barycentric_tdb(utc, source, itrf_m));
    utc = utc.plus_seconds(step_s);
  }
  return utc;
}

Mjd infinite_frequency_barycentric(const Mjd& utc, double freq_mhz, double dm_pc_cm3,
                                   const SkyPosition& source, const std::array<double, 3>& itrf_m) {
  expect(freq_mhz > 0.0, "frequency {} MHz: must be above 0", freq_mhz);
  expect(std::isfinite(dm_pc_cm3), "DM {} pc/cm^3: must be finite", dm_pc_cm3);
  Instant at = instant_of(utc);
  // In TT, which has no leap seconds.
  at.tt = at.tt.plus_seconds(-dispersion_delay_s(dm_pc_cm3, freq_mhz, kInfinity));
  return barycentric_tdb_of(at, source, itrf_m);
}

}  // namespace tianyan
