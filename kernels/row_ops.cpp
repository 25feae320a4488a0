// Highway bodies of the row operations: compiled once for each instruction set, dispatched at run time.
#include "kernels/row_ops.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/row_ops.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace tianyan {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Lanes of a row, as wide as the sums.
template <class D, class In>
HWY_INLINE hn::Vec<D> LoadWide(D d, const In* p) {
  if constexpr (sizeof(In) == sizeof(hn::TFromD<D>)) {
    return hn::LoadU(d, p);
  } else {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<In, D>(), p));
  }
}

template <int kRows, class In, class Out>
void SumRowsOf(const In* const* rows, Out* HWY_RESTRICT out, int64_t n) {
  const hn::ScalableTag<Out> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const In* HWY_RESTRICT a = rows[0];
  const In* HWY_RESTRICT b = rows[kRows > 1 ? 1 : 0];
  const In* HWY_RESTRICT c = rows[kRows > 2 ? 2 : 0];
  const In* HWY_RESTRICT e = rows[kRows > 3 ? 3 : 0];
  const auto sum = [&](int64_t i) HWY_ATTR {
    auto s = LoadWide(d, a + i);
    if constexpr (kRows > 1) s = hn::Add(s, LoadWide(d, b + i));
    if constexpr (kRows > 2) s = hn::Add(s, LoadWide(d, c + i));
    if constexpr (kRows > 3) s = hn::Add(s, LoadWide(d, e + i));
    return s;
  };
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const auto first = sum(i), second = sum(i + lanes);
    hn::StoreU(first, d, out + i);
    hn::StoreU(second, d, out + i + lanes);
  }
  for (; i < n; ++i) {
    Out s = 0;
    for (int j = 0; j < kRows; ++j) s = static_cast<Out>(s + rows[j][i]);
    out[i] = s;
  }
}

template <class In, class Out>
void SumRows(const In* const* rows, int n_rows, Out* out, int64_t n) {
  switch (n_rows) {
    case 1:
      return SumRowsOf<1>(rows, out, n);
    case 2:
      return SumRowsOf<2>(rows, out, n);
    case 3:
      return SumRowsOf<3>(rows, out, n);
    default:
      return SumRowsOf<4>(rows, out, n);
  }
}

void SumI8(const int8_t* const* rows, int n_rows, int16_t* out, int64_t n) { SumRows(rows, n_rows, out, n); }
void SumI16(const int16_t* const* rows, int n_rows, int16_t* out, int64_t n) {
  SumRows(rows, n_rows, out, n);
}
void SumI16To32(const int16_t* const* rows, int n_rows, int32_t* out, int64_t n) {
  SumRows(rows, n_rows, out, n);
}
void SumI32(const int32_t* const* rows, int n_rows, int32_t* out, int64_t n) {
  SumRows(rows, n_rows, out, n);
}

// Four vectors stay in registers while all rows are added to them.
void SumFloats(const float* const* rows, int n_rows, float scale, float* out, int64_t n) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto vscale = hn::Set(d, scale);
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    for (int j = 0; j < n_rows; ++j) {
      const float* row = rows[j] + i;
      s0 = hn::Add(s0, hn::LoadU(d, row));
      s1 = hn::Add(s1, hn::LoadU(d, row + lanes));
      s2 = hn::Add(s2, hn::LoadU(d, row + 2 * lanes));
      s3 = hn::Add(s3, hn::LoadU(d, row + 3 * lanes));
    }
    hn::StoreU(hn::Mul(s0, vscale), d, out + i);
    hn::StoreU(hn::Mul(s1, vscale), d, out + i + lanes);
    hn::StoreU(hn::Mul(s2, vscale), d, out + i + 2 * lanes);
    hn::StoreU(hn::Mul(s3, vscale), d, out + i + 3 * lanes);
  }
  for (; i < n; ++i) {
    float s = 0.0F;
    for (int j = 0; j < n_rows; ++j) s += rows[j][i];
    out[i] = s * scale;
  }
}

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace tianyan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tianyan {

HWY_EXPORT(SumI8);
HWY_EXPORT(SumI16);
HWY_EXPORT(SumI16To32);
HWY_EXPORT(SumI32);
HWY_EXPORT(SumFloats);
HWY_EXPORT(TargetName);

void sum_rows(const std::int8_t* const* rows, int n_rows, std::int16_t* out, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(SumI8)(rows, n_rows, out, n);
}
void sum_rows(const std::int16_t* const* rows, int n_rows, std::int16_t* out, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(SumI16)(rows, n_rows, out, n);
}
void sum_rows(const std::int16_t* const* rows, int n_rows, std::int32_t* out, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(SumI16To32)(rows, n_rows, out, n);
}
void sum_rows(const std::int32_t* const* rows, int n_rows, std::int32_t* out, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(SumI32)(rows, n_rows, out, n);
}
void sum_rows(const float* const* rows, int n_rows, float scale, float* out, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(SumFloats)(rows, n_rows, scale, out, n);
}
const char* vector_target() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

}  // namespace tianyan
#endif
