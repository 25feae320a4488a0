// Barycentric arrival times against astropy's, and against what the Earth's orbit allows.
#include "kernels/barycentre.hpp"

#include <erfa.h>
#include <erfam.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/base/random.hpp"
#include "kernels/site.hpp"

namespace tianyan {
namespace {

using Itrf = std::array<double, 3>;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kTtMinusUtc_s = 37.0 + 32.184;  // since 2017
constexpr SkyPosition kFrb20121102{82.994589, 33.147939};

Itrf at(const std::string& telescope) { return find_site(telescope)->itrf_m; }

/// UT1 as UTC, wrong by 0.9 s of the equator's 465 m/s, and polar motion, 0.6" of 6378 km.
constexpr double kRotation_s = 1.4e-6 + 0.06e-6;
/// And astropy's taking aberration, 1e-4 rad, out of the direction from the Earth's centre to the site: 1e-4
/// of 0.0213 s.
constexpr double kLightTravelTime_s = kRotation_s + 2.13e-6;

struct Case {
  Mjd utc;
  SkyPosition source;
  const char* telescope;
  Mjd bary_tdb;
};

/// (Time(utc).tdb + light_travel_time(source, ephemeris='builtin')) of astropy 5.2.1 with its bundled IERS-B.
const std::vector<Case> kByAstropy{
    {{51179, 0.0}, {82.994589, 33.147939}, "Parkes", {51179, 528.42995343513}},
    {{53735, 86399.5}, {180.0, -60.0}, "FAST", {53735, 86340.15109580771}},
    {{53735, 86400.5}, {180.0, -60.0}, "FAST", {53735, 86341.15115146583}},
    {{53736, 0.5}, {180.0, -60.0}, "FAST", {53735, 86342.15120712396}},
    {{57753, 43200.125}, {266.4, -29.0}, "GBT", {57753, 42790.78404862001}},
    {{58999, 4.5}, {82.994589, 33.147939}, "FAST", {58998, 85996.07346609264}},
    {{60310, 71234.567890123}, {29.503126, 65.716754}, "FAST", {60310, 71533.97442676051}},
    {{62501, 80000.0}, {338.0, -8.0}, "Parkes", {62501, 79799.13089377763}},
};

TEST(Barycentre, AgreesWithAstropyOnFixedDates) {
  for (const Case& c : kByAstropy) {
    const Mjd got = barycentric_tdb(c.utc, c.source, at(c.telescope));
    EXPECT_NEAR(got.seconds_since(c.bary_tdb), 0.0, kLightTravelTime_s) << c.utc.day << ' ' << c.utc.second;
  }
}

TEST(Barycentre, GoesBackToTheTelescope) {
  for (const Case& c : kByAstropy) {
    if (c.utc.second == 0.0 || c.utc.second >= kSecondsPerDay) continue;  // at or before a leap second's end
    const Mjd back = topocentric_utc(c.bary_tdb, c.source, at(c.telescope));
    EXPECT_NEAR(back.seconds_since(c.utc), 0.0, kLightTravelTime_s) << c.utc.day << ' ' << c.utc.second;
    // Seconds of a day are good to 86400 eps = 2e-11; four roundings each way.
    const Mjd again =
        topocentric_utc(barycentric_tdb(c.utc, c.source, at(c.telescope)), c.source, at(c.telescope));
    EXPECT_NEAR(again.seconds_since(c.utc), 0.0, 1.6e-10) << c.utc.day << ' ' << c.utc.second;
  }
}

TEST(Barycentre, KnowsTheYearsThatItHolds) {
  EXPECT_FALSE(has_barycentric_time({41316, 86399.0}));  // 1971-12-31
  EXPECT_TRUE(has_barycentric_time({41317, 0.0}));
  EXPECT_TRUE(has_barycentric_time({88068, 86399.0}));  // 2099-12-31
  EXPECT_FALSE(has_barycentric_time({88069, 0.0}));
}

// One line a case: day, second, right ascension, declination, x, y, z; out: the result's seconds since 0h of
// that day, by light_travel_time and by astropy's positions of Earth and site. The second of a day is added
// in TAI, where days with a leap second are no different.
constexpr const char* kProgram = R"(
import sys, warnings
warnings.simplefilter('ignore')
import numpy as np
from astropy import constants, units as u
from astropy.coordinates import EarthLocation, SkyCoord, get_body_barycentric
from astropy.time import Time, TimeDelta
from astropy.utils import iers
iers.conf.auto_download = False
iers.conf.auto_max_age = None
iers.conf.iers_degraded_accuracy = 'ignore'
day, second, ra, dec, x, y, z = np.loadtxt(sys.argv[1], ndmin=2, unpack=True)
site = EarthLocation.from_geocentric(x, y, z, unit=u.m)
midnight = Time(day, 0 * day, format='mjd', scale='utc')
utc = (midnight.tai + TimeDelta(second, format='sec', scale='tai')).utc
utc = Time(utc, location=site)
source = SkyCoord(ra, dec, unit='deg', frame='icrs')
travel = utc.light_travel_time(source, ephemeris='builtin')
at = get_body_barycentric('earth', utc, ephemeris='builtin') + site.get_gcrs_posvel(utc)[0]
roemer = TimeDelta(at.dot(source.cartesian) / constants.c, scale='tdb')
for row in zip(*((utc.tdb + delay - Time(day, 0 * day, format='mjd', scale='tdb')).sec for delay in (travel, roemer))):
    print('%.11f %.11f' % row)
)";

/// A folder that goes with its name.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tianyan-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// TDB seconds since 0h of the arrival's day.
struct ByAstropy {
  double light_travel_time_s, roemer_s;
};

std::vector<ByAstropy> by_astropy(const std::vector<Case>& cases) {
  const Folder folder;
  std::ofstream(folder / "program.py") << kProgram;
  std::ofstream in(folder / "in");
  for (const Case& c : cases)
    in << fmt::format("{} {:.17g} {:.17g} {:.17g} {:.17g}\n", c.utc.day, c.utc.second, c.source.ra_deg,
                      c.source.dec_deg, fmt::join(at(c.telescope), " "));
  in.close();
  const int status = std::system(fmt::format("/usr/bin/python3 '{}' '{}' >'{}' 2>&1", folder / "program.py",
                                             folder / "in", folder / "out")
                                     .c_str());
  std::ifstream out(folder / "out");
  if (status != 0) ADD_FAILURE() << std::string(std::istreambuf_iterator<char>(out), {});
  std::vector<ByAstropy> answers;
  for (ByAstropy answer; out >> answer.light_travel_time_s >> answer.roemer_s;) answers.push_back(answer);
  return answers;
}

/// Days from 1999 to 2030, and next to and on two days with a leap second; all over the sky.
std::vector<Case> random_cases(int n) {
  Xoshiro256 random(20200531);
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  std::vector<Case> cases;
  for (int i = 0; i < n; ++i) {
    const std::int64_t leap_day = i % 2 ? 53735 : 57753;  // 2005-12-31, 2016-12-31
    const std::int64_t day =
        i < n / 5 ? leap_day + i % 3 - 1 : 51179 + static_cast<std::int64_t>(11323 * uniform());
    const double second = i < 4 ? 86400.0 + (i % 3 == 1 ? uniform() : -uniform()) : 86400.0 * uniform();
    const double dec_deg = std::asin(2.0 * uniform() - 1.0) / ERFA_DD2R;
    cases.push_back({{day, second}, {360.0 * uniform(), dec_deg}, i % 2 ? "Parkes" : "FAST", {}});
  }
  return cases;
}

TEST(Barycentre, AgreesWithAstropyAtRandom) {
  if (std::system("/usr/bin/python3 -c 'import astropy, numpy' >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "/usr/bin/python3 with astropy is missing";
  const auto cases = random_cases(100);
  const auto want = by_astropy(cases);
  ASSERT_EQ(want.size(), cases.size());
  double worst_s = 0.0, worst_roemer_s = 0.0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    const double got_s = barycentric_tdb(c.utc, c.source, at(c.telescope)).seconds_since({c.utc.day, 0.0});
    EXPECT_NEAR(got_s, want[i].light_travel_time_s, kLightTravelTime_s) << c.utc.day << ' ' << c.utc.second;
    EXPECT_NEAR(got_s, want[i].roemer_s, kRotation_s) << c.utc.day << ' ' << c.utc.second;
    worst_s = std::max(worst_s, std::abs(got_s - want[i].light_travel_time_s));
    worst_roemer_s = std::max(worst_roemer_s, std::abs(got_s - want[i].roemer_s));
  }
  fmt::print("largest difference: {:.2f} us from light_travel_time, {:.2f} us from astropy's positions\n",
             1e6 * worst_s, 1e6 * worst_roemer_s);
}

TEST(Barycentre, KeepsNanosecondsOverShortTimes) {
  // The second of the day keeps 1.5e-11 s; the Earth's date, 2e-12 days of 30 km/s, 1.6e-11 s; three each,
  // summed.
  constexpr double kRounding_s = 1e-10;
  const Mjd start{60310, 86399.95};  // through midnight
  const auto bary_at = [&](double seconds) {
    return barycentric_tdb(start.plus_seconds(seconds), kFrb20121102, at("FAST"));
  };
  const Mjd first = bary_at(0.0);
  const double slope = bary_at(0.1).seconds_since(first) / 0.1;
  EXPECT_NEAR(slope, 1.0, 1.1e-4);  // 30.3 + 0.5 km/s, and TDB's 3e-10
  EXPECT_GT(std::abs(slope - 1.0), 1e-7);
  for (int i = 0; i < 100; ++i)
    EXPECT_NEAR(bary_at(1e-3 * i).seconds_since(first), 1e-3 * i * slope, kRounding_s) << i;
}

/// Barycentric TDB - TT over a year from 2021-01-01, every fifth day.
std::vector<double> delays_over_a_year(const SkyPosition& source) {
  std::vector<double> delays_s;
  for (std::int64_t day = 59215; day < 59215 + 366; day += 5) {
    const Mjd utc{day, 0.0};
    delays_s.push_back(barycentric_tdb(utc, source, at("FAST")).seconds_since(utc) - kTtMinusUtc_s);
  }
  return delays_s;
}

TEST(Barycentre, DelaysAreThoseOfTheEarthsOrbit) {
  // 499.005 s an au; Earth to Sun 0.9833 to 1.0167 au; Sun to barycentre 0.0102 au at most; the site's
  // 6378 km, 0.0213 s; TDB - TT 0.002 s. The largest is within 2.5 days of one of these days:
  // cos(2.5 degrees).
  const auto delays_s = delays_over_a_year({0.0, 0.0});  // on the ecliptic
  const auto [low, high] = std::minmax_element(delays_s.begin(), delays_s.end());
  constexpr double kMost_s = 499.005 * (1.0167 + 0.0102) + 0.0233,
                   kLeast_s = 499.005 * (0.9833 - 0.0102) * 0.999;
  EXPECT_LT(*high, kMost_s);
  EXPECT_GT(*high, kLeast_s - 0.0233);
  EXPECT_GT(*low, -kMost_s);
  EXPECT_LT(*low, -(kLeast_s - 0.0233));
  // At the equinox the Earth is on the side of the Sun that right ascension 0 is.
  EXPECT_NEAR(5.0 * static_cast<double>(high - delays_s.begin()), 265.0, 10.0);  // September 23rd
  // The Sun is within 0.0102 au of the barycentre and, with Jupiter and Saturn, within 2.5 degrees of the
  // ecliptic seen from it: 0.22 s.
  for (const double delay_s : delays_over_a_year({270.0, 66.5607})) EXPECT_NEAR(delay_s, 0.0, 0.22 + 0.0233);
}

TEST(Barycentre, InfiniteFrequencyIsTheDispersionDelayEarlier) {
  const Mjd utc{59000, 4.5};  // 5778 s at 20 MHz: over midnight
  for (const double freq_mhz : {20.0, 1000.0, 1499.9}) {
    const double delay_s = kDispersionConstant * 557.0 / (freq_mhz * freq_mhz);
    const Mjd got = infinite_frequency_barycentric(utc, freq_mhz, 557.0, kFrb20121102, at("FAST"));
    const Mjd want = barycentric_tdb(utc.plus_seconds(-delay_s), kFrb20121102, at("FAST"));
    EXPECT_NEAR(got.seconds_since(want), 0.0, 1e-10) << freq_mhz;
  }
}

TEST(Barycentre, NoDispersionChangesNothing) {
  const Mjd utc{58999, 4.5}, want = barycentric_tdb(utc, kFrb20121102, at("FAST"));
  const Mjd got = infinite_frequency_barycentric(utc, 1250.0, 0.0, kFrb20121102, at("FAST"));
  EXPECT_EQ(got.day, want.day);
  EXPECT_EQ(got.second, want.second);
}

TEST(Barycentre, TheDelayIsCountedThroughALeapSecond) {
  const double dm_pc_cm3 = 1.25e6 / kDispersionConstant;  // 1.25 s at 1 GHz
  const SkyPosition source{180.0, -60.0};
  const Mjd got = infinite_frequency_barycentric({53736, 0.5}, 1000.0, dm_pc_cm3, source, at("FAST"));
  const Mjd want = barycentric_tdb({53735, 86400.25}, source, at("FAST"));
  EXPECT_NEAR(got.seconds_since(want), 0.0, 1.6e-6);  // UT of the one is a second from the other's
}

TEST(Barycentre, ADmAtTheBarycentreIsThatAtTheTelescopeByTheDopplerFactor) {
  const Mjd utc{58999, 4.5};
  const auto bary_at = [&](double seconds) {
    return barycentric_tdb(utc.plus_seconds(seconds), kFrb20121102, at("FAST"));
  };
  const double b = bary_at(1.0).seconds_since(bary_at(-1.0)) / 2.0 - 1.0;
  const double dm_pc_cm3 = 557.0, delay_s = dispersion_delay_s(dm_pc_cm3, 1000.0, 1500.0);
  const double bary_delay_s =
      dispersion_delay_s(dm_pc_cm3 / (1.0 + b), 1000.0 / (1.0 + b), 1500.0 / (1.0 + b));
  // The site's 0.034 and the Earth's 0.006 m/s^2 over 1.3 s, and b over 2 s: 0.3 ns.
  EXPECT_NEAR(bary_at(delay_s).seconds_since(bary_at(0.0)), bary_delay_s, 1e-9);
  EXPECT_GT(std::abs(bary_delay_s - delay_s), 1e-6);
}

TEST(Barycentre, RefusesWhatItCannotPlace) {
  const Mjd utc{58999, 4.5};
  const Itrf fast = at("FAST");
  const auto refused = [](const Mjd& when, const SkyPosition& source, const Itrf& itrf_m) {
    EXPECT_THROW(barycentric_tdb(when, source, itrf_m), std::invalid_argument);
  };
  refused(utc, SkyPosition{}, fast);
  refused(utc, {10.0, kNan}, fast);
  refused(utc, {10.0, 90.1}, fast);
  refused({41316, 0.0}, kFrb20121102, fast);
  refused({88069, 0.0}, kFrb20121102, fast);
  refused({58999, -1e-9}, kFrb20121102, fast);
  refused({58999, 86401.0}, kFrb20121102, fast);
  refused({58999, kNan}, kFrb20121102, fast);
  refused(utc, kFrb20121102, {0.0, 0.0, 0.0});
  refused(utc, kFrb20121102, {-1668.557, 5506.838, 2744.934});  // kilometres
  refused(utc, kFrb20121102, {kNan, 5506838.0, 2744934.0});
  EXPECT_NO_THROW(barycentric_tdb({41317, 0.0}, kFrb20121102, fast));
  EXPECT_NO_THROW(barycentric_tdb({88068, 86400.9}, kFrb20121102, fast));
  for (const double freq_mhz : {0.0, -1250.0, kNan})
    EXPECT_THROW(infinite_frequency_barycentric(utc, freq_mhz, 1.0, kFrb20121102, fast),
                 std::invalid_argument);
  EXPECT_THROW(infinite_frequency_barycentric(utc, 1250.0, kNan, kFrb20121102, fast), std::invalid_argument);
}

TEST(Site, IsFoundByAnyOfItsNamesInAnyCase) {
  for (const char* name : {"FAST", "fast", "k", "FA"}) EXPECT_EQ(find_site(name)->name, "FAST");
  for (const char* name : {"Parkes", "PKS", "MURRIYANG", "7"}) EXPECT_EQ(find_site(name)->name, "Parkes");
  for (const char* name : {"Jodrell", "lovell", "JB"}) EXPECT_EQ(find_site(name)->name, "Lovell");
  for (const char* name : {"", "FAST2", "unknown", "telescope_id 99"}) EXPECT_EQ(find_site(name), nullptr);
}

TEST(Site, StandsWhereMapsHaveIt) {
  struct Place {
    const char* name;
    double latitude_deg, longitude_deg, height_m;
  };
  // Height above the ellipsoid to 150 m: maps give it above the sea.
  for (const Place& p : {Place{"FAST", 25.653, 106.857, 1110}, Place{"Arecibo", 18.344, -66.753, 498},
                         Place{"ASKAP", -26.697, 116.631, 361}, Place{"CHIME", 49.321, -119.624, 545},
                         Place{"Effelsberg", 50.525, 6.884, 369}, Place{"GBT", 38.433, -79.840, 820},
                         Place{"GMRT", 19.09, 74.05, 588}, Place{"Lovell", 53.237, -2.309, 78},
                         Place{"MeerKAT", -30.711, 21.444, 1086}, Place{"MWA", -26.703, 116.671, 377},
                         Place{"Parkes", -32.998, 148.264, 415}, Place{"VLA", 34.079, -107.618, 2124}}) {
    Itrf itrf_m = at(p.name);
    double longitude = 0.0, latitude = 0.0, height_m = 0.0;
    ASSERT_EQ(eraGc2gd(ERFA_WGS84, itrf_m.data(), &longitude, &latitude, &height_m), 0);
    EXPECT_NEAR(latitude / ERFA_DD2R, p.latitude_deg, 0.002) << p.name;
    EXPECT_NEAR(longitude / ERFA_DD2R, p.longitude_deg, 0.002) << p.name;
    EXPECT_NEAR(height_m, p.height_m, 150.0) << p.name;
  }
}

}  // namespace
}  // namespace tianyan
