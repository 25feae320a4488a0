// Where beams lie: separations, neighbours, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "kernels/base/beam_layout.hpp"

namespace tianyan {
namespace {

std::vector<int> neighbours_of(int a) {
  std::vector<int> found;
  for (int b = 1; b <= kNumBeams; ++b)
    if (are_neighbours(a, b)) found.push_back(b);
  return found;
}

TEST(BeamLayout, SeparationsByHand) {
  EXPECT_EQ(beam_separation_arcmin(7, 7), 0.0);
  EXPECT_DOUBLE_EQ(beam_separation_arcmin(1, 8), std::hypot(11.5, 0.01));
  // M02 (5.74, 0.01) and M03 (2.88, -4.97): sqrt(2.86^2 + 4.98^2) = sqrt(8.1796 + 24.8004)
  EXPECT_NEAR(beam_separation_arcmin(2, 3), std::sqrt(32.98), 1e-12);
  // M08 (11.5, 0.01) and M14 (-11.5, -0.03), the ends of a diagonal
  EXPECT_NEAR(beam_separation_arcmin(8, 14), std::sqrt(529.0016), 1e-12);
}

TEST(BeamLayout, NeighboursAreCountedAsTheReceiverIsBuilt) {
  for (int a = 1; a <= 7; ++a) EXPECT_EQ(neighbours_of(a).size(), 6u) << a;
  for (int a : {8, 10, 12, 14, 16, 18}) EXPECT_EQ(neighbours_of(a).size(), 3u) << a;
  for (int a : {9, 11, 13, 15, 17, 19}) EXPECT_EQ(neighbours_of(a).size(), 4u) << a;
}

TEST(BeamLayout, NeighboursOfTheMiddleACornerAndAnEdge) {
  EXPECT_EQ(neighbours_of(1), (std::vector<int>{2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(neighbours_of(8), (std::vector<int>{2, 9, 19}));
  EXPECT_EQ(neighbours_of(9), (std::vector<int>{2, 3, 8, 10}));
}

TEST(BeamLayout, IsTheSameSeenFromEitherBeam) {
  for (int a = 1; a <= kNumBeams; ++a) {
    EXPECT_FALSE(are_neighbours(a, a));
    for (int b = 1; b <= kNumBeams; ++b) {
      EXPECT_EQ(beam_separation_arcmin(a, b), beam_separation_arcmin(b, a)) << a << " " << b;
      EXPECT_EQ(are_neighbours(a, b), are_neighbours(b, a)) << a << " " << b;
    }
  }
}

// The grid is hexagonal with a step of 5.74': the next separation is sqrt(3) of it. Offsets are off that grid
// by up to 0.03' along either axis, so separations by less than 0.1'.
TEST(BeamLayout, NoSeparationIsNearTheLimit) {
  for (int a = 1; a <= kNumBeams; ++a)
    for (int b = 1; b < a; ++b) {
      const double d = beam_separation_arcmin(a, b);
      EXPECT_TRUE(std::abs(d - 5.74) < 0.1 || d > 5.74 * std::sqrt(3.0) - 0.1) << a << " " << b << " " << d;
    }
}

TEST(BeamLayout, RefusesBeamsThatAreUnknown) {
  for (int unknown : {-1, 0, 20}) {
    EXPECT_THROW(beam_separation_arcmin(unknown, 1), std::invalid_argument);
    EXPECT_THROW(beam_separation_arcmin(1, unknown), std::invalid_argument);
    EXPECT_THROW(are_neighbours(unknown, unknown), std::invalid_argument);
    EXPECT_THROW(are_neighbours(19, unknown), std::invalid_argument);
  }
}

}  // namespace
}  // namespace tianyan
