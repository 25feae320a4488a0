// Arrival times as a clock at rest at the solar system's barycentre would have them, and back.
#pragma once
#include <array>

#include "kernels/base/sky.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {

/// Whether there are barycentric times of that day: 1972, when leap seconds became whole, to 2099.
bool has_barycentric_time(const Mjd& utc);

/// Whether a site's distance from the Earth's centre is one of its surface's.
bool is_on_earth(const std::array<double, 3>& itrf_m);

/// Barycentric TDB of the arrival at UTC `utc` at a site:
///
///   TT  = UTC + (TAI - UTC) + 32.184 s                   leap seconds of ERFA's table (eraDat)
///   TDB = TT + eraDtdb(TT, UT, site)
///   result = TDB + n . r / c,   r = earth + site         the Roemer delay
///
/// with n the unit vector to the source, earth the Earth's barycentric position (eraEpv00) and site = itrf_m
/// turned into the GCRS (eraC2t06a). This is TDB + light_travel_time(source) of astropy with its built-in
/// ephemeris, which the field's scripts for bursts use, to 3.6 us: 1.5 us of the Earth's rotation (below),
/// and 2.1 us as light_travel_time takes aberration out of the direction from the Earth's centre to the site,
/// which has none.
///
/// What it leaves out, in time of arrival:
///   - errors of eraEpv00 against JPL DE405: 15 us rms, 45 us at most (4.6 and 13.4 km, 1900 to 2100);
///   - UT1 is taken as UTC: 1.4 us at most (0.9 s of the equator's 465 m/s); polar motion, 0.06 us (0.6");
///   - the Sun's Shapiro delay, as astropy does (tempo2 has it): (2 G M / c^3) ln(2 / (1 - cos elongation)),
///     7 us at 90 degrees from the Sun, 48 us at 10 degrees, 119 us at its limb;
///   - the source's parallax: 1.2 us at 1 kpc; the observatory's clock against UTC.
///
/// `utc` counts a leap second as seconds 86400 to 86401 of its day. Days after ERFA's table was made are
/// taken to have no new leap second (none since 2017): where one comes, update ERFA. `itrf_m` is a Site's.
/// Throws std::invalid_argument: day outside 1972 to 2099, second outside [0, 86401), position unknown or
/// declination outside +-90 degrees, a site that is not on the Earth.
Mjd barycentric_tdb(const Mjd& utc, const SkyPosition& source, const std::array<double, 3>& itrf_m);

/// The reverse: the UTC whose barycentric_tdb() is `tdb`, to 1e-10 s. Where that is within a leap second, or
/// by rounding at its end, it may be one second off. Throws as barycentric_tdb(), days being those of `tdb`
/// or next to them.
Mjd topocentric_utc(const Mjd& tdb, const SkyPosition& source, const std::array<double, 3>& itrf_m);

/// barycentric_tdb() for infinite frequency: of the instant K DM / f^2 seconds before the arrival at
/// `freq_mhz`, K = kDispersionConstant.
///
/// Frequency and DM are those at the telescope, as measured: then this is exact, as a pulse that obeys
/// t = t_inf + K DM / f^2 at the telescope has t_inf there, whatever the Earth's velocity v. PRESTO, tempo
/// and PINT give a DM at the barycentre, and Doppler-shift the frequency to go with it: with b = n . v / c
/// (1e-4 at most), dt_bary = (1 + b) dt, f_bary = f / (1 + b), hence DM_bary = DM / (1 + b). To use such a
/// DM, from a catalogue, multiply it by 1 + b first; if not, the result is wrong by 1e-4 of the delay (0.4 ms
/// for DM 1000 at 1 GHz).
///
/// Also throws where freq_mhz is not above 0 or dm_pc_cm3 is not finite.
Mjd infinite_frequency_barycentric(const Mjd& utc, double freq_mhz, double dm_pc_cm3,
                                   const SkyPosition& source, const std::array<double, 3>& itrf_m);

}  // namespace tianyan
