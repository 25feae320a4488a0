// Views, arrays and checks: indices by hand, slices, alignment, and what is refused.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <type_traits>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/expect.hpp"
#include "kernels/base/view.hpp"

namespace tianyan {
namespace {

std::vector<int> counting(int n) {
  std::vector<int> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

TEST(View, TheLastIndexIsTheFastest) {
  auto data = counting(24);
  const View<int, 3> v(data.data(), {2, 3, 4});
  EXPECT_EQ(v(0, 0, 3), 3);
  EXPECT_EQ(v(0, 2, 1), 9);
  EXPECT_EQ(v(1, 2, 3), 23);
  EXPECT_EQ(v.size(), 24);
  EXPECT_EQ(v.stride(0), 12);
  EXPECT_EQ(v.stride(1), 4);
  EXPECT_EQ(v.stride(2), 1);
}

TEST(View, ASubViewIsTheSameMemory) {
  auto data = counting(24);
  const View<int, 3> v(data.data(), {2, 3, 4});
  EXPECT_EQ(&v[1](2, 0), &v(1, 2, 0));
  EXPECT_EQ(&v[1][2][3], &v(1, 2, 3));
  v[1][2][3] = -5;
  EXPECT_EQ(data[23], -5);
}

TEST(View, StridesCountElements) {
  auto data = counting(12);
  const View<int, 2> turned(data.data(), {4, 3}, {1, 4});  // the transpose of 3 x 4
  EXPECT_EQ(turned(1, 2), 9);
  EXPECT_EQ(turned[1][2], 9);
  EXPECT_FALSE(turned.rows_contiguous());
  const View<int, 1> backwards(data.data() + 11, {12}, {-1});
  EXPECT_EQ(backwards[0], 11);
  EXPECT_EQ(backwards[11], 0);
}

TEST(View, ASliceKeepsStridesAndMovesTheOrigin) {
  auto data = counting(20);
  const View<int, 2> v(data.data(), {4, 5});
  const auto s = v.slice(0, 1, 3).slice(1, 2, 5);
  EXPECT_EQ(s.shape(0), 2);
  EXPECT_EQ(s.shape(1), 3);
  EXPECT_EQ(s(0, 0), 7);
  EXPECT_EQ(s(1, 2), 14);
  EXPECT_TRUE(s.rows_contiguous());
  EXPECT_EQ(v.slice(1, 5, 5).size(), 0);
}

TEST(View, ASliceOutsideTheShapeIsRefused) {
  auto data = counting(20);
  const View<int, 2> v(data.data(), {4, 5});
  EXPECT_THROW(v.slice(0, -1, 2), std::invalid_argument);
  EXPECT_THROW(v.slice(0, 0, 5), std::invalid_argument);
  EXPECT_THROW(v.slice(1, 3, 2), std::invalid_argument);
  EXPECT_NO_THROW(v.slice(0, 0, 4));
}

TEST(View, ARowOfOneElementIsContiguousWhateverItsStride) {
  auto data = counting(8);
  EXPECT_TRUE((View<int, 2>(data.data(), {4, 1}, {2, 2})).rows_contiguous());
  EXPECT_FALSE((View<int, 2>(data.data(), {2, 2}, {4, 2})).rows_contiguous());
}

TEST(View, BecomesConstWhereAskedAndNeverBack) {
  static_assert(std::is_convertible_v<View<int, 2>, View<const int, 2>>);
  static_assert(!std::is_convertible_v<View<const int, 2>, View<int, 2>>);
  auto data = counting(6);
  const View<const int, 2> v = View<int, 2>(data.data(), {2, 3}, {3, 1});
  EXPECT_EQ(v(1, 2), 5);
}

TEST(Array, IsAlignedZeroedAndMoveOnly) {
  static_assert(!std::is_copy_constructible_v<Array<float, 2>>);
  static_assert(std::is_nothrow_move_constructible_v<Array<float, 2>>);
  for (std::int64_t n : {1, 3, 7, 63, 64, 65, 1000}) {
    Array<float, 2> a({n, 3});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 64, 0u) << n;
    for (std::int64_t i = 0; i < a.size(); ++i) EXPECT_EQ(a.data()[i], 0.0F);
    a(n - 1, 2) = 5.0F;
    const float* where = a.data();
    const Array<float, 2> b = std::move(a);
    EXPECT_EQ(b.data(), where);
    EXPECT_EQ(b(n - 1, 2), 5.0F);
  }
}

TEST(Array, IsZeroedAndAlignedAlsoWhereItIsMapped) {
  constexpr std::int64_t kMapped = std::int64_t{1} << 22;
  for (std::int64_t n : {kMapped - 1, kMapped, kMapped + 1, 2 * kMapped + 12345}) {
    for (int round = 0; round < 2; ++round) {  // the second may get the memory of the first
      Array<std::uint8_t, 1> a({n});
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 64, 0u) << n;
      EXPECT_EQ(std::accumulate(a.data(), a.data() + n, std::int64_t{0}), 0) << n;
      std::memset(a.data(), 7, static_cast<std::size_t>(n));
      const Array<std::uint8_t, 1> b = std::move(a);
      EXPECT_EQ(b(n - 1), 7);
    }
  }
}

TEST(Array, SaysItsSizeBeforeItIsMade) {
  EXPECT_EQ((Array<double, 3>::size_bytes_of({2, 3, 5})), 240);
  EXPECT_EQ((Array<double, 2>::size_bytes_of({7, 0})), 0);
  EXPECT_EQ((Array<double, 2>({7, 0})).size(), 0);
}

TEST(Array, RefusesNegativeExtentsAndSizesThatOverflow) {
  EXPECT_THROW((Array<int, 2>({-1, 4})), std::invalid_argument);
  EXPECT_THROW((Array<int, 2>({std::int64_t{1} << 40, std::int64_t{1} << 40})), std::invalid_argument);
  EXPECT_THROW((Array<int, 1>({(std::int64_t{1} << 61)})), std::invalid_argument);
}

template <class Error, class Body>
std::string text_of(const Body& body) {
  try {
    body();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(Expect, BlamesTheCallerWithBothValues) {
  EXPECT_NO_THROW(expect(true, "{} of {}", 3, 4));
  EXPECT_EQ(text_of<std::invalid_argument>([] { expect(false, "{} samples for {}", 3, 4); }),
            "3 samples for 4");
}

TEST(Expect, RequireBlamesTheFile) {
  EXPECT_NO_THROW(require(true, "{}", 3));
  EXPECT_EQ(text_of<std::runtime_error>([] { require(false, "{}: {} bits", "a.fil", 3); }), "a.fil: 3 bits");
}

}  // namespace
}  // namespace tianyan
