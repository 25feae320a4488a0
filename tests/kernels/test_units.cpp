// Units: published constants, delays by hand, and the calendar of Mjd.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/base/random.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

TEST(Units, TheDispersionConstantIsTheCatalogues) {
  EXPECT_NEAR(kDispersionConstant, 4149.377593360996, 1e-9);  // s MHz^2 cm^3 / pc
  EXPECT_NEAR(kFwhmPerSigma, 2.0 * std::sqrt(2.0 * std::log(2.0)), 1e-15);
}

TEST(Units, DelayOfFastsBandAtDmOneThousand) {
  // 4149.37759 s MHz^2 * 1000 * (1e-6 - 1 / 2.25e6) / MHz^2 = 4149.37759 * 5.5556e-4 s
  EXPECT_NEAR(dispersion_delay_s(1000.0, 1000.0, 1500.0), 2.3052097741, 1e-9);
}

TEST(Units, DelayIsLinearInDmAndAddsUpOverTheBand) {
  const double whole = dispersion_delay_s(557.0, 1050.0, 1450.0);
  EXPECT_EQ(dispersion_delay_s(557.0, 1450.0, 1450.0), 0.0);
  EXPECT_DOUBLE_EQ(dispersion_delay_s(2.0 * 557.0, 1050.0, 1450.0), 2.0 * whole);
  EXPECT_DOUBLE_EQ(dispersion_delay_s(557.0, 1450.0, 1050.0), -whole);
  EXPECT_NEAR(dispersion_delay_s(557.0, 1050.0, 1200.0) + dispersion_delay_s(557.0, 1200.0, 1450.0), whole,
              1e-14);
}

TEST(Mjd, SecondsPassMidnightBothWays) {
  const Mjd evening{58849, 86390.0};
  EXPECT_EQ(evening.plus_seconds(20.0).day, 58850);
  EXPECT_DOUBLE_EQ(evening.plus_seconds(20.0).second, 10.0);
  EXPECT_EQ(evening.plus_seconds(-86391.0).day, 58848);
  EXPECT_DOUBLE_EQ(evening.plus_seconds(-86391.0).second, 86399.0);
  EXPECT_EQ(evening.plus_seconds(10.0).second, 0.0);
  EXPECT_EQ(evening.plus_seconds(3.0 * 86400.0).day, 58852);
}

TEST(Mjd, SecondIsBelowADayAlsoJustBeforeMidnight) {
  for (double step : {-1e-12, -1e-17, -1e-300, 86400.0 - 1e-12}) {
    const Mjd later = Mjd{58849, 0.0}.plus_seconds(step);
    EXPECT_GE(later.second, 0.0) << step;
    EXPECT_LT(later.second, kSecondsPerDay) << step;
    EXPECT_NEAR(later.seconds_since({58849, 0.0}), step, 2e-11) << step;  // an ulp of 86400
  }
}

TEST(Mjd, DifferencesUndoSumsToNanoseconds) {
  Xoshiro256 random(1);
  for (int i = 0; i < 1000; ++i) {
    const Mjd start{58000 + static_cast<std::int64_t>(random.below(3000)), 86400.0 * random.uniform()};
    const double seconds = 2e5 * (random.uniform() - 0.5);
    // Three roundings of numbers below 2e5 + 86400: 3 * 2^-53 * 3e5 = 1e-10 s.
    EXPECT_NEAR(start.plus_seconds(seconds).seconds_since(start), seconds, 1e-10);
  }
}

TEST(Mjd, ValueIsDaysAndFraction) { EXPECT_DOUBLE_EQ((Mjd{58849, 21600.0}.value()), 58849.25); }

}  // namespace
}  // namespace tianyan
