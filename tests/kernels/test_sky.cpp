// Directions on the sky against values that can be worked out by hand, and there and back.
#include "kernels/base/sky.hpp"

#include <gtest/gtest.h>

namespace tianyan {
namespace {

TEST(Sky, SeparationOnTheEquatorAndOverThePole) {
  EXPECT_NEAR(separation_deg({10.0, 0.0}, {11.5, 0.0}), 1.5, 1e-12);
  EXPECT_NEAR(separation_deg({359.9, 0.0}, {0.1, 0.0}), 0.2, 1e-12);
  EXPECT_NEAR(separation_deg({0.0, 89.0}, {180.0, 88.0}), 3.0, 1e-12);
}

TEST(Sky, OffsetsAreThoseOfTheTangentPlane) {
  constexpr double kRadPerDeg = 0.017453292519943295;
  const auto north = offset_from({80.0, 20.0}, {80.0, 20.5});
  EXPECT_NEAR(north.east_arcmin, 0.0, 1e-9);
  EXPECT_NEAR(north.north_arcmin, std::tan(0.5 * kRadPerDeg) / kRadPerDeg * 60.0, 1e-9);
  const auto east = offset_from({80.0, 60.0}, {80.2, 60.0});
  EXPECT_NEAR(east.east_arcmin, 0.2 * 60.0 * 0.5, 1e-4);  // cos 60 degrees is a half
  EXPECT_GT(east.north_arcmin, 0.0);                      // the parallel bends towards the pole
  EXPECT_NEAR(east.length_arcmin() / 60.0, separation_deg({80.0, 60.0}, {80.2, 60.0}), 1e-6);
}

TEST(Sky, OffsetsGoThereAndBack) {
  for (const double dec : {-85.0, -20.0, 0.0, 33.0, 89.9})
    for (const double ra : {0.0, 0.01, 123.0, 359.99}) {
      const SkyPosition origin{ra, dec};
      const SkyPosition there = at_offset(origin, {7.5, -11.0});
      const auto back = offset_from(origin, there);
      EXPECT_NEAR(back.east_arcmin, 7.5, 1e-8) << ra << ' ' << dec;
      EXPECT_NEAR(back.north_arcmin, -11.0, 1e-8) << ra << ' ' << dec;
      EXPECT_GE(there.ra_deg, 0.0);
      EXPECT_LT(there.ra_deg, 360.0);
    }
}

TEST(Sky, TheOtherHalfOfTheSkyIsOnNoPlane) {
  EXPECT_TRUE(std::isnan(offset_from({0.0, 0.0}, {180.0, 0.0}).east_arcmin));
}

TEST(Sky, GalacticCentreAndPole) {
  const auto centre = galactic({266.404996, -28.936172});
  EXPECT_NEAR(std::remainder(centre.l_deg, 360.0), 0.0, 1e-5);
  EXPECT_NEAR(centre.b_deg, 0.0, 1e-5);
  EXPECT_NEAR(galactic({192.859481, 27.128251}).b_deg, 90.0, 1e-4);
}

TEST(Sky, APositionIsKnownWhereBothNumbersAre) {
  EXPECT_FALSE(SkyPosition{}.known());
  EXPECT_FALSE((SkyPosition{1.0, SkyPosition{}.dec_deg}.known()));
  EXPECT_TRUE((SkyPosition{0.0, 0.0}.known()));
}

}  // namespace
}  // namespace tianyan
