// Highway bodies of the boxcar search: compiled once for each instruction set, dispatched at run time.
#include "kernels/boxcar_ops.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/boxcar_ops.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace tianyan {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Lanes [4, 12) of the sixteen of (v, next). The name is looked up when it is used: one lane has no halves.
template <class D, class V>
HWY_INLINE V FourLater(D d, V v, V next) {
  return ConcatLowerUpper(d, next, v);
}

// A stride of 8 samples makes a shift by 8 the vector before; narrower vectors take 8 / lanes turns.
void BoxcarBounds(const int32_t* x, int64_t n, int32_t* bound, int32_t* eighths) {
  const hn::CappedTag<int32_t, 8> d;
  constexpr bool kEight = HWY_HAVE_SCALABLE == 0 && hn::MaxLanes(hn::CappedTag<int32_t, 8>()) == 8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto m1 = hn::Set(d, INT32_MIN), m2 = m1, m4 = m1, m8 = m1, m16 = m1;
  // Sums of four from p on; smaller ones on the way.
  const auto four = [&](const int32_t* p) HWY_ATTR {
    const auto one = hn::LoadU(d, p);
    const auto two = hn::Add(one, hn::LoadU(d, p + 1));
    const auto sum = hn::Add(two, hn::Add(hn::LoadU(d, p + 2), hn::LoadU(d, p + 3)));
    m1 = hn::Max(m1, one);
    m2 = hn::Max(m2, two);
    m4 = hn::Max(m4, sum);
    return sum;
  };
  for (int64_t lane = 0; lane < 8; lane += lanes) {
    const int32_t* p = x + lane;
    auto sum4 = four(p);
    auto before = hn::Set(d, INT32_MIN / 2);
    // Sums of eight and sixteen from the two halves of the former.
    const auto eight = [&](int64_t i, decltype(sum4) later) HWY_ATTR {
      const auto sum8 = hn::Add(sum4, later);
      m8 = hn::Max(m8, sum8);
      m16 = hn::Max(m16, hn::Add(before, sum8));
      before = sum8;
      if (lane == 0) eighths[i / 8] = hn::GetLane(sum8);
    };
    for (int64_t i = 0; i < n + 16; i += 8) {
      if constexpr (kEight) {
        const auto next = four(p + i + 8);
        eight(i, FourLater(d, sum4, next));
        sum4 = next;
      } else {
        eight(i, four(p + i + 4));
        sum4 = four(p + i + 8);
      }
    }
    eight(n + 16, four(p + n + 20));
  }
  eighths[n / 8 + 3] = 0;
  for (int64_t i = n + 24; i < n + 32; ++i) eighths[n / 8 + 3] += x[i];
  const auto most = [&](auto v) HWY_ATTR { return hn::GetLane(hn::MaxOfLanes(d, v)); };
  const int32_t b1 = most(m1), b2 = most(m2), b4 = most(m4), b8 = most(m8), b16 = most(m16);
  const int32_t all[] = {b1, b2, b2 + b1, b4, b4 + b2, b8, b8 + b4, b16, b16 + b8, b16 + b16};
  std::copy(std::begin(all), std::end(all), bound);
}

float LeastOf(const float* x, int64_t n) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto least = hn::Set(d, std::numeric_limits<float>::infinity()), other = least;
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    least = hn::Min(least, hn::LoadU(d, x + i));
    other = hn::Min(other, hn::LoadU(d, x + i + lanes));
  }
  float all = hn::GetLane(hn::MinOfLanes(d, hn::Min(least, other)));
  for (; i < n; ++i) all = std::min(all, x[i]);
  return all;
}

}  // namespace HWY_NAMESPACE
}  // namespace tianyan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tianyan {

HWY_EXPORT(BoxcarBounds);
HWY_EXPORT(LeastOf);

void boxcar_bounds(const std::int32_t* x, std::int64_t n, std::int32_t* bound, std::int32_t* eighths) {
  HWY_DYNAMIC_DISPATCH(BoxcarBounds)(x, n, bound, eighths);
}

float least_of(const float* x, std::int64_t n) { return HWY_DYNAMIC_DISPATCH(LeastOf)(x, n); }

}  // namespace tianyan
#endif
