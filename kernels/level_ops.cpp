// Highway bodies of the operations on levels: compiled once for each instruction set, dispatched at run time.
#include "kernels/level_ops.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/level_ops.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace tianyan {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR  // processors without SSSE3: one sample at a time

void AddColumns(const int8_t* q, int64_t n_row, int64_t stride, int16_t* z, int64_t n) {
  for (int64_t r = 0; r < n_row; ++r)
    for (int64_t t = 0; t < n; ++t) z[t] = static_cast<int16_t>(z[t] + q[r * stride + t]);
}

int64_t ProductOf(const int8_t* q, const int16_t* wave, int64_t n) {
  int64_t sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += int64_t{q[i]} * wave[i];
  return sum;
}

void CellMoments(const int8_t* q, int64_t n_cell, int16_t* sum, uint16_t* squares) {
  for (int64_t k = 0; k < n_cell; ++k) {
    int s = 0, s2 = 0;
    for (int64_t i = k * kCellSamples; i < (k + 1) * kCellSamples; ++i) {
      s += q[i];
      s2 += q[i] * q[i];
    }
    sum[k] = static_cast<int16_t>(s);
    squares[k] = static_cast<uint16_t>(s2);
  }
}

#else

template <class D, class V>
int64_t Total(D d, V v) {
  hn::TFromD<D> lanes[hn::MaxLanes(d)];
  hn::StoreU(v, d, lanes);
  int64_t total = 0;
  for (size_t i = 0; i < hn::Lanes(d); ++i) total += static_cast<int64_t>(lanes[i]);
  return total;
}

// A line of every row at a time: rows that lie a multiple of 4096 bytes apart share their place in the cache.
void AddColumns(const int8_t* HWY_RESTRICT q, int64_t n_row, int64_t stride, int16_t* HWY_RESTRICT z,
                int64_t n) {
  const hn::CappedTag<int16_t, 32> d;
  const hn::Rebind<int8_t, decltype(d)> d8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t t = 0;
  for (; t + 64 <= n; t += 64) {
    hn::Vec<decltype(d)> sum[8];
    for (int64_t k = 0; k < 64 / lanes; ++k) sum[k] = hn::LoadU(d, z + t + k * lanes);
    for (int64_t r = 0; r < n_row; ++r)
      for (int64_t k = 0; k < 64 / lanes; ++k)
        sum[k] = hn::Add(sum[k], hn::PromoteTo(d, hn::LoadU(d8, q + r * stride + t + k * lanes)));
    for (int64_t k = 0; k < 64 / lanes; ++k) hn::StoreU(sum[k], d, z + t + k * lanes);
  }
  for (; t < n; ++t)
    for (int64_t r = 0; r < n_row; ++r) z[t] = static_cast<int16_t>(z[t] + q[r * stride + t]);
}

// A lane of 32 bits takes two products of 2^7 2^15 at a time: 2^31 / 2^23 = 256 times.
int64_t ProductOf(const int8_t* HWY_RESTRICT q, const int16_t* HWY_RESTRICT wave, int64_t n) {
  const hn::CappedTag<int16_t, 32> d;
  const hn::Rebind<int8_t, decltype(d)> d8;
  const hn::Repartition<int32_t, decltype(d)> d32;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t total = 0, i = 0;
  while (i + lanes <= n) {
    auto sum = hn::Zero(d32), more = hn::Zero(d32);
    for (int k = 0; k < 200 && i + lanes <= n; ++k, i += lanes)
      sum = hn::ReorderWidenMulAccumulate(d32, hn::PromoteTo(d, hn::LoadU(d8, q + i)), hn::LoadU(d, wave + i),
                                          sum, more);
    total += Total(d32, sum) + Total(d32, more);
  }
  for (; i < n; ++i) total += int64_t{q[i]} * wave[i];
  return total;
}

// Sixteen-bit lanes hold 8 values of 31, and pairs of squares are 32-bit.
void CellMoments(const int8_t* HWY_RESTRICT q, int64_t n_cell, int16_t* HWY_RESTRICT sum,
                 uint16_t* HWY_RESTRICT squares) {
  const hn::CappedTag<int16_t, 32> d;
  const hn::Rebind<int8_t, decltype(d)> d8;
  const hn::Repartition<int32_t, decltype(d)> d32;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto one = hn::Set(d, int16_t{1});
  for (int64_t k = 0; k < n_cell; ++k, q += kCellSamples) {
    auto s = hn::Zero(d);
    auto s2 = hn::Zero(d32), more = hn::Zero(d32), wide = hn::Zero(d32), rest = hn::Zero(d32);
    for (int64_t i = 0; i < kCellSamples; i += lanes) {
      const auto v = hn::PromoteTo(d, hn::LoadU(d8, q + i));
      s = hn::Add(s, v);
      s2 = hn::ReorderWidenMulAccumulate(d32, v, v, s2, more);
    }
    wide = hn::ReorderWidenMulAccumulate(d32, s, one, wide, rest);
    sum[k] = static_cast<int16_t>(hn::GetLane(hn::SumOfLanes(d32, hn::Add(wide, rest))));
    squares[k] = static_cast<uint16_t>(hn::GetLane(hn::SumOfLanes(d32, hn::Add(s2, more))));
  }
}

#endif

template <int kShift>
void HalveRowBy(const int8_t* fine, int64_t n, int8_t* coarse) {
  const hn::ScalableTag<int16_t> d;
  const hn::Rebind<int8_t, decltype(d)> d8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto high = hn::Set(d, int16_t{127}), low = hn::Set(d, int16_t{-127}), one = hn::Set(d, int16_t{1});
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::Vec<decltype(d8)> even, odd;
    hn::LoadInterleaved2(d8, fine + 2 * i, even, odd);
    auto sum = hn::Add(hn::PromoteTo(d, even), hn::PromoteTo(d, odd));
    if constexpr (kShift == 1) sum = hn::ShiftRight<1>(hn::Add(sum, hn::And(hn::ShiftRight<1>(sum), one)));
    hn::StoreU(hn::DemoteTo(d8, hn::Max(hn::Min(sum, high), low)), d8, coarse + i);
  }
  for (; i < n; ++i) {
    int sum = fine[2 * i] + fine[2 * i + 1];
    if constexpr (kShift == 1) sum = (sum + ((sum >> 1) & 1)) >> 1;
    coarse[i] = static_cast<int8_t>(std::min(std::max(sum, -127), 127));
  }
}

void HalveRow(const int8_t* fine, int64_t n, int shift, int8_t* coarse) {
  return shift == 0 ? HalveRowBy<0>(fine, n, coarse) : HalveRowBy<1>(fine, n, coarse);
}

}  // namespace HWY_NAMESPACE
}  // namespace tianyan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tianyan {

HWY_EXPORT(ProductOf);
HWY_EXPORT(AddColumns);
HWY_EXPORT(CellMoments);
HWY_EXPORT(HalveRow);

std::int64_t product_of(const std::int8_t* q, const std::int16_t* wave, std::int64_t n) {
  return HWY_DYNAMIC_DISPATCH(ProductOf)(q, wave, n);
}
void cell_moments(const std::int8_t* q, std::int64_t n_cell, std::int16_t* sum, std::uint16_t* squares) {
  HWY_DYNAMIC_DISPATCH(CellMoments)(q, n_cell, sum, squares);
}
void add_columns(const std::int8_t* q, std::int64_t n_row, std::int64_t stride, std::int16_t* z,
                 std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(AddColumns)(q, n_row, stride, z, n);
}
void halve_row(const std::int8_t* fine, std::int64_t n, int shift, std::int8_t* coarse) {
  HWY_DYNAMIC_DISPATCH(HalveRow)(fine, n, shift, coarse);
}

}  // namespace tianyan
#endif
