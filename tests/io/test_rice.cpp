// Rice codes made by hand.
#include <gtest/gtest.h>

#include <vector>

#include "io/rice.hpp"

namespace tianyan {
namespace {

using Bytes = std::vector<unsigned char>;

TEST(Rice, BlocksOfEqualIntegersTakeTheirSplitAlone) {
  EXPECT_TRUE(is_whole_rice(Bytes{7, 0b000'000'00}, 1, 64));  // the first one, two blocks
  EXPECT_FALSE(is_whole_rice(Bytes{7, 0b000'000'00}, 1, 96));
  EXPECT_TRUE(is_whole_rice(Bytes{0, 0, 0, 7, 0b00000'000}, 4, 32));
}

TEST(Rice, EachIntegerHasItsPrefixAndItsRest) {
  // Split 1: zeros, a one, a bit of rest.
  EXPECT_TRUE(is_whole_rice(Bytes{7, 0b010'10'010, 0b10'0010'11}, 1, 4));
  EXPECT_TRUE(is_whole_rice(Bytes{7, 0b010'10'010}, 1, 2));
  EXPECT_FALSE(is_whole_rice(Bytes{7, 0b010'10'010}, 1, 3));
  EXPECT_FALSE(is_whole_rice(Bytes{7, 0b010'10'010, 0, 0, 0}, 1, 3));  // a prefix without an end
}

TEST(Rice, IntegersThatAreNotCodedTakeAllTheirBits) {
  Bytes bytes(2 + 4 / 8 + 2 * 3 + 1, 0);
  bytes[2] = 0b1111'0000;  // split 14
  EXPECT_TRUE(is_whole_rice(bytes, 2, 3));
  bytes.resize(bytes.size() - 2);
  EXPECT_FALSE(is_whole_rice(bytes, 2, 3));
}

TEST(Rice, NothingIsWholeWithoutItsFirstInteger) { EXPECT_FALSE(is_whole_rice(Bytes{1}, 2, 1)); }

}  // namespace
}  // namespace tianyan
